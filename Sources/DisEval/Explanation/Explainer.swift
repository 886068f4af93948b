import Checkpoints
import FeatureExtractors
import Features
import Files
import Images
import References
import Results
import Sampling
import Work

/// Compares images in all dialects and attributes the differences.
public struct Explainer: Sendable {
  /// The paths of the images of both sides.
  public var images: (subject: String, reference: String)
  /// The dialect to compare the others with.
  public var base = Dialect.pytorchFID
  /// The path of the extractor's weights; nil for those in the user's cache.
  public var weights: String?
  /// The name of the extractor; nil for Inception, or the network of ``weights``.
  public var extractor: String?
  /// The path of different weights, to measure their effect.
  public var otherWeights: String?
  /// The classes of the images, to measure the effect of balanced ones; nil to measure none.
  public var labels: Labels?
  /// The number of images to use from each side, the first ones; nil for all.
  public var count: Int?
  /// Whether subfolders of a folder of images are searched; nil to refuse a folder that has images
  /// both in itself and in a subfolder.
  public var recursive: Bool?
  /// Whether images that cannot be decoded are left out, instead of being a reason to stop.
  public var skipsBroken = false
  /// The amount of work that runs at once.
  public var workload: Workload

  /// Where the classes of images are.
  public enum Labels: Equatable, Sendable {
    /// Beside the images, as `ImageSource.labels` has them.
    case ofImages
    /// In a `.npy` file of integers, `[N]`, at this path.
    case file(String)
  }

  /// Creates an explainer of the images at two paths.
  ///
  /// - Parameters:
  ///   - images: The path of the images.
  ///   - reference: The path of the images to compare with.
  ///   - weights: The path of the extractor's weights; nil for those in the user's cache.
  ///   - workload: The amount of work that runs at once.
  public init(
    images: String, reference: String, weights: String? = nil, workload: Workload = .default
  ) {
    self.images = (images, reference)
    self.weights = weights
    self.workload = workload
  }

  /// Computes the distance in every dialect, and in the base dialect with each change.
  ///
  /// - Parameter reporter: Receives the progress.
  /// - Throws: `Failure` (65) `ImagesNeeded` for statistics, whose images cannot be prepared
  ///   differently, `TooFewSamples` if a side has fewer than two images, `DimensionMismatch` if the
  ///   other weights have features of a different length, or the code of a `MetricError`; for labels
  ///   `LabelsMissing` if the images have none, `LabelsInvalid` if they are not classes,
  ///   `LabelsMismatch` if there is not one for each image, `ClassWithoutImages`; or the error that
  ///   loading the images, the labels or the extractor throws.
  public func run(reporter: Reporter = .silent) async throws -> Explanation {
    try workload.prepare()
    let sources = try (subject: source(images.subject), reference: source(images.reference))
    let loaded = try LoadedExtractor.choose(
      weights: weights, name: extractor, reference: nil)
    let other = try otherExtractor(dimension: loaded.provenance.dimension)
    let classes = try classes(of: sources.subject, reference: sources.reference)
    let ways = Ways(base: base.definition, extractor: loaded.network)

    let sides = try await (
      collect(
        sources.subject, "images", loaded.network, ways.all, reporter,
        keptRows: classes == nil ? nil : ways.base),
      collect(sources.reference, "reference", loaded.network, ways.all, reporter)
    )
    var attribution = try Attribution(
      base: base.definition, ways: ways, subject: sides.0, reference: sides.1)
    let dialects = try Dialect.allCases.map { try attribution.line(of: $0) }
    var changes =
      try loaded.network.ownPreparation == nil ? attribution.changesOfPreparation() : []
    changes += try attribution.changesOfMoments()
    if let other {
      let otherSides = try await (
        collect(sources.subject, "images, other weights", other.network, [ways.base], reporter),
        collect(sources.reference, "reference, other weights", other.network, [ways.base], reporter)
      )
      changes.append(
        try attribution.change(
          ofWeights: other.provenance.file ?? "", subject: otherSides.0, reference: otherSides.1))
    }
    return Explanation(
      base: base.rawValue, metric: MetricTitle.fid.named(by: loaded.network.name).rawValue,
      value: attribution.value, dialects: dialects, changes: changes,
      labels: try classes.map { try $0.effect(ways.base, sides.0, sides.1) },
      counts: [sides.0.count, sides.1.count], extractor: loaded.provenance)
  }

  /// Reads and checks the labels; nil if their effect is not wanted.
  private func classes(
    of subject: ImageSource, reference: ImageSource
  ) throws -> LabelledImages? {
    guard let labels else { return nil }
    let (path, found): (String, [Int])
    switch labels {
    case .ofImages:
      guard let own = subject.labels else {
        throw Failure(
          .dataRefused, .labelsMissing, images.subject,
          "the images have no labels; give a file of them as `labels`")
      }
      (path, found) = (images.subject, own)
    case .file(let file):
      path = file
      found = try NPYArray.read(file).vectorOfIntegers(subject: file, code: .labelsInvalid)
    }
    guard found.count == subject.count else {
      throw Failure(
        .dataRefused, .labelsMismatch, path, "\(found.count) labels for \(subject.count) images")
    }
    return try LabelledImages(
      Array(found.prefix(count ?? .max)),
      reference: reference.labels.map { Array($0.prefix(count ?? .max)) }, path: path)
  }

  /// Opens the images of one side.
  private func source(_ path: String) throws -> ImageSource {
    guard
      case .images(let source) = try ImagesOrStatistics(
        path: path, recursive: recursive, skipsBroken: skipsBroken)
    else {
      throw Failure(
        .dataRefused, .imagesNeeded, path,
        "is statistics; give images, because those of both sides are prepared in every way")
    }
    try checkEnough(source.count, path)
    return source
  }

  /// Loads the other weights, if any, whose features must have the length `dimension`.
  private func otherExtractor(dimension: Int) throws -> LoadedExtractor? {
    guard let otherWeights else { return nil }
    let name = try extractor.map { text throws(Failure) in try ExtractorName(text) }
    let other = try LoadedExtractor(path: otherWeights, name: name)
    guard other.provenance.dimension == dimension else {
      throw Failure(
        .dataRefused, .dimensionMismatch, other.provenance.file ?? "",
        "\(other.provenance.dimension) features, the other weights have \(dimension)")
    }
    return other
  }

  /// Computes the features of one side in the given preparations.
  ///
  /// - Parameter kept: The preparation whose rows are kept; nil to keep none.
  private func collect(
    _ source: ImageSource, _ activity: String, _ extractor: any FeatureExtractor,
    _ preparations: [Preparation], _ reporter: Reporter, keptRows kept: Preparation? = nil
  ) async throws -> FeatureCollection {
    let count = min(source.count, count ?? .max)
    try checkEnough(count, "`num`")
    let collector = FeatureCollector(
      extractor: extractor,
      demands: preparations.map {
        FeatureDemand(preparation: $0, keptRows: $0 == kept ? .max : 0)
      },
      workload: workload, reporter: reporter)
    return try await collector.collect(
      ImageSupply(source, count: count, activity: activity))
  }
}
