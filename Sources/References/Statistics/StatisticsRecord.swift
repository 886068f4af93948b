import Files
import Foundation
import GenerativeMetrics
import Results
import Work

/// The known facts about a statistics file, stored as JSON beside it.
public struct StatisticsRecord: Codable, Sendable {
  /// The name and version of this document's schema.
  public var schema = "dis-eval-statistics/1"
  /// The data set.
  public var dataset: Dataset?
  /// The number of images, or nil if it is unknown.
  public var count: Int?
  /// The extractor, whose `file` is relative to this record.
  public var extractor: ExtractorProvenance
  /// The tool whose preparation of images was used, or nil if it is unknown.
  public var dialect: Dialect?
  /// The number subtracted from the count in the divisor of the covariance, or nil if it is
  /// unknown.
  public var ddof: Int?
  /// The number of feature rows in the file, those of the first images.
  public var features: Int
  /// The side of the images in pixels before they were resized.
  public var resolution: Int?
  /// How the images became squares, such as `adm`; nil if they were taken as they are.
  public var crop: String?
  /// The classes of the images, or nil if the images did not provide them.
  public var labels: LabelCounts?
  /// Whether the file has statistics of the spatial features, `mu_s` and `sigma_s`.
  public var spatial: Bool?
  /// The precision in which the mean was summed.
  public var meanPrecision: MeanPrecision?
  /// The file that was converted, or the address from which the file was fetched.
  public var source: Source?
  /// The facts that the user asserted when the file was converted, and that nothing confirms.
  public var asserted: [String]?
  /// The SHA-256 of the file.
  public var npzSha256: String
  /// The distance of held-out data of the same kind.
  public var floor: EvaluationResult.Floor?
  /// The name and version of the tool that wrote the record.
  public var tool: String

  /// The origin of statistics.
  public struct Source: Codable, Sendable {
    /// The address, or nil for a local file.
    public var address: String?
    /// The SHA-256 of the original file.
    public var sha256: String
    /// The layout of the original file.
    public var format: ReferenceStatistics.Format
  }

  /// Reads the record at `path`, or returns nil if the file there is not one that this tool wrote.
  ///
  /// - Throws: `Failure` `StatsInvalid` (65) if it is one, but not valid; or the failure of reading it.
  init?(ifRecord path: String) throws {
    let file = try ReadableFile(path: path)
    let bytes = try file.bytes(at: 0, count: min(file.size, 1 << 20))
    let text = String(decoding: bytes, as: UTF8.self)
    guard ["dis-eval-statistics", "npz_sha256"].contains(where: text.contains) else { return nil }
    try self.init(path: path)
  }

  package init(path: String) throws {
    let file = try ReadableFile(path: path)
    guard file.size < 1 << 20 else {
      throw Failure(
        .dataRefused, .statsInvalid, path, "\(file.size) bytes are more than a record has")
    }
    self = try decodedJSON(
      Data(try file.bytes(at: 0, count: file.size)), subject: path, what: "record of statistics",
      code: .statsInvalid)
    guard schema == "dis-eval-statistics/1" else {
      throw Failure(
        .dataRefused, .statsInvalid, path,
        "schema '\(schema)', this version reads dis-eval-statistics/1")
    }
    guard count ?? 2 >= 2, (0...1).contains(ddof ?? 1), features >= 0, isSHA256(npzSha256),
      (1...1 << 20).contains(resolution ?? 1), labels?.isPlausible ?? true
    else {
      throw Failure(
        .dataRefused, .statsInvalid, path,
        "is not a record of statistics: expected a count of at least 2, a ddof of 0 or 1, a "
          + "resolution of at least 1, a SHA-256 of 64 digits and as many counts as classes")
    }
  }

  /// Creates a record written by this version of the tool.
  ///
  /// - Parameters:
  ///   - dataset: The data set; nil if unknown.
  ///   - count: The number of images, at least 2; nil if unknown.
  ///   - extractor: The extractor, whose `file` is relative to the record.
  ///   - features: The number of feature rows in the file, those of the first images.
  ///   - npzSha256: The SHA-256 of the file, 64 hexadecimal digits.
  ///   - floor: The distance of held-out data of the same kind; nil if there was none.
  ///   - dialect: The tool whose preparation of images was used; nil if unknown.
  ///   - ddof: The number subtracted from the count in the divisor of the covariance, 0 or 1; nil
  ///     if unknown.
  package init(
    dataset: Dataset?, count: Int?, extractor: ExtractorProvenance, features: Int,
    npzSha256: String, floor: EvaluationResult.Floor?, dialect: Dialect?, ddof: Int?
  ) {
    self.dataset = dataset
    self.count = count
    self.extractor = extractor
    self.dialect = dialect
    self.ddof = ddof
    self.features = features
    self.npzSha256 = npzSha256
    self.floor = floor
    tool = "\(Tool.name) \(Tool.version)"
  }
}
