import Files
import Results

/// The outcome for one checkpoint and one range of seeds.
public struct SweepRow: Codable, Sendable {
  /// The name of the row.
  public var name: String
  /// The path of the checkpoint.
  public var checkpoint: String
  /// The seed of the random streams.
  public var seed: UInt64
  /// `evaluated`, `cached` or `failed`.
  public var state = State.failed
  /// The evaluation.
  public var entry: LedgerEntry?
  /// The reason there is no evaluation.
  public var error: Reason?

  /// The outcome of a row.
  public enum State: String, Codable, Sendable {
    /// Sampled and scored.
    case evaluated
    /// Found in the ledger.
    case cached
    /// Refused.
    case failed
  }

  /// The failure that ended the evaluation of a checkpoint.
  public struct Reason: Codable, Sendable {
    /// The exit status of the failure.
    public var status: Int32
    /// The stable name of the failure.
    public var code: String
    /// The cause of the failure.
    public var subject: String
    /// What was found, what was expected, and what to do about it.
    public var detail: String
  }

  init(name: String, checkpoint: String, seed: UInt64) {
    (self.name, self.checkpoint, self.seed) = (name, checkpoint, seed)
  }

  mutating func finish(_ entry: LedgerEntry, isCached: Bool) {
    self.entry = entry
    state = isCached ? .cached : .evaluated
  }

  mutating func fail(_ failure: Failure) {
    error = Reason(
      status: failure.status.rawValue, code: failure.code.rawValue, subject: failure.subject,
      detail: failure.detail)
  }
}

/// All rows of a sweep.
public struct SweepReport: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-sweep/1"
  /// The path of the ledger.
  public var ledger: String
  /// A row for each checkpoint and range of seeds, in the order requested.
  public var rows: [SweepRow]
  /// A summary for each checkpoint with several ranges of seeds.
  public var summaries: [SeedSummary]

  init(ledger: String, rows: [SweepRow]) {
    self.ledger = ledger
    self.rows = rows
    summaries = []
    for name in rows.map(\.name).reduce(into: [String](), { if $0.last != $1 { $0.append($1) } }) {
      let entries = rows.filter { $0.name == name }.compactMap(\.entry)
      for metric in Set(entries.flatMap(\.metrics.keys)).sorted() {
        summaries += [
          SeedSummary(
            name: name, metric: metric, values: entries.compactMap { $0.metrics[metric]?.value })
        ].compactMap(\.self)
      }
    }
  }

  /// The highest exit status of the failures; nil if there were none.
  public var worstStatus: Int32? { rows.compactMap(\.error?.status).max() }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
