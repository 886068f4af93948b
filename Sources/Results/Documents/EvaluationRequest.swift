import Tensors

/// What an evaluation is asked for, in plain values: what is judged, what it is compared with, and how.
///
/// A result holds its request as `run.request`, which says where the files were when it was computed.
/// Nothing in a request has been checked: paths are written as they were given, and a name may be
/// unknown to this version. Preparing the request checks it.
public struct EvaluationRequest: Codable, Equatable, Sendable {
  /// What is judged.
  public var subject: Subject
  /// Number of samples to draw; of images, how many there must be. Nil for 50,000 samples, or for any
  /// number of images.
  public var num: Int?
  /// Path of images or statistics to compare with, or the name of fetched statistics.
  public var reference: String
  /// Path of the extractor's weights; nil to find them by the reference or in the cache.
  public var weights: String?
  /// Number format of the networks' matrix products.
  public var precision = Precision.float32
  /// Name of the preset that pins sampling and dialect.
  public var preset: String?
  /// A dialect, or `all`; nil for the reference's, and `pytorch-fid` where that is not known.
  public var dialect: String?
  /// The dialect of the reference, where it differs from that of the images or its file does not name
  /// it.
  public var referenceDialect: String?
  /// Metrics that must be computed, sorted; nil for ``optionalMetrics``.
  public var metrics: [String]?
  /// Metrics to compute as far as the inputs allow, sorted.
  public var optionalMetrics = ["fid", "is"]
  /// Whether distances and scores get intervals.
  public var intervals = true
  /// Whether inputs that are known not to fit each other are compared anyway.
  public var allowsMismatch = false
  /// Whether folders inside folders of images are searched; nil to refuse a folder that has images
  /// both in it and in a folder inside it.
  public var recursive: Bool?

  /// Number of samples when a request does not say it.
  public static let defaultCount = 50_000

  /// What is judged.
  public enum Subject: Equatable, Sendable {
    /// Samples of a checkpoint.
    case checkpoint(CheckpointRequest)
    /// Path of images or of a statistics file.
    case images(String)
    /// Samples that a run has made.
    case run(RunRequest)
  }

  /// Describes an evaluation with the metrics of `fid`.
  public init(subject: Subject, reference: String, weights: String? = nil) {
    (self.subject, self.reference, self.weights) = (subject, reference, weights)
  }
}

/// A checkpoint and how to sample it.
public struct CheckpointRequest: Codable, Equatable, Sendable {
  /// Path of the file.
  public var path: String
  /// Which state dict of the file, a path of keys; nil for the averaged one, or the only one.
  public var key: String?
  /// What makes images of the latents of a latent model.
  public var decoder: DecoderRequest?
  /// How samples are drawn.
  public var sampling: SamplingRequest

  /// Describes samples of the file at `path`.
  public init(
    path: String, key: String? = nil, decoder: DecoderRequest? = nil, sampling: SamplingRequest
  ) {
    (self.path, self.key, self.decoder, self.sampling) = (path, key, decoder, sampling)
  }
}

/// A decoder of latents and how to use it.
public struct DecoderRequest: Codable, Equatable, Sendable {
  /// Path of the file.
  public var path: String
  /// What latents are divided by before they are decoded.
  public var scale: Double
  /// Side of overlapping tiles in pixels of the latent; nil to decode latents as a whole.
  public var tile: Int?

  /// Describes the decoder at `path`.
  public init(path: String, scale: Double, tile: Int? = nil) {
    (self.path, self.scale, self.tile) = (path, scale, tile)
  }
}

/// Everything that decides what a checkpoint's samples look like, by the names of ``SamplerProvenance``.
public struct SamplingRequest: Codable, Equatable, Sendable {
  /// Name of the sampler.
  public var sampler: String
  /// What the network predicts: `epsilon`, `x0` or `v`.
  public var prediction: String
  /// Timesteps, as the original's strings name them.
  public var respacing: String
  /// Noise of DDIM, 0 to 1.
  public var eta: Double
  /// Guidance scale.
  public var cfgScale: Double
  /// First and last original timestep of guidance, nil for all timesteps.
  public var cfgInterval: [Int]?
  /// Guided channels: `all` or `first3`.
  public var cfgChannels: String
  /// Whether predicted images are clamped.
  public var clip: Bool
  /// Key of the random streams.
  public var seed: UInt64
  /// `uniform`, `balanced`, a class number, or the path of a `.npy` file.
  public var labels: String
  /// How floats become bytes: `dit` or `adm`.
  public var quantizer: String

  /// Describes a sampler with all its settings.
  public init(
    sampler: String, prediction: String, respacing: String, eta: Double, cfgScale: Double,
    cfgInterval: [Int]?, cfgChannels: String, clip: Bool, seed: UInt64, labels: String,
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
  /// The run's folder.
  public var path: String
  /// Whether samples that are not there are left out rather than refused.
  public var isPartial: Bool

  /// Describes the samples of the run in `path`.
  public init(path: String, isPartial: Bool = false) {
    (self.path, self.isPartial) = (path, isPartial)
  }
}

// MARK: - As JSON

extension EvaluationRequest.Subject: Codable {
  private enum Kind: String, CodingKey { case checkpoint, images, run }

  /// Reads an object with one key, the kind of subject.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Kind.self)
    guard let kind = container.allKeys.first, container.allKeys.count == 1 else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "expected one of checkpoint, images and run"))
    }
    self =
      switch kind {
      case .checkpoint: .checkpoint(try container.decode(CheckpointRequest.self, forKey: kind))
      case .images: .images(try container.decode(String.self, forKey: kind))
      case .run: .run(try container.decode(RunRequest.self, forKey: kind))
      }
  }

  /// Writes an object with one key, the kind of subject.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .checkpoint(let checkpoint): try container.encode(checkpoint, forKey: .checkpoint)
    case .images(let path): try container.encode(path, forKey: .images)
    case .run(let run): try container.encode(run, forKey: .run)
    }
  }
}

extension EvaluationRequest {
  /// The checkpoint to sample, nil when something else is judged.
  public var checkpoint: CheckpointRequest? {
    get { if case .checkpoint(let checkpoint) = subject { checkpoint } else { nil } }
    set { if let newValue { subject = .checkpoint(newValue) } }
  }

  /// Path of the images that are judged, nil when something else is.
  public var images: String? {
    if case .images(let path) = subject { path } else { nil }
  }
}
