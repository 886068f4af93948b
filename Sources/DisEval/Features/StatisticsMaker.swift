import Checkpoints
import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Images
import References
import Results
import Tensors
import Work

/// Makes reference statistics from images, and the record beside them.
public struct StatisticsMaker: Sendable {
  /// Path of the images.
  public var images: String
  /// The extractor's weights, nil for the Inception weights in the user's cache.
  public var weights: String?
  /// The data set, for the record.
  public var dataset: Dataset?
  /// Feature rows to keep in the file, of the first images.
  public var keptRows: Int
  /// Held-out images of the same kind, whose distance is recorded as the floor.
  public var heldOut: (path: String, name: String)?
  /// How images are prepared and the mean is summed.
  public var dialect = Dialect.pytorchFID
  /// Whether folders of images are searched with the folders in them; nil to refuse folders with images
  /// both here and inside.
  public var recursive: Bool?
  /// What the extractor multiplies.
  public var precision = Precision.float32
  /// How much runs at once.
  public var workload: Workload

  /// Describes the work.
  public init(
    images: String, weights: String?, dataset: Dataset?, keptRows: Int,
    heldOut: (path: String, name: String)?, workload: Workload
  ) {
    self.images = images
    self.weights = weights
    self.dataset = dataset
    self.keptRows = keptRows
    self.heldOut = heldOut
    self.workload = workload
  }

  /// Writes `path`, a `.npz`, and the `.json` beside it.
  ///
  /// - Returns: The record.
  public func write(to path: String, reporter: Reporter) async throws -> StatisticsRecord {
    try workload.prepare()
    guard path.hasSuffix(".npz") else {
      throw Failure(.usage, "InvalidOutput", path, "statistics are a .npz file")
    }
    let recordPath = ReferenceStatistics.recordPath(path)
    try AtomicFile.check(path, isReadBack: true)
    try AtomicFile.check(recordPath)
    let source = try ImageSource(path: images, recursive: recursive)
    let held = try heldOut.map {
      (source: try ImageSource(path: $0.path, recursive: recursive), name: $0.name)
    }
    try checkEnough(source.count, images)
    let extractor = try LoadedExtractor.choose(
      weights: weights, reference: nil, precision: precision)

    let (network, definition) = (extractor.network, dialect.definition)
    let preparation = network.effective(definition.preparation)
    func features(_ source: ImageSource, _ activity: String) async throws -> FeatureCollection {
      try await collect(
        count: source.count, activity: activity, extractor: network,
        demands: [
          FeatureDemand(preparation: preparation, spatial: true, keptRows: keptRows)
        ], workload: workload, reporter: reporter, make: { (try source.image(at: $0), nil) })
    }
    let collection = try await features(source, "images")
    collection.tally.notes(lastComponent(images)).forEach { reporter.warn($0) }
    guard let prepared = collection.prepared[preparation] else {
      preconditionFailure("features were asked for")
    }
    let statistics = try prepared.pooled.gaussian.statistics(mean: definition.mean)
    var floor: Floor?
    if let held {
      let other = try await features(held.source, "held-out images")
      if let features = other.prepared[preparation]?.pooled {
        let distance = try frechetDistance(
          between: features.factored(definition.mean),
          and: prepared.pooled.factored(definition.mean))
        floor = Floor(value: distance.value, data: held.name, count: other.count)
      }
    }

    let d = extractor.provenance.dimension
    var arrays = [
      (name: "mu", array: NPYArray(doubles: statistics.mean, shape: [d])),
      (name: "sigma", array: NPYArray(doubles: statistics.covariance, shape: [d, d])),
    ]
    let rows = min(keptRows, collection.count)
    if rows > 0 {
      arrays.append(
        (
          "features",
          NPYArray(floats: Array(prepared.pooled.rows[..<(rows * d)]), shape: [rows, d])
        ))
    }
    if let spatial = try prepared.spatial?.gaussian.statistics(mean: definition.mean) {
      let d = spatial.dimension
      arrays.append(("mu_s", NPYArray(doubles: spatial.mean, shape: [d])))
      arrays.append(("sigma_s", NPYArray(doubles: spatial.covariance, shape: [d, d])))
    }
    try NPZ.write(arrays, to: path)
    var made = extractor.provenance
    made.preprocessing = network.preprocessing(definition.preparation)
    var record = StatisticsRecord(
      dataset: dataset, count: collection.count, extractor: made, features: rows,
      npzSha256: try sha256(ofFile: path), floor: floor, dialect: dialect, ddof: definition.ddof)
    record.meanPrecision = definition.mean
    record.spatial = prepared.spatial != nil
    record.resolution = collection.tally.side
    record.labels = source.labelCounts
    try AtomicFile.write(try encodedJSON(record), to: recordPath)
    return record
  }
}
