import ArgumentParser
import DisEval
import Files
import Foundation

/// Everything that `fid` and `evaluate` have in common: they differ in the metrics.
struct EvaluationOptions: ParsableArguments {
  @Option(help: ArgumentHelp("DiS checkpoint to sample.", valueName: "file"))
  var ckpt: String?

  @Option(help: ArgumentHelp("Images or a statistics file to judge.", valueName: "path"))
  var images: String?

  @OptionGroup var scoring: ScoringOptions

  @Option(help: "Number of samples (default: 50000), or that --images must have (default: any).")
  var num: Int?

  @Option(
    help: """
      Ranges of seeds: --seed and the numbers after it. All of them are reported, with mean, standard \
      deviation, minimum and maximum; with --run each in a folder of its own.
      """)
  var repeats = 1

  @OptionGroup(title: "Running") var running: RunOptions

  @OptionGroup(title: "Keeping a run") var keeping: KeepingOptions
  @OptionGroup(title: "Output") var output: ResultOptions

  func validate() throws {
    guard (ckpt == nil) != (images == nil) else {
      throw ValidationError("Give either --ckpt or --images.")
    }
    try scoring.checkReference()
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
    scoring.addInputs(to: &files)
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

  /// Runs the evaluation and writes what was asked for.
  ///
  /// - Parameters:
  ///   - metrics: Those asked for by name, nil for `optional` as far as the inputs give them.
  func run(metrics: Set<MetricName>?, optional: Set<MetricName>) async throws {
    let workload = try running.workload()
    let scoring = try self.scoring.resolved(reporter: running.reporter)
    let run = try keeping.settings()
    guard repeats == 1 || run?.shard == nil else {
      throw ValidationError("--repeats is for whole runs; shards make one --seed each.")
    }
    if let stop = run?.stop {
      StopSignals.install(stop)
    } else if ckpt != nil {
      StopSignals.installAdvice()
    }
    func evaluation(seed: UInt64) throws -> Evaluation {
      var scoring = scoring
      scoring.settings.seed = seed
      var evaluation =
        if let ckpt {
          try scoring.evaluation(sampling: ckpt, count: num, workload: workload)
        } else {
          scoring.evaluation(of: .existing(path: images ?? ""), workload: workload)
        }
      evaluation.metrics = metrics
      evaluation.optionalMetrics = optional
      evaluation.givesIntervals = !output.noIntervals
      evaluation.expectedCount = num
      evaluation.run = run
      return evaluation
    }
    guard repeats == 1 else {
      try output.check()
      var results: [EvaluationResult] = []
      for index in 0..<repeats {
        let seed = scoring.settings.seed &+ UInt64(index)
        var evaluation = try evaluation(seed: seed)
        evaluation.run?.path += "/seed-\(seed)"
        evaluation.arguments = Array(CommandLine.arguments.dropFirst())
        running.reporter.note("seed \(seed)")
        results.append(try await evaluation.result(reporter: running.reporter))
      }
      return try output.write(RepeatedResult(results))
    }
    var evaluation = try evaluation(seed: scoring.settings.seed)
    guard evaluation.run?.shard != nil else { return try await output.write(evaluation, running) }
    evaluation.run?.keepsImages = output.wantsImages
    let report = try await evaluation.makeShard(reporter: running.reporter)
    if output.json { try Terminal.result(report.json()) }
    if !running.quiet {
      Terminal.note(
        "shard \(report.shard): its \(report.samples) samples are there, \(report.missing) of "
          + "other shards are missing; 'dis-eval merge \(report.run)' scores the run")
    }
  }
}
