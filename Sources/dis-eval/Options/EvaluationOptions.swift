import ArgumentParser
import DisEval
import Files
import Foundation
import GenerativeMetrics

/// What is scored, and what it is compared with.
struct SubjectOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The checkpoint to sample.", valueName: "file"))
  var ckpt: String?

  @OptionGroup var generator: GeneratorOptions

  @Option(help: ArgumentHelp("The images or statistics file to score.", valueName: "path"))
  var images: String?

  @Option(
    name: .customLong("ref"),
    help: ArgumentHelp(
      """
      Images, a statistics file or a name from 'stats list' to compare with; with several extractors once for all or \
      for each.
      """, valueName: "path"))
  var references: [String] = []

  @Option(
    help: ArgumentHelp(
      "Number of samples (default: 50000), or required number of --images (default: any).",
      valueName: "n"))
  var num: Int?
}

/// The options that `fid` and `evaluate` share. The two commands differ only in the metrics.
struct EvaluationOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Two paths, short for --images and --ref.", valueName: "path"))
  var paths: [String] = []

  @OptionGroup(title: "Input") var subject: SubjectOptions

  @OptionGroup var scoring: ScoringOptions

  @Option(
    help: ArgumentHelp(
      """
      Number of seeds: --seed and the numbers after it. All are reported, with mean, standard \
      deviation, minimum and maximum. With --run, each seed has its own folder.
      """, valueName: "n"))
  var repeats = 1

  @OptionGroup(title: "Running") var running: RunOptions

  @OptionGroup(title: "Keeping a run") var keeping: KeepingOptions
  @OptionGroup(title: "Output") var output: ResultOptions

  private var ckpt: String? { subject.ckpt }
  private var generator: String? { subject.generator.generator }
  private var images: String? { subject.images ?? paths.first }
  private var ref: String? { references.last }
  private var references: [String] {
    paths.isEmpty ? subject.references : Array(paths.suffix(1))
  }
  private var extractor: ExtractorOptions { scoring.rules.extractor }
  private var num: Int? { subject.num }

  func validate() throws {
    if !paths.isEmpty {
      guard paths.count == 2, ckpt == nil, generator == nil, subject.images == nil,
        subject.references.isEmpty
      else {
        let found = paths.map { "'\($0)'" }.joined(separator: ", ")
        throw ValidationError(
          "Found \(found) without an option, or after one that does not exist; expected two paths, "
            + "the images and the reference, without --ckpt, --generator, --images and --ref.")
      }
    }
    guard [ckpt, generator, images].count(where: { $0 != nil }) == 1 else {
      throw ValidationError("Give one of --ckpt, --generator and --images.")
    }
    if generator != nil { try scoring.sampling.checkGenerator() }
    try scoring.check(reference: ref)
    if images == nil {
      try scoring.checkPreset()
    } else {
      guard output.grid == nil, output.saveImages == nil, scoring.sampling.isUntouched,
        scoring.decoding.decoder == nil
      else {
        throw ValidationError(
          "--grid, --save-images, and the options of sampling and decoding need --ckpt or --generator."
        )
      }
      guard keeping.run == nil else {
        throw ValidationError("--run needs --ckpt or --generator; images already exist.")
      }
    }
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): expected 1 to 1000.")
    }
    if repeats > 1 {
      guard images == nil else {
        throw ValidationError(
          "--repeats needs --ckpt or --generator; images are the same every time.")
      }
      guard output.grid == nil, output.saveImages == nil else {
        throw ValidationError("--grid and --save-images cannot be used with --repeats.")
      }
      if case .all = scoring.dialect {
        throw ValidationError("--repeats cannot be used with --dialect all.")
      }
    }
    try checkNum(num)
    try checkExtractors()
    try files.check(json: output.json)
  }

  private func checkExtractors() throws {
    let names = extractor.several
    let expected = Swift.max(names.count, 1)
    guard references.count <= 1 || references.count == expected else {
      throw ValidationError(
        "--ref is given \(references.count) times, for "
          + "\(expected == 1 ? "one extractor" : "\(expected) extractors").")
    }
    guard !names.isEmpty else { return }
    if let out = output.out, !out.hasSuffix(".json") || out.hasSuffix("/.json") || out == ".json" {
      throw ValidationError(
        "--out \(out): with several extractors, expected a name such as result.json, before whose end their names "
          + "are put.")
    }
    guard keeping.run == nil, repeats == 1 else {
      throw ValidationError(
        "--run and --repeats are for one extractor. Write the samples with 'sample', and give them by --images."
      )
    }
  }

  private var files: CommandFiles {
    var files = CommandFiles()
    files.reads("--ckpt", ckpt)
    files.readsReference("--images", images, recursive: scoring.folders.recursive)
    scoring.addInputs(to: &files, reference: ref)
    for reference in references.dropLast() {
      files.readsReference("--ref", reference, recursive: scoring.folders.recursive)
    }
    for folder in runFolders { files.keepsRun("--run", in: folder) }
    output.addOutputs(to: &files, extractors: extractor.several)
    return files
  }

  /// The folder of the run, or one folder for each seed.
  private var runFolders: [String] {
    guard let run = keeping.run else { return [] }
    guard repeats > 1 else { return [run] }
    return (0..<repeats).map {
      EvaluationRequest.runPath(run, seed: scoring.sampling.seed &+ UInt64($0))
    }
  }

  /// Returns the request, with the first of several seeds.
  ///
  /// - Parameters:
  ///   - metrics: The metrics requested by name; nil for `optional`.
  ///   - optional: The metrics to compute if the inputs allow.
  private func request(
    metrics: Set<MetricName>?, optional: Set<MetricName>
  ) throws -> EvaluationRequest {
    var request =
      if let ckpt {
        try scoring.request(sampling: ckpt, reference: ref, count: num)
      } else if let words = try subject.generator.words() {
        try scoring.request(generator: words, reference: ref, count: num)
      } else {
        try scoring.request(of: .images(images ?? ""), reference: ref)
      }
    request.num = request.num ?? num
    request.metrics = metrics?.map(\.rawValue).sorted()
    request.optionalMetrics = optional.map(\.rawValue).sorted()
    request.intervals = !output.noIntervals
    return request
  }

  /// Returns the request of each of several extractors.
  private func requests(of request: EvaluationRequest) -> [EvaluationRequest] {
    extractor.several.enumerated().map { index, name in
      var request = request
      (request.extractor, request.weights) = (name, extractor.weights(at: index))
      if references.count > 1 { request.reference = references[index] }
      return request
    }
  }

  /// Returns how the requests are carried out, and installs the handlers of signals.
  private func execution() throws -> Execution {
    var execution = running.execution
    execution.run = try keeping.settings()
    subject.generator.running.apply(to: &execution)
    if let stop = execution.run?.stop {
      StopSignals.install(stop)
    } else if images == nil {
      StopSignals.installAdvice()
    } else {
      StopSignals.installCleaning()
    }
    return execution
  }

  /// Runs the requested evaluations and writes their results.
  ///
  /// - Parameters:
  ///   - metrics: The metrics requested by name; nil for `optional`.
  ///   - titles: The names by which they were requested.
  ///   - optional: The metrics to compute if the inputs allow.
  func run(
    metrics: Set<MetricName>?, titles: [MetricTitle] = [], optional: Set<MetricName>
  ) async throws {
    let request = try request(metrics: metrics, optional: optional)
    var execution = try execution()
    try scoring.notePreset(running.reporter, hasImages: images != nil)
    try output.check(extractors: extractor.several)
    func noteMissing(_ evaluation: PreparedEvaluation) {
      titles.compactMap(evaluation.reasonWithout).forEach(running.reporter.note)
    }
    guard extractor.several.isEmpty else {
      let joint = try JointEvaluation(
        requests(of: request), execution, reporter: running.reporter)
      joint.evaluations.forEach(noteMissing)
      return try await output.run(joint, running.reporter, quiet: running.quiet)
    }
    guard repeats == 1 else {
      let repeated = try await request.repeated(
        repeats, execution, reporter: running.reporter, first: noteMissing)
      return try output.write(repeated, running.reporter, quiet: running.quiet)
    }
    let isShard = execution.run?.shard != nil
    if isShard {
      output.outputOptions.forEach {
        running.reporter.warn("a shard scores nothing: \($0) is written by the process that merges")
      }
      execution.run?.keepsImages = output.wantsImages
    }
    let evaluation = try request.prepare(execution, reporter: running.reporter)
    noteMissing(evaluation)
    guard isShard else {
      return try await output.run(evaluation, running.reporter, quiet: running.quiet)
    }
    let shard = try await evaluation.makeShard()
    if output.json { try Terminal.result(shard.json()) }
    if !running.quiet {
      Terminal.note(
        "shard \(shard.shard): its \(shard.samples) samples exist, \(shard.missing) of other "
          + "shards are missing; use 'dis-eval merge \(shard.run)' to score the run")
    }
  }
}

/// Checks the number of samples that an option asks for.
func checkNum(_ num: Int?, atLeast least: Int = 2) throws(ValidationError) {
  guard let num else { return }
  guard num >= least else { throw ValidationError("--num \(num): expected at least \(least).") }
  guard num <= largestSampleCount else {
    throw ValidationError("--num \(num): expected at most \(largestSampleCount).")
  }
}
