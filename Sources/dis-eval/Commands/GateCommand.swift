import ArgumentParser
import Files
import Foundation
import Reporting
import Results

struct GateCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Judges a result, or a checkpoint: pass, worse, or cannot say.",
    discussion: """
      Exit status: 0 pass, 1 worse, 3 cannot say, because an interval straddles its limit or result and \
      baseline are not comparable; 65 for a result that contradicts itself; 78 for a policy or baseline \
      that is invalid.

      A result contradicts itself when a value is outside of its own interval or not possible for the \
      metric, when interval or bias do not follow from the jackknife values, or when a key is there twice. \
      Where all jackknife values are the same, the gate cannot say.

      Limits and tolerances may be given more than once, and beside those of the policy: the strictest \
      holds.

      A limit is kept when the whole interval keeps it. Against a baseline, a metric is worse when it is \
      so by more than the tolerance (1 % of the baseline) beyond doubt, by the jackknife of pairs when \
      both have the same seed, and passes when it is not, beyond doubt.

      --ckpt evaluates a checkpoint on the spot: as the baseline was, where there is one, otherwise as \
      'fid' with the same options. What must be able to go on after a stop is 'fid --run' with the gate \
      afterwards.

      --audit makes samples of the result again, chosen by its hash, and compares their SHA-256: whether \
      the result is of the checkpoint that it names.

      With GITHUB_ACTIONS=true annotations go to standard error, and to the files that \
      GITHUB_STEP_SUMMARY and GITHUB_OUTPUT name the summary and 'verdict=…'.

      Examples:
        dis-eval gate result.json --max fid=3.5 --min fid=2 --min is=9
        dis-eval gate result.json --baseline dis-eval.baseline.json --junit gate.xml
        dis-eval gate result.json --policy gate.yml --openmetrics metrics.txt --json
        dis-eval gate --ckpt model.pt --ref stats.npz \\
          --baseline dis-eval.baseline.json
        dis-eval gate --ckpt model.pt --ref stats.npz --num 5000 --max fid=12
        dis-eval gate result.json --max fid=3.5 --audit 64
        dis-eval gate result.json --update-baseline dis-eval.baseline.json \\
          --reason "longer training"
      """)

  @Argument(help: ArgumentHelp("Result to judge.", valueName: "result.json"))
  var result: String?

  @Option(
    help: ArgumentHelp(
      "Checkpoint to evaluate and judge; beside a result, the one to audit it with.",
      valueName: "file"))
  var ckpt: String?

  @Option(
    help: ArgumentHelp("Make this many samples of the result again and compare.", valueName: "n"))
  var audit: Int?

  @Option(
    help: ArgumentHelp(
      "Largest value of a metric; may be repeated, and the smallest holds.", valueName: "name=value"
    ))
  var max: [String] = []

  @Option(
    help: ArgumentHelp(
      "Least value of a metric; may be repeated, and the largest holds.", valueName: "name=value"))
  var min: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much worse than the baseline a metric may be, as 0.05 or 2%; may be repeated, and the smallest "
        + "holds.",
      valueName: "name=value"))
  var tolerance: [String] = []

  @Option(
    help: ArgumentHelp(
      "Compare only this metric with the baseline; may be repeated. (default: those with rules in the "
        + "policy, or all of the baseline)", valueName: "name"))
  var metric: [String] = []

  @Option(help: ArgumentHelp("Baseline, or result, to compare with.", valueName: "file"))
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "Policy in YAML; options add to it, and the strictest holds. See schema.", valueName: "file"))
  var policy: String?

  @Option(
    help: ArgumentHelp(
      "Make the result the baseline in that file, unless it is worse or the gate cannot say. A first "
        + "baseline is judged by limits alone.", valueName: "file"))
  var updateBaseline: String?

  @Option(help: ArgumentHelp("Why the baseline is replaced.", valueName: "text"))
  var reason: String?

  @Flag(help: "Write the baseline although the result is worse, or the gate cannot say.")
  var accept = false

  @Option(help: ArgumentHelp("Write JUnit's XML there.", valueName: "file"))
  var junit: String?

  @Option(
    help: ArgumentHelp(
      "Write OpenMetrics text there, as GitLab's metrics reports have it.", valueName: "file"))
  var openmetrics: String?

  @Option(help: ArgumentHelp("Also write the JSON verdict there.", valueName: "file"))
  var out: String?

  @Option(help: ArgumentHelp("Write the summary in Markdown there.", valueName: "file"))
  var summary: String?

  @Flag(help: "Print the verdict as JSON.")
  var json = false

  @Option(help: ArgumentHelp("Keep the result of --ckpt there.", valueName: "file"))
  var keepResult: String?

  @Option(help: "Samples of --ckpt. (default: those of the baseline, or 50000)")
  var num: Int?

  @OptionGroup(title: "Evaluating a checkpoint") var reference: ReferenceOption
  @OptionGroup var scoring: ScoringOptions

  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    for text in max + min { _ = try Self.pair(text, finiteNumber) }
    for text in tolerance { _ = try Self.pair(text, Policy.Tolerance.init) }
    guard (updateBaseline == nil) == (reason == nil) else {
      throw ValidationError("--update-baseline FILE and --reason TEXT belong together.")
    }
    if let reason, reason.allSatisfy(\.isWhitespace) {
      throw ValidationError("--reason: expected why the baseline is replaced.")
    }
    if updateBaseline != nil && baseline != nil {
      throw ValidationError("--update-baseline compares with the file that it replaces.")
    }
    if accept && updateBaseline == nil {
      throw ValidationError("--accept belongs to --update-baseline.")
    }
    try checkSubject()
    guard
      !(max + min).isEmpty || audit != nil || baseline != nil || policy != nil
        || updateBaseline != nil
    else {
      throw ValidationError(
        "Nothing to judge by: expected --max, --min, --baseline, --policy or --audit.")
    }
    try checkFiles(baseline: baseline)
  }

  func run() async throws {
    for path in [junit, openmetrics, out, summary, updateBaseline, keepResult].compactMap(\.self) {
      try AtomicFile.check(path)
    }
    var policy = try self.policy.map { try Policy(contentsOf: $0) } ?? Policy()
    // Before limits of the command line, which are of metrics that no baseline may have.
    let ruled = Set(policy.metrics.keys)
    try addOptions(to: &policy)
    let baselinePath = self.baselinePath(policy)
    if updateBaseline == nil { try checkFiles(baseline: baselinePath) }
    let baseline = try baselinePath.map { try RecordedEvaluation(contentsOf: $0, as: .baseline) }
    let names = metric.isEmpty ? ruled : Set(metric)
    let candidate: RecordedEvaluation
    if let result {
      candidate = try RecordedEvaluation(contentsOf: result, as: .result)
      guard updateBaseline == nil || candidate.seeds == nil else {
        throw ValidationError(
          "--update-baseline: '\(result)' has the results of several seeds; a baseline holds one. "
            + "Give the file to --baseline as it is.")
      }
    } else {
      candidate = try await evaluated(
        as: baseline, metrics: names.union(policy.metrics.keys))
    }
    var report = try Gate(candidate, by: policy, baseline: baseline)
      .report(comparing: names.isEmpty ? nil : names, audit: try await auditCheck())
    // A first baseline has nothing to be compared with.
    if updateBaseline != nil, baseline == nil, report.checks.isEmpty { report.verdict = .pass }

    if let junit { try AtomicFile.write(Array(report.junit.utf8), to: junit) }
    if let openmetrics { try AtomicFile.write(Array(report.openMetrics.utf8), to: openmetrics) }
    if let summary { try AtomicFile.write(Array(report.markdown.utf8), to: summary) }
    if let out { try AtomicFile.write(try report.json(), to: out) }
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

  /// Adds the demands of the command line.
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
      // A metric without a tolerance of its own has that of the policy.
      if self.policy != nil, policy.metrics[name]?.tolerance == nil {
        policy.add(.init(tolerance: policy.tolerance), to: name)
      }
      policy.add(.init(tolerance: value), to: name)
    }
    try policy.check(subject: self.policy ?? "--min and --max")
  }

  /// Where the baseline is: what is replaced, or as asked for, or beside the policy.
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
    _ path: String, _ candidate: RecordedEvaluation, replaces verdict: Verdict?,
    _ report: GateReport
  ) throws {
    guard report.verdict == .pass || accept else {
      if !running.quiet {
        let why =
          report.verdict == .worse
          ? "the result is worse" : "the gate cannot say whether the result is as good"
        Terminal.note(
          "dis-eval: '\(escaped(path))' is not written: \(why); --accept writes it anyway")
      }
      throw ExitCode(report.verdict.exitStatus)
    }
    let environment = ProcessInfo.processInfo.environment
    let commit = (environment["GITHUB_SHA"] ?? environment["CI_COMMIT_SHA"])?.lowercased()
    let isHash = commit?.wholeMatch(of: /[0-9a-f]{7,64}/) != nil
    let update = Baseline.Update(
      reason: reason ?? "", date: Date.now.formatted(.iso8601), commit: isHash ? commit : nil,
      verdict: verdict)
    try AtomicFile.write(try Baseline(candidate, update: update).json(), to: path)
    if !running.quiet { Terminal.note("dis-eval: '\(escaped(path))' is written") }
  }

  /// Annotations, summary and output of a step, when GitHub's runner is there.
  private func tellGitHub(_ report: GateReport) throws(Failure) {
    let environment = ProcessInfo.processInfo.environment
    guard environment["GITHUB_ACTIONS"] == "true" else { return }
    for line in report.annotations { Terminal.note(line) }
    if let path = environment["GITHUB_STEP_SUMMARY"], !path.isEmpty {
      // The runner drops a summary of more than a mebibyte as a whole.
      let fits = try append(Array(report.markdown.utf8), to: path, largest: 900_000)
      if !fits && !running.quiet { Terminal.note("dis-eval: the step's summary is full") }
    }
    if let path = environment["GITHUB_OUTPUT"], !path.isEmpty {
      _ = try append(Array("verdict=\(report.verdict.rawValue)\n".utf8), to: path)
    }
  }

  /// A name and what `read` makes of the rest.
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
