import Files
import Foundation
import Results
import Work

/// An evaluation of many checkpoints with the same settings, in a folder that any number of
/// processes may share. It can be interrupted at any time:
///
/// ```
/// ledger.jsonl          a line for each evaluation
/// results/<key>.json    the complete result
/// runs/<key>/           an unfinished evaluation
/// hashes.json           SHA-256s of files, so that a checkpoint is hashed once
/// sweep.lock            claims: which process evaluates what
/// ```
/// A key is the hash of a checkpoint's contents and of all settings, see `SweepKey`: what has been
/// evaluated is not sampled again, whatever its file is called. For a generator, the contents are what
/// it says about itself, with the SHA-256 of its weights.
public struct Sweep: Sendable {
  /// The path of the folder, which is created if it does not exist.
  public var folder: String
  /// The settings for sampling and scoring. The path of its checkpoint is replaced by that of each
  /// checkpoint; its seed is the start of the first range.
  public var template: EvaluationRequest
  /// How evaluations are carried out. Each keeps its own run.
  public var execution: Execution
  /// The number of ranges of seeds for each checkpoint: the template's, and those of the following
  /// seeds.
  public var repeats = 1
  /// The settings that generators in the list must confirm.
  package var generatorSettings: [String: JSONValue] = [:]
  /// The request through which a different thread stops the work.
  public var stop: StopRequest?

  /// Creates a sweep with one range of seeds for each checkpoint.
  ///
  /// - Parameters:
  ///   - folder: The path of the folder, which is created if it does not exist.
  ///   - template: The settings for sampling and scoring.
  ///   - execution: How evaluations are carried out.
  public init(folder: String, template: EvaluationRequest, execution: Execution = Execution()) {
    (self.folder, self.template, self.execution) = (folder, template, execution)
  }

  /// The names of the files and folders in ``folder``.
  package static let names = ["ledger.jsonl", "results", "runs", "hashes.json", "sweep.lock"]

  /// The path of the list of evaluations.
  public var ledgerPath: String { "\(folder)/ledger.jsonl" }

  /// Evaluates every checkpoint that has not been evaluated. One that is refused does not stop the
  /// others.
  ///
  /// - Parameters:
  ///   - checkpoints: The checkpoints, in the order of the table.
  ///   - reporter: Receives progress and warnings.
  ///   - isolation: The actor on which the sweep and `finished` run; by default the caller's.
  ///   - finished: Receives every row as soon as it is known.
  /// - Throws: `Failure` (64) `MixedDialects` for all dialects, `SettingOutOfRange` if ``repeats`` is
  ///   not from 1 to 1000 or the template samples no checkpoint; `CannotCreate` (73) if the folder
  ///   cannot be created, `Interrupted` (75) if the sweep was stopped, the error that opening the
  ///   reference or the extractor or reading or writing the folder's files throws, or the error
  ///   thrown by `finished`.
  public func report(
    _ checkpoints: [SweepCheckpoint], reporter: Reporter = .silent,
    isolation: isolated (any Actor)? = #isolation,
    finished: (SweepRow) throws -> Void = { _ in }
  ) async throws -> SweepReport {
    let session = try SweepSession(self, reporter: reporter)
    var rows = [SweepRow?](repeating: nil, count: checkpoints.count * repeats)
    var pending = Array(rows.indices)
    while !pending.isEmpty {
      var others: [Int] = []
      for index in pending {
        let checkpoint = checkpoints[index / repeats]
        guard let row = try await session.row(checkpoint, repeat: index % repeats) else {
          others.append(index)
          continue
        }
        rows[index] = row
        try finished(row)
      }
      // Checkpoints that a different process is evaluating are checked again until it finishes or
      // dies.
      if others.count == pending.count { try await Task.sleep(for: .milliseconds(250)) }
      pending = others
    }
    return SweepReport(ledger: ledgerPath, rows: rows.compactMap(\.self))
  }

  /// Evaluates the checkpoints that appear in `source` until the process ends. A file is used if it
  /// can be opened and its size and time are unchanged in two consecutive checks.
  ///
  /// - Parameters:
  ///   - source: The path of the folder.
  ///   - interval: The time between two checks, above 0.
  ///   - reporter: Receives progress and warnings.
  ///   - isolation: The actor on which the sweep and `finished` run; by default the caller's.
  ///   - finished: Receives every row as soon as it is known.
  /// - Throws: As ``report(_:reporter:isolation:finished:)`` does, or `Failure` if `source` cannot be listed.
  public func watch(
    _ source: String, every interval: Duration, reporter: Reporter = .silent,
    isolation: isolated (any Actor)? = #isolation, finished: (SweepRow) throws -> Void
  ) async throws {
    guard interval > .zero else { throw Failure.outOfRange("every", interval, "more than 0") }
    let session = try SweepSession(self, reporter: reporter)
    var watched = WatchedFolder(path: source)
    while true {
      for path in try watched.still(reporter: reporter) {
        let checkpoints = try SweepCheckpoint.matching([path])
        var isDone = true
        for seed in 0..<repeats {
          if let row = try await session.row(checkpoints[0], repeat: seed) {
            try finished(row)
          } else {
            isDone = false
          }
        }
        if isDone { watched.isDone(path) }
      }
      try await Task.sleep(for: interval)
    }
  }
}
