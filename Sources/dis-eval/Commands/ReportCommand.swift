import ArgumentParser
import DisEval
import Files
import Foundation
import Images
import Reporting

struct ReportCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes a result or a sweep's ledger as one HTML page that loads nothing.",
    discussion: """
      Samples are drawn again from the result's checkpoint; sample i is the image that was scored. \
      The checkpoint and the reference are expected where the original command had them, or where \
      the options say, and must have the recorded SHA-256.

      Examples:
        dis-eval report result.json --out report.html
        dis-eval report result.json --run runs/model --gate verdict.json \\
          --plot fig.svg --out r.html
        dis-eval report result.json --images samples/ \\
          --reference-images train/ --out r.html
        dis-eval report sweep/ --plot fig.svg --out sweep.html
      """)

  @Argument(
    help: ArgumentHelp(
      "A result or the results of several seeds as JSON, a ledger.jsonl, or a sweep's folder.",
      valueName: "path"))
  var input: String

  @Option(help: ArgumentHelp("The HTML file to write.", valueName: "file"))
  var out: String

  @Option(
    help: ArgumentHelp("The verdict that 'dis-eval gate --out' wrote.", valueName: "file"))
  var gate: String?

  @Option(
    help: ArgumentHelp(
      "A drawing in SVG, with the numbers in the .csv file beside it; may be repeated.",
      valueName: "file"))
  var plot: [String] = []

  @Option(help: ArgumentHelp("The current location of the checkpoint.", valueName: "file"))
  var ckpt: String?

  @OptionGroup var generator: GeneratorOptions

  @Option(help: ArgumentHelp("The decoder of a latent model.", valueName: "file"))
  var decoder: String?

  @Option(help: ArgumentHelp("The images that were scored.", valueName: "path"))
  var images: String?

  @Option(
    help: ArgumentHelp(
      "The run's folder, to choose the best and worst from all its samples.", valueName: "folder"))
  var run: String?

  @Option(help: ArgumentHelp("The current location of the reference.", valueName: "path"))
  var ref: String?

  @Option(
    help: ArgumentHelp(
      "The images from which the reference's features were computed, to show neighbours.",
      valueName: "path"))
  var referenceImages: String?

  @Option(help: ArgumentHelp("The extractor's weights.", valueName: "file"))
  var weights: String?

  @OptionGroup var folders: FolderOptions

  @Option(help: ArgumentHelp("Number of images to show; 0 for none.", valueName: "n"))
  var num = 64

  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    guard (0...1024).contains(num) else {
      throw ValidationError("--num \(num): expected 0 to 1024.")
    }
    guard [ckpt, generator.generator, images].count(where: { $0 != nil }) <= 1 else {
      throw ValidationError("Give one of --ckpt, --generator and --images.")
    }
    try commandFiles().check()
  }

  /// - Parameter result: The result, which records where other files were; nil before it is read.
  private func commandFiles(_ result: EvaluationResult? = nil) throws -> CommandFiles {
    var files = CommandFiles()
    let recorded = try result.map { given.completed(by: RecordedFiles(try $0.request)) } ?? given
    let recursive = recorded.recursive
    for (option, path) in [
      ("the input", input), ("the input", "\(input)/ledger.jsonl"), ("--gate", gate),
      ("--ckpt", recorded.checkpoint), ("--decoder", recorded.decoder), ("--weights", weights),
    ] { files.reads(option, path) }
    for path in plot {
      files.reads("--plot", path)
      if path.hasSuffix(".svg") { files.reads("--plot", "\(path.dropLast(4)).csv") }
    }
    files.readsImages("--images", images, recursive: recursive)
    files.readsReference("--ref", recorded.reference, recursive: recursive)
    files.readsImages("--reference-images", referenceImages, recursive: recursive)
    files.keepsRun("--run", in: run)
    files.writes("--out", out)
    return files
  }

  /// The files that the options name.
  private var given: RecordedFiles {
    var files = RecordedFiles()
    (files.checkpoint, files.decoder, files.reference) = (ckpt, decoder, ref)
    files.recursive = folders.recursive
    return files
  }

  func run() async throws {
    let workload = running.workload
    try AtomicFile.check(out)
    let figures = try plot.map { try ReportPage.Figure(svgFile: $0) }
    let ledger = try ledgerPath()
    var page =
      if let ledger { try sweepPage(ledger) } else { try await resultPage(workload) }
    page.sections.insert(curves(figures), at: min(2, page.sections.count))
    try AtomicFile.write(try page.html(), to: out)
    try Terminal.result(out)
  }

  /// Returns the path of the ledger or of the results of several seeds: the input, or the ledger in
  /// the folder that is the input; nil for a result.
  private func ledgerPath() throws -> String? {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: input, isDirectory: &isFolder), isFolder.boolValue {
      return "\(input)/ledger.jsonl"
    }
    let isLedger = input.hasSuffix(".jsonl") || Ledger.holdsRepeats(input)
    return isLedger ? input : nil
  }

  private func sweepPage(_ ledger: String) throws -> ReportPage {
    guard gate == nil, ckpt == nil, generator.generator == nil, images == nil, run == nil,
      referenceImages == nil
    else {
      throw ValidationError(
        "--gate, --ckpt, --generator, --images, --run and --reference-images are for a result, not for a sweep."
      )
    }
    return try ReportedLedger(Ledger(exportedFrom: ledger), path: ledger).page
  }

  private func curves(_ figures: [ReportPage.Figure]) -> ReportPage.Section {
    ReportPage.Section(
      "Curves",
      figures.isEmpty
        ? [.missing("No curves were given; use --plot to add drawings of 'dis-eval plot'.")]
        : figures.map { .figure($0) })
  }
}

// MARK: - A result

extension ReportCommand {
  private func resultPage(_ workload: Workload) async throws -> ReportPage {
    let result = try EvaluationResult(contentsOf: input)
    let reported = ReportedResult(result, path: input)
    let verdict =
      try gate.map { try reported.verdict(GateReport(contentsOf: $0), path: $0) }
      ?? ReportPage.Section(
        "Verdict",
        [.missing("No verdict was given; use --gate to add that of 'dis-eval gate --json'.")])
    return ReportPage(
      title: reported.title, subtitle: reported.subtitle,
      sections: [verdict, reported.metrics] + (try await sampleSections(of: result, workload))
        + [try reported.origin, reported.environment])
  }

  private func sampleSections(
    of result: EvaluationResult, _ workload: Workload
  ) async throws -> [ReportPage.Section] {
    guard num > 0 else {
      return [
        ReportPage.Section("Samples", [.missing("No samples were requested; see --num.")])
      ]
    }
    try commandFiles(result).check()
    guard let source = try source(of: result) else {
      let reason =
        result.provenance.generator != nil
        ? "The images were made by a generator, whose command is not taken from a result; use "
          + "--generator to make them again, or --images to add those that were saved."
        : result.provenance.checkpoint == nil
          ? "The images that were scored are not available; use --images to add them."
          : "The checkpoint is not where the original command had it; use --ckpt to draw samples "
            + "again, or --images to add those that were saved."
      return [ReportPage.Section("Samples", [.missing(reason)])]
    }
    var reviewer = Reviewer(of: result, source: source, workload: workload)
    reviewer.count = num
    reviewer.run = run
    reviewer.reference = try ref ?? unchangedReference(of: result)
    reviewer.referenceImages = referenceImages
    reviewer.influences = try result.influences(beside: input)
    reviewer.recursive = folders.recursive
    reviewer.weights = weights
    let review = try await reviewer.review(reporter: running.reporter)
    return try sections(of: review, result: result, isOfRun: run != nil)
  }

  /// Returns the source of the images; nil if it is not available.
  private func source(of result: EvaluationResult) throws -> Reviewer.Source? {
    if let images {
      let recursive = try folders.recursive ?? result.request.recursive
      let source = try ImageSource(path: images, recursive: recursive)
      let skipsBroken = folders.skipBroken || result.provenance.leftOut != nil
      return .images(skipsBroken ? try source.withoutBroken() : source)
    }
    var files = try result.sampledFiles(given: given)
    files.generator = try generator.words()
    guard files.checkpoint != nil || files.generator != nil else { return nil }
    var execution = running.execution
    generator.running.apply(to: &execution)
    return .samples(
      try SampleSource(
        of: result.provenance, with: files, execution: execution, reporter: running.reporter))
  }

  /// Returns the reference that the result's request names; nil if it is missing or has changed.
  private func unchangedReference(of result: EvaluationResult) throws -> String? {
    guard let path = existing(RecordedFiles(try result.request).reference),
      let expected = result.provenance.reference.sha256,
      try sha256(ofFile: resolveReference(path)) == expected
    else { return nil }
    return path
  }
}
