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
    if let num, num < 1 { throw ValidationError("--num \(num): expected at least 2.") }
  }

  /// Runs the evaluation and writes what was asked for.
  ///
  /// - Parameters:
  ///   - metrics: Those asked for by name, nil for `optional` as far as the inputs give them.
  func run(metrics: Set<MetricName>?, optional: Set<MetricName>) async throws {
    let workload = try running.workload()
    let scoring = try self.scoring.resolved(reporter: running.reporter)
    let subject: Evaluation.Subject
    if let ckpt {
      let generator = try Generator(
        checkpoint: ckpt, key: scoring.checkpointKey, settings: scoring.settings,
        decoder: scoring.decoder, precision: scoring.precision)
      try scoring.preset?.check(generator)
      subject = .samples(generator, count: num ?? scoring.preset?.count ?? 50_000)
    } else {
      subject = .existing(path: images ?? "")
    }
    var evaluation = scoring.evaluation(of: subject, workload: workload)
    evaluation.metrics = metrics
    evaluation.optionalMetrics = optional
    evaluation.givesIntervals = !output.noIntervals
    evaluation.expectedCount = num
    evaluation.run = try keeping.settings()
    if let stop = evaluation.run?.stop { StopSignals.install(stop) }
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
