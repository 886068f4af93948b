/// A baseline kept in a repository: a result's metrics and provenance as they are, with who replaced
/// what and why.
public struct Baseline: Codable, Sendable {
  /// Name and version of this form.
  public var schema = Baseline.currentSchema
  /// The metrics by name.
  public var metrics: [String: Metric]
  /// What the numbers were made from.
  public var provenance: Provenance
  /// SHA-256 over the SHA-256s of all images' pixels, nil when there were no images.
  public var samplesSha256: String?
  /// How the baseline came to be.
  public var update: Update

  /// How a baseline came to be.
  public struct Update: Codable, Sendable {
    /// Why it was made, in a person's words.
    public var reason: String
    /// Day and time in UTC, ISO 8601.
    public var date: String
    /// The commit that was checked out, nil when it is not known.
    public var commit: String?
    /// What the gate said against the baseline that it replaces.
    public var verdict: Verdict?

    /// Makes the record.
    public init(reason: String, date: String, commit: String?, verdict: Verdict?) {
      self.reason = reason
      self.date = date
      self.commit = commit
      self.verdict = verdict
    }
  }

  package static let currentSchema = "dis-eval-baseline/1"

  /// Makes a baseline of a result.
  public init(_ result: RecordedEvaluation, update: Update) {
    (metrics, provenance, samplesSha256) = (result.metrics, result.provenance, result.samplesSha256)
    self.update = update
  }

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
