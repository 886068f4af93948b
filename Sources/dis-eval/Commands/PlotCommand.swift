import ArgumentParser
import DisEval
import Files
import Foundation
import Reporting
import Results

extension FitName: ExpressibleByArgument {}
extension PictureSize: ExpressibleByArgument {
  /// Creates a size from the argument of an option.
  public init?(argument: String) { self.init(argument) }
}
extension PlotRecipe: ExpressibleByArgument {}
extension ScalingAxis: ExpressibleByArgument {}
extension Setting: ExpressibleByArgument {}

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draws scaling curves from ledgers and results.",
    discussion: """
      The file extension of --out selects the format: .svg, .png or .pdf by gnuplot, with its \
      script (.gp) and data (.dat) beside the picture; .json for Vega-Lite; or .csv. The last two \
      do not need gnuplot. An .svg file always has a .csv file beside it, which 'dis-eval report \
      --plot' also shows.

      Evaluations that are not comparable, for example because the number of samples, the \
      extractor or the sampler differs, are refused. If a checkpoint was evaluated with several \
      seeds, the line shows their mean. Different checkpoints are not averaged: each folder of \
      checkpoints becomes a separate line, or the checkpoints are refused, unless --average-seeds \
      says that they are trainings of one recipe with different seeds. Their mean then has a 95 % \
      interval that includes retraining, and each training is a small hollow mark.

      Without --size, a picture has 8.4 by 5.6 inches. With it, texts have 8 points, or more if the \
      picture is wider than 6.2 and higher than 4.1 inches, and marks, lines and margins follow. \
      Notes are added below that size; --no-caption leaves out notes and the title. Names of lines \
      that do not fit at the right are in a legend above. A .png has 300 pixels for each inch.

      A law is y = a x^b, fitted by least squares of logarithms, with the 95 % band of its mean. \
      'saturating' adds an asymptote. With fewer than 3 different x values (5 for saturating), or \
      less than a decade, no law is fitted.

      If all evaluations have a debiased value of the metric, it is drawn with its interval; \
      --plug-in draws the values that papers print.

      The recipes of the DiS paper draw a metric against training steps, with a line for each \
      patch size, depth and so on. sequence-length takes results of 'dis-eval bench', or no \
      files.

      Examples:
        dis-eval plot sweeps/s2/ledger.jsonl --x training-steps --out fig.svg
        dis-eval plot 'sweeps/*/ledger.jsonl' --x gflops --family patch-size \\
          --out fig.pdf --out fig.csv
        dis-eval plot sweeps/dis sweeps/uvit --x training-compute --size 3.3x2.4in \\
          --no-caption --out column.pdf
        dis-eval plot sweeps/seeds --average-seeds --title 'Three trainings' \\
          --xlabel 'Optimiser steps' --out seeds.svg
        dis-eval plot ledger.jsonl --recipe dis-skip --out skip.svg
        dis-eval bench --only dis-s2 --only dis-s2-1025 --only dis-s2-4097 \\
          --out bench.json
        dis-eval plot bench.json --recipe sequence-length --out tokens.svg
      """)

  @Argument(
    help: ArgumentHelp(
      "Ledgers, results and folders of sweeps, or quoted patterns of them such as 'sweeps/*'.",
      valueName: "path"))
  var files: [String] = []

  @Option(
    help: ArgumentHelp(
      "The file to write; may be repeated for several formats.", valueName: "file"))
  var out: [String]

  @Option(help: "The quantity on the x axis. (default: training-steps)")
  var x: ScalingAxis?

  @Option(
    help: ArgumentHelp("The metric. (default: fid, or fd if there is no fid)", valueName: "name"))
  var y: String?

  @Option(
    help: ArgumentHelp(
      "The setting that distinguishes the lines. (default: that of the recipe; otherwise name if x "
        + "is a setting of sampling, or family)", valueName: "setting"))
  var family: Setting?

  @Option(help: "A predefined figure.")
  var recipe: PlotRecipe?

  @Option(
    help: """
      The law to fit. (default: power if x is training-compute, parameters, gflops or gflops-thop, \
      otherwise none)
      """)
  var fit: FitName?

  @Option(help: ArgumentHelp("Draw laws up to this x, dotted beyond the points.", valueName: "x"))
  var until: Double?

  @Option(
    help: ArgumentHelp(
      "The size of pictures, such as 3.3x2.4in: in in, cm, mm or, except for .pdf, px. (default: "
        + "8.4x5.6in)", valueName: "size"))
  var size: PictureSize?

  @Flag(help: "Leave out the notes below a picture, and the title unless --title is given.")
  var noCaption = false

  @Option(help: ArgumentHelp("The title of the drawing.", valueName: "text"))
  var title: String?

  @Option(
    name: .customLong("xlabel"), help: ArgumentHelp("The label of the x axis.", valueName: "text"))
  var xLabel: String?

  @Option(
    name: .customLong("ylabel"), help: ArgumentHelp("The label of the y axis.", valueName: "text"))
  var yLabel: String?

  @Flag(help: "Make both axes linear.")
  var linear = false

  @Flag(help: "Draw the values of distances, even if all of them have debiased values.")
  var plugIn = false

  @Flag(help: "Draw evaluations that are not comparable, and say so in the drawing.")
  var allowMixed = false

  @Flag(
    help: """
      Average different checkpoints with the same x, because they are trainings of one recipe with \
      different seeds.
      """)
  var averageSeeds = false

  @Flag(help: "Print points and laws as JSON.")
  var json = false

  @Flag(help: "Print only the paths, without notes about the drawing.")
  var quiet = false

  func validate() throws {
    for path in out where Kind(path) == nil {
      throw ValidationError(
        "--out \(path): expected a name that ends in .svg, .png, .pdf, .json or .csv.")
    }
    if recipe == .sequenceLength {
      guard x == nil, y == nil, family == nil, fit == nil, until == nil, !linear, !allowMixed,
        !averageSeeds, !plugIn
      else {
        throw ValidationError(
          "--recipe sequence-length allows only --out, --json, --quiet and the options of the picture."
        )
      }
    } else if files.isEmpty {
      throw ValidationError("Expected a ledger, a result or the folder of a sweep.")
    }
    if let until, !(until > 0 && until.isFinite) {
      throw ValidationError("--until \(until): expected a number above 0.")
    }
    if size?.unit == .pixels, let path = out.first(where: { $0.hasSuffix(".pdf") }) {
      throw ValidationError("--out \(path): a PDF has no pixels; give --size in in, cm or mm.")
    }
    try commandFiles(files).check(json: json)
  }

  private func commandFiles(_ files: [String]) -> CommandFiles {
    var result = CommandFiles()
    for file in files { result.reads("the input", file) }
    for path in out {
      result.writes("--out", path)
      guard case .picture(let format) = Kind(path) else { continue }
      // A table that --out also names has the same content.
      for companion in Plot.companions(of: path, format) where !out.contains(companion) {
        result.writes("--out", companion, beside: path, isFree: Plot.isFree(companion:))
      }
    }
    return result
  }

  /// The format that a file's extension selects.
  private enum Kind {
    case picture(PictureFormat), vegaLite, csv

    init?(_ path: String) {
      switch (path as NSString).pathExtension {
      case "json": self = .vegaLite
      case "csv": self = .csv
      case let ending:
        guard let format = PictureFormat(rawValue: ending) else { return nil }
        self = .picture(format)
      }
    }
  }

  func run() throws {
    let inputs = try Ledger.files(
      at: matchingFiles(
        files,
        expected: "ledgers, results or folders of sweeps, or a pattern such as 'sweeps/*'"))
    if inputs != files { try commandFiles(inputs).check(json: json) }
    for path in out { try AtomicFile.check(path) }
    var plot = try plot(inputs)
    plot.size = size
    if noCaption { plot.caption = title == nil ? .none : .title }
    if let xLabel { plot.x.label = xLabel }
    if let yLabel { plot.y.label = yLabel }
    // Draw everything first, so that nothing is written if gnuplot is missing.
    let drawn = try out.flatMap { try self.files(of: plot, at: $0) }
    // Pictures with one name have one script, that of the last one.
    let files = drawn.indices.filter { index in
      !drawn[(index + 1)...].contains { $0.path == drawn[index].path }
    }.map { drawn[$0] }
    for file in files { try AtomicFile.check(file.path) }
    for file in files { try AtomicFile.write(file.bytes, to: file.path) }
    if json {
      try Terminal.result(try plot.json())
    } else {
      try Terminal.result((quiet ? out : out + plot.notes).joined(separator: "\n"))
    }
  }

  /// Returns the files to write for one `--out`.
  private func files(
    of plot: Plot, at path: String
  ) throws -> [(path: String, bytes: [UInt8])] {
    let csv = Array(plot.csv.utf8)
    return switch Kind(path) {
    case .picture(.svg):
      try plot.picture(.svg, at: path) + [("\(path.dropLast(4)).csv", csv)]
    case .picture(let format): try plot.picture(format, at: path)
    case .vegaLite: [(path, try plot.vegaLite())]
    case .csv: [(path, csv)]
    case nil: []
    }
  }

  /// Returns the setting that distinguishes the lines by default: the name if `x` is a setting of
  /// sampling, otherwise the family; nil if all evaluations share it.
  private func natural(_ x: ScalingAxis, _ entries: [LedgerEntry]) -> Setting? {
    let setting = x.isOfSampling ? Setting.name : .family
    return Set(entries.map { setting.value(of: $0) }).count > 1 ? setting : nil
  }

  private func plot(_ files: [String]) throws -> Plot {
    if recipe == .sequenceLength {
      var curves = SequenceLengthCurves { tokens in
        let (operations, transformerOperations) = ForwardCompute.ofSmall(tokens: tokens)
        return .init(operations: operations, transformerOperations: transformerOperations)
      }
      for file in files { try curves.add(BenchmarkResult(contentsOf: file), path: file) }
      return curves.plot(title: title)
    }
    var ledger = Ledger()
    for file in files { ledger.merge(try Ledger(exportedFrom: file)) }
    let entries = ledger.entries
    let x = x ?? .trainingSteps
    var curves = ScalingCurves(x: x, fit: fit ?? (x.hasLaw ? .power : .none))
    curves.y = y
    curves.family = family ?? recipe?.family ?? natural(x, entries)
    curves.title = title
    curves.allowsMixed = allowMixed
    curves.until = until
    curves.isLinear = linear
    curves.plugIn = plugIn
    curves.averagesSeeds = averageSeeds
    if family == nil { curves.pinned = recipe?.pinned ?? [] }
    return try curves.plot(entries)
  }
}
