import Checkpoints
import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Results

extension ReferenceStatistics {
  /// Creates statistics from a mean and a covariance in memory.
  ///
  /// Results describe them as if they had been written by ``write(to:)`` and read back.
  ///
  /// - Parameters:
  ///   - gaussian: The mean `[D]` and the unbiased covariance `[D, D]` of the pooled features.
  ///   - spatial: Those of the features of sFID; nil if there are none.
  ///   - rows: The features of the first images, `[n, D]`, for metrics that need them; nil if there
  ///     are none.
  ///   - extractor: The extractor that computed the features.
  ///   - dialect: The tool whose preparation of images was used.
  ///   - dataset: The data set, for the record.
  ///   - resolution: The side of the images in pixels before they were resized; nil if unknown.
  ///   - name: The name of the statistics in results and messages.
  /// - Throws: `Failure` (65) `DimensionMismatch` if the extractor or the rows have a different D,
  ///   `StatsInvalid` if the covariance is not positive semidefinite, the number of images is
  ///   unknown, or there are more rows than images; `CannotCreate` (73), `DiskFull` or `InputOutput`
  ///   (74) if there is no room for a temporary file.
  public init(
    _ gaussian: GaussianStatistics, spatial: GaussianStatistics? = nil, rows: FeatureRows? = nil,
    extractor: LoadedExtractor, dialect: Dialect, dataset: Dataset? = nil, resolution: Int? = nil,
    name: String
  ) throws {
    let dimension = extractor.provenance.dimension
    for found in [gaussian.dimension, rows?.dimension ?? dimension] where found != dimension {
      throw Failure(
        .dataRefused, .dimensionMismatch, name,
        "\(found) dimensions, but the extractor \(extractor.provenance.name) has \(dimension)")
    }
    guard let count = gaussian.count, rows?.count ?? 0 <= count else {
      throw StatisticsContent.refusal(
        name,
        "\(rows?.count ?? 0) feature rows of \(gaussian.count.map(String.init) ?? "an unknown number of") "
          + "images; expected a known number of images, and at most as many rows")
    }
    guard (1...1 << 20).contains(resolution ?? 1) else {
      throw StatisticsContent.refusal(
        name, "a resolution of \(resolution ?? 0) pixels, expected at least 1")
    }
    do throws(MetricError) {
      for side in [gaussian, spatial].compactMap(\.self) { try side.checkPositiveSemidefinite() }
    } catch {
      throw StatisticsContent.refusal(name, error)
    }
    var made = extractor.provenance
    made.preprocessing = extractor.network.preprocessing(dialect.definition.preparation)
    let arrays = Self.arrays(gaussian, spatial, rows)
    var record = StatisticsRecord(
      dataset: dataset, count: count, extractor: made, features: rows?.count ?? 0,
      npzSha256: try Self.sha256(of: arrays), floor: nil, dialect: dialect, ddof: 1)
    (record.meanPrecision, record.spatial) = (.float64, spatial != nil)
    record.resolution = resolution
    self.init(inMemory: name, gaussian, spatial, rows, record)
  }

  /// Creates statistics from feature rows in memory: their mean and unbiased covariance, with all of
  /// the rows.
  ///
  /// - Parameters:
  ///   - rows: The features of all images, `[N, D]`, N at least 2.
  ///   - extractor: The extractor that computed them.
  ///   - dialect: The tool whose preparation of images was used.
  ///   - dataset: The data set, for the record.
  ///   - resolution: The side of the images in pixels before they were resized; nil if unknown.
  ///   - name: The name of the statistics in results and messages.
  /// - Throws: `Failure` `StatsInvalid` (65) if there are fewer than two rows; otherwise as
  ///   ``init(_:spatial:rows:extractor:dialect:dataset:resolution:name:)``.
  public init(
    rows: FeatureRows, extractor: LoadedExtractor, dialect: Dialect, dataset: Dataset? = nil,
    resolution: Int? = nil, name: String
  ) throws {
    let gaussian: GaussianStatistics
    do throws(MetricError) {
      var accumulator = try GaussianAccumulator(dimension: rows.dimension)
      try accumulator.append(rows: rows.values)
      gaussian = try accumulator.statistics()
    } catch {
      throw StatisticsContent.refusal(name, error)
    }
    try self.init(
      gaussian, rows: rows, extractor: extractor, dialect: dialect, dataset: dataset,
      resolution: resolution, name: name)
  }

  /// Writes statistics that were made in memory to a `.npz` file, and a record to a `.json` file
  /// beside it. Statistics that were read from a file are written by ``StatisticsConversion``.
  ///
  /// - Parameter path: The path of the `.npz` file.
  /// - Returns: The record.
  /// - Throws: `Failure` `InvalidOutput` (64) if `path` does not end in `.npz` or the statistics were
  ///   read from a file; `CannotCreate` (73), `DiskFull` or `InputOutput` (74) if a file cannot be
  ///   written.
  @discardableResult public func write(to path: String) throws -> StatisticsRecord {
    guard let record, isInMemory else {
      throw Failure(
        .usage, .invalidOutput, path,
        "'\(self.path)' was read from a file; StatisticsConversion writes it")
    }
    guard path.hasSuffix(".npz") else {
      throw Failure(.usage, .invalidOutput, path, "statistics are written as a .npz file")
    }
    let recordPath = Self.recordPath(path)
    try AtomicFile.check(path, isReadBack: true)
    try AtomicFile.check(recordPath)
    try NPZ.write(Self.arrays(gaussian, spatial, try featureRows()), to: path)
    try AtomicFile.write(try encodedJSON(record), to: recordPath)
    return record
  }

  private static func arrays(
    _ gaussian: GaussianStatistics, _ spatial: GaussianStatistics?, _ rows: FeatureRows?
  ) -> [(name: String, array: NPYArray)] {
    var arrays: [(name: String, array: NPYArray)] = []
    for (set, suffix) in [(gaussian, ""), (spatial, "_s")] as [(GaussianStatistics?, String)] {
      guard let set else { continue }
      let d = set.dimension
      arrays.append(("mu\(suffix)", NPYArray(doubles: set.mean, shape: [d])))
      arrays.append(("sigma\(suffix)", NPYArray(doubles: set.covariance, shape: [d, d])))
    }
    if let rows, rows.count > 0 {
      let array = NPYArray(floats: rows.values, shape: [rows.count, rows.dimension])
      arrays.insert(("features", array), at: 2)
    }
    return arrays
  }

  /// Returns the SHA-256 of the file that the arrays make.
  private static func sha256(of arrays: [(name: String, array: NPYArray)]) throws -> String {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("dis-eval-\(UUID().uuidString).npz").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try NPZ.write(arrays, to: path)
    return try Files.sha256(ofFile: path)
  }
}
