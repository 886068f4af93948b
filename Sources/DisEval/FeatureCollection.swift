import Crypto
import FeatureExtractors
import Files
import GenerativeMetrics
import Images

/// What is wanted of the features of images in one preparation.
struct FeatureDemand: Sendable {
  let preparation: Preparation
  /// Conventions of the score, each once.
  var scores: [InceptionScore.Convention] = []
  /// Whether the features of sFID are wanted.
  var spatial = false
  /// Feature rows to keep, of the first images.
  var keptRows = 0
}

/// Features of one kind, taken in index order.
struct FeatureSet {
  let dimension: Int
  private(set) var gaussian: GaussianAccumulator
  /// The first rows, `[min(count, kept), D]`.
  private(set) var rows: [Float] = []
  private let keptRows: Int

  var count: Int { gaussian.count }

  /// - Parameter keptRows: Rows to keep, at least `D` of them: see ``factored(_:)``.
  init(dimension: Int, keptRows: Int) {
    self.dimension = dimension
    self.keptRows = max(keptRows, dimension)
    gaussian = GaussianAccumulator(dimension: dimension)
  }

  mutating func append(_ row: [Float]) throws {
    try gaussian.append(rows: row)
    if gaussian.count <= keptRows { rows += row }
  }

  /// The Gaussian, its covariance factored. With no more images than dimensions the few rows are the
  /// factor: their covariance is singular.
  func factored(_ mean: MeanPrecision) throws(MetricError) -> FactoredGaussian {
    count <= dimension
      ? try FactoredGaussian(rows: rows, dimension: dimension, mean: mean)
      : try FactoredGaussian(gaussian.statistics(mean: mean))
  }
}

/// Everything that metrics need of images in one preparation.
struct PreparedFeatures {
  private(set) var pooled: FeatureSet
  /// Nil when they are not wanted, or the extractor has none.
  private(set) var spatial: FeatureSet?
  private var accumulators: [InceptionScore.Convention: InceptionScoreAccumulator] = [:]

  init(_ demand: FeatureDemand, extractor: any FeatureExtractor, count: Int) {
    pooled = FeatureSet(dimension: extractor.featureDimension, keptRows: demand.keptRows)
    if demand.spatial, extractor.spatialDimension > 0 {
      spatial = FeatureSet(dimension: extractor.spatialDimension, keptRows: 0)
    }
    for convention in demand.scores {
      // With too few images for the splits there is no score.
      accumulators[convention] = try? InceptionScoreAccumulator(
        classes: extractor.classCount, count: count, convention: convention)
    }
  }

  mutating func append(_ extracted: ExtractedFeatures) throws {
    try pooled.append(extracted.features)
    try spatial?.append(extracted.spatial)
    for convention in accumulators.keys {
      try accumulators[convention]?.append(extracted.logits)
    }
  }

  /// The score by that convention, nil when there were too few images for it.
  func score(_ convention: InceptionScore.Convention) -> InceptionScore? {
    accumulators[convention]?.score()
  }
}

/// Features of images in every preparation that is wanted, and the hash of all bytes.
struct FeatureCollection {
  private(set) var count = 0
  private(set) var prepared: [Preparation: PreparedFeatures]
  private(set) var tally = ImageTally()
  private var hash = SHA256()

  init(_ demands: [FeatureDemand], extractor: any FeatureExtractor, count: Int) {
    prepared = Dictionary(
      uniqueKeysWithValues: demands.map {
        ($0.preparation, PreparedFeatures($0, extractor: extractor, count: count))
      })
  }

  mutating func append(_ image: Image, _ extracted: [Preparation: ExtractedFeatures]) throws {
    for (preparation, features) in extracted { try prepared[preparation]?.append(features) }
    hash.update(data: image.pixels)
    tally.append(image)
    count += 1
  }

  /// SHA-256 over the bytes of all images.
  var sha256: String { hexadecimal(hash.finalize()) }
}

/// Makes `count` images on all workers, extracts their features in each wanted preparation, and
/// collects them in order.
///
/// - Parameters:
///   - make: Image `index` and its label; called on any thread.
///   - sink: Gets every image in order.
func collect(
  count: Int, activity: String, extractor: any FeatureExtractor, demands: [FeatureDemand],
  workload: Workload, reporter: Reporter,
  make: @escaping @Sendable (Int) throws -> (image: Image, label: Int?),
  sink: (Image, Int?) throws -> Void = { _, _ in }
) async throws -> FeatureCollection {
  struct Scored: Sendable {
    let image: Image
    let label: Int?
    let features: [Preparation: ExtractedFeatures]
  }
  var collection = FeatureCollection(demands, extractor: extractor, count: count)
  let preparations = demands.map(\.preparation)
  try await forEachInOrder(count: count, width: workload.threads, inFlight: workload.batch) {
    index in
    let (image, label) = try make(index)
    let features = try preparations.map { ($0, try extractor(image, $0)) }
    return Scored(
      image: image, label: label, features: Dictionary(uniqueKeysWithValues: features))
  } consume: { _, scored in
    try collection.append(scored.image, scored.features)
    try sink(scored.image, scored.label)
    reporter.progress(WorkProgress(activity: activity, done: collection.count, total: count))
  }
  return collection
}

extension FeatureExtractor {
  /// The preparation that stands for `preparation`: an extractor with one way of its own is run once
  /// for all of them.
  func effective(_ preparation: Preparation) -> Preparation {
    ownPreparation == nil ? preparation : .pytorch
  }
}
