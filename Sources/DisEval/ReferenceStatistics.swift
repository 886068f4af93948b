import Checkpoints
import Files
import Foundation
import GenerativeMetrics

/// Mean and covariance of a reference set's features, with the record of how they were made.
///
/// The `.npz` has `mu` `[D]` and `sigma` `[D, D]` as every tool of the field reads them, and may
/// have `features`, float32 rows of some of the images. The `.json` beside it is the record.
public struct ReferenceStatistics: Sendable {
  /// Where it was read from.
  public let path: String
  /// SHA-256 of the `.npz`.
  public let sha256: String
  /// Length of a feature vector.
  public var dimension: Int { gaussian.dimension }
  /// The record beside the file, nil when there is none.
  public let record: StatisticsRecord?

  let gaussian: GaussianStatistics

  /// Reads statistics and, if there is one, the record beside them.
  ///
  /// - Throws: ``Failure`` `StatsInvalid` when `mu` or `sigma` is missing, has another shape, is not
  ///   finite or not symmetric, or when the record was made for another file.
  public init(path: String) throws {
    let file = try NPZ.read(path)
    func refusal(_ reason: String) -> Failure {
      Failure(.dataRefused, "StatsInvalid", path, reason)
    }
    for name in ["mu", "sigma"] where !file.names.contains(name) {
      throw refusal(
        "no array '\(name)'; statistics have mu and sigma, this file has "
          + file.names.joined(separator: ", "))
    }
    let (mu, sigma) = (try file.array("mu"), try file.array("sigma"))
    guard mu.shape.count == 1, sigma.shape == [mu.shape[0], mu.shape[0]] else {
      throw refusal(
        "mu \(mu.shape) and sigma \(sigma.shape), expected [D] and [D, D]")
    }
    guard [mu.type, sigma.type].allSatisfy(Self.floatingPointTypes.contains) else {
      throw refusal("mu is \(mu.type) and sigma \(sigma.type), expected floating point")
    }
    let recordPath = Self.recordPath(path)
    let record =
      FileManager.default.fileExists(atPath: recordPath)
      ? try StatisticsRecord(path: recordPath) : nil
    self.path = path
    self.record = record
    sha256 = try DisEval.sha256(ofFile: path)
    if let record, record.npzSha256 != sha256 {
      throw refusal(
        "SHA-256 \(sha256), but \(recordPath) was written for \(record.npzSha256)")
    }
    do {
      gaussian = try GaussianStatistics(
        count: record?.count, mean: mu.doubles(), covariance: sigma.doubles(),
        relativePrecision: sigma.type == .float64
          ? 0x1p-52 : sigma.type == .float32 ? 0x1p-23 : 0x1p-10)
    } catch {
      throw refusal("\(error.code): \(error.detail)")
    }
  }

  /// Whether `path` is an archive with `mu` or `sigma`: then it is meant as statistics, and anything
  /// wrong with it is an error rather than a reason to try something else.
  static func isRecognised(_ path: String) -> Bool {
    guard let names = try? NPZ.read(path).names else { return false }
    return names.contains("mu") || names.contains("sigma")
  }

  private static let floatingPointTypes: Set<ScalarType> = [.float64, .float32, .float16]

  /// The path of the record beside statistics.
  static func recordPath(_ path: String) -> String {
    (path.hasSuffix(".npz") ? String(path.dropLast(4)) : path) + ".json"
  }

  var provenance: ReferenceProvenance {
    ReferenceProvenance(
      file: lastComponent(path), sha256: sha256, dataset: record?.dataset, count: record?.count)
  }
}

/// What is known of a statistics file, kept as JSON beside it.
public struct StatisticsRecord: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-statistics/1"
  /// The data.
  public var dataset: Dataset?
  /// Images that the statistics are of.
  public var count: Int
  /// The extractor; `file` is relative to this record.
  public var extractor: ExtractorProvenance
  /// How images are resized and scaled.
  public var dialect: String
  /// Divisor of the covariance: count minus this.
  public var ddof: Int
  /// Feature rows kept in the file, of the first images.
  public var features: Int
  /// SHA-256 of the `.npz`.
  public var npzSha256: String
  /// The distance of held-out data of the same kind.
  public var floor: Floor?
  /// Name and version of the tool that made it.
  public var tool: String

  init(path: String) throws {
    let file = try ReadableFile(path: path)
    guard file.size < 1 << 20 else {
      throw Failure(.dataRefused, "StatsInvalid", path, "\(file.size) bytes are no record")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(
        Self.self, from: Data(try file.bytes(at: 0, count: file.size)))
    } catch let error as DecodingError {
      throw Failure(
        .dataRefused, "StatsInvalid", path, "is no record of statistics: \(error)")
    }
    guard schema == "dis-eval-statistics/1" else {
      throw Failure(
        .dataRefused, "StatsInvalid", path,
        "schema '\(schema)', this version reads dis-eval-statistics/1")
    }
  }

  init(
    dataset: Dataset?, count: Int, extractor: ExtractorProvenance, features: Int,
    npzSha256: String, floor: Floor?
  ) {
    self.dataset = dataset
    self.count = count
    self.extractor = extractor
    dialect = dialectName
    ddof = 1
    self.features = features
    self.npzSha256 = npzSha256
    self.floor = floor
    tool = "\(Tool.name) \(Tool.version)"
  }
}

/// The one dialect of this version: pytorch-fid's resize, scale and covariance.
let dialectName = "pytorch-fid"
