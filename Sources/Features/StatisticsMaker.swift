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

/// A task that computes reference statistics from images, and writes them with a record.
public struct StatisticsMaker: Sendable {
  /// The path of the images.
  public var images: String
  /// The path of the extractor's weights; nil for the Inception weights in the user's cache.
  public var weights: String?
  /// The name of the extractor, such as `dinov2-vit-l-14.edm2`; nil for Inception, or the network of ``weights``.
  public var extractor: String?
  /// How the images become squares; nil to take them as they are.
  public var crop: ImageCrop?
  /// The data set, for the record.
  public var dataset: Dataset?
  /// The number of feature rows to keep in the file, from the first images.
  public var keptRows: Int
  /// Held-out images of the same kind, whose distance is recorded as the floor.
  public var heldOut: (path: String, name: String)?
  /// How images are prepared and the mean is summed.
  public var dialect = Dialect.pytorchFID
  /// Whether subfolders of a folder of images are searched; nil to refuse a folder that has images
  /// both in itself and in a subfolder.
  public var recursive: Bool?
  /// Whether images that cannot be decoded are left out, instead of being a reason to stop.
  public var skipsBroken = false
  /// The number format of the extractor's matrix products.
  public var precision = Precision.float32
  /// The amount of work that runs at once.
  public var workload: Workload

  /// Creates a task with the default dialect and precision.
  ///
  /// - Parameters:
  ///   - images: The path of the images.
  ///   - weights: The path of the extractor's weights; nil for the Inception weights in the user's
  ///     cache.
  ///   - dataset: The data set, for the record; nil if unknown.
  ///   - keptRows: The number of feature rows to keep in the file, from the first images; 0 for
  ///     none.
  ///   - heldOut: The path and name of held-out images of the same kind, whose distance is recorded
  ///     as the floor; nil for no floor.
  ///   - workload: The amount of work that runs at once.
  public init(
    images: String, weights: String? = nil, dataset: Dataset? = nil, keptRows: Int = 0,
    heldOut: (path: String, name: String)? = nil, workload: Workload = .default
  ) {
    self.images = images
    self.weights = weights
    self.dataset = dataset
    self.keptRows = keptRows
    self.heldOut = heldOut
    self.workload = workload
  }

  /// Writes the statistics to a `.npz` file, and a record to a `.json` file next to it.
  ///
  /// - Parameters:
  ///   - path: The path of the `.npz` file.
  ///   - reporter: Receives progress and warnings.
  /// - Returns: The record in the `.json` file.
  /// - Throws: As ``write(_:reporter:)``.
  @discardableResult public func write(
    to path: String, reporter: Reporter = .silent
  ) async throws -> StatisticsRecord {
    try await write(
      [FeatureFile(path: path, extractor: extractor, weights: weights)], reporter: reporter)[0]
  }

  /// Writes the statistics of several extractors, and reads every image only once.
  ///
  /// - Parameters:
  ///   - files: At least one file. Their extractors take the place of ``extractor`` and ``weights``.
  ///   - reporter: Receives progress and warnings.
  /// - Returns: The records in the `.json` files.
  /// - Throws: `Failure` (64) `InvalidOutput` if a path does not end in `.npz`, `SettingOutOfRange`
  ///   if ``keptRows`` is negative; `TooFewSamples` (65) if there are fewer than two images, or the
  ///   error that reading the images, loading an extractor or writing a file throws; `MetricError` if
  ///   the floor cannot be computed.
  @discardableResult public func write(
    _ files: [FeatureFile], reporter: Reporter = .silent
  ) async throws -> [StatisticsRecord] {
    precondition(!files.isEmpty, "no file")
    guard keptRows >= 0 else { throw Failure.outOfRange("keptRows", keptRows, "at least 0") }
    let outputs = try files.enumerated().map { index, file in
      try StatisticsOutput(
        "statistics", of: images, to: file.path, dialect: dialect, weights: file.weights,
        name: file.extractor, crop: crop, recursive: recursive, skipsBroken: skipsBroken,
        precision: precision, workload: workload, reporter: index == 0 ? reporter : .silent)
    }
    let held = try heldOut.map { try ImageSource(path: $0.path, recursive: recursive) }
    let collections = try await outputs.features(spatial: true, keptRows: keptRows)
    collections[0].tally.notes(lastComponent(images)).forEach { reporter.warn($0) }
    let floors = try await floors(held, from: collections, outputs)

    return try outputs.indices.map { index in
      let (output, collection) = (outputs[index], collections[index])
      let prepared = output.prepared(collection)
      var arrays = try output.gaussians(prepared)
      let (rows, d) = (min(keptRows, collection.count), prepared.pooled.dimension)
      if rows > 0 {
        let kept = Array(prepared.pooled.rows[..<(rows * d)])
        arrays.insert(("features", NPYArray(floats: kept, shape: [rows, d])), at: 2)
      }
      try NPZ.write(arrays, to: output.path)
      return try output.writeRecord(
        of: collection, dataset: dataset, keptRows: rows, floor: floors?[index])
    }
  }

  /// Returns the distances of the held-out images; nil if there are none.
  private func floors(
    _ held: ImageSource?, from collections: [FeatureCollection], _ outputs: [StatisticsOutput]
  ) async throws -> [EvaluationResult.Floor]? {
    guard let held, let heldOut else { return nil }
    let others = try await outputs.features(
      of: held, activity: "held-out images", spatial: false)
    let mean = dialect.definition.mean
    return try outputs.indices.map { index in
      let distance = try frechetDistance(
        between: outputs[index].prepared(others[index]).pooled.factored(mean),
        and: outputs[index].prepared(collections[index]).pooled.factored(mean))
      return EvaluationResult.Floor(
        value: distance.value, data: heldOut.name, count: others[index].count)
    }
  }
}

/// A file of statistics or features to write, and the extractor that computes them.
public struct FeatureFile: Sendable {
  /// The path of the `.npz` file.
  public var path: String
  /// The name of the extractor, such as `dinov2-vit-l-14.edm2`; nil for Inception, or the network of ``weights``.
  public var extractor: String?
  /// The path of the extractor's weights; nil for those in the user's cache.
  public var weights: String?

  /// Creates the description of a file.
  public init(path: String, extractor: String? = nil, weights: String? = nil) {
    (self.path, self.extractor, self.weights) = (path, extractor, weights)
  }
}
