import Crypto
import FeatureExtractors
import Files
import GenerativeMetrics
import Images

/// Features of images, taken in index order: the Gaussian, the logits, the first rows, and the hash
/// of all bytes.
struct FeatureCollection {
  let dimension: Int
  private(set) var count = 0
  private(set) var gaussian: GaussianAccumulator
  /// The first rows, `[min(count, kept), D]`.
  private(set) var rows: [Float] = []
  /// `[count, K]`.
  private(set) var logits: [Float] = []
  private let classCount: Int
  private let keptRows: Int
  private var hash = SHA256()

  /// - Parameter keptRows: Feature rows to keep, at least `D` of them: with no more images than
  ///   that, the distance is computed from the rows themselves.
  init(extractor: any FeatureExtractor, keptRows: Int = 0) {
    dimension = extractor.featureDimension
    classCount = extractor.classCount
    gaussian = GaussianAccumulator(dimension: extractor.featureDimension)
    self.keptRows = max(keptRows, extractor.featureDimension)
  }

  mutating func append(_ image: Image, _ extracted: ExtractedFeatures) throws {
    try gaussian.append(rows: extracted.features)
    logits += extracted.logits
    if count < keptRows { rows += extracted.features }
    hash.update(data: image.pixels)
    count += 1
  }

  /// SHA-256 over the bytes of all images.
  var sha256: String { hexadecimal(hash.finalize()) }

  /// The score of the classifier, nil with fewer images than splits.
  func score() throws -> InceptionScore? {
    count < scoreSplits
      ? nil : try inceptionScore(logits: logits, classes: classCount, convention: .styleGAN)
  }
}

/// Splits of the Inception Score, as every tool of the field has them.
let scoreSplits = 10

/// Makes and scores `count` images on all workers, and collects them in order.
///
/// - Parameters:
///   - make: Image `index` and its label; called on any thread.
///   - sink: Gets every image in order.
func collect(
  count: Int, activity: String, extractor: any FeatureExtractor, keptRows: Int = 0,
  workload: Workload, reporter: Reporter,
  make: @escaping @Sendable (Int) throws -> (image: Image, label: Int?),
  sink: (Image, Int?) throws -> Void = { _, _ in }
) async throws -> FeatureCollection {
  struct Scored: Sendable {
    let image: Image
    let label: Int?
    let features: ExtractedFeatures
  }
  var collection = FeatureCollection(extractor: extractor, keptRows: keptRows)
  try await forEachInOrder(count: count, width: workload.threads, inFlight: workload.batch) {
    index in
    let (image, label) = try make(index)
    return Scored(image: image, label: label, features: try extractor(image, .pytorch))
  } consume: { _, scored in
    try collection.append(scored.image, scored.features)
    try sink(scored.image, scored.label)
    reporter.progress(WorkProgress(activity: activity, done: collection.count, total: count))
  }
  return collection
}
