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
  /// - Throws: `Failure` when the images or the extractor are refused, or a file cannot be written.
  public func write(to path: String, reporter: Reporter) async throws -> StatisticsRecord {
    let output = try StatisticsOutput(
      "statistics", of: images, to: path, dialect: dialect, weights: weights,
      recursive: recursive, precision: precision, workload: workload, reporter: reporter)
    let held = try heldOut.map { try ImageSource(path: $0.path, recursive: recursive) }
    let collection = try await output.features(spatial: true, keptRows: keptRows)
    collection.tally.notes(lastComponent(images)).forEach { reporter.warn($0) }
    let prepared = output.prepared(collection)
    let floor = try await floor(held, from: prepared, output)

    var arrays = try output.gaussians(prepared)
    let (rows, d) = (min(keptRows, collection.count), prepared.pooled.dimension)
    if rows > 0 {
      let kept = Array(prepared.pooled.rows[..<(rows * d)])
      arrays.insert(("features", NPYArray(floats: kept, shape: [rows, d])), at: 2)
    }
    try NPZ.write(arrays, to: path)
    return try output.writeRecord(
      of: collection, dataset: dataset, keptRows: rows, floor: floor)
  }

  /// The distance of held-out images of the same kind, nil without them.
  private func floor(
    _ held: ImageSource?, from features: PreparedFeatures, _ output: StatisticsOutput
  ) async throws -> Floor? {
    guard let held, let heldOut else { return nil }
    let collection = try await output.features(
      of: held, activity: "held-out images", spatial: false)
    let mean = dialect.definition.mean
    let distance = try frechetDistance(
      between: output.prepared(collection).pooled.factored(mean),
      and: features.pooled.factored(mean))
    return Floor(value: distance.value, data: heldOut.name, count: collection.count)
  }
}
