import Files
import Tensors

/// What a result was computed from.
public struct Provenance: Codable, Sendable {
  /// The name and version of the tool.
  public var tool: String
  /// The instruction set and the library, which determine the last bits.
  public var kernels: String
  /// The dialect of the features: the tool whose processing of the images is followed. `all` if
  /// every dialect was requested.
  public var dialect: String
  /// The number of images scored; nil for statistics that do not record it.
  public var num: Int?
  /// The checkpoint, if one was sampled.
  public var checkpoint: CheckpointProvenance?
  /// The sampler, if a checkpoint was sampled.
  public var sampler: SamplerProvenance?
  /// The program that made the samples, if one did.
  public var generator: GeneratorProvenance?
  /// The requested classes, if a class-conditional model was sampled.
  public var labels: LabelCounts?
  /// The decoder, if a latent model was sampled.
  public var decoder: DecoderProvenance?
  /// The images or statistics file, if no checkpoint was sampled.
  public var images: String?
  /// The preset that fixed sampling and dialect, or the dialect and reference for existing images.
  public var preset: String?
  /// What of the preset existing images follow, and what they cannot show; nil for samples and without a
  /// preset.
  public var protocolCheck: ProtocolCheck?
  /// The feature extractor.
  public var extractor: ExtractorProvenance
  /// The reference that the images were compared with.
  public var reference: ReferenceProvenance
  /// Known mismatches that the user allowed.
  public var allowedMismatches: [String]?
  /// The images of both sides that were left out because they cannot be decoded, each with the reason;
  /// nil if there are none.
  public var leftOut: [String]?
  /// The warnings issued.
  public var warnings: [String]

  /// Creates a provenance from its properties.
  ///
  /// - Parameters:
  ///   - tool: The name and version of the tool.
  ///   - kernels: The instruction set and the library, which determine the last bits.
  ///   - dialect: The dialect of the features: the tool whose processing of the images is followed.
  ///     `all` if every dialect was requested.
  ///   - num: The number of images scored; nil for statistics that do not record it.
  ///   - checkpoint: The checkpoint, if one was sampled.
  ///   - sampler: The sampler, if a checkpoint was sampled.
  ///   - generator: The program that made the samples, if one did.
  ///   - labels: The requested classes, if a class-conditional model was sampled.
  ///   - decoder: The decoder, if a latent model was sampled.
  ///   - images: The images or statistics file, if no checkpoint was sampled.
  ///   - preset: The preset that fixed sampling and dialect.
  ///   - extractor: The feature extractor.
  ///   - reference: The reference that the images were compared with.
  ///   - allowedMismatches: Known mismatches that the user allowed.
  ///   - leftOut: The images that were left out because they cannot be decoded.
  ///   - warnings: The warnings issued.
  package init(
    tool: String, kernels: String, dialect: String, num: Int? = nil,
    checkpoint: CheckpointProvenance? = nil, sampler: SamplerProvenance? = nil,
    generator: GeneratorProvenance? = nil, labels: LabelCounts? = nil,
    decoder: DecoderProvenance? = nil, images: String? = nil,
    preset: String? = nil, extractor: ExtractorProvenance, reference: ReferenceProvenance,
    allowedMismatches: [String]? = nil, leftOut: [String]? = nil, warnings: [String]
  ) {
    self.tool = tool
    self.kernels = kernels
    self.dialect = dialect
    self.num = num
    self.checkpoint = checkpoint
    self.sampler = sampler
    self.generator = generator
    self.labels = labels
    self.decoder = decoder
    self.images = images
    self.preset = preset
    self.extractor = extractor
    self.reference = reference
    self.allowedMismatches = allowedMismatches
    self.leftOut = leftOut
    self.warnings = warnings
  }
}

extension Provenance {
  /// The seed of the samples; nil if existing images were scored.
  public var seed: UInt64? { sampler?.seed ?? generator?.seed }

  /// The SHA-256 over the labels of the samples, if they came from a file.
  package var labelsSha256: String? { sampler?.labelsSha256 ?? generator?.labelsSha256 }

  /// What made the images: the checkpoint, the program, or the file or folder with them.
  package var subjectName: String? { checkpoint?.file ?? generator?.name ?? images }
}

/// The file of a checkpoint that was sampled, and its architecture.
public struct CheckpointProvenance: Codable, Sendable {
  /// The file name.
  public var file: String
  /// The SHA-256 of the file; for a checkpoint in several files, that of the lines that `sha256sum`
  /// prints for the index and the files in the order of their names.
  public var sha256: String
  /// The container format.
  public var format: String
  /// The key path of the state dict within the file; nil if the file is itself a state dict.
  public var key: String?
  /// What was taken off the beginning of the names of all tensors, such as `module.`; nil if nothing
  /// was.
  public var prefix: String?
  /// The names of the values beside the tensors of the network, such as `n_averaged`; nil if there are
  /// none.
  public var leftOut: [String]?
  /// The architecture.
  public var model: ModelProvenance
  /// What decided each property of the model that is not a matter of shapes, by its name: `option`,
  /// `arguments` of the training in the file, `tensors`, or `rule`. Nil in older files.
  public var decidedBy: [String: String]?

  /// Creates a record of a checkpoint from its properties.
  ///
  /// - Parameters:
  ///   - file: The file name.
  ///   - sha256: The SHA-256 of the file.
  ///   - format: The container format.
  ///   - key: The key path of the state dict within the file; nil if the file is itself a state
  ///     dict.
  ///   - prefix: What was taken off the beginning of the names of all tensors; may be empty.
  ///   - leftOut: The names of the values beside the tensors of the network; may be empty.
  ///   - model: The architecture.
  ///   - decidedBy: What decided each property of the model that is not a matter of shapes.
  package init(
    file: String, sha256: String, format: String, key: String? = nil, prefix: String = "",
    leftOut: [String] = [], model: ModelProvenance, decidedBy: [String: String]? = nil
  ) {
    self.file = file
    self.sha256 = sha256
    self.format = format
    self.key = key
    self.prefix = prefix.isEmpty ? nil : prefix
    self.leftOut = leftOut.isEmpty ? nil : leftOut
    self.model = model
    self.decidedBy = decidedBy
  }
}

/// The architecture of a backbone, and the cost of a forward pass.
public struct ModelProvenance: Codable, Sendable {
  /// The family: `dis`, `dit`, `sit`, `repa` or `uvit`. Nil in older files, whose models are DiS.
  public var backbone: String?
  /// `DiS-S/2` and the like; `custom` for a size without a name.
  public var variant: String
  /// The width of a token, D.
  public var embedDim: Int
  /// The depth as the paper counts it. For DiS and U-ViT, the number of blocks before and after the
  /// middle one together.
  public var depth: Int
  /// The number of attention heads, H; nil for a network without attention.
  public var heads: Int?
  /// The side of a patch, in pixels of the image or latent.
  public var patchSize: Int
  /// The number of channels of an image or latent.
  public var channels: Int
  /// The side of an image or latent in pixels.
  public var imageSide: Int
  /// The number of classes; nil for an unconditional model.
  public var numClasses: Int?
  /// The label that stands for no class; nil if there is none, and in older files.
  public var nullClass: Int?
  /// `label-in-time` for a DiS without a token for the label, which is added to the time instead; nil
  /// for all others.
  public var conditioning: String?
  /// The process of a U-ViT: `vp` or `sd`.
  public var objective: String?
  /// The path of a flow: `linear`, `gvp` or `vp`.
  public var path: String?
  /// What the network of a flow predicts: `velocity`, `noise` or `score`.
  public var flowPrediction: String?
  /// Whether the variance is learned.
  public var learnSigma: Bool
  /// Whether there are long skips.
  public var skip: Bool
  /// Billions of operations of one forward pass, with a multiply-add counted as two.
  public var gflops: Double
  /// The part of these counted by the DiS paper's counter, which omits the mixers. Nil in older
  /// files and for other backbones.
  public var gflopsThop: Double?
  /// Billions of multiply-adds of one forward pass, which the papers of the transformers call Gflops.
  /// Nil for DiS.
  public var gmacs: Double?
  /// The number of parameters that a forward pass uses. Nil in older files.
  public var parameters: Int?
  /// The number of tokens, L. Nil in older files.
  public var tokens: Int?

  /// Creates a record of an architecture from the properties that every model has.
  ///
  /// - Parameters:
  ///   - variant: `DiS-S/2` and the like; `custom` for a size without a name.
  ///   - embedDim: The width of a token, D.
  ///   - depth: The depth as the paper counts it.
  ///   - patchSize: The side of a patch, in pixels of the image or latent.
  ///   - channels: The number of channels of an image or latent.
  ///   - imageSide: The side of an image or latent in pixels.
  ///   - numClasses: The number of classes; nil for an unconditional model.
  ///   - learnSigma: Whether the variance is learned.
  ///   - skip: Whether there are long skips.
  ///   - gflops: Billions of operations of one forward pass, with a multiply-add counted as two.
  package init(
    variant: String, embedDim: Int, depth: Int, patchSize: Int, channels: Int, imageSide: Int,
    numClasses: Int? = nil, learnSigma: Bool, skip: Bool, gflops: Double
  ) {
    self.variant = variant
    self.embedDim = embedDim
    self.depth = depth
    self.patchSize = patchSize
    self.channels = channels
    self.imageSide = imageSide
    self.numClasses = numClasses
    self.learnSigma = learnSigma
    self.skip = skip
    self.gflops = gflops
  }
}

/// A sampler and all its settings.
public struct SamplerProvenance: Codable, Sendable {
  /// The name, such as `ddpm` or `flow-sde`.
  public var name: String
  /// What the network was assumed to predict: `epsilon`, `x0` or `v`.
  public var prediction: String
  /// The timesteps, in the notation of the original implementation.
  public var respacing: String
  /// The number of steps; nil if the method chooses them for each image.
  public var steps: Int?
  /// The number of predictions per image. A guided prediction may take two evaluations of the
  /// network. Nil if it differs from image to image.
  public var evaluations: Int?
  /// The number of network evaluations per image, including those for guidance; nil in older files.
  public var networkEvaluations: Int?
  /// The noise of DDIM, 0 to 1.
  public var eta: Double
  /// The guidance scale; 1 for no guidance.
  public var cfgScale: Double
  /// The first and last time of guidance; null if it applies to all timesteps.
  @EncodedNull public var cfgInterval: [Double]?
  /// The guided channels.
  public var cfgChannels: String
  /// Whether predicted images are clamped.
  public var clip: Bool
  /// The seed of the random streams.
  public var seed: UInt64
  /// The name of the scheme that assigns random numbers to samples.
  public var stream: String
  /// The label policy.
  public var labels: String
  /// The SHA-256 over the labels from a file, as int64.
  public var labelsSha256: String?
  /// How floats are converted to bytes.
  public var quantizer: String
  /// The number format of the checkpoint's matrix products; nil for float32.
  public var precision: Precision?
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

  /// Creates a record of a sampler from its properties.
  ///
  /// - Parameters:
  ///   - name: The name, such as `ddpm` or `flow-sde`.
  ///   - prediction: What the network was assumed to predict: `epsilon`, `x0` or `v`.
  ///   - respacing: The timesteps, in the notation of the original implementation.
  ///   - steps: The number of steps; nil if the method chooses them for each image.
  ///   - evaluations: The number of predictions per image. A guided prediction may take two
  ///     evaluations of the network. Nil if it differs from image to image.
  ///   - networkEvaluations: The number of network evaluations per image, including those for
  ///     guidance; nil in older files.
  ///   - eta: The noise of DDIM, 0 to 1.
  ///   - cfgScale: The guidance scale; 1 for no guidance.
  ///   - cfgInterval: The first and last time of guidance; null if it applies to all
  ///     timesteps.
  ///   - cfgChannels: The guided channels.
  ///   - clip: Whether predicted images are clamped.
  ///   - seed: The seed of the random streams.
  ///   - stream: The name of the scheme that assigns random numbers to samples.
  ///   - labels: The label policy.
  ///   - labelsSha256: The SHA-256 over the labels from a file, as int64.
  ///   - quantizer: How floats are converted to bytes.
  ///   - precision: The number format of the checkpoint's matrix products; nil for float32.
  package init(
    name: String, prediction: String, respacing: String, steps: Int?, evaluations: Int?,
    networkEvaluations: Int? = nil, eta: Double, cfgScale: Double, cfgInterval: [Double]? = nil,
    cfgChannels: String, clip: Bool, seed: UInt64, stream: String, labels: String,
    labelsSha256: String? = nil, quantizer: String, precision: Precision? = nil
  ) {
    self.name = name
    self.prediction = prediction
    self.respacing = respacing
    self.steps = steps
    self.evaluations = evaluations
    self.networkEvaluations = networkEvaluations
    self.eta = eta
    self.cfgScale = cfgScale
    self.cfgInterval = cfgInterval
    self.cfgChannels = cfgChannels
    self.clip = clip
    self.seed = seed
    self.stream = stream
    self.labels = labels
    self.labelsSha256 = labelsSha256
    self.quantizer = quantizer
    self.precision = precision
  }
}

/// The file of a decoder of latents, and how it was used.
public struct DecoderProvenance: Codable, Equatable, Sendable {
  /// The file name.
  public var file: String
  /// The SHA-256 of the file.
  public var sha256: String
  /// The number by which latents were divided.
  public var scale: Double
  /// The number that was added to latents after the division; nil for nothing.
  public var shift: Double?
  /// The mean of each channel of the latents before they were normalised; nil if they were not.
  public var channelMeans: [Double]?
  /// The standard deviation of each channel of the latents before they were normalised; nil if they were
  /// not.
  public var channelDeviations: [Double]?
  /// The side of the tiles in latent pixels; nil if latents were decoded as a whole.
  public var tile: Int?

  /// Creates a record of a decoder from its properties.
  ///
  /// - Parameters:
  ///   - file: The file name.
  ///   - sha256: The SHA-256 of the file.
  ///   - scale: The number by which latents were divided.
  ///   - tile: The side of the tiles in latent pixels; nil if latents were decoded as a whole.
  package init(
    file: String, sha256: String, scale: Double, tile: Int? = nil
  ) {
    self.file = file
    self.sha256 = sha256
    self.scale = scale
    self.tile = tile
  }
}
