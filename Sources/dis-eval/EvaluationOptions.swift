import ArgumentParser
import DisEval
import Files
import Foundation

/// `--dialect`: one of them, or all.
enum DialectOption: ExpressibleByArgument {
  case one(Dialect)
  case all

  init?(argument: String) {
    if argument == "all" {
      self = .all
    } else if let dialect = Dialect(rawValue: argument) {
      self = .one(dialect)
    } else {
      return nil
    }
  }

  static var allValueStrings: [String] { Dialect.allCases.map(\.rawValue) + ["all"] }
}

/// Everything that `fid` and `evaluate` have in common: they differ in the metrics.
struct EvaluationOptions: ParsableArguments {
  @Option(help: ArgumentHelp("DiS checkpoint to sample.", valueName: "file"))
  var ckpt: String?

  @Option(help: ArgumentHelp("Images or a statistics file to judge.", valueName: "path"))
  var images: String?

  @Option(
    help: ArgumentHelp(
      "Sampling, dialect and statistics of a published evaluation; 'presets' shows them.",
      valueName: "name"))
  var preset: String?

  @Option(
    help: ArgumentHelp(
      "Images, a statistics file or a name of 'stats list' to compare with.", valueName: "path"))
  var ref: String?

  @Option(
    help: ArgumentHelp(
      "Weights of the feature extractor. (default: what the reference names)", valueName: "file"))
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "The tool whose number to give, or all. (default: that of the statistics, else pytorch-fid)"))
  var dialect: DialectOption?

  @Option(
    help: ArgumentHelp(
      "The dialect of the reference, where it is mixed on purpose or its file does not say it."))
  var refDialect: Dialect?

  @Flag(help: "Compare what is known to differ, and say so in the result.")
  var allowMismatch = false

  @Flag(help: "Search folders of images with the folders in them.")
  var recursive = false

  @Option(help: "Number of samples (default: 50000), or that --images must have (default: any).")
  var num: Int?

  @OptionGroup var arithmetic: PrecisionOptions

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Decoding") var decoding: DecoderOptions
  @OptionGroup(title: "Running") var running: RunOptions

  @OptionGroup(title: "Keeping a run") var keeping: KeepingOptions
  @OptionGroup(title: "Output") var output: ResultOptions

  func validate() throws {
    guard (ckpt == nil) != (images == nil) else {
      throw ValidationError("Give either --ckpt or --images.")
    }
    if preset != nil {
      var others = sampling
      (others.seed, others.checkpointKey) = (0, nil)
      guard ckpt != nil, others.isUntouched, dialect == nil, refDialect == nil else {
        throw ValidationError(
          "--preset is for --ckpt and pins sampling and dialect: leave their options out, or give "
            + "all of them without --preset.")
      }
    }
    guard ref != nil || preset != nil else {
      throw ValidationError(
        "Give --preset, or --ref: images, a statistics file such as reference_stats/fashion-mnist-train.npz, or "
          + "a name that 'dis-eval stats list' shows.")
    }
    if images != nil {
      guard output.grid == nil, output.saveImages == nil, sampling.isUntouched,
        decoding.decoder == nil
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
    if case .all = dialect, refDialect != nil {
      throw ValidationError("--ref-dialect is for one dialect, not for --dialect all.")
    }
  }

  /// Runs the evaluation and writes what was asked for.
  ///
  /// - Parameters:
  ///   - metrics: Those asked for by name, nil for `optional` as far as the inputs give them.
  func run(metrics: Set<MetricName>?, optional: Set<MetricName>) async throws {
    let workload = try running.workload()
    let preset = try self.preset.map { try Preset(named: $0) }
    if let preset {
      let pinned = preset.lines.map { "\($0.name) \($0.value)" }.joined(separator: "; ")
      running.reporter.note("\(preset.name): \(pinned)")
    }
    guard let ref = ref ?? preset?.reference else { return }
    let subject: Evaluation.Subject
    if let ckpt {
      var settings = try preset?.settings ?? sampling.settings()
      settings.seed = sampling.seed
      let generator = try Generator(
        checkpoint: ckpt, key: sampling.checkpointKey, settings: settings,
        decoder: decoding.loaded(), precision: arithmetic.precision)
      try preset?.check(generator)
      subject = .samples(generator, count: num ?? preset?.count ?? 50_000)
    } else {
      subject = .existing(path: images ?? "")
    }
    var evaluation = Evaluation(
      subject: subject, reference: ref, weights: weights, workload: workload)
    switch dialect ?? preset.map({ .one($0.dialect) }) {
    case nil: evaluation.dialects = .fitting
    case .one(let dialect): evaluation.dialects = .one(dialect)
    case .all: evaluation.dialects = .all
    }
    evaluation.precision = arithmetic.precision
    evaluation.preset = preset
    // Not all public statistics say their dialect; a preset does.
    evaluation.referenceDialect = refDialect ?? (self.ref == nil ? preset?.dialect : nil)
    evaluation.metrics = metrics
    evaluation.optionalMetrics = optional
    evaluation.givesIntervals = !output.noIntervals
    evaluation.allowsMismatch = allowMismatch
    evaluation.recursive = recursive
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
