import Checkpoints
import Files
import Foundation
import GenerativeMetrics
import Images
import Results

/// Mean and covariance of a reference set's features, with what is known of how they were made.
///
/// Files of every tool of the field are read, recognised by content: see ``Format``. What the numbers
/// are of (the tool's dialect, how many images) stands in the `.json` record beside the file, or in
/// the registry when the file is one of it, or nowhere.
public struct ReferenceStatistics: Sendable {
  /// Where it was read from.
  public let path: String
  /// SHA-256 of the file.
  public let sha256: String
  /// How the file is laid out.
  public let format: Format
  /// The record beside the file, nil when there is none.
  public let record: StatisticsRecord?
  /// What the registry says of a file with this hash, nil when it knows none.
  public let entry: StatisticsRegistry.Entry?
  /// Images that the statistics are of, nil when that is unknown.
  public let count: Int?
  /// The covariance is divided by ``count`` less this; nil when that is unknown.
  ///
  /// StyleGAN's `FeatureStats` are sums: their covariance is formed as StyleGAN does, with 0.
  public let ddof: Int?
  /// The precision that the mean was summed in, by the record or the type that it is stored in.
  public let meanPrecision: MeanPrecision
  /// Every array in the file.
  public let arrays: [TensorLine]

  /// Of the pooled features.
  package let gaussian: GaussianStatistics
  /// Of the spatial features of sFID.
  package let spatial: GaussianStatistics?
  private let rows: (@Sendable () throws -> NPYReader)?

  /// Length of a feature vector.
  public var dimension: Int { gaussian.dimension }
  /// The tool in whose way the features were made, nil when that is unknown.
  public var dialect: Dialect? { record?.dialect ?? entry?.dialect }
  /// Side of the images before they were resized, nil when that is unknown.
  public var resolution: Int? { record?.resolution ?? entry?.resolution }

  /// Reads statistics and, if there is one, the record beside them.
  ///
  /// Files with feature rows alone give the mean and the covariance of these (ddof 1).
  ///
  /// - Throws: `Failure` `StatsInvalid` when an array is missing, has another shape or type, is not
  ///   finite, not symmetric or not positive semidefinite, or when the record was made for another
  ///   file; why the container is refused.
  public init(path: String) throws {
    let content = try StatisticsContent(path: path)
    let recordPath = Self.recordPath(path)
    let record =
      FileManager.default.fileExists(atPath: recordPath)
      ? try StatisticsRecord(path: recordPath) : nil
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
    self.path = path
    self.sha256 = sha256
    self.record = record
    self.entry = entry
    format = content.format
    arrays = content.arrays
    gaussian = moments.gaussian
    count = moments.gaussian.count
    ddof = record?.ddof ?? moments.ddof ?? entry?.ddof
    meanPrecision = record?.meanPrecision ?? content.meanPrecision
    spatial = try content.spatialGaussian(count: count)
    rows = content.rows
  }

  /// Feature rows in the file, rounded to float32; nil when there are none.
  ///
  /// - Throws: `Failure` `StatsInvalid` when they are no finite rows of ``dimension`` numbers.
  public func featureRows() throws -> FeatureRows? {
    guard let reader = try rows?() else { return nil }
    let shape = try StatisticsContent.checkedRowShape(reader, path: path, atLeast: 0)
    guard shape.columns == dimension else {
      throw StatisticsContent.refusal(
        path, "feature rows of \(shape.columns) numbers, but \(dimension) dimensions")
    }
    do {
      return try FeatureRows(reader.floats(0..<shape.rows * shape.columns), dimension: dimension)
    } catch let error as MetricError {
      throw StatisticsContent.refusal(path, error)
    }
  }

  /// The images of the reference set, as guided-diffusion keeps some of them in the same file.
  public func images() throws -> ImageSource? {
    format == .adm && arrays.contains { $0.name == "arr_0" } ? try ImageSource(path: path) : nil
  }

  /// Whether `path` is meant as statistics: then anything wrong with it is an error rather than a
  /// reason to try something else.
  package static func isRecognised(_ path: String) -> Bool { StatisticsContent.isRecognised(path) }

  /// The path of the record beside statistics: `stats.json` for `stats.npz`, `stats.pkl.json` for
  /// any other name.
  package static func recordPath(_ path: String) -> String {
    (path.hasSuffix(".npz") ? String(path.dropLast(4)) : path) + ".json"
  }

  /// The files that are read together with the statistics at `path`: the record, and the weights that
  /// it names.
  package static func companions(of path: String) -> [String] {
    let recordPath = recordPath(path)
    guard FileManager.default.fileExists(atPath: recordPath) else { return [] }
    let weights = (try? StatisticsRecord(path: recordPath))?.extractor.file
    return [recordPath] + [weights.map { siblingPath(of: path, $0) }].compactMap(\.self)
  }

  /// Whether there is nothing at `path`, or a record of statistics, which may be replaced.
  package static func isFreeForRecord(_ path: String) -> Bool {
    !FileManager.default.fileExists(atPath: path) || (try? StatisticsRecord(path: path)) != nil
  }

  package var provenance: ReferenceProvenance {
    ReferenceProvenance(
      file: lastComponent(path), sha256: sha256, dataset: record?.dataset ?? entry?.dataset,
      count: count, format: format.rawValue, dialect: dialect?.rawValue, resolution: resolution)
  }
}
