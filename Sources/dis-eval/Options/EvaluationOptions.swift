import ArgumentParser
import DisEval
import Files
import Foundation

/// What is judged, and what it is compared with.
struct SubjectOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Checkpoint to sample.", valueName: "file"))
  var ckpt: String?

  @Option(help: ArgumentHelp("Images or a statistics file to judge.", valueName: "path"))
  var images: String?

  @OptionGroup var reference: ReferenceOption

  @Option(
    help: "Number of samples (default: 50000), or that --images must have (default: any).")
  var num: Int?
}

/// Everything that `fid` and `evaluate` have in common: they differ in the metrics.
struct EvaluationOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Short for --images and --ref: two paths.", valueName: "path"))
  var paths: [String] = []

  @OptionGroup(title: "Input") var subject: SubjectOptions

  @OptionGroup var scoring: ScoringOptions

  @Option(
    help: """
      Ranges of seeds: --seed and the numbers after it. All of them are reported, with mean, standard \
      deviation, minimum and maximum; with --run each in a folder of its own.
      """)
  var repeats = 1

  @OptionGroup(title: "Running") var running: RunOptions

  @OptionGroup(title: "Keeping a run") var keeping: KeepingOptions
  @OptionGroup(title: "Output") var output: ResultOptions

  private var ckpt: String? { subject.ckpt }
  private var images: String? { subject.images ?? paths.first }
  private var ref: String? { subject.reference.ref ?? paths.last }
  private var num: Int? { subject.num }

  func validate() throws {
    if !paths.isEmpty {
      guard paths.count == 2, ckpt == nil, subject.images == nil, subject.reference.ref == nil
      else {
        throw ValidationError(
          "Found \(paths.count == 1 ? "a path" : "\(paths.count) paths") without an option; "
            + "expected two, of images and of what to compare them with, and neither --ckpt, "
            + "--images nor --ref beside them.")
      }
    }
    guard (ckpt == nil) != (images == nil) else {
      throw ValidationError("Give either --ckpt or --images.")
    }
    try scoring.check(reference: ref)
    if images != nil {
      guard scoring.preset == nil else {
        throw ValidationError("--preset is for --ckpt: it pins sampling.")
      }
      guard output.grid == nil, output.saveImages == nil, scoring.sampling.isUntouched,
        scoring.decoding.decoder == nil
      else {
        throw ValidationError(
          "--grid, --save-images and the options of sampling and decoding are for --ckpt: all images "
            + "are scored."
        )
      }
      guard keeping.run == nil else {
        throw ValidationError("--run keeps samples of --ckpt; images are there already.")
      }
    }
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): expected 1 to 1000.")
    }
    if repeats > 1 {
      guard images == nil else {
        throw ValidationError("--repeats is for --ckpt: images are the same every time.")
      }
      guard output.grid == nil, output.saveImages == nil else {
        throw ValidationError(
          "--grid and --save-images are of one range of seeds, without --repeats.")
      }
      if case .all = scoring.dialect {
        throw ValidationError("--repeats is for one dialect, not for --dialect all.")
      }
    }
    if let num, num < 2 { throw ValidationError("--num \(num): expected at least 2.") }
    try files.check(json: output.json)
  }

  private var files: CommandFiles {
    var files = CommandFiles()
    files.reads("--ckpt", ckpt)
    files.readsReference("--images", images, recursive: scoring.folders.recursive)
    scoring.addInputs(to: &files, reference: ref)
    for folder in runFolders { files.keepsRun("--run", in: folder) }
    output.addOutputs(to: &files)
    return files
  }

  /// The folder of the run, or one for each range of seeds.
  private var runFolders: [String] {
    guard let run = keeping.run else { return [] }
    guard repeats > 1 else { return [run] }
    return (0..<repeats).map { "\(run)/seed-\(scoring.sampling.seed &+ UInt64($0))" }
  }

  /// What the options ask for, a request for each range of seeds.
  ///
  /// - Parameters:
  ///   - metrics: Those asked for by name, nil for `optional` as far as the inputs give them.
  private func requests(
    metrics: Set<MetricName>?, optional: Set<MetricName>
  ) throws -> [EvaluationRequest] {
    var request =
      if let ckpt {
        try scoring.request(sampling: ckpt, reference: ref, count: num)
      } else {
        try scoring.request(of: .images(images ?? ""), reference: ref)
      }
    request.num = request.num ?? num
    request.metrics = metrics?.map(\.rawValue).sorted()
    request.optionalMetrics = optional.map(\.rawValue).sorted()
    request.intervals = !output.noIntervals
    return (0..<repeats).map { index in
      var request = request
      request.checkpoint?.sampling.seed &+= UInt64(index)
      return request
    }
  }

  /// How they are carried out, and how the work is stopped.
  private func execution() throws -> Execution {
    var execution = running.execution
    execution.run = try keeping.settings()
    guard repeats == 1 || execution.run?.shard == nil else {
      throw ValidationError("--repeats is for whole runs; shards make one --seed each.")
    }
    if let stop = execution.run?.stop {
      StopSignals.install(stop)
    } else if ckpt != nil {
      StopSignals.installAdvice()
    }
    return execution
  }

  /// Carries out what the options ask for: requests, prepared, run and written.
  ///
  /// - Parameters:
  ///   - metrics: Those asked for by name, nil for `optional` as far as the inputs give them.
  func run(metrics: Set<MetricName>?, optional: Set<MetricName>) async throws {
    let requests = try requests(metrics: metrics, optional: optional)
    var execution = try execution()
    try scoring.notePreset(running.reporter)
    try output.check()
    guard requests.count == 1 else {
      return try output.write(try await repeated(requests, execution))
    }
    guard execution.run?.shard != nil else {
      let evaluation = try requests[0].prepare(execution, reporter: running.reporter)
      return try await output.run(evaluation)
    }
    execution.run?.keepsImages = output.wantsImages
    let shard = try await requests[0].prepare(execution, reporter: running.reporter).makeShard()
    if output.json { try Terminal.result(shard.json()) }
    if !running.quiet {
      Terminal.note(
        "shard \(shard.shard): its \(shard.samples) samples are there, \(shard.missing) of "
          + "other shards are missing; 'dis-eval merge \(shard.run)' scores the run")
    }
  }

  /// The results of all ranges of seeds, each in a run of its own.
  private func repeated(
    _ requests: [EvaluationRequest], _ execution: Execution
  ) async throws -> RepeatedResult {
    var results: [EvaluationResult] = []
    for request in requests {
      let seed = request.checkpoint?.sampling.seed ?? 0
      var execution = execution
      execution.run?.path += "/seed-\(seed)"
      running.reporter.note("seed \(seed)")
      results.append(
        try await request.prepare(execution, reporter: running.reporter).run())
    }
    return RepeatedResult(results)
  }
}
