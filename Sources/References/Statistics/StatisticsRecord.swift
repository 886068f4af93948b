import Files
import Foundation
import GenerativeMetrics
import Results
import Work

/// What is known of a statistics file, kept as JSON beside it.
public struct StatisticsRecord: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-statistics/1"
  /// The data.
  public var dataset: Dataset?
  /// Images that the statistics are of, nil when that is unknown.
  public var count: Int?
  /// The extractor; `file` is relative to this record.
  public var extractor: ExtractorProvenance
  /// The tool in whose way images were prepared, nil when that is unknown.
  public var dialect: Dialect?
  /// Divisor of the covariance: count minus this; nil when that is unknown.
  public var ddof: Int?
  /// Feature rows kept in the file, of the first images.
  public var features: Int
  /// Side of the images before they were resized.
  public var resolution: Int?
  /// The classes of the images, nil when the images did not say them.
  public var labels: LabelCounts?
  /// Whether the file has statistics of the spatial features, `mu_s` and `sigma_s`.
  public var spatial: Bool?
  /// Precision in which the mean was summed.
  public var meanPrecision: MeanPrecision?
  /// What the file was converted from or where it was fetched.
  public var source: Source?
  /// The facts that somebody asserted when the file was converted, and nothing confirms.
  public var asserted: [String]?
  /// SHA-256 of the file.
  public var npzSha256: String
  /// The distance of held-out data of the same kind.
  public var floor: Floor?
  /// Name and version of the tool that made it.
  public var tool: String

  /// Where statistics come from.
  public struct Source: Codable, Sendable {
    /// The address, nil for a file that was here.
    public var address: String?
    /// SHA-256 of the file as it came.
    public var sha256: String
    /// Its layout.
    public var format: ReferenceStatistics.Format
  }

  init(path: String) throws {
    let file = try ReadableFile(path: path)
    guard file.size < 1 << 20 else {
      throw Failure(.dataRefused, "StatsInvalid", path, "\(file.size) bytes are no record")
    }
    self = try decodedJSON(
      Data(try file.bytes(at: 0, count: file.size)), subject: path, what: "record of statistics",
      code: "StatsInvalid")
    guard schema == "dis-eval-statistics/1" else {
      throw Failure(
        .dataRefused, "StatsInvalid", path,
        "schema '\(schema)', this version reads dis-eval-statistics/1")
    }
    guard count ?? 2 >= 2, (0...1).contains(ddof ?? 1), features >= 0, isSHA256(npzSha256),
      (1...1 << 20).contains(resolution ?? 1), labels?.isPlausible ?? true
    else {
      throw Failure(
        .dataRefused, "StatsInvalid", path,
        "is no record of statistics: expected a count of at least 2, a ddof of 0 or 1, a "
          + "resolution of at least 1, a SHA-256 of 64 digits and as many counts as classes")
    }
  }

  package init(
    dataset: Dataset?, count: Int?, extractor: ExtractorProvenance, features: Int,
    npzSha256: String, floor: Floor?, dialect: Dialect?, ddof: Int?
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
