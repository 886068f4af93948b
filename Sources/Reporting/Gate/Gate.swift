import GenerativeMetrics
import Results

/// A judge of a result by a policy: against limits, and against a baseline by a test of
/// non-inferiority.
///
/// Distances are judged by their debiased values, unless the policy says ``Policy/plugIn``.
///
/// - A limit passes if the whole interval satisfies it. It fails if none of the interval does, with Holm's
///   correction for the number of limits.
/// - A baseline passes if the difference is within the tolerance at the level `alpha` for every
///   metric, which needs no correction. It fails if the difference of any metric exceeds the
///   tolerance, with Holm's correction for the number of metrics.
/// - The gate cannot say if neither holds, if the conditions differ, or if jackknife values are
///   missing or all equal.
///
/// - SeeAlso: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
///   Journal of Statistics 6 (1979).
public struct Gate: Sendable {
  let policy: Policy
  let candidate: RecordedEvaluation
  let baseline: RecordedEvaluation?
  /// The conditions, besides the samples, that the values of the candidate and the baseline depend
  /// on.
  let conditions: (candidate: [String: String], baseline: [String: String])

  /// Creates a gate for a result.
  ///
  /// - Parameters:
  ///   - candidate: The result to judge.
  ///   - policy: The requirements.
  ///   - baseline: The result to compare with; nil to judge by limits alone.
  /// - Throws: As ``init(_:by:baseline:)-(RecordedEvaluation,_,_)``.
  public init(
    _ candidate: EvaluationResult, by policy: Policy, baseline: EvaluationResult? = nil
  ) throws {
    try self.init(
      RecordedEvaluation(candidate, path: "the result"), by: policy,
      baseline: baseline.map { RecordedEvaluation($0, path: "the baseline") })
  }

  /// Creates a gate for a result or baseline that was read from a file.
  ///
  /// - Parameters:
  ///   - candidate: The result to judge.
  ///   - policy: The requirements.
  ///   - baseline: The baseline to compare with; nil to judge by limits alone.
  /// - Throws: ``Failure`` `PolicyInvalid` (78) as ``Policy/check(subject:)`` does;
  ///   `EncodingError` if a number in a provenance is not finite.
  public init(
    _ candidate: RecordedEvaluation, by policy: Policy, baseline: RecordedEvaluation? = nil
  ) throws {
    try policy.check(subject: "the policy")
    self.candidate = candidate
    self.policy = policy
    self.baseline = baseline
    conditions = (try candidate.conditions, try baseline?.conditions ?? [:])
  }

  /// Returns the verdict with its reasons.
  ///
  /// - Parameters:
  ///   - compared: The metrics to compare with the baseline; nil for all metrics of the baseline.
  ///   - isDiagnosis: Whether the metrics are a family that says together what became worse. The
  ///     result then passes if its distance does and no metric is worse.
  ///   - audit: The result of an audit, which regenerates samples; nil if there was none.
  public func report(
    comparing compared: Set<String>? = nil, isDiagnosis: Bool = false,
    audit: GateReport.Check? = nil
  ) -> GateReport {
    let differences = baseline == nil ? [] : self.differences
    var limits: [Limit] = []
    for (name, rule) in policy.metrics.sorted(by: { $0.key < $1.key }) {
      if let min = rule.min { limits.append(limit(name, .min, min)) }
      if let max = rule.max { limits.append(limit(name, .max, max)) }
    }
    var checks = decided(limits)
    if let baseline {
      let names = compared ?? Set(baseline.metrics.keys.filter { !isDiagnosis || isJudged($0) })
      let compared = decided(
        names.sorted().map { comparison($0, with: baseline, differences: differences) })
      checks += isDiagnosis ? diagnosed(compared) : compared
    }
    if let audit { checks.append(audit) }
    checks.sort { ($0.metric, $0.kind.rawValue) < ($1.metric, $1.kind.rawValue) }
    let verdicts = Set(checks.map(\.verdict))
    return GateReport(
      verdict: verdicts.contains(.worse) ? .worse : verdicts == [.pass] ? .pass : .cannotSay,
      result: candidate.path, num: candidate.provenance.num,
      seeds: candidate.seeds, baseline: baseline?.path, alpha: policy.alpha,
      checks: checks, differences: differences)
  }

  /// Whether a metric of the baseline is one of the family: metrics without intervals on both sides are not, other
  /// than distances.
  private func isJudged(_ name: String) -> Bool {
    let metrics = [candidate.metrics[name], baseline?.metrics[name]].compactMap(\.self)
    let isDistance = MetricTitle(rawValue: name)?.isFrechetDistance ?? false
    return isDistance || metrics.count < 2 || metrics.contains { $0.jackknife != nil }
  }

  /// Returns a check without a verdict yet.
  func check(_ name: String, _ kind: GateReport.Check.Kind) -> GateReport.Check {
    let metric = candidate.metrics[name]
    var check = GateReport.Check(
      metric: name, kind: kind, verdict: .cannotSay,
      reason: "the result has no \(name)\(reasonWithout(name))",
      value: metric?.value, interval: metric?.interval)
    check.standardError = candidate.jackknife(of: name)?.standardError
    return check
  }

  /// Returns why the candidate has no metric of that name, as the end of a sentence; empty if it is
  /// unknown.
  private func reasonWithout(_ name: String) -> String {
    if let skipped = candidate.skipped[name] { return ": \(skipped)" }
    guard let title = MetricTitle(rawValue: name),
      let other = title.alternatives.first(where: {
        candidate.metrics[$0.rawValue] != nil || candidate.skipped[$0.rawValue] != nil
      }), other != title
    else { return "" }
    let quantity = title.isFrechetDistance ? "distance" : "score"
    return "; by its extractor '\(candidate.provenance.extractor.name)' the \(quantity) is called "
      + other.rawValue
  }

  /// Returns why a metric cannot be judged at all; nil if it can.
  func unfit(_ metric: EvaluationResult.Metric) -> String? {
    if let least = policy.minSamples, (candidate.provenance.num ?? 0) < least {
      let count = candidate.provenance.num.map(String.init) ?? "an unknown number of"
      return "\(count) samples, the policy demands \(least)"
    }
    if metric.isWithoutSpread { return Self.noSpread }
    return metric.reasonWithoutFullRank
  }

  static let noSpread =
    "all jackknife values are the same, which says nothing of how far the metric varies"

  /// The probability with which the advised number of samples leads to a verdict.
  private static let power = 0.8

  static let plugInAdvice =
    "; `plugIn` judges the value, which favours models that are less "
    + "diverse than the data"

  /// Returns the factor by which the number of samples must grow for a test to have a power of 80 %, which is
  /// `((t₁₋α + t_power) error / distance)²`; nil if it exceeds 10,000.
  ///
  /// - Parameters:
  ///   - error: The standard error with the samples that there are.
  ///   - degrees: The degrees of freedom of Student's t.
  ///   - level: α.
  ///   - distance: How far the expectation is from what is tested.
  func samplesFactor(
    error: Double, degrees: Int, level: Double, distance: Double
  ) -> Double? {
    let t = studentQuantile(1 - level, degreesOfFreedom: degrees)
    let more = studentQuantile(Self.power, degreesOfFreedom: degrees)
    let root = (t + more) * error / distance
    let factor = root * root
    return factor <= 1e4 ? Swift.max(factor, 1) : nil
  }

  func advice(_ factor: Double?, _ condition: String) -> String {
    guard let factor else {
      return "; needs more than 10,000 times the samples for a verdict \(condition)"
    }
    let shown = Swift.max(factor < 10 ? (factor * 10).rounded() / 10 : factor.rounded(), 1.1)
    return "; needs about \(sixDigits(shown)) times the samples for a verdict with a power of 80 % "
      + condition
  }

  /// Returns the judged number, and the value if that is another.
  func shown(_ check: GateReport.Check) -> String {
    guard check.isDebiased == true, let debiased = check.debiased, let value = check.value else {
      return sixDigits(check.value ?? .nan)
    }
    return "debiased \(sixDigits(debiased)) (value \(sixDigits(value)))"
  }
}
