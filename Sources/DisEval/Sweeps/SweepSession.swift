import Checkpoints
import Crypto
import Files
import Foundation
import GenerativeMetrics
import References
import Results
import Runs
import Sampling
import Synchronization
import Work

/// A sweep that is running on its folder.
final class SweepSession {
  private let sweep: Sweep
  private let reporter: Reporter
  private let key: SweepKey
  /// The seed of the first range.
  private let seed: UInt64
  private let claims: ClaimFile
  private var hashes: ContentHashes
  /// The keys that a different process was found to evaluate.
  private var awaited: Set<String> = []
  /// The keys for which there was a row.
  private var seen: Set<String> = []
  /// The keys of generators that were started, by command and seed.
  private var generatorKeys: [String: String] = [:]

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
    let reference = try ImagesOrStatistics(
      path: path, recursive: template.recursive, extractor: template.extractor)
    var guardian = CompatibilityGuard(
      allowsMismatch: template.allowsMismatch, reporter: .silent)
    let extractor = try AgreedExtractor(
      statistics: [reference.statistics].compactMap(\.self), weights: template.weights,
      name: template.extractor,
      precision: template.precision, needsNetwork: true, guardian: &guardian)
    key = SweepKey(
      template, settings: try SamplingSettings(sampled.sampling), decoder: decoder?.provenance,
      reference: try hashes.sha256(path, recursive: template.recursive ?? false),
      extractor: extractor.provenance)
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
      let subject = try identified(checkpoint, seed: seed)
      let key = subject.key
      let isFirst = seen.insert(key).inserted
      if let entry = try known(key, checkpoint, relabel: isFirst) {
        row.finish(entry, isCached: true)
        // A process that was killed after it wrote the result leaves its samples behind.
        RunDirectory.remove(runPath(key))
        return row
      }
      // Any number works: two keys with the same number wait for each other.
      let claim = 1 + (Int(key.prefix(12), radix: 16) ?? 0)
      guard try claims.claim(claim) else {
        seen.remove(key)
        if awaited.insert(key).inserted {
          reporter.note(
            "\(checkpoint.name), seed \(seed): \(holders(of: "\(sweep.folder)/sweep.lock")) evaluates "
              + "it; waiting")
        }
        return nil
      }
      defer { claims.release(claim) }
      if let entry = try known(key, checkpoint, relabel: isFirst) {
        row.finish(entry, isCached: true)
        return row
      }
      reporter.note("\(checkpoint.name), seed \(seed)")
      let result = try await evaluate(checkpoint, seed: seed, subject)
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

  /// A checkpoint or a generator, with what identifies its evaluation.
  private struct Identified {
    let key: String
    /// The SHA-256 of the checkpoint; nil for a generator.
    var sha256: String?
    /// The evaluation of a generator that had to be started to know its key.
    var evaluation: PreparedEvaluation?
  }

  private func identified(
    _ checkpoint: SweepCheckpoint, seed: UInt64
  ) throws -> Identified {
    guard let command = checkpoint.generator else {
      let sha256 = try hashes.sha256(ofCheckpoint: checkpoint.path)
      return Identified(
        key: try key(of: checkpoint.path).text(checkpoint: sha256, seed: seed), sha256: sha256)
    }
    let name = "\(seed) \(command)"
    if let known = generatorKeys[name] { return Identified(key: known) }
    let evaluation = try prepared(checkpoint, seed: seed)
    guard let identity = evaluation.subject.origin?.generator?.identity,
      identity.weightsSha256 != nil
    else {
      throw Failure(
        .dataRefused, .generatorUnidentified, checkpoint.path,
        "its message 'ready' has no 'weights_sha256', so that a sweep could not notice other "
          + "weights; use 'fid', or let the generator say it")
    }
    let key = try key.text(
      checkpoint: hexadecimal(SHA256.hash(data: try encodedJSON(identity))), seed: seed)
    generatorKeys[name] = key
    return Identified(key: key, evaluation: evaluation)
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

  /// Opens a checkpoint, or starts a generator.
  private func prepared(_ checkpoint: SweepCheckpoint, seed: UInt64) throws -> PreparedEvaluation {
    var request = sweep.template
    if let command = checkpoint.generator, let sampled = request.checkpoint {
      var generator = GeneratorRequest(
        command: command, labels: sampled.sampling.labels, decoder: sampled.decoder,
        quantizer: sampled.sampling.quantizer)
      generator.settings = sweep.generatorSettings
      request.subject = .generator(generator)
    } else {
      request.checkpoint?.path = checkpoint.path
    }
    request.seed = seed
    return try request.prepare(sweep.execution, reporter: reporter)
  }

  private func evaluate(
    _ checkpoint: SweepCheckpoint, seed: UInt64, _ subject: Identified,
    isolation: isolated (any Actor)? = #isolation
  ) async throws -> EvaluationResult {
    var evaluation = try subject.evaluation ?? prepared(checkpoint, seed: seed)
    guard evaluation.subject.origin?.checkpoint?.sha256 == subject.sha256 else {
      throw Failure(
        .dataRefused, .checkpointChanged, checkpoint.path,
        "the file was written while it was read; run the sweep again when it is complete")
    }
    var run = RunSettings(path: runPath(subject.key))
    run.stop = sweep.stop
    evaluation.execution.run = run
    return try await evaluation.run()
  }

  /// Writes a result, then its line.
  private func keep(
    _ result: EvaluationResult, _ checkpoint: SweepCheckpoint, key: String
  ) throws -> LedgerEntry {
    try result.write(to: resultPath(key), warn: reporter.warn)
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
