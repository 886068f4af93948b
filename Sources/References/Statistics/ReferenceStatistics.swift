import Checkpoints
import Files
import Foundation
import GenerativeMetrics
import Images
import Results

/// The mean and covariance of the features of a reference set, together with what is known of their
/// origin.
///
/// Files of all common tools are read and recognised by content, see ``Format``. The origin of the
/// numbers (the tool's dialect, the number of images) is given by the `.json` record beside the
/// file or, for files in the registry, by the registry; otherwise it is unknown.
public struct ReferenceStatistics: Sendable {
  /// The path of the file, or the name of statistics that were made in memory.
  public let path: String
  /// The SHA-256 of the file; of statistics in memory, that of the file that ``write(to:)`` writes.
  public let sha256: String
  /// The layout of the file.
  public let format: Format
  /// The name under which the statistics are, in a file with those of several extractors; nil for other files.
  public let part: String?
  /// The names of all statistics in a file with those of several extractors, ``part`` among them; empty for other
  /// files.
  public let parts: [String]
  /// The record beside the file, or nil if there is none.
  public let record: StatisticsRecord?
  /// The entry of the registry for a file with this hash, or nil if there is none.
  public let entry: StatisticsRegistry.Entry?
  /// The number of images, or nil if it is unknown.
  public let count: Int?
  /// The number subtracted from ``count`` in the divisor of the covariance, or nil if it is
  /// unknown.
  ///
  /// StyleGAN's `FeatureStats` hold sums, whose covariance is formed as in StyleGAN, with 0.
  public let ddof: Int?
  /// The precision in which the mean was summed, according to the record or the type in which it is
  /// stored.
  public let meanPrecision: MeanPrecision
  /// All arrays in the file.
  public let arrays: [TensorLine]

  /// The mean `[D]` and covariance `[D, D]` of the pooled features.
  public let gaussian: GaussianStatistics
  /// The mean and covariance of the features of sFID, which retain their positions; nil if there are
  /// none.
  public let spatial: GaussianStatistics?
  /// The moments of the feature rows, if ``gaussian`` was computed from them.
  package let accumulated: GaussianAccumulator?
  private let rows: Rows?
  private let logits: (@Sendable () throws -> NPYReader)?

  /// Where the feature rows are.
  private enum Rows {
    case file(@Sendable () throws -> NPYReader)
    case memory(FeatureRows)
  }

  /// Whether the statistics were made in memory and not read from a file.
  package let isInMemory: Bool

  /// The length of a feature vector.
  public var dimension: Int { gaussian.dimension }
  /// The tool whose processing produced the features, or nil if it is unknown.
  public var dialect: Dialect? { record?.dialect ?? entry?.dialect }
  /// The side of the images in pixels before they were resized, or nil if it is unknown.
  public var resolution: Int? { record?.resolution ?? entry?.resolution }

  /// The file in the place of the record that is not one; nil if there is none. It is ignored.
  package let unrelatedRecord: String?

  /// Reads statistics and, if there is one, the record beside them.
  ///
  /// For files that hold only feature rows, the mean and covariance of the rows are computed (ddof
  /// 1).
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - part: The name of the statistics to read, in a file with those of several extractors; nil to choose by
  ///     `extractor`.
  ///   - extractor: The extractor whose statistics are to be read if there are several; nil for Inception.
  /// - Throws: `Failure` `StatsInvalid` (65) if an array is missing, has a different shape or type,
  ///   or is not finite, symmetric or positive semidefinite, or if the record is invalid or was
  ///   written for a different file; or the failure with which the container is refused.
  public init(path: String, part: String? = nil, extractor: String? = nil) throws {
    let content = try StatisticsContent(path: path, part: part, extractor: extractor)
    (self.part, parts) = (content.part, content.parts)
    let recordPath = Self.recordPath(path)
    let isThere = FileManager.default.fileExists(atPath: recordPath)
    let record = isThere ? try StatisticsRecord(ifRecord: recordPath) : nil
    let sha256 = try Files.sha256(ofFile: path)
    if let record, record.npzSha256 != sha256 {
      throw StatisticsContent.refusal(
        path,
        "SHA-256 \(sha256), but \(recordPath) was written for \(record.npzSha256); put the right "
          + "one beside it, or none")
    }
    let entry = record == nil ? StatisticsCache.entry(ofFileWithSHA256: sha256) : nil
    let moments = try content.gaussian(count: record?.count ?? entry?.count)
    if let count = record?.count, let found = moments.gaussian.count, count != found {
      throw StatisticsContent.refusal(
        path, "of \(found) images, but \(recordPath) says \(count)")
    }
    if let expected = record?.extractor.dimension, expected != moments.gaussian.dimension {
      throw StatisticsContent.refusal(
        path,
        "of \(moments.gaussian.dimension) dimensions, but \(recordPath) says \(expected)")
    }
    self.path = path
    self.sha256 = sha256
    self.record = record
    self.entry = entry
    format = content.format
    arrays = content.arrays
    (gaussian, accumulated) = (moments.gaussian, moments.accumulated)
    count = moments.gaussian.count
    ddof = record?.ddof ?? moments.ddof ?? entry?.ddof
    meanPrecision = record?.meanPrecision ?? content.meanPrecision
    spatial = try content.spatialGaussian(count: count)
    rows = content.rows.map { .file($0) }
    logits = content.logits
    isInMemory = false
    unrelatedRecord = isThere && record == nil ? recordPath : nil
  }

  /// Creates statistics that were checked.
  init(
    inMemory name: String, _ gaussian: GaussianStatistics, _ spatial: GaussianStatistics?,
    _ rows: FeatureRows?, _ record: StatisticsRecord
  ) {
    (path, sha256, format) = (name, record.npzSha256, .npz)
    (self.record, entry, count, part, parts) = (record, nil, gaussian.count, nil, [])
    (ddof, meanPrecision, arrays) = (record.ddof, .float64, [])
    (self.gaussian, self.spatial) = (gaussian, spatial)
    self.rows = rows.flatMap { $0.count > 0 ? .memory($0) : nil }
    (logits, accumulated) = (nil, nil)
    isInMemory = true
    unrelatedRecord = nil
  }

  /// Reads the feature rows in the file, rounded to float32.
  ///
  /// - Returns: The rows `[N, D]`, or nil if there are none.
  /// - Throws: `Failure` `StatsInvalid` (65) if they are not finite rows of ``dimension`` numbers,
  ///   or the failure of reading the file.
  public func featureRows() throws -> FeatureRows? {
    let reader: NPYReader
    switch rows {
    case nil: return nil
    case .memory(let rows): return rows
    case .file(let open): reader = try open()
    }
    let shape = try StatisticsContent.checkedRowShape(reader, path: path, atLeast: 0)
    guard shape.columns == dimension else {
      throw StatisticsContent.refusal(
        path, "feature rows of \(shape.columns) numbers, but \(dimension) dimensions")
    }
    var values: [Float] = []
    values.reserveCapacity(shape.rows * shape.columns)
    try Self.forEachRows(of: reader) { values += $0 }
    do {
      return try FeatureRows(values, dimension: dimension)
    } catch {
      throw StatisticsContent.refusal(path, error)
    }
  }

  /// Returns a reader of the feature rows `[N, D]`; nil unless the file has those of all its images and stores
  /// them so that any of them can be read.
  ///
  /// - Throws: `Failure` `StatsInvalid` (65) if they are not rows of numbers, or the failure of reading the file.
  package func rowReader() throws -> NPYReader? {
    guard case .file(let open) = rows else { return nil }
    let reader = try open()
    let shape = try StatisticsContent.checkedRowShape(reader, path: path, atLeast: 0)
    return shape == (count, dimension) && reader.readsAnywhere ? reader : nil
  }

  /// Passes on the feature rows, a few hundred at a time, if the file has those of all its images.
  ///
  /// - Parameter body: Receives consecutive rows, `[n, D]`, rounded to float32.
  /// - Returns: Whether there are rows of all images.
  /// - Throws: `Failure` `StatsInvalid` (65) if they are not rows of ``dimension`` numbers, the failure of
  ///   reading the file, or the error that `body` throws.
  package func forEachRows(_ body: ([Float]) throws -> Void) throws -> Bool {
    switch rows {
    case nil: return false
    case .memory(let rows):
      guard rows.count == count else { return false }
      try body(rows.values)
    case .file(let open):
      let reader = try open()
      let shape = try StatisticsContent.checkedRowShape(reader, path: path, atLeast: 0)
      guard shape.rows == count, shape.columns == dimension else { return false }
      try Self.forEachRows(of: reader, body)
    }
    return true
  }

  /// Whether there are feature rows, perhaps not of all images.
  package var hasFeatureRows: Bool { rows != nil }
  /// Whether the file has logits of classes.
  package var hasLogits: Bool { logits != nil }

  /// Passes on the logits of the classes, a few hundred rows at a time, if the file has those of all its
  /// images.
  ///
  /// - Parameter body: Receives the number of classes K, and consecutive rows `[n, K]`, rounded to float32.
  /// - Returns: Whether there are logits of all images.
  /// - Throws: `Failure` `StatsInvalid` (65) if they are not rows of numbers, the failure of reading the file,
  ///   or the error that `body` throws.
  package func forEachLogits(_ body: (Int, [Float]) throws -> Void) throws -> Bool {
    guard let reader = try logits?() else { return false }
    let shape = try StatisticsContent.checkedRowShape(reader, path: path, atLeast: 0)
    guard shape.rows == count, shape.columns > 0 else { return false }
    try Self.forEachRows(of: reader) { rows in
      guard rows.allSatisfy(\.isFinite) else {
        throw StatisticsContent.refusal(path, "logits that are not finite")
      }
      try body(shape.columns, rows)
    }
    return true
  }

  private static func forEachRows(
    of reader: NPYReader, _ body: ([Float]) throws -> Void
  ) throws {
    let (rows, columns) = (reader.shape[0], reader.shape[1])
    for start in stride(from: 0, to: rows, by: 256) {
      try body(reader.floats(start * columns..<min(start + 256, rows) * columns))
    }
  }

  /// Returns the images of the reference set, some of which guided-diffusion stores in the same
  /// file, or nil if there are none.
  ///
  /// - Throws: `Failure` `NotImages` (65) if `arr_0` does not hold images, `NoImages` (66) if it is
  ///   empty, and the other codes of ``ImageSource/init(path:recursive:)``.
  public func images() throws -> ImageSource? {
    format == .adm && arrays.contains { $0.name == "arr_0" } ? try ImageSource(path: path) : nil
  }

  /// Returns whether `path` is meant as statistics, in which case anything wrong with it is an
  /// error instead of a reason to interpret it differently.
  package static func isRecognised(_ path: String) -> Bool { StatisticsContent.isRecognised(path) }

  /// Returns the path of the record beside statistics: `stats.json` for `stats.npz`,
  /// `stats.pkl.json` for any other name.
  package static func recordPath(_ path: String) -> String {
    (path.hasSuffix(".npz") ? String(path.dropLast(4)) : path) + ".json"
  }

  /// Returns the files that are read together with the statistics at `path`: the record, and the
  /// weights that it names.
  package static func companions(of path: String) -> [String] {
    let recordPath = recordPath(path)
    guard FileManager.default.fileExists(atPath: recordPath) else { return [] }
    let weights = (try? StatisticsRecord(path: recordPath))?.extractor.file
    return [recordPath] + [weights.map { siblingPath(of: path, $0) }].compactMap(\.self)
  }

  /// Returns whether `path` is free or holds a record of statistics, which may be replaced.
  package static func isFreeForRecord(_ path: String) -> Bool {
    !FileManager.default.fileExists(atPath: path) || (try? StatisticsRecord(path: path)) != nil
  }

  /// The file and what is known about it, as recorded in results.
  package var provenance: ReferenceProvenance {
    ReferenceProvenance(
      file: lastComponent(path), sha256: sha256, dataset: record?.dataset ?? entry?.dataset,
      count: count, format: format.rawValue, dialect: dialect?.rawValue, resolution: resolution)
  }
}
