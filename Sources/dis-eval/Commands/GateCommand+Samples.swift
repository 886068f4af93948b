import ArgumentParser
import DisEval
import Files
import Reporting
import Tensors

/// Sampling for the gate: the evaluation of a checkpoint, and the audit of a result.
extension GateCommand {
  func checkSubject() throws {
    guard result != nil || isSampling else { throw Self.nothingToJudge }
    guard ckpt == nil || generator.generator == nil else {
      throw ValidationError("Give --ckpt or --generator, not both.")
    }
    if generator.generator != nil { try scoring.sampling.checkGenerator() }
    if case .all = scoring.dialect {
      throw ValidationError(
        "--dialect all: the gate judges one value of each metric; give a single dialect.")
    }
    if let repeats, !(1...1000).contains(repeats) {
      throw ValidationError("--repeats \(repeats): expected 1 to 1000.")
    }
    if let num, num < 2 { throw ValidationError("--num \(num): expected at least 2.") }
    guard let result else {
      guard audit == nil else {
        throw ValidationError("--audit needs a result; a checkpoint without one is sampled anyway.")
      }
      return
    }
    if let audit, audit < 1 { throw ValidationError("--audit \(audit): expected at least 1.") }
    guard audit != nil || (!isSampling && scoring.decoding.decoder == nil) else {
      throw ValidationError(
        "With '\(result)', --ckpt, --generator and --decoder need --audit; to evaluate a "
          + "checkpoint or a generator, leave out the result.")
    }
    guard num == nil, repeats == nil, keepResult == nil, scoring.isUntouched, reference.ref == nil,
      scoring.weights == nil, scoring.rules.extractor.name == nil
    else {
      throw ValidationError(
        "--num, --repeats, --keep-result, and the options of sampling and scoring need --ckpt or --generator "
          + "without a result."
      )
    }
  }

  private var isSampling: Bool { ckpt != nil || generator.generator != nil }

  private static let nothingToJudge = ValidationError(
    "Give a result, or --ckpt FILE or --generator COMMAND to evaluate what it makes.")

  /// Evaluates the checkpoint or the generator with the settings of a recorded evaluation, or with those of the
  /// options if there is none.
  ///
  /// - Parameter names: The metrics to judge.
  func evaluated(
    as recorded: RecordedEvaluation?, metrics names: Set<String>
  ) async throws -> RecordedEvaluation {
    guard isSampling else { throw Self.nothingToJudge }
    let command = try generator.words()
    var request: EvaluationRequest
    if let recorded {
      guard num == nil, repeats == nil, scoring.isUntouched, scoring.rules.extractor.name == nil
      else {
        throw ValidationError(
          "The checkpoint is evaluated with the settings of '\(recorded.path)': leave out --num, --repeats "
            + "and the options of sampling and scoring, except --ref, --weights and --decoder.")
      }
      let preset = try recorded.provenance.preset.map { try ProtocolCard(named: $0).reference }
      guard let reference = reference.ref ?? preset else {
        throw ValidationError(
          "Give the baseline's reference '\(recorded.provenance.reference.file)' with --ref.")
      }
      var files = RecordedFiles()
      (files.checkpoint, files.generator) = (ckpt, command)
      files.decoder = scoring.decoding.decoder
      guard (recorded.provenance.generator == nil) == (command == nil) else {
        throw ValidationError(
          "'\(recorded.path)' is of a \(command == nil ? "generator" : "checkpoint"); give "
            + "\(command == nil ? "--generator" : "--ckpt"), or judge the result of 'fid' instead.")
      }
      (files.reference, files.weights) = (reference, scoring.weights)
      files.recursive = scoring.folders.recursive
      request = try EvaluationRequest(repeating: recorded, with: files, isSameCheckpoint: false)
    } else {
      try scoring.check(reference: reference.ref)
      try scoring.notePreset(running.reporter)
      request =
        if let command {
          try scoring.request(generator: command, reference: reference.ref, count: num)
        } else {
          try scoring.request(sampling: ckpt ?? "", reference: reference.ref, count: num)
        }
    }
    let judged = names.compactMap(MetricName.init(title:)).map(\.rawValue)
    request.optionalMetrics = Set(request.optionalMetrics).union(judged).sorted()
    var execution = running.execution
    generator.running.apply(to: &execution)
    func check(_ evaluation: PreparedEvaluation) throws {
      if let recorded {
        try evaluation.check(repeats: recorded.provenance, isSameCheckpoint: false)
      }
    }
    let path = keepResult ?? ckpt ?? "the result of the generator"
    let count = try recorded.map(Self.seedCount) ?? repeats ?? 1
    guard count == 1 else {
      try check(request.prepare(execution, reporter: .silent))
      let repeated = try await request.repeated(count, execution, reporter: running.reporter)
      if let keepResult { try repeated.write(to: keepResult, warn: running.reporter.warn) }
      return try RecordedEvaluation(repeated, path: path)
    }
    let evaluation = try request.prepare(execution, reporter: running.reporter)
    try check(evaluation)
    let result = try await evaluation.run()
    if let keepResult { try result.write(to: keepResult, warn: running.reporter.warn) }
    return RecordedEvaluation(result, path: path)
  }

  /// Returns the number of seeds of a baseline, which must be consecutive to be repeated.
  private static func seedCount(_ baseline: RecordedEvaluation) throws -> Int {
    guard let seeds = baseline.seeds, let first = seeds.first else { return 1 }
    guard seeds.enumerated().allSatisfy({ $1 == first &+ UInt64($0) }) else {
      throw ValidationError(
        "'\(baseline.path)' has the seeds \(seeds.map(String.init).joined(separator: ", ")), which are not "
          + "consecutive; judge the document of 'fid --repeats' instead.")
    }
    return seeds.count
  }

  /// Regenerates samples of the result and compares them; returns nil without `--audit`.
  func auditCheck() async throws -> GateReport.Check? {
    guard let audit, let path = result else { return nil }
    let result = try EvaluationResult(contentsOf: path)
    if let undecided = SampleAudit.undecided(result) { return undecided }
    var given = RecordedFiles()
    (given.checkpoint, given.decoder) = (ckpt, scoring.decoding.decoder)
    given.generator = try generator.words()
    var execution = running.execution
    generator.running.apply(to: &execution)
    let files = try RecordedFilesOptions.sampled(of: result, given: given, from: path)
    let made = try await SampleAudit(
      of: result, count: audit,
      source: SampleSource(
        of: result.provenance, with: files, execution: execution, reporter: running.reporter),
      workload: running.workload, reporter: running.reporter)
    var check = made.check
    check.reason = namingOptions(check.reason)
    return check
  }
}

extension ScoringOptions {
  /// Whether no options are given except the locations of files.
  fileprivate var isUntouched: Bool {
    preset == nil && dialect == nil && refDialect == nil && !allowMismatch
      && arithmetic.precision == .float32 && sampling.isUntouched && decoding.isUntouched
  }
}
