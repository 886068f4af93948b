import Tensors

/// The request for an evaluation in plain values: what is evaluated, what it is compared with, and
/// how.
///
/// A result holds its request as `run.request`, which records where the files were at the time. A
/// request has not been checked: paths are written as given, and names may be unknown to this
/// version. Preparing an evaluation checks its request.
public struct EvaluationRequest: Codable, Equatable, Sendable {
  /// What is evaluated.
  public var subject: Subject
  /// The number of samples to draw, or the required number of images. Nil for 50,000 samples or any
  /// number of images.
  public var num: Int?
  /// The path of the images or statistics to compare with, or the name of fetched statistics.
  public var reference: String
  /// The path of the extractor's weights; nil to find them by the reference or in the cache.
  public var weights: String?
  /// The name of the extractor, such as `dinov2-vit-l-14.edm2`; nil for that of the reference, or Inception.
  public var extractor: String?
  /// The number format of the networks' matrix products.
  public var precision = Precision.float32
  /// The name of the preset that fixes sampling and dialect.
  public var preset: String?
  /// A dialect, or `all`; nil for the reference's dialect, or `pytorch-fid` if that is unknown.
  public var dialect: String?
  /// The dialect of the reference, if it differs from the images' dialect or the reference's file
  /// does not name it.
  public var referenceDialect: String?
  /// The metrics that must be computed, sorted; nil for ``optionalMetrics``.
  public var metrics: [String]?
  /// The metrics to compute if the inputs allow, sorted.
  public var optionalMetrics = ["fid", "is"]
  /// Whether distances and scores have intervals.
  public var intervals = true
  /// Whether inputs that are known not to match are compared anyway.
  public var allowsMismatch = false
  /// Whether subfolders of a folder of images are searched; nil to refuse a folder that has images
  /// both in itself and in a subfolder.
  public var recursive: Bool?
  /// Whether images that cannot be decoded are left out, instead of being a reason to stop; nil for no.
  public var skipsBroken: Bool?

  /// The number of samples if a request does not specify it.
  public static let defaultCount = 50_000

  /// What is evaluated.
  public enum Subject: Equatable, Sendable {
    /// Samples drawn from a checkpoint.
    case checkpoint(CheckpointRequest)
    /// Samples made by a program.
    case generator(GeneratorRequest)
    /// The path of images or of a statistics file.
    case images(String)
    /// The samples of a run.
    case run(RunRequest)
  }

  /// Creates a request with the metrics of `fid`.
  public init(subject: Subject, reference: String, weights: String? = nil) {
    (self.subject, self.reference, self.weights) = (subject, reference, weights)
  }
}

/// A checkpoint and how to sample it.
public struct CheckpointRequest: Codable, Equatable, Sendable {
  /// The path of the file.
  public var path: String
  /// The key path of the state dict within the file; nil for the averaged weights, or for the only
  /// state dict.
  public var key: String?
  /// What the checkpoint is, as far as its content does not decide; nil if nothing is said.
  public var backbone: BackboneRequest?
  /// The decoder that converts the latents of a latent model to images.
  public var decoder: DecoderRequest?
  /// How samples are drawn.
  public var sampling: SamplingRequest

  /// Creates a request for samples of the checkpoint at `path`.
  public init(
    path: String, key: String? = nil, backbone: BackboneRequest? = nil,
    decoder: DecoderRequest? = nil, sampling: SamplingRequest
  ) {
    (self.path, self.key, self.backbone) = (path, key, backbone)
    (self.decoder, self.sampling) = (decoder, sampling)
  }
}

/// What a checkpoint is, as far as its content does not decide. Everything is nil if nothing is said.
public struct BackboneRequest: Codable, Equatable, Sendable {
  /// The family: `dis`, `dit`, `sit`, `repa` or `uvit`.
  public var family: String?
  /// The process of a U-ViT: `vp` or `sd`.
  public var objective: String?
  /// The path of a flow: `linear`, `gvp` or `vp`.
  public var path: String?
  /// What the network of a flow predicts: `velocity`, `noise` or `score`.
  public var flowPrediction: String?
  /// The number of attention heads.
  public var heads: Int?
  /// The label that stands for no class.
  public var nullClass: Int?
  /// True if no label stands for no class.
  public var noNullClass: Bool?

  /// Creates a request in which nothing is said.
  public init() {}
}

/// A decoder of latents, and how to use it.
public struct DecoderRequest: Codable, Equatable, Sendable {
  /// The path of the file.
  public var path: String
  /// The number by which latents are divided before decoding.
  public var scale: Double
  /// The number that is added to latents after the division; nil for nothing.
  public var shift: Double?
  /// The mean of each channel of the latents before they were normalised; nil if they were not.
  public var channelMeans: [Double]?
  /// The standard deviation of each channel of the latents before they were normalised; nil if they were
  /// not.
  public var channelDeviations: [Double]?
  /// The side of overlapping tiles in latent pixels; nil to decode latents as a whole.
  public var tile: Int?

  /// Creates a request for a decoder.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - scale: The number by which latents are divided before decoding, above 0.
  ///   - tile: The side of overlapping tiles in latent pixels, a multiple of 4; nil to decode
  ///     latents as a whole.
  public init(path: String, scale: Double, tile: Int? = nil) {
    (self.path, self.scale, self.tile) = (path, scale, tile)
  }
}

/// All settings that determine a checkpoint's samples, named as in ``SamplerProvenance``.
public struct SamplingRequest: Codable, Equatable, Sendable {
  /// The name of the sampler.
  public var sampler: String
  /// What the network predicts: `epsilon`, `x0` or `v`.
  public var prediction: String
  /// The timesteps, in the notation of the original implementation.
  public var respacing: String
  /// The noise of DDIM, 0 to 1.
  public var eta: Double
  /// The guidance scale; 1 for no guidance.
  public var cfgScale: Double
  /// The first and last time of guidance; nil for all times.
  public var cfgInterval: [Double]?
  /// The guided channels: `all` or `first3`.
  public var cfgChannels: String
  /// Whether predicted images are clamped.
  public var clip: Bool
  /// The seed of the random streams.
  public var seed: UInt64
  /// `uniform`, `balanced`, a class number, or the path of a `.npy` file.
  public var labels: String
  /// How floats are converted to bytes: `dit` or `adm`.
  public var quantizer: String
  /// The diffusion coefficient of a flow's stochastic differential equation: `sigma`, `linear`, `sbdm`
  /// or `decreasing`; nil for other samplers.
  public var diffusion: String?
  /// The factor of the diffusion coefficient; nil for other samplers.
  public var diffusionNorm: Double?
  /// The last step of a flow's stochastic differential equation: `mean`, `euler`, `tweedie` or `none`;
  /// nil for other samplers.
  public var lastStep: String?
  /// The length of the last step; nil for other samplers.
  public var lastStepSize: Double?

  /// Creates the request for a sampler with all its settings.
  ///
  /// - Parameters:
  ///   - sampler: The name of the sampler.
  ///   - prediction: What the network predicts: `epsilon`, `x0` or `v`.
  ///   - respacing: The timesteps, in the notation of the original implementation.
  ///   - eta: The noise of DDIM, 0 to 1.
  ///   - cfgScale: The guidance scale; 1 for no guidance.
  ///   - cfgInterval: The first and last time of guidance; nil for all times.
  ///   - cfgChannels: The guided channels: `all` or `first3`.
  ///   - clip: Whether predicted images are clamped.
  ///   - seed: The seed of the random streams.
  ///   - labels: `uniform`, `balanced`, a class number, or the path of a `.npy` file.
  ///   - quantizer: How floats are converted to bytes: `dit` or `adm`.
  public init(
    sampler: String, prediction: String, respacing: String, eta: Double, cfgScale: Double,
    cfgInterval: [Double]?, cfgChannels: String, clip: Bool, seed: UInt64, labels: String,
    quantizer: String
  ) {
    (self.sampler, self.prediction, self.respacing, self.eta) = (
      sampler, prediction, respacing, eta
    )
    (self.cfgScale, self.cfgInterval, self.cfgChannels) = (cfgScale, cfgInterval, cfgChannels)
    (self.clip, self.seed, self.labels, self.quantizer) = (clip, seed, labels, quantizer)
  }
}

/// The samples of a run.
public struct RunRequest: Codable, Equatable, Sendable {
  /// The path of the run's folder.
  public var path: String
  /// Whether missing samples are left out rather than refused.
  public var isPartial: Bool

  /// Creates a request for the samples of the run at `path`.
  public init(path: String, isPartial: Bool = false) {
    (self.path, self.isPartial) = (path, isPartial)
  }
}

// MARK: - As JSON

extension EvaluationRequest.Subject: Codable {
  private enum Kind: String, CodingKey { case checkpoint, generator, images, run }

  /// Reads an object with one key, the kind of subject.
  ///
  /// - Throws: `DecodingError` if there is not exactly one known key, or its value is not valid.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Kind.self)
    guard let kind = container.allKeys.first, container.allKeys.count == 1 else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "expected one of checkpoint, generator, images and run"))
    }
    self =
      switch kind {
      case .checkpoint: .checkpoint(try container.decode(CheckpointRequest.self, forKey: kind))
      case .generator: .generator(try container.decode(GeneratorRequest.self, forKey: kind))
      case .images: .images(try container.decode(String.self, forKey: kind))
      case .run: .run(try container.decode(RunRequest.self, forKey: kind))
      }
  }

  /// Writes an object with one key, the kind of subject.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .checkpoint(let checkpoint): try container.encode(checkpoint, forKey: .checkpoint)
    case .generator(let generator): try container.encode(generator, forKey: .generator)
    case .images(let path): try container.encode(path, forKey: .images)
    case .run(let run): try container.encode(run, forKey: .run)
    }
  }
}

extension EvaluationRequest {
  /// The checkpoint to sample; nil if something else is evaluated.
  public var checkpoint: CheckpointRequest? {
    get { if case .checkpoint(let checkpoint) = subject { checkpoint } else { nil } }
    set { if let newValue { subject = .checkpoint(newValue) } }
  }

  /// The program that makes the samples; nil if something else is evaluated.
  public var generator: GeneratorRequest? {
    get { if case .generator(let generator) = subject { generator } else { nil } }
    set { if let newValue { subject = .generator(newValue) } }
  }

  /// The seed of the samples; nil if existing images are evaluated. Existing images have no seed to
  /// set.
  public var seed: UInt64? {
    get { checkpoint?.sampling.seed ?? generator?.seed }
    set {
      guard let newValue else { return }
      checkpoint?.sampling.seed = newValue
      generator?.seed = newValue
    }
  }

  /// The path of the images or statistics to evaluate; nil if something else is evaluated.
  public var images: String? {
    if case .images(let path) = subject { path } else { nil }
  }
}
