import ArgumentParser
import Files
import Foundation
import GenerativeMetrics
import Reporting
import Results
import Work

struct GateCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Judges a result or a checkpoint: pass, worse, or cannot say.",
    discussion: """
      Exit status: 0 for pass; 1 for worse; 3 for cannot say, for example because an interval \
      contains its limit, or the result and the baseline are not comparable; 65 for a result that \
      contradicts itself; 78 for an invalid policy or baseline.

      A result contradicts itself if a value lies outside its own interval or is impossible for \
      the metric, if the interval or the bias does not follow from the jackknife values and the \
      influences, or if a key occurs twice. If all jackknife values are equal, the gate cannot say.

      You can give limits and tolerances more than once, and in addition to those of the policy. \
      The strictest applies.

      A limit passes if the whole interval satisfies it, and fails if none of the interval does. \
      Against a baseline, a metric is worse if its difference exceeds the tolerance (1 % of the \
      baseline by default) with statistical significance, and passes if its difference is within \
      the tolerance with statistical significance. If both results have the same seed, samples are \
      compared in pairs, image by image if the files influence-….npy are still beside the results.

      Distances are judged by their debiased values, which estimate the limit for infinitely many \
      images. With --plug-in they are judged by the values that papers print. The expected value at \
      a finite number of samples is smallest for a model that is less diverse than the data. With \
      fewer than 2.5 samples for each feature, there is no debiased value, and the gate cannot say.

      --metrics auto compares all metrics of two results of 'evaluate', and names what became worse, such as \
      "diversity: recall 0.61 → 0.55". Metrics without intervals, such as mind, are left out. The result passes if its distance does and no metric is worse; all \
      metrics together keep the level alpha.

      --ckpt evaluates a checkpoint on the spot, with all settings of the baseline. Without a \
      baseline, it evaluates the checkpoint as 'fid' does with the same options. To be able to \
      resume an interrupted evaluation, use 'fid --run', and give its result to the gate.

      --generator does the same for the samples of a program. The command that a result names is \
      never run: to audit the result of a generator, give its command again.

      --audit regenerates samples, chosen by a hash of the result, and compares their SHA-256. \
      This shows whether the result belongs to the checkpoint that it names.

      If GITHUB_ACTIONS is 'true', annotations are written to standard error, the summary is \
      appended to the file that GITHUB_STEP_SUMMARY names, and 'verdict=…' is appended to the file \
      that GITHUB_OUTPUT names.

      Examples:
        dis-eval gate result.json --max fid=3.5 --min fid=2 --min is=9
        dis-eval gate result.json --baseline dis-eval.baseline.json --junit gate.xml
        dis-eval gate result.json --policy gate.yml --openmetrics metrics.txt --json
        dis-eval gate --ckpt model.pt --ref stats.npz \\
          --baseline dis-eval.baseline.json
        dis-eval gate --ckpt model.pt --ref stats.npz --num 5000 --max fid=12
        dis-eval gate result.json --max fid=3.5 --audit 64
        dis-eval gate result.json --max fid=3.5 --plug-in
        dis-eval gate result.json --baseline dis-eval.baseline.json --metrics auto
        dis-eval gate result.json --update-baseline dis-eval.baseline.json \\
          --reason "longer training"
        dis-eval gate --ckpt model.pt --ref stats.npz --num 10000 --repeats 3 \\
          --update-baseline dis-eval.baseline.json --reason "first"
      """)

  @Argument(help: ArgumentHelp("The result to judge.", valueName: "result"))
  var result: String?

  @Option(
    help: ArgumentHelp(
      "The checkpoint to evaluate and judge; with a result, the one to use for --audit.",
      valueName: "file"))
  var ckpt: String?

  @OptionGroup var generator: GeneratorOptions

  @Option(
    help: ArgumentHelp(
      "Regenerate this many samples of the result and compare them.", valueName: "n"))
  var audit: Int?

  @Option(
    help: ArgumentHelp(
      "Maximum value of a metric; may be repeated, and the smallest applies.",
      valueName: "name=value"))
  var max: [String] = []

  @Option(
    help: ArgumentHelp(
      "Minimum value of a metric; may be repeated, and the largest applies.",
      valueName: "name=value"))
  var min: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much worse than the baseline a metric may be, such as 0.05 or 2%; may be repeated, and "
        + "the smallest applies.",
      valueName: "name=value"))
  var tolerance: [String] = []

  @Option(
    help: ArgumentHelp(
      "Compare only these metrics with the baseline, separated by commas; 'auto' compares all metrics of the "
        + "baseline as one family, and says what became worse. (default: those with rules in the policy, or all "
        + "metrics of the baseline)", valueName: "names"),
    transform: ComparedMetrics.init)
  var metrics: [ComparedMetrics] = []

  @Option(help: ArgumentHelp("The baseline or result to compare with.", valueName: "file"))
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "The policy, in YAML. Options add to it, and the strictest applies. For its format, see "
        + "'dis-eval schema policy'.", valueName: "file"))
  var policy: String?

  @Option(
    help: ArgumentHelp(
      "Write the result to this file as the new baseline, unless it is worse or the gate cannot "
        + "say. A first baseline is judged by limits alone.", valueName: "file"))
  var updateBaseline: String?

  @Option(help: ArgumentHelp("The reason for the new baseline.", valueName: "text"))
  var reason: String?

  @Flag(help: "Write the baseline even if the result is worse or the gate cannot say.")
  var accept = false

  @Flag(
    help: ArgumentHelp(
      "Judge the values of distances instead of their debiased values. Same as 'plug_in: true' in the policy."
    ))
  var plugIn = false

  @Option(help: ArgumentHelp("Write JUnit XML to this file.", valueName: "file"))
  var junit: String?

  @Option(
    help: ArgumentHelp(
      "Write OpenMetrics text to this file, for GitLab's metrics reports.", valueName: "file"))
  var openmetrics: String?

  @Option(help: ArgumentHelp("Also write the verdict to this file, as JSON.", valueName: "file"))
  var out: String?

  @Option(help: ArgumentHelp("Write the summary to this file, in Markdown.", valueName: "file"))
  var summary: String?

  @Flag(help: "Print the verdict as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp("Write the result of --ckpt or --generator to this file.", valueName: "file")
  )
  var keepResult: String?

  @Option(
    help: ArgumentHelp(
      "Number of samples of --ckpt or --generator. (default: that of the baseline, or 50000)",
      valueName: "n"))
  var num: Int?

  @Option(
    help: ArgumentHelp(
      "Evaluate --ckpt or --generator with this many seeds, and judge the mean. A baseline of several seeds is "
        + "less often lucky or unlucky. (default: those of the baseline, or 1)",
      valueName: "n"))
  var repeats: Int?

  @OptionGroup(title: "Evaluating a checkpoint") var reference: ReferenceOption
  @OptionGroup var scoring: ScoringOptions

  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    try scoring.checkPreset()
    for text in max + min { _ = try Self.pair(text, finiteNumber) }
    for text in tolerance { _ = try Self.pair(text, Policy.Tolerance.init) }
    guard (updateBaseline == nil) == (reason == nil) else {
      throw ValidationError("Give --update-baseline FILE and --reason TEXT together.")
    }
    if let reason, reason.allSatisfy(\.isWhitespace) {
      throw ValidationError("--reason: expected the reason for the new baseline.")
    }
    if updateBaseline != nil && baseline != nil {
      throw ValidationError(
        "--update-baseline compares with the file that it replaces; leave out --baseline.")
    }
    if accept && updateBaseline == nil {
      throw ValidationError("--accept needs --update-baseline.")
    }
    try checkSubject()
    guard
      !(max + min).isEmpty || audit != nil || baseline != nil || policy != nil
        || updateBaseline != nil
    else {
      throw ValidationError(
        "There is nothing to judge by: expected --max, --min, --baseline, --policy or --audit.")
    }
    try checkFiles(baseline: baseline)
  }

  func run() async throws {
    for path in [junit, openmetrics, out, summary, updateBaseline, keepResult].compactMap(\.self) {
      try AtomicFile.check(path)
    }
    var policy = try self.policy.map { try Policy(contentsOf: $0) } ?? Policy()
    // Without the limits of the command line, whose metrics the baseline may not have.
    let ruled = Set(policy.metrics.keys)
    try addOptions(to: &policy)
    if plugIn { policy.plugIn = true }
    let baselinePath = self.baselinePath(policy)
    if updateBaseline == nil { try checkFiles(baseline: baselinePath) }
    let baseline = try baselinePath.map { try RecordedEvaluation(contentsOf: $0, as: .baseline) }
    let isDiagnosis = metrics.contains { $0.titles == nil }
    let names =
      isDiagnosis
      ? [] : metrics.isEmpty ? ruled : Set(metrics.flatMap { $0.titles ?? [] }.map(\.rawValue))
    let candidate: RecordedEvaluation
    if let result {
      candidate = try RecordedEvaluation(contentsOf: result, as: .result)
    } else {
      candidate = try await evaluated(
        as: baseline, metrics: names.union(policy.metrics.keys))
    }
    var report = try Gate(candidate, by: policy, baseline: baseline)
      .report(
        comparing: names.isEmpty ? nil : names, isDiagnosis: isDiagnosis,
        audit: try await auditCheck())
    for index in report.checks.indices {
      report.checks[index].reason = namingOptions(report.checks[index].reason)
    }
    // There is nothing to compare a first baseline with.
    if updateBaseline != nil, baseline == nil, report.checks.isEmpty { report.verdict = .pass }

    if let junit { try AtomicFile.write(Array(report.junit.utf8), to: junit) }
    if let openmetrics { try AtomicFile.write(Array(report.openMetrics.utf8), to: openmetrics) }
    if let summary { try AtomicFile.write(Array(report.markdown.utf8), to: summary) }
    if let out { try AtomicFile.write(try report.json(), to: out) }
    Terminal.wrote(
      keepResult, junit, openmetrics, summary, out, quiet: running.quiet)
    try tellGitHub(report)
    if json {
      try Terminal.result(try report.json())
    } else if !(report.checks.isEmpty && updateBaseline != nil) {
      try Terminal.result(report.text)
    }
    if let updateBaseline {
      try update(
        updateBaseline, candidate, replaces: baseline == nil ? nil : report.verdict, report)
    } else if report.verdict != .pass {
      throw ExitCode(report.verdict.exitStatus)
    }
  }

  /// Adds the limits and tolerances of the command line.
  private func addOptions(to policy: inout Policy) throws {
    for text in max {
      let (name, value) = try Self.pair(text, finiteNumber)
      policy.add(.init(max: value), to: name)
    }
    for text in min {
      let (name, value) = try Self.pair(text, finiteNumber)
      policy.add(.init(min: value), to: name)
    }
    for text in tolerance {
      let (name, value) = try Self.pair(text, Policy.Tolerance.init)
      // A metric without its own tolerance has that of the policy.
      if self.policy != nil, policy.metrics[name]?.tolerance == nil {
        policy.add(.init(tolerance: policy.tolerance), to: name)
      }
      policy.add(.init(tolerance: value), to: name)
    }
    try policy.check(subject: self.policy ?? "--min and --max")
  }

  /// Returns the path of the baseline: the file to replace, the one that `--baseline` names, or the
  /// one that the policy names, relative to the policy's folder.
  private func baselinePath(_ policy: Policy) -> String? {
    if let updateBaseline {
      return FileManager.default.fileExists(atPath: updateBaseline) ? updateBaseline : nil
    }
    if let baseline { return baseline }
    guard let path = self.policy, let name = policy.baseline else { return nil }
    return name.hasPrefix("/")
      ? name : URL(fileURLWithPath: path).deletingLastPathComponent().path + "/" + name
  }

  private func update(
    _ path: String, _ candidate: RecordedEvaluation, replaces verdict: GateReport.Verdict?,
    _ report: GateReport
  ) throws {
    guard report.verdict == .pass || accept else {
      if !running.quiet {
        let why =
          report.verdict == .worse
          ? "the result is worse" : "the gate cannot say whether the result is as good"
        Terminal.note(
          "dis-eval: '\(escaped(path))' was not written: \(why); use --accept to write it anyway")
      }
      throw ExitCode(report.verdict.exitStatus)
    }
    let environment = ProcessInfo.processInfo.environment
    let commit = (environment["GITHUB_SHA"] ?? environment["CI_COMMIT_SHA"])?.lowercased()
    let isHash = commit?.wholeMatch(of: /[0-9a-f]{7,64}/) != nil
    let update = Baseline.Update(
      reason: reason ?? "", date: Date.now.formatted(.iso8601), commit: isHash ? commit : nil,
      verdict: verdict)
    try Baseline(candidate, update: update).write(to: path, warn: running.reporter.warn)
    for (name, metric) in candidate.metrics.sorted(by: { $0.key < $1.key })
    where metric.influence != nil && metric.influence?.values == nil {
      running.reporter.warn(
        "the influences of the images on \(name) are not beside the result, so that pairs with this baseline will be "
          + "compared by groups")
    }
    Terminal.wrote(path, quiet: running.quiet)
  }

  /// Writes annotations, and the summary and output of the step, if GitHub's runner runs this.
  private func tellGitHub(_ report: GateReport) throws(Failure) {
    let environment = ProcessInfo.processInfo.environment
    guard environment["GITHUB_ACTIONS"] == "true" else { return }
    for line in report.annotations { Terminal.note(line) }
    if let path = environment["GITHUB_STEP_SUMMARY"], !path.isEmpty {
      // The runner discards a summary of more than a mebibyte entirely.
      let fits = try append(Array(report.markdown.utf8), to: path, largest: 900_000)
      if !fits && !running.quiet { Terminal.note("dis-eval: the step's summary is full") }
    }
    if let path = environment["GITHUB_OUTPUT"], !path.isEmpty {
      _ = try append(Array("verdict=\(report.verdict.rawValue)\n".utf8), to: path)
    }
  }

  /// Parses `NAME=VALUE`, with `read` for the value.
  private static func pair<Value>(_ text: String, _ read: (String) -> Value?) throws -> (
    String, Value
  ) {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, let value = read(parts[1]) else {
      throw ValidationError("'\(text)': expected NAME=VALUE with a number, such as fid=3.5.")
    }
    return (parts[0], value)
  }
}

/// The metrics to compare with a baseline.
struct ComparedMetrics {
  /// The metrics by name; nil for all metrics of the baseline as one family.
  let titles: [MetricTitle]?

  /// Parses names separated by commas, or `auto`.
  init(_ text: String) throws { titles = text == "auto" ? nil : try metricTitles(text) }
}
