import Checkpoints
import Files
import GenerativeMetrics
import Results

/// Writes statistics of any layout as `.npz` with a record beside it. Pickles are read but never
/// written, because loading one in Python can run arbitrary code.
public struct StatisticsConversion: Sendable {
  /// The statistics to convert.
  public let input: ReferenceStatistics
  /// The dialect, if it is unknown.
  public var dialect: Dialect?
  /// The number of images, if it is unknown.
  public var count: Int?
  /// The side of the images in pixels, if it is unknown.
  public var resolution: Int?
  /// The number of feature rows to keep, those of the first images.
  public var keptRows = 0

  /// Reads the input: a file, or a name in the registry.
  ///
  /// - Throws: `Failure` `StatsUnavailable` (69) for a name that was not fetched, `StatsUnknown` or
  ///   `NotFound` (66) if there is no such name or file, `StatsInvalid` (65) if the statistics are
  ///   refused, or the failure with which the container is refused.
  public init(reference: String) throws {
    input = try ReferenceStatistics(path: resolveReference(reference))
  }

  /// Writes `mu` and `sigma` in float64, `mu_s` and `sigma_s` if they exist, and the record.
  ///
  /// A covariance divided by N, such as StyleGAN's, is multiplied by N / (N - 1), so that its
  /// divisor is that of all dialects.
  ///
  /// - Parameter path: The file to write, which must end in `.npz`.
  /// - Returns: The record.
  /// - Throws: `Failure` `InvalidOutput` (64) for a different suffix; `FactContradicted` (65) if an
  ///   asserted fact is known to be different; `NoFeatureRows` (65) if rows are to be kept and
  ///   there are none; `CannotCreate` (73), `DiskFull` or `InputOutput` (74) if a file cannot be
  ///   written; otherwise as ``ReferenceStatistics/featureRows()``.
  public func write(to path: String) throws -> StatisticsRecord {
    guard path.hasSuffix(".npz") else {
      throw Failure(
        .usage, .invalidOutput, path, "statistics are written as .npz; pickles are only read")
    }
    let recordPath = ReferenceStatistics.recordPath(path)
    try AtomicFile.check(path, isReadBack: true)
    try AtomicFile.check(recordPath)
    var asserted: [String] = []
    func fact<Value: Equatable>(
      _ name: String, _ known: Value?, _ claimed: Value?
    ) throws(Failure) -> Value? {
      guard let claimed else { return known }
      guard let known else {
        asserted.append(name)
        return claimed
      }
      guard known == claimed else {
        throw Failure(
          .dataRefused, .factContradicted, input.path,
          "`\(name)` \(claimed), but what is known of the file says \(known)")
      }
      return known
    }
    let dialect = try fact("dialect", input.dialect?.rawValue, dialect?.rawValue)
      .flatMap(Dialect.init)
    let count = try fact("count", input.count, count)
    let resolution = try fact("resolution", input.resolution, resolution)

    let rows = try keptRows > 0 ? input.featureRows() : nil
    if keptRows > 0, rows == nil {
      throw Failure(
        .dataRefused, .noFeatureRows, input.path,
        "\(input.format) has no feature rows to keep; leave out `keptRows`")
    }
    let kept = min(keptRows, rows?.count ?? 0)
    var (scale, ddof) = (1.0, input.ddof)
    if let known = ddof, known != 1, let count {
      (scale, ddof) = (Double(count - known) / Double(count - 1), 1)
    }
    var arrays = Self.arrays(input.gaussian, scale, "mu", "sigma")
    if let spatial = input.spatial { arrays += Self.arrays(spatial, scale, "mu_s", "sigma_s") }
    if let rows, kept > 0 {
      let values = Array(rows.values[..<(kept * input.dimension)])
      arrays.append(("features", NPYArray(floats: values, shape: [kept, input.dimension])))
    }
    try NPZ.write(arrays, to: path)

    var record = StatisticsRecord(
      dataset: input.record?.dataset ?? input.entry?.dataset, count: count,
      extractor: extractor(dialect), features: kept, npzSha256: try sha256(ofFile: path),
      floor: input.record?.floor, dialect: dialect, ddof: ddof)
    record.resolution = resolution
    record.labels = input.record?.labels
    record.spatial = input.spatial != nil
    record.meanPrecision = input.meanPrecision
    record.source = .init(
      address: input.record?.source?.address ?? input.entry?.address, sha256: input.sha256,
      format: input.format)
    let before = input.record?.asserted ?? []
    record.asserted = before + asserted.filter { !before.contains($0) }
    if record.asserted?.isEmpty ?? true { record.asserted = nil }
    try AtomicFile.write(try encodedJSON(record), to: recordPath)
    return record
  }

  private static func arrays(
    _ statistics: GaussianStatistics, _ scale: Double, _ mean: String, _ covariance: String
  ) -> [(name: String, array: NPYArray)] {
    let d = statistics.dimension
    return [
      (mean, NPYArray(doubles: statistics.mean, shape: [d])),
      (covariance, NPYArray(doubles: statistics.covariance.map { $0 * scale }, shape: [d, d])),
    ]
  }

  /// Returns the extractor that the input names, or else that of the dialect if the dimension
  /// matches.
  private func extractor(_ dialect: Dialect?) -> ExtractorProvenance {
    if let known = input.record?.extractor { return known }
    let isInception = input.entry != nil || dialect != nil && input.dimension == 2048
    return ExtractorProvenance(
      name: isInception ? MetricTitle.inception : "unknown",
      published: input.entry == nil ? nil : true,
      dimension: input.dimension)
  }
}
