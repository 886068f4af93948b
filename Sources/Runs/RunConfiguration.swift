import Crypto
import FeatureExtractors
import Features
import Files
import Foundation
import Generators
import Results

/// All settings that determine the bytes of a run's samples and features. Units of two runs can be
/// mixed exactly if these are the same.
public struct RunConfiguration: Codable, Sendable {
  /// The name and version of the tool.
  public var tool: String
  /// The instruction set and the library, which determine the last bits.
  public var kernels: String
  /// The checkpoint; nil if a program makes the samples.
  public var checkpoint: CheckpointProvenance?
  /// The sampler; nil if a program makes the samples.
  public var sampler: SamplerProvenance?
  /// The program that makes the samples; nil for a checkpoint.
  public var generator: GeneratorProvenance?
  /// The decoder of a latent model.
  public var decoder: DecoderProvenance?
  /// The feature extractor.
  public var extractor: ExtractorProvenance
  /// The arrays kept for each sample.
  public var kept: KeptArrays

  /// Creates a configuration from its properties.
  ///
  /// - Parameters:
  ///   - tool: The name and version of the tool.
  ///   - kernels: The instruction set and the library, which determine the last bits.
  ///   - source: What makes the samples.
  ///   - extractor: The feature extractor.
  ///   - kept: The arrays kept for each sample.
  package init(
    tool: String, kernels: String, source: SampleSource, extractor: ExtractorProvenance,
    kept: KeptArrays
  ) {
    (self.tool, self.kernels) = (tool, kernels)
    (checkpoint, sampler, generator) = (source.checkpoint, source.sampler, source.program)
    decoder = source.decoder
    (self.extractor, self.kept) = (extractor, kept)
  }

  /// The number of classes of what is sampled; nil if there are none.
  package var classCount: Int? { checkpoint?.model.numClasses ?? generator?.classes }

  /// Returns the hash of the canonical document, by which units name their configuration.
  func sha256() throws -> String { hexadecimal(SHA256.hash(data: try encodedJSON(self))) }

  /// Checks that a run of `other` can be continued with these settings.
  ///
  /// - Throws: `Failure` (73) `OtherConfiguration`, with the differences, if a run of `other`
  ///   cannot be continued; `KernelMismatch` if only the instructions differ.
  func check(canContinue other: RunConfiguration, at path: String) throws {
    var (asked, there) = (self, other)
    asked.kernels = there.kernels  // Compared below: the name depends on the precision.
    // Files may have been renamed, and a run may keep more than is requested now.
    if other.kept.includes(kept) { asked.kept = other.kept }
    asked.checkpoint?.file = ""
    there.checkpoint?.file = ""
    asked.generator = asked.generator?.identity
    there.generator = there.generator?.identity
    (asked.extractor.file, there.extractor.file) = (nil, nil)
    asked.decoder?.file = ""
    there.decoder?.file = ""
    let differences = try documentDifferences(there, asked).map {
      "\($0.field) is \($0.first ?? "not set") there, \($0.second ?? "not set") is asked for"
    }
    guard differences.isEmpty else {
      throw Failure(
        .cannotCreate, .otherConfiguration, path,
        "the folder holds a different run: \(differences.joined(separator: "; ")); give a new "
          + "`run` folder, or the same settings")
    }
    guard kernels == other.kernels else {
      throw Failure(
        .cannotCreate, .kernelMismatch, path,
        "the run was started with kernels '\(other.kernels)', these are '\(kernels)': different "
          + "instructions give different last bits; use `kernels` to choose those that all "
          + "machines have")
    }
  }
}

/// The arrays of a unit, each with a row for every sample.
public struct KeptArrays: Codable, Equatable, Sendable {
  /// The preparations of the images: `own`, or names of `Preparation`s.
  public var preparations: [String]
  /// The length of a feature vector, D.
  public var features: Int
  /// The number of class logits.
  public var logits: Int
  /// The length of the features of sFID; 0 if they are not kept.
  public var spatial: Int
  /// Whether samples have labels.
  public var labels: Bool
  /// Whether the pixels are kept.
  public var images: Bool
  /// The extents of an image, `[H, W, C]`.
  public var extents: [Int]
  /// Whether the means of the quarters of the images are kept; nil for false.
  package var means: Bool?

  var keepsMeans: Bool { means == true }

  /// Creates the description of the arrays that metrics need.
  ///
  /// - Parameters:
  ///   - demands: What the metrics need, with one demand for each preparation.
  ///   - extractor: The extractor, which determines the lengths of the vectors.
  ///   - labels: Whether samples have labels.
  ///   - images: Whether the pixels are kept.
  ///   - extents: The extents of an image, `[H, W, C]`.
  ///   - means: Whether the means of the quarters of the images are kept.
  package init(
    _ demands: [FeatureDemand], extractor: any FeatureExtractor, labels: Bool, images: Bool,
    extents: [Int], means: Bool = false
  ) {
    preparations = demands.map(\.preparation.name)
    features = extractor.featureDimension
    logits = extractor.classCount
    spatial = demands.contains(where: \.spatial) ? extractor.spatialDimension : 0
    self.labels = labels
    self.images = images
    self.extents = extents
    self.means = means ? true : nil
  }

  /// Returns whether everything that `other` keeps is kept here too.
  func includes(_ other: KeptArrays) -> Bool {
    var widened = other
    widened.preparations = preparations
    if other.spatial == 0 { widened.spatial = spatial }
    if !other.images { widened.images = images }
    return widened == self && Set(other.preparations).isSubset(of: preparations)
  }

  /// The float32 arrays in file order, with the length of their rows.
  var floats: [(name: String, width: Int)] {
    preparations.flatMap { name in
      [("\(name).features", features), ("\(name).logits", logits), ("\(name).spatial", spatial)]
        .filter { $0.1 > 0 }
    }
  }

  /// The size of one sample on disk, in bytes.
  var bytesPerSample: Int {
    4 * floats.reduce(0) { $0 + $1.width } + 32 + (labels ? 8 : 0)
      + (keepsMeans ? SampleMeans.width : 0)
      + (images ? extents.reduce(1, *) : 0)
  }

  /// Checks that the sizes are possible.
  ///
  /// - Throws: `Failure` `RunDamaged` (65) if a size is impossible.
  func check(_ path: String) throws(Failure) {
    let sizes = [features, logits, spatial]
    guard !preparations.isEmpty, preparations.count <= 16, extents.count == 3,
      preparations.allSatisfy({ Preparation(name: $0) != nil }),
      Set(preparations).count == preparations.count,
      sizes.allSatisfy({ (0...1 << 20).contains($0) }), features > 0,
      extents.allSatisfy({ (1...1 << 14).contains($0) })
    else {
      throw Failure(
        .dataRefused, .runDamaged, path, "'kept' describes arrays that no run has: \(self)")
    }
  }
}
