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

/// A task that writes every feature row of images to a file that also serves as reference
/// statistics.
public struct FeatureMaker: Sendable {
  /// The path of the images.
  public var images: String
  /// The path of the extractor's weights; nil for the Inception weights in the user's cache.
  public var weights: String?
  /// The name of the extractor, such as `dinov2-vit-l-14.edm2`; nil for Inception, or the network of ``weights``.
  public var extractor: String?
  /// How the images become squares; nil to take them as they are.
  public var crop: ImageCrop?
  /// How images are prepared and the mean is summed.
  public var dialect = Dialect.pytorchFID
  /// Whether subfolders of a folder of images are searched; nil to refuse a folder that has images
  /// both in itself and in a subfolder.
  public var recursive: Bool?
  /// Whether images that cannot be decoded are left out, instead of being a reason to stop.
  public var skipsBroken = false
  /// Whether the features of sFID are written.
  public var spatial = false
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
  ///   - workload: The amount of work that runs at once.
  public init(images: String, weights: String? = nil, workload: Workload = .default) {
    (self.images, self.weights, self.workload) = (images, weights, workload)
  }

  /// Writes a `.npz` file at `path`, with `mu` `[D]`, `sigma` `[D, D]`, `features` `[N, D]`,
  /// `logits` `[N, K]` and, if requested, `mu_s`, `sigma_s` and `spatial` `[N, S]` for sFID, and a
  /// `.json` file next to it. Rows are kept in unnamed files in the same folder, so memory does not
  /// grow with their number.
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

  /// Writes the features of several extractors, each as ``write(to:reporter:)`` does, and reads every image only
  /// once.
  ///
  /// - Parameters:
  ///   - files: At least one file. Their extractors take the place of ``extractor`` and ``weights``.
  ///   - reporter: Receives progress and warnings.
  /// - Returns: The records in the `.json` files.
  /// - Throws: `Failure` `InvalidOutput` (64) if a path does not end in `.npz`, `TooFewSamples`
  ///   (65) if there are fewer than two images, or the error that reading the images, loading an
  ///   extractor or writing a file throws.
  @discardableResult public func write(
    _ files: [FeatureFile], reporter: Reporter = .silent
  ) async throws -> [StatisticsRecord] {
    precondition(!files.isEmpty, "no file")
    let outputs = try files.enumerated().map { index, file in
      try StatisticsOutput(
        "features", of: images, to: file.path, dialect: dialect, weights: file.weights,
        name: file.extractor, crop: crop, recursive: recursive, skipsBroken: skipsBroken,
        precision: precision, workload: workload, reporter: index == 0 ? reporter : .silent)
    }
    let rows = try outputs.map { try ImageRows(of: $0, spatial: spatial) }
    let collections = try await outputs.features(spatial: spatial) { index, extracted in
      try rows[index].append(extracted)
    }
    collections[0].tally.notes(lastComponent(images)).forEach { reporter.warn($0) }
    return try outputs.indices.map { index in
      let (output, collection) = (outputs[index], collections[index])
      var archive = try ZipWriter(path: output.path)
      for (name, array) in try output.gaussians(output.prepared(collection)) {
        try archive.add("\(name).npy", array.serialized())
      }
      try rows[index].copy(to: &archive)
      try archive.commit()
      return try output.writeRecord(of: collection, keptRows: collection.count)
    }
  }
}

/// The rows of all arrays of a file.
private final class ImageRows {
  private let pooled: FeatureRows
  private let logits: FeatureRows?
  private let positions: FeatureRows?
  private var count = 0

  init(of output: StatisticsOutput, spatial: Bool) throws {
    let network = output.extractor.network
    let folder = output.path.lastIndex(of: "/").map { String(output.path[...$0]) } ?? "."
    func rows(_ name: String, _ width: Int) throws -> FeatureRows {
      FeatureRows(
        name: name, count: output.source.count, width: width,
        file: try ScratchFile(folder: folder))
    }
    pooled = try rows("features", network.featureDimension)
    logits = network.classCount > 0 ? try rows("logits", network.classCount) : nil
    positions =
      spatial && network.spatialDimension > 0
      ? try rows("spatial", network.spatialDimension) : nil
  }

  func append(_ extracted: ExtractedFeatures) throws(Failure) {
    try pooled.write(extracted.features, at: count)
    try logits?.write(extracted.logits, at: count)
    try positions?.write(extracted.spatial, at: count)
    count += 1
  }

  func copy(to archive: inout ZipWriter) throws(Failure) {
    for rows in [pooled, logits, positions].compactMap(\.self) { try rows.copy(to: &archive) }
  }
}

/// The rows of an array, collected for a `.npz` file.
private struct FeatureRows {
  let name: String
  let count: Int
  let width: Int
  let file: ScratchFile

  func write(_ row: [Float], at index: Int) throws(Failure) {
    precondition(row.count == width, "\(name): \(row.count) values, expected \(width)")
    try file.write(row, at: index * width)
  }

  func copy(to archive: inout ZipWriter) throws(Failure) {
    let header = NPYArray.header(ofFloats: [count, width])
    try archive.begin("\(name).npy", size: header.count + 4 * count * width)
    try archive.write(header)
    for start in stride(from: 0, to: count, by: 256) {
      let rows = min(256, count - start)
      let values = try file.read(at: start * width, count: rows * width)
      try archive.write(NPYArray(floats: values, shape: [rows, width]).bytes)
    }
  }
}
