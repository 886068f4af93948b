import DiS
import Foundation
import Tensors

/// What one evaluation found, in the form that is written as JSON.
///
/// `metrics`, `provenance` and `samplesSha256` are byte-identical between runs that should agree;
/// everything that may differ (time, host, threads, arguments) stands in `run`.
public struct EvaluationResult: Codable, Sendable {
  /// Name and version of this form.
  public var schema = EvaluationResult.currentSchema
  /// The metrics by name: `fid` and `is` for the Inception-2015 graph, `fd` and `cs` for any other
  /// extractor.
  public var metrics: [String: Metric]
  /// Metrics that the inputs cannot give, with the reason.
  public var skipped: [String: String]
  /// The metrics in every dialect, when all were asked for; `metrics` is then empty.
  public var dialects: [String: DialectResult]?
  /// What the numbers were made from.
  public var provenance: Provenance
  /// SHA-256 over the SHA-256s of all images' pixels in index order, nil when there were no images.
  public var samplesSha256: String?
  /// The first three bytes of the SHA-256 of every sample's pixels, four characters of base64 a sample;
  /// nil when no checkpoint was sampled.
  public var sampleDigests: String?
  /// What may differ between runs that agree.
  public var run: Run

  static let currentSchema = "dis-eval-result/1"

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

/// The metrics in one dialect.
public struct DialectResult: Codable, Sendable {
  /// The metrics by name.
  public var metrics: [String: Metric] = [:]
  /// Metrics that the inputs cannot give, with the reason.
  public var skipped: [String: String] = [:]
  /// How images become the extractor's input.
  public var preprocessing: String
  /// Whether the mean is summed in `float32` or `float64`.
  public var meanPrecision: String
  /// The covariance is divided by the number of images less this.
  public var ddof: Int

  init(preprocessing: String, meanPrecision: String, ddof: Int) {
    self.preprocessing = preprocessing
    self.meanPrecision = meanPrecision
    self.ddof = ddof
  }
}

/// One metric.
public struct Metric: Codable, Sendable {
  /// The plug-in value at this number of samples.
  public var value: Double
  /// The interval for its expectation, nil when there is none.
  @EncodedNull public var interval: [Double]?
  /// Why there is no interval.
  public var intervalReason: String?
  /// The probability with which such an interval holds the expectation.
  public var confidence: Double?
  /// How the interval was made.
  public var intervalMethod: String?
  /// What the value exceeds that of infinitely many images by, estimated.
  public var bias: Double?
  /// What the interval and the bias are from, and differences of two results can be.
  public var jackknife: LeftOut?
  /// The tool whose definition this is, where tools differ in it.
  public var definition: String?
  /// Standard deviation over splits (Inception Score) or subsets (KID).
  public var standardDeviation: Double?
  /// Whether a higher value is better.
  public var higherIsBetter: Bool
  /// Squared distance of the means, a part of a Fréchet distance.
  public var meanTerm: Double?
  /// How the covariances of the images and of the reference were factored.
  public var factorizations: [Factorization]?
  /// What rounding left of a distance that was negative and set to 0.
  public var negativeRounding: Double?
  /// The distance of real data held out from the reference, to compare with.
  public var floor: Floor?
  /// Reference images compared with, where they are not all.
  public var referenceCount: Int?
}

/// The values of a metric without each group of images.
public struct LeftOut: Codable, Sendable {
  /// The number of groups; `Jackknife.groups(count:)` says which images are in each.
  public var groups: Int
  /// The value without each group, in order.
  public var values: [Double]
}

/// How one covariance of a Fréchet distance was factored.
public struct Factorization: Codable, Sendable {
  /// `cholesky`, `eigen` or `lowRank`.
  public var method: String
  /// Independent directions of the covariance in float64.
  public var rank: Int
  /// Sum of the negative eigenvalues that were set to zero.
  public var clampedMass: Double
}

/// The distance of held-out real data from the reference set: what a perfect model would get.
public struct Floor: Codable, Sendable {
  /// The distance.
  public var value: Double
  /// Which data.
  public var data: String
  /// How many images.
  public var count: Int
}

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

/// What may differ between runs that agree.
public struct Run: Codable, Sendable {
  /// The command's arguments.
  public var arguments: [String]
  /// Workers.
  public var threads: Int
  /// Images in flight.
  public var batch: Int
  /// Start in UTC, ISO 8601.
  public var started: String
  /// Wall time in seconds.
  public var seconds: Double
  /// Name of the machine.
  public var host: String
}

/// An optional that is written as `null` rather than left out.
@propertyWrapper public struct EncodedNull<Value: Codable & Sendable>: Codable, Sendable {
  /// The value.
  public var wrappedValue: Value?

  /// Wraps a value.
  public init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  /// Reads a value or null.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  /// Writes the value or null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}

/// `value` as sorted, indented JSON with snake_case keys and a final newline.
func encodedJSON(_ value: some Encodable) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
}

extension CheckpointProvenance {
  init(file: String, sha256: String, format: String, key: String?, configuration: DiSConfiguration)
  {
    self.file = file
    self.sha256 = sha256
    self.format = format
    self.key = key
    model = ModelProvenance(configuration)
  }
}

extension ModelProvenance {
  init(_ configuration: DiSConfiguration) {
    variant = configuration.variantName ?? "custom"
    embedDim = configuration.embeddingDimension
    depth = 2 * configuration.blocksPerHalf
    patchSize = configuration.patchSize
    channels = configuration.channels
    imageSide = configuration.imageSide
    numClasses = configuration.classCount
    learnSigma = configuration.learnsSigma
    skip = configuration.hasSkips
    gflops = configuration.cost.total / 1e9
    gflopsThop = configuration.cost.thop / 1e9
  }
}
