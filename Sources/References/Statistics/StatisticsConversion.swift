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
  /// - Parameters:
  ///   - reference: The path or the name.
  ///   - part: The name of the statistics in a file with those of several extractors, such as `fd_dinov2`; nil for
  ///     those of Inception.
  /// - Throws: `Failure` `StatsUnavailable` (69) for a name that was not fetched, `StatsUnknown` or
  ///   `NotFound` (66) if there is no such name or file, `StatsInvalid` (65) if the statistics are
  ///   refused, or the failure with which the container is refused.
  public init(reference: String, part: String? = nil) throws {
    input = try ReferenceStatistics(path: resolveReference(reference), part: part)
  }

  /// Writes `mu` and `sigma` in float64, `mu_s` and `sigma_s` if they exist, and the record.
  ///
  /// A covariance divided by N, such as StyleGAN's, is multiplied by N / (N - 1), so that its
  /// divisor is that of all dialects.
  ///
  /// - Parameter path: The file to write, which must end in `.npz`.
  /// - Returns: The record.
  /// - Throws: `Failure` (64) `InvalidOutput` for a different suffix, `SettingOutOfRange` if a number
  ///   of images below 2, a resolution below 1 or above 65,536, or a negative number of rows is
  ///   asserted; `FactContradicted` (65) if an
  ///   asserted fact is known to be different; `NoFeatureRows` (65) if rows are to be kept and
  ///   there are none; `CannotCreate` (73), `DiskFull` or `InputOutput` (74) if a file cannot be
  ///   written; otherwise as ``ReferenceStatistics/featureRows()``.
  @discardableResult public func write(to path: String) throws -> StatisticsRecord {
    guard count ?? 2 >= 2 else { throw Failure.outOfRange("count", count ?? 0, "at least 2") }
    guard (1...65_536).contains(resolution ?? 1) else {
      throw Failure.outOfRange("resolution", resolution ?? 0, "1 to 65536")
    }
    guard keptRows >= 0 else { throw Failure.outOfRange("keptRows", keptRows, "at least 0") }
    guard path.hasSuffix(".npz") else {
      throw Failure(
        .usage, .invalidOutput, path, "statistics are written as .npz; pickles are only read")
    }
    let recordPath = ReferenceStatistics.recordPath(path)
    try AtomicFile.check(path, isReadBack: true)
    try AtomicFile.check(recordPath)
    let facts = try facts()
    let features = try keptFeatures()
    let correction = covarianceCorrection(count: facts.count)

    var arrays = Self.arrays(input.gaussian, correction.factor, "mu", "sigma")
    if let spatial = input.spatial {
      arrays += Self.arrays(spatial, correction.factor, "mu_s", "sigma_s")
    }
    if let features { arrays.append(("features", features)) }
    try NPZ.write(arrays, to: path)

    var record = StatisticsRecord(
      dataset: input.record?.dataset ?? input.entry?.dataset, count: facts.count,
      extractor: extractor(facts.dialect), features: features?.shape[0] ?? 0,
      npzSha256: try sha256(ofFile: path), floor: input.record?.floor, dialect: facts.dialect,
      ddof: correction.ddof)
    record.resolution = facts.resolution
    record.asserted = asserted(facts)
    record.labels = input.record?.labels
    record.spatial = input.spatial != nil
    record.meanPrecision = input.meanPrecision
    record.crop = input.record?.crop
    record.source = source
    try AtomicFile.write(try encodedJSON(record), to: recordPath)
    return record
  }
}

// MARK: - Facts

/// What is known or asserted of the images behind statistics.
private struct ImageFacts {
  let dialect: Dialect?
  let count: Int?
  let resolution: Int?
  /// The names of the facts that only the user states.
  let asserted: [String]
}

extension StatisticsConversion {
  /// Returns the facts that the input states, and those that the user asserts where it states none.
  private func facts() throws(Failure) -> ImageFacts {
    let isAsserted = [
      ("dialect", input.dialect == nil && dialect != nil),
      ("count", input.count == nil && count != nil),
      ("resolution", input.resolution == nil && resolution != nil),
    ]
    return ImageFacts(
      dialect: try fact("dialect", input.dialect?.rawValue, dialect?.rawValue)
        .flatMap(Dialect.init),
      count: try fact("count", input.count, count),
      resolution: try fact("resolution", input.resolution, resolution),
      asserted: isAsserted.filter(\.1).map(\.0))
  }

  /// Returns the known or claimed value of a fact; nil if there is neither.
  private func fact<Value: Equatable>(
    _ name: String, _ known: Value?, _ claimed: Value?
  ) throws(Failure) -> Value? {
    guard let known, let claimed else { return known ?? claimed }
    guard known == claimed else {
      throw Failure(
        .dataRefused, .factContradicted, input.path,
        "`\(name)` \(claimed), but what is known of the file says \(known)")
    }
    return known
  }

  /// Returns the names of the asserted facts, those of an earlier conversion first; nil if there
  /// are none.
  private func asserted(_ facts: ImageFacts) -> [String]? {
    let before = input.record?.asserted ?? []
    let all = before + facts.asserted.filter { !before.contains($0) }
    return all.isEmpty ? nil : all
  }
}

// MARK: - Arrays

extension StatisticsConversion {
  /// Returns the feature rows to keep, `[N, D]`; nil if none are wanted or there are none.
  private func keptFeatures() throws -> NPYArray? {
    guard keptRows > 0 else { return nil }
    guard let rows = try input.featureRows() else {
      throw Failure(
        .dataRefused, .noFeatureRows, input.path,
        "\(input.format) has no feature rows to keep; leave out `keptRows`")
    }
    let kept = min(keptRows, rows.count)
    guard kept > 0 else { return nil }
    return NPYArray(
      floats: Array(rows.values[..<(kept * input.dimension)]), shape: [kept, input.dimension])
  }

  /// Returns the factor that gives covariances the divisor N - 1, and the `ddof` after it. Without
  /// the number of images the divisor remains.
  private func covarianceCorrection(count: Int?) -> (factor: Double, ddof: Int?) {
    guard let known = input.ddof, known != 1, let count else { return (1, input.ddof) }
    return (Double(count - known) / Double(count - 1), 1)
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
}

// MARK: - Origin

extension StatisticsConversion {
  /// The file that is converted.
  private var source: StatisticsRecord.Source {
    StatisticsRecord.Source(
      address: input.record?.source?.address ?? input.entry?.address, sha256: input.sha256,
      format: input.format)
  }

  /// Returns the extractor that the input names, or else that of the dialect if the dimension
  /// matches.
  private func extractor(_ dialect: Dialect?) -> ExtractorProvenance {
    if let known = input.extractor { return known }
    let isInception = dialect != nil && input.dimension == 2048
    return ExtractorProvenance(
      name: isInception ? MetricTitle.inception : "unknown",
      published: input.entry == nil ? nil : true,
      dimension: input.dimension)
  }
}
