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
        decoder: decoding.loaded())
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
    evaluation.preset = preset
    // Not all public statistics say their dialect; a preset does.
    evaluation.referenceDialect = refDialect ?? (self.ref == nil ? preset?.dialect : nil)
    evaluation.metrics = metrics
    evaluation.optionalMetrics = optional
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

/// Where samples are kept while they are made, and which of them this process makes.
struct KeepingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep features in this folder as they are made: an interrupted run continues with the same "
        + "command, and several processes share the work.", valueName: "folder"))
  var run: String?

  @Option(
    help: ArgumentHelp(
      "Make part i of n (0/n to n-1/n) and score nothing; none shares the work freely. (default: "
        + "what Slurm, MPI, torchrun or Kubernetes say)", valueName: "i/n"))
  var shard: String?

  @Option(help: "Number of parts, where the scheduler gives only the index.")
  var numShards: Int?

  @Option(help: "Samples of a unit of work, when a run is begun. (default: 1 to 64, 5 minutes)")
  var unit: Int?

  @Option(
    help: ArgumentHelp(
      "Seconds after which an unfinished unit is saved with the state of its sampler. (default: 120)",
      valueName: "seconds"))
  var saveEvery: Double?

  func validate() throws {
    guard
      run != nil || (shard == nil && numShards == nil && unit == nil && saveEvery == nil)
    else {
      throw ValidationError("--shard, --num-shards, --unit and --save-every need --run.")
    }
    if let saveEvery, !(0...300).contains(saveEvery) {
      throw ValidationError("--save-every \(saveEvery): expected 0 to 300 seconds.")
    }
    if run == "" { throw ValidationError("--run: expected the path of a folder.") }
    if let unit, !(1...RunRecord.maximumUnit).contains(unit) {
      throw ValidationError("--unit \(unit): expected 1 to \(RunRecord.maximumUnit).")
    }
  }

  func settings() throws -> RunSettings? {
    guard let run else { return nil }
    var settings = RunSettings(path: run)
    settings.unit = unit
    settings.shard = try Shard.find(
      explicit: shard, count: numShards, environment: ProcessInfo.processInfo.environment
    ).shard
    settings.saveInterval = saveEvery.map { .seconds($0) } ?? settings.saveInterval
    settings.stop = StopRequest()
    return settings
  }
}

/// Where a result goes, and the pictures of its samples.
struct ResultOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Also write the JSON result there.", valueName: "file"))
  var out: String?

  @Option(help: ArgumentHelp("Write a contact sheet of the samples there.", valueName: "png"))
  var grid: String?

  @Option(
    help: ArgumentHelp(
      "Keep the samples: a new folder of PNG files, a .zip file of them as EDM has it, or a .npz file "
        + "as ADM has it, with grey repeated to RGB.", valueName: "path"))
  var saveImages: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  /// Whether the pixels of samples are needed.
  var wantsImages: Bool { grid != nil || saveImages != nil }

  /// Runs the evaluation and writes what was asked for.
  func write(_ evaluation: Evaluation, _ running: RunOptions) async throws {
    // Outputs first: one that cannot be written is refused before hours of work.
    for path in [out, grid].compactMap(\.self) { try AtomicFile.check(path) }
    let saved = try saveImages.map { try ImageOutput(path: $0, count: evaluation.sampleCount) }
    var sheet = SampleGrid(classCount: try evaluation.classCount)
    var evaluation = evaluation
    evaluation.arguments = Array(CommandLine.arguments.dropFirst())
    let result = try await evaluation.result(
      reporter: running.reporter,
      sink: wantsImages
        ? { image, label in
          sheet.append(image, label: label)
          try saved?.append(image, label: label)
        } : nil)

    try saved?.finish()
    if let grid { try sheet.write(to: grid) }
    let document = try result.json()
    if let out { try AtomicFile.write(document, to: out) }
    if json { try Terminal.result(document) } else { try Terminal.result(summary(of: result)) }
  }
}

/// A result for people: the numbers first, then what they were made from.
func summary(of result: EvaluationResult) -> String {
  let provenance = result.provenance
  var lines: [String] = []
  if let dialects = result.dialects {
    lines += table(of: dialects)
  } else {
    lines += metricLines(result)
  }
  func line(_ name: String, _ text: String) { lines.append("  " + column(name, 12) + text) }
  if let checkpoint = provenance.checkpoint {
    line(
      "checkpoint",
      "\(checkpoint.file) (\(checkpoint.key ?? "flat"), \(checkpoint.model.variant), "
        + "sha256 \(checkpoint.sha256.prefix(16))…)")
  }
  if let sampler = provenance.sampler {
    line(
      "sampler",
      "\(sampler.name), \(sampler.steps) steps (\(sampler.respacing)), guidance "
        + "\(sampler.cfgScale) (\(sampler.cfgChannels)), seed \(sampler.seed), labels "
        + sampler.labels)
  }
  if let decoder = provenance.decoder {
    line(
      "decoder",
      "\(decoder.file) (sha256 \(decoder.sha256.prefix(16))…), scale \(decoder.scale)"
        + (decoder.tile.map { ", tiles of \($0)" } ?? ""))
  }
  if let images = provenance.images { line("images", images) }
  line("number", provenance.num.map(String.init) ?? "unknown")
  line(
    "extractor",
    "\(provenance.extractor.name), \(provenance.extractor.dimension) dimensions, sha256 "
      + "\(provenance.extractor.sha256?.prefix(16) ?? "unknown")…")
  let dataset = provenance.reference.dataset.map {
    ": \($0.name)\($0.split.map { " " + $0 } ?? "")"
  }
  line(
    "reference",
    "\(provenance.reference.file)\(dataset ?? ""), "
      + "\(provenance.reference.count.map(String.init) ?? "unknown number of") images")
  let other = provenance.reference.dialect.flatMap { $0 == provenance.dialect ? nil : $0 }
  line(
    "dialect",
    provenance.dialect + (other.map { ", the reference \($0)" } ?? "")
      + (provenance.extractor.preprocessing.map { ": \($0)" } ?? ""))
  if let allowed = provenance.allowedMismatches {
    line("mismatches", "\(allowed.count) allowed; see the warnings")
  }
  if let hash = result.samplesSha256 { line("images hash", "sha256 \(hash.prefix(16))…") }
  line(
    "made by",
    "\(provenance.tool), kernels \(provenance.kernels), "
      + String(format: "%.1f s", result.run.seconds))
  return lines.joined(separator: "\n")
}

/// One line for each metric of a single dialect.
private func metricLines(_ result: EvaluationResult) -> [String] {
  let width = (Array(result.metrics.keys) + result.skipped.keys).map(\.count).max() ?? 0
  let metrics = result.metrics.sorted { $0.key < $1.key }.map { name, metric in
    let deviation = metric.standardDeviation.map { String(format: " ± %.4g", $0) } ?? ""
    let definition = metric.definition.map { "   (\($0))" } ?? ""
    let floor =
      metric.floor.map {
        String(format: "   (floor %.4f: %@, %d images)", $0.value, $0.data, $0.count)
      } ?? ""
    return column(name, width) + "  " + number(metric.value) + deviation + definition + floor
  }
  return metrics
    + result.skipped.sorted { $0.key < $1.key }.map {
      "\(column($0.key, width))  not computed: \($0.value)"
    }
}

/// A row for each dialect, a column for each metric.
private func table(of dialects: [String: DialectResult]) -> [String] {
  let order = [
    "fid", "fd", "sfid", "is", "cs", "kid", "precision", "recall", "density", "coverage",
  ]
  let names = order.filter { name in dialects.values.contains { $0.metrics[name] != nil } }
  var lines = [
    column("", 24) + names.map { column($0, 12) }.joined() + "preprocessing"
  ]
  for dialect in Dialect.allCases {
    guard let result = dialects[dialect.rawValue] else { continue }
    let values = names.map { column(result.metrics[$0].map { number($0.value) } ?? "-", 12) }
    lines.append(column(dialect.rawValue, 24) + values.joined() + result.preprocessing)
  }
  let reasons = Set(dialects.values.flatMap { $0.skipped.map { "\($0.key): \($0.value)" } })
  return lines + reasons.sorted().map { "- not computed: \($0)" }
}

/// Four decimals, more where they would all be zeros.
private func number(_ value: Double) -> String {
  String(format: abs(value) < 0.1 ? "%.4g" : "%.4f", value)
}

func column(_ text: String, _ width: Int) -> String {
  text.count < width ? text.padding(toLength: width, withPad: " ", startingAt: 0) : text
}
