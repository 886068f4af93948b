import Files
import Tensors

/// What a result was made from.
public struct Provenance: Codable, Sendable {
  /// Name and version of the tool.
  public var tool: String
  /// Instruction set and library that decide the last bits.
  public var kernels: String
  /// The dialect of the features: what the tool of that name does with the images. `all` when every
  /// one was asked for.
  public var dialect: String
  /// Number of images scored, nil for statistics that do not say.
  public var num: Int?
  /// The checkpoint, when one was sampled.
  public var checkpoint: CheckpointProvenance?
  /// The sampler, when a checkpoint was sampled.
  public var sampler: SamplerProvenance?
  /// The classes that were asked for, when a model with classes was sampled.
  public var labels: LabelCounts?
  /// The decoder, when a latent model was sampled.
  public var decoder: DecoderProvenance?
  /// The images or statistics file, when no checkpoint was sampled.
  public var images: String?
  /// The preset that sampling and dialect are of.
  public var preset: String?
  /// The feature extractor.
  public var extractor: ExtractorProvenance
  /// What was compared with.
  public var reference: ReferenceProvenance
  /// What was compared although it is known to differ, because that was asked for.
  public var allowedMismatches: [String]?
  /// Warnings that were given.
  public var warnings: [String]

  package init(
    tool: String, kernels: String, dialect: String, num: Int? = nil,
    checkpoint: CheckpointProvenance? = nil, sampler: SamplerProvenance? = nil,
    labels: LabelCounts? = nil, decoder: DecoderProvenance? = nil, images: String? = nil,
    preset: String? = nil, extractor: ExtractorProvenance, reference: ReferenceProvenance,
    allowedMismatches: [String]? = nil, warnings: [String]
  ) {
    self.tool = tool
    self.kernels = kernels
    self.dialect = dialect
    self.num = num
    self.checkpoint = checkpoint
    self.sampler = sampler
    self.labels = labels
    self.decoder = decoder
    self.images = images
    self.preset = preset
    self.extractor = extractor
    self.reference = reference
    self.allowedMismatches = allowedMismatches
    self.warnings = warnings
  }
}

/// A checkpoint.
public struct CheckpointProvenance: Codable, Sendable {
  /// File name.
  public var file: String
  /// SHA-256 of the file.
  public var sha256: String
  /// Container format.
  public var format: String
  /// State dict of the file, nil for a flat one.
  public var key: String?
  /// Architecture.
  public var model: ModelProvenance

  package init(
    file: String, sha256: String, format: String, key: String? = nil, model: ModelProvenance
  ) {
    self.file = file
    self.sha256 = sha256
    self.format = format
    self.key = key
    self.model = model
  }
}

/// A DiS architecture.
public struct ModelProvenance: Codable, Sendable {
  /// `DiS-S/2` and the like, `custom` for a size of no name.
  public var variant: String
  /// Width of a token.
  public var embedDim: Int
  /// Blocks before and after the middle one.
  public var depth: Int
  /// Side of a patch.
  public var patchSize: Int
  /// Channels of an image or latent.
  public var channels: Int
  /// Side of an image or latent.
  public var imageSide: Int
  /// Classes, nil for an unconditional model.
  public var numClasses: Int?
  /// Whether the variance is learned.
  public var learnSigma: Bool
  /// Whether there are long skips.
  public var skip: Bool
  /// Billions of operations of one forward pass, a multiply-add counted as two.
  public var gflops: Double
  /// Of these, what the DiS paper's counter sees: the mixers go uncounted. Nil in older files.
  public var gflopsThop: Double?

  package init(
    variant: String, embedDim: Int, depth: Int, patchSize: Int, channels: Int, imageSide: Int,
    numClasses: Int? = nil, learnSigma: Bool, skip: Bool, gflops: Double,
    gflopsThop: Double? = nil
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
    self.gflopsThop = gflopsThop
  }
}

/// A sampler and all its settings.
public struct SamplerProvenance: Codable, Sendable {
  /// `ddpm`, `ddim`, `heun`, `dpm-solver++` or `dpm-solver++-sde`.
  public var name: String
  /// What the network was taken to predict: `epsilon`, `x0` or `v`.
  public var prediction: String
  /// Timesteps, as the original's strings say it.
  public var respacing: String
  /// Number of steps.
  public var steps: Int
  /// Number of predictions per image. A guided prediction may take two evaluations of the network.
  public var evaluations: Int
  /// Number of network evaluations per image, those of guidance included; nil in older files.
  public var networkEvaluations: Int?
  /// Noise of DDIM.
  public var eta: Double
  /// Guidance scale.
  public var cfgScale: Double
  /// First and last original timestep of guidance, null when it is at all.
  @EncodedNull public var cfgInterval: [Int]?
  /// Guided channels.
  public var cfgChannels: String
  /// Whether predicted images are clamped.
  public var clip: Bool
  /// Key of the random streams.
  public var seed: UInt64
  /// Name of the assignment of random draws.
  public var stream: String
  /// Label policy.
  public var labels: String
  /// SHA-256 over the labels of a file, as int64.
  public var labelsSha256: String?
  /// How floats become bytes.
  public var quantizer: String
  /// What the checkpoint's network multiplies, nil for float32.
  public var precision: Precision?

  package init(
    name: String, prediction: String, respacing: String, steps: Int, evaluations: Int,
    networkEvaluations: Int? = nil, eta: Double, cfgScale: Double, cfgInterval: [Int]? = nil,
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

/// A feature extractor.
public struct ExtractorProvenance: Codable, Sendable {
  /// Architecture, or `unknown`.
  public var name: String
  /// File name of the weights.
  public var file: String?
  /// SHA-256 of the weights.
  public var sha256: String?
  /// SHA-256 over the tensors of Inception, which the same weights have in every file format.
  public var tensorsSha256: String?
  /// Whether the weights are the published ones of their architecture.
  public var published: Bool?
  /// How an image becomes its input.
  public var preprocessing: String?
  /// Length of a feature vector.
  public var dimension: Int
  /// What the network multiplies, nil for float32.
  public var precision: Precision?

  package init(
    name: String, file: String? = nil, sha256: String? = nil, tensorsSha256: String? = nil,
    published: Bool? = nil, preprocessing: String? = nil, dimension: Int,
    precision: Precision? = nil
  ) {
    self.name = name
    self.file = file
    self.sha256 = sha256
    self.tensorsSha256 = tensorsSha256
    self.published = published
    self.preprocessing = preprocessing
    self.dimension = dimension
    self.precision = precision
  }
}

/// Reference statistics.
public struct ReferenceProvenance: Codable, Sendable {
  /// File or folder name.
  public var file: String
  /// SHA-256 of a statistics file.
  public var sha256: String?
  /// What it says of its data set.
  public var dataset: Dataset?
  /// Number of images, nil when the file does not say.
  public var count: Int?
  /// The file format of statistics.
  public var format: String?
  /// The dialect of its features, nil when it is not known.
  public var dialect: String?
  /// Side of the images in pixels, nil when it is not known.
  public var resolution: Int?

  package init(
    file: String, sha256: String? = nil, dataset: Dataset? = nil, count: Int? = nil,
    format: String? = nil, dialect: String? = nil, resolution: Int? = nil
  ) {
    self.file = file
    self.sha256 = sha256
    self.dataset = dataset
    self.count = count
    self.format = format
    self.dialect = dialect
    self.resolution = resolution
  }
}

/// A data set.
public struct Dataset: Codable, Equatable, Sendable {
  /// Such as `fashion-mnist`.
  public var name: String
  /// Such as `train`.
  public var split: String?

  /// Names a data set.
  public init(name: String, split: String?) {
    self.name = name
    self.split = split
  }
}

/// A decoder of latents.
public struct DecoderProvenance: Codable, Equatable, Sendable {
  /// File name.
  public var file: String
  /// SHA-256 of the file.
  public var sha256: String
  /// What latents were divided by.
  public var scale: Double
  /// Side of the tiles in pixels of the latent, nil when latents were decoded as a whole.
  public var tile: Int?

  package init(
    file: String, sha256: String, scale: Double, tile: Int? = nil
  ) {
    self.file = file
    self.sha256 = sha256
    self.scale = scale
    self.tile = tile
  }
}

extension ExtractorProvenance {
  /// Stands for an extractor that nobody names.
  package static let unknownName = "unknown"

  /// Whether features of the two can be compared: the same tensors, the same file, or two published
  /// forms of the same network. Nil when it cannot be told.
  package func isSame(as other: ExtractorProvenance) -> Bool? {
    guard name == other.name else { return false }
    if published == true, other.published == true { return true }
    if let tensorsSha256, tensorsSha256 == other.tensorsSha256 { return true }
    guard let sha256, let otherSHA256 = other.sha256 else {
      // A published file and one that is not are not the same.
      return published == nil || other.published == nil ? nil : false
    }
    return sha256 == otherSHA256
  }
}

extension Precision {
  /// As provenance has it: what is made in float32 says nothing.
  package var recorded: Precision? { self == .float32 ? nil : self }
}
