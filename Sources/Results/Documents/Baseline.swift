import Files

/// A baseline kept in a repository: the metrics and provenance of a result, unchanged, with a
/// record of who replaced the baseline's predecessor and why.
public struct Baseline: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = Baseline.currentSchema
  /// The metrics by name.
  public var metrics: [String: EvaluationResult.Metric]
  /// What the metrics were computed from.
  public var provenance: Provenance
  /// SHA-256 over the SHA-256s of all images' pixels; nil if there were no images, or several seeds.
  public var samplesSha256: String?
  /// The seeds over which the metrics are means, in ascending order; nil for one result.
  public var seeds: [UInt64]?
  /// How the baseline was created.
  public var update: Update

  /// How a baseline was created.
  public struct Update: Codable, Sendable {
    /// The reason for the update, in the user's words.
    public var reason: String
    /// Date and time in UTC, ISO 8601.
    public var date: String
    /// The commit that was checked out; nil if unknown.
    public var commit: String?
    /// The gate's verdict against the baseline that this one replaces.
    public var verdict: GateReport.Verdict?

    /// Creates the record of when and why a baseline was written.
    public init(reason: String, date: String, commit: String?, verdict: GateReport.Verdict?) {
      self.reason = reason
      self.date = date
      self.commit = commit
      self.verdict = verdict
    }
  }

  /// The name and version of the format that this version reads and writes.
  package static let currentSchema = "dis-eval-baseline/1"

  /// Creates a baseline from a result.
  public init(_ result: RecordedEvaluation, update: Update) {
    (metrics, provenance, samplesSha256) = (result.metrics, result.provenance, result.samplesSha256)
    seeds = result.seeds
    self.update = update
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension Baseline {
  /// Writes the baseline, and the influences of the images on its distances beside it, in files that are
  /// named by their hashes.
  ///
  /// - Parameters:
  ///   - path: The path of the document.
  ///   - warn: Called with a sentence if influences cannot be written. The document then stands without them.
  /// - Throws: `Failure` (73, 74, 77) if the document cannot be written; `EncodingError` if a number is not
  ///   finite.
  public func write(to path: String, warn: (String) -> Void) throws {
    try AtomicFile.write(try json(), to: path)
    metrics.writeInfluences(beside: path, warn: warn)
  }
}
