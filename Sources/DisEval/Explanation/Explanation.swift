import References
import Results

/// An explanation of why tools give different numbers for the same images: the Fréchet distance in
/// every dialect, and the contribution of each difference between them.
public struct Explanation: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-explanation/1"
  /// The dialect that the others are compared with.
  public var base: String
  /// `fid`, or `fd` for an extractor other than Inception.
  public var metric: String
  /// The distance in the base dialect.
  public var value: Double
  /// The distance in every dialect.
  public var dialects: [DialectLine]
  /// Every single change to the base dialect.
  public var changes: [Change]
  /// What the classes of the images do to the distance; nil unless labels were given.
  public var labels: LabelEffect?
  /// The numbers of images of both sides, the subject first.
  public var counts: [Int]
  /// The extractor.
  public var extractor: ExtractorProvenance
  /// The name and version of the tool.
  public var tool = "\(Tool.name) \(Tool.version)"

  /// One dialect, and the sources of its difference.
  public struct DialectLine: Codable, Sendable {
    /// The name of the dialect.
    public var dialect: String
    /// The distance in this dialect.
    public var value: Double
    /// ``value`` minus that of the base dialect: the sum of the three parts below.
    public var difference: Double
    /// The part due to the different resize, with the base's scale.
    public var resize: Double
    /// The additional part due to the different scale.
    public var scale: Double
    /// The additional part due to the different precision of the mean.
    public var meanPrecision: Double
  }

  /// The base dialect with one change.
  public struct Change: Codable, Sendable {
    /// `resize`, `scale`, `quantisation`, `mean precision`, `ddof` or `weights`.
    public var kind: String
    /// The value after the change.
    public var to: String
    /// The distance after the change.
    public var value: Double
    /// ``value`` minus that of the base dialect.
    public var difference: Double
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
