import Checkpoints
import Files
import Foundation
import GenerativeMetrics
import References
import Results
import Sampling
import Synchronization
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
/// evaluated is not sampled again, whatever its file is called.
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

/// A sweep that is running on its folder.
private final class SweepSession {
  private let sweep: Sweep
  private let reporter: Reporter
  private let key: SweepKey
  /// The seed of the first range.
  private let seed: UInt64
  private let claims: ClaimFile
  private var hashes: ContentHashes
  /// The keys for which there was a row.
  private var seen: Set<String> = []

  init(_ sweep: Sweep, reporter: Reporter) throws {
    guard (1...1000).contains(sweep.repeats) else {
      throw Failure.outOfRange("repeats", sweep.repeats, "1 to 1000")
    }
    guard let sampled = sweep.template.checkpoint else {
      throw Failure.outOfRange("template", "without a checkpoint", "a request that samples one")
    }
    self.sweep = sweep
    let warned = Mutex<Set<String>>([])
    self.reporter = Reporter(
      progress: reporter.progress,
      warn: { text in
        // The same settings cause the same warnings for every checkpoint.
        if warned.withLock({ $0.insert(text).inserted }) { reporter.warn(text) }
      }, note: reporter.note)
    for folder in [sweep.folder, "\(sweep.folder)/results"] {
      try Folder.create(folder)
    }
    claims = try ClaimFile(path: "\(sweep.folder)/sweep.lock")
    hashes = ContentHashes(path: "\(sweep.folder)/hashes.json")
    _ = try Self.ledger(of: sweep)

    let template = sweep.template
    guard try ScoringSettings(template).dialect != .all else {
      throw Failure(
        .usage, .mixedDialects, "`dialect` all", "a row has one number for each metric; give one")
    }
    let decoder = try sampled.decoder.map(LoadedDecoder.init)
    seed = sampled.sampling.seed
    let path = try resolveReference(template.reference)
    let reference = try ImagesOrStatistics(path: path, recursive: template.recursive)
    var guardian = CompatibilityGuard(
      allowsMismatch: template.allowsMismatch, reporter: .silent)
    let extractor = try AgreedExtractor(
      statistics: [reference.statistics].compactMap(\.self), weights: template.weights,
      precision: template.precision, needsNetwork: true, guardian: &guardian)
    key = SweepKey(
      template, settings: try SamplingSettings(sampled.sampling), decoder: decoder?.provenance,
      reference: try hashes.sha256(path, recursive: template.recursive ?? false),
      extractor: extractor.provenance.tensorsSha256 ?? extractor.provenance.sha256)
    try hashes.save()
  }

  private static func ledger(of sweep: Sweep) throws -> Ledger {
    guard FileManager.default.fileExists(atPath: sweep.ledgerPath) else { return Ledger() }
    return try Ledger(path: sweep.ledgerPath)
  }

  /// Changes the ledger while no other process does.
  private func updateLedger(_ change: (inout Ledger) throws -> Void) throws {
    while try !claims.claim(Self.ledgerClaim) { usleep(20_000) }
    defer { claims.release(Self.ledgerClaim) }
    var ledger = try Self.ledger(of: sweep)
    let before = ledger.bytes
    try change(&ledger)
    if ledger.bytes != before { try AtomicFile.write(ledger.bytes, to: sweep.ledgerPath) }
  }

  private static let ledgerClaim = 0

  /// Returns the row of a checkpoint; nil while a different process evaluates it.
  func row(
    _ checkpoint: SweepCheckpoint, repeat index: Int,
    isolation: isolated (any Actor)? = #isolation
  ) async throws -> SweepRow? {
    let seed = seed &+ UInt64(index)
    var row = SweepRow(name: checkpoint.name, checkpoint: checkpoint.path, seed: seed)
    do {
      let sha256 = try hashes.sha256(checkpoint.path)
      let key = try key(of: checkpoint.path).text(checkpoint: sha256, seed: seed)
      let isFirst = seen.insert(key).inserted
      if let entry = try known(key, checkpoint, relabel: isFirst) {
        row.finish(entry, isCached: true)
        return row
      }
      // Any number works: two keys with the same number wait for each other.
      let claim = 1 + (Int(key.prefix(12), radix: 16) ?? 0)
      guard try claims.claim(claim) else {
        seen.remove(key)
        return nil
      }
      defer { claims.release(claim) }
      if let entry = try known(key, checkpoint, relabel: isFirst) {
        row.finish(entry, isCached: true)
        return row
      }
      reporter.note("\(checkpoint.name), seed \(seed)")
      let result = try await evaluate(checkpoint, seed: seed, key: key, sha256: sha256)
      row.finish(try keep(result, checkpoint, key: key), isCached: false)
      RunDirectory.remove(runPath(key))
      return row
    } catch let failure as Failure {
      if failure.status == .interrupted || isOfFolder(failure) { throw failure }
      row.fail(failure)
    } catch let error as MetricError {
      row.fail(Failure(.dataRefused, .metricRefused, checkpoint.path, error.description))
    }
    return row
  }

  /// Returns whether a failure concerns the sweep's own files, and would occur for every
  /// checkpoint.
  private func isOfFolder(_ failure: Failure) -> Bool {
    let files = [sweep.ledgerPath, "\(sweep.folder)/hashes.json", "\(sweep.folder)/sweep.lock"]
    return failure.subject.hasPrefix("\(sweep.folder)/results")
      || files.contains(where: failure.subject.hasPrefix)
  }

  /// Returns the key with the state dict chosen from a file if none was requested. Omits what
  /// version 0.4.0 chose too, so that its results are still found.
  private func key(of path: String) throws -> SweepKey {
    guard key.checkpointKey == nil else { return key }
    let file = try CheckpointFile.open(path)
    var key = key
    key.checkpointKey = try file.taken(nil).key
    let isWrapped = file.stateDictKeys.contains { $0.hasPrefix("state_dict") }
    if key.checkpointKey == (isWrapped ? "state_dict" : "ema") { key.checkpointKey = nil }
    return key
  }

  private func runPath(_ key: String) -> String { "\(sweep.folder)/runs/\(key)" }

  private func resultPath(_ key: String) -> String { "\(sweep.folder)/results/\(key).json" }

  /// Returns the evaluation with that key, if there is one in the ledger, or as a result that a
  /// process wrote but did not list.
  ///
  /// The ledger has one line for each content. For a copy of a checkpoint, the line has the facts
  /// of the first file, and the row those of the copy.
  ///
  /// - Parameter relabel: Whether the facts in a list of checkpoints replace those in the ledger.
  private func known(
    _ key: String, _ checkpoint: SweepCheckpoint, relabel: Bool
  ) throws -> LedgerEntry? {
    guard let entry = try Self.ledger(of: sweep)[key] else {
      guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: resultPath(key))) else {
        return nil
      }
      let path = resultPath(key)
      guard let result = try? EvaluationResult(json: Array(bytes), subject: path) else {
        return nil
      }
      return try? list(result, checkpoint.completed(), key: key)
    }
    guard checkpoint.isListed || entry.checkpoint.map(absolutePath) != absolutePath(checkpoint.path)
    else { return entry }
    let labelled = entry.labelled(checkpoint.completed())
    if relabel, checkpoint.isListed { try updateLedger { try $0.set(labelled) } }
    return labelled
  }

  private func evaluate(
    _ checkpoint: SweepCheckpoint, seed: UInt64, key: String, sha256: String,
    isolation: isolated (any Actor)? = #isolation
  ) async throws -> EvaluationResult {
    var request = sweep.template
    request.checkpoint?.path = checkpoint.path
    request.checkpoint?.sampling.seed = seed
    var execution = sweep.execution
    var run = RunSettings(path: runPath(key))
    run.stop = sweep.stop
    execution.run = run
    let evaluation = try request.prepare(execution, reporter: reporter)
    guard evaluation.subject.origin?.checkpoint.sha256 == sha256 else {
      throw Failure(
        .dataRefused, .checkpointChanged, checkpoint.path,
        "the file was written while it was read; run the sweep again when it is complete")
    }
    return try await evaluation.run()
  }

  /// Writes a result, then its line.
  private func keep(
    _ result: EvaluationResult, _ checkpoint: SweepCheckpoint, key: String
  ) throws -> LedgerEntry {
    try AtomicFile.write(try result.json(), to: resultPath(key))
    let entry = try list(result, checkpoint.completed(), key: key)
    try hashes.save()
    return entry
  }

  private func list(
    _ result: EvaluationResult, _ checkpoint: SweepCheckpoint, key: String
  ) throws -> LedgerEntry {
    let entries = LedgerEntry.entries(of: result, key: key, document: [])
    guard let entry = entries.first else { preconditionFailure("one dialect has one entry") }
    var listed = entry.labelled(checkpoint)
    listed.result = "results/\(key).json"
    let line = listed
    try updateLedger { try $0.set(line) }
    return line
  }
}

extension LedgerEntry {
  /// Returns the evaluation with what is known about one file of its checkpoint.
  fileprivate func labelled(_ checkpoint: SweepCheckpoint) -> LedgerEntry {
    var entry = self
    entry.name = checkpoint.name
    entry.checkpoint = checkpoint.path
    entry.family = checkpoint.family ?? model?.variant
    entry.training = checkpoint.training.completed(forwardGflops: gflops?.total)
    return entry
  }
}
