import FeatureExtractors
import Features
import Files
import Images
import References
import Results
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
  /// The number of images to use from each side, the first ones; nil for all.
  public var count: Int?
  /// Whether subfolders of a folder of images are searched; nil to refuse a folder that has images
  /// both in itself and in a subfolder.
  public var recursive: Bool?
  /// Whether images that cannot be decoded are left out, instead of being a reason to stop.
  public var skipsBroken = false
  /// The amount of work that runs at once.
  public var workload: Workload

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
  ///   other weights have features of a different length, or the code of a `MetricError`; or the
  ///   error that loading the images or the extractor throws.
  public func run(reporter: Reporter = .silent) async throws -> Explanation {
    try workload.prepare()
    let sources = try (subject: source(images.subject), reference: source(images.reference))
    let loaded = try LoadedExtractor.choose(
      weights: weights, name: extractor, reference: nil)
    let other = try otherExtractor(dimension: loaded.provenance.dimension)
    let ways = Ways(base: base.definition, extractor: loaded.network)

    let sides = try await (
      collect(sources.subject, "images", loaded.network, ways.all, reporter),
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
      counts: [sides.0.count, sides.1.count], extractor: loaded.provenance)
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
  private func collect(
    _ source: ImageSource, _ activity: String, _ extractor: any FeatureExtractor,
    _ preparations: [Preparation], _ reporter: Reporter
  ) async throws -> FeatureCollection {
    let count = min(source.count, count ?? .max)
    try checkEnough(count, "`num`")
    let collector = FeatureCollector(
      extractor: extractor, demands: preparations.map { FeatureDemand(preparation: $0) },
      workload: workload, reporter: reporter)
    return try await collector.collect(
      ImageSupply(source, count: count, activity: activity))
  }
}
