import Files
import Results

/// What became of one checkpoint and one range of seeds.
public struct SweepRow: Codable, Sendable {
  /// The row's name.
  public var name: String
  /// The checkpoint's path.
  public var checkpoint: String
  /// Key of the random streams.
  public var seed: UInt64
  /// `evaluated`, `cached` or `failed`.
  public var state = State.failed
  /// The evaluation.
  public var entry: LedgerEntry?
  /// Why there is none.
  public var error: Reason?

  /// What became of it.
  public enum State: String, Codable, Sendable {
    /// Sampled and scored.
    case evaluated
    /// Found in the ledger.
    case cached
    /// Refused.
    case failed
  }

  /// A failure.
  public struct Reason: Codable, Sendable {
    /// The exit status it stands for.
    public var status: Int32
    /// Its stable name.
    public var code: String
    /// What is at fault.
    public var subject: String
    /// What was found, what was expected, and what to do.
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
  /// Name and version of this form.
  public var schema = "dis-eval-sweep/1"
  /// Where the ledger lies.
  public var ledger: String
  /// A row for each checkpoint and range of seeds, in the order asked for.
  public var rows: [SweepRow]
  /// What the ranges of seeds of one checkpoint have in common, where there are several.
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

  /// The highest status of what failed, nil if nothing did.
  public var worstStatus: Int32? { rows.compactMap(\.error?.status).max() }

  /// The document as JSON.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
