import GenerativeMetrics
import Results

/// A judge of a result by a policy: against limits, and against a baseline by a test of
/// non-inferiority.
///
/// - A limit passes if the whole interval satisfies it, and fails if none of the interval does.
/// - A baseline passes if the difference is within the tolerance at the level `alpha` for every
///   metric, which needs no correction. It fails if the difference of any metric exceeds the
///   tolerance, with Holm's correction for the number of metrics.
/// - The gate cannot say if neither holds, if the conditions differ, or if jackknife values are
///   missing or all equal.
///
/// - SeeAlso: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
///   Journal of Statistics 6 (1979).
public struct Gate: Sendable {
  private let policy: Policy
  private let candidate: RecordedEvaluation
  private let baseline: RecordedEvaluation?
  /// The conditions, besides the samples, that the values of the candidate and the baseline depend
  /// on.
  private let conditions: (candidate: [String: String], baseline: [String: String])

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
  ///   - audit: The result of an audit, which regenerates samples; nil if there was none.
  public func report(comparing compared: Set<String>? = nil, audit: GateReport.Check? = nil)
    -> GateReport
  {
    let differences = baseline == nil ? [] : self.differences
    var checks: [GateReport.Check] = []
    for (name, rule) in policy.metrics {
      if let min = rule.min { checks.append(limit(name, .min, min)) }
      if let max = rule.max { checks.append(limit(name, .max, max)) }
    }
    if let baseline {
      let names = compared ?? Set(baseline.metrics.keys)
      checks += decided(
        names.sorted().map { comparison($0, with: baseline, differences: differences) })
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

  // MARK: - Limits

  private func limit(_ name: String, _ kind: GateReport.Check.Kind, _ limit: Double)
    -> GateReport.Check
  {
    var check = self.check(name, kind)
    check.limit = limit
    guard let metric = candidate.metrics[name] else { return check }
    guard let interval = metric.interval else {
      let reason = metric.intervalReason.map { ": \($0)" } ?? ""
      return check.unsaid("\(sixDigits(metric.value)) has no interval\(reason)")
    }
    if let reason = unfit(metric) { return check.unsaid(reason) }
    guard metric.jackknife != nil else {
      return check.unsaid("the result has no jackknife values of \(name) that its interval is from")
    }
    let (low, high) = (interval.lowerBound, interval.upperBound)
    let (isGood, isBad) = kind == .max ? (high <= limit, low > limit) : (low >= limit, high < limit)
    check.reason = "\(sixDigits(metric.value)) in [\(sixDigits(low)), \(sixDigits(high))] "
    if isGood {
      check.verdict = .pass
      check.reason += "keeps \(kind.rawValue) \(sixDigits(limit))"
    } else if isBad {
      check.verdict = .worse
      check.reason += "is \(kind == .max ? "above" : "below") \(kind.rawValue) \(sixDigits(limit))"
    } else {
      check.samplesFactor = factor(half: (high - low) / 2, distance: (low + high) / 2 - limit)
      check.reason += "straddles \(kind.rawValue) \(sixDigits(limit))" + advice(check.samplesFactor)
    }
    return check
  }

  // MARK: - Baseline

  private func comparison(
    _ name: String, with baseline: RecordedEvaluation, differences: [GateReport.Difference]
  )
    -> GateReport.Check
  {
    var check = self.check(name, .baseline)
    let other = baseline.metrics[name]
    check.limit = other?.value
    guard let metric = candidate.metrics[name] else { return check }
    guard let other else { return check.unsaid("the baseline has no \(name)") }
    if let reason = unfit(metric) ?? unlike(metric, other, differences) {
      return check.unsaid(reason)
    }
    guard let own = candidate.jackknife(of: name), let others = baseline.jackknife(of: name) else {
      let side = metric.jackknife == nil ? "the result" : "the baseline"
      return check.unsaid("\(side) has no jackknife values of \(name) for a standard error")
    }
    if other.isWithoutSpread { return check.unsaid("the baseline: \(Self.noSpread)") }
    let isPaired =
      candidate.randomStream != nil && candidate.randomStream == baseline.randomStream
    if policy.requirePaired && !isPaired {
      return check.unsaid(
        "not paired: the seeds differ or are not known, and the policy requires pairs")
    }
    let change: JackknifeDifference
    do throws(MetricError) {
      change = try JackknifeDifference(own, others, paired: isPaired)
    } catch {
      return check.unsaid(error.detail)
    }
    let (error, degrees) = (change.standardError, change.degreesOfFreedom)
    let difference = change.value * (metric.higherIsBetter ? -1 : 1)
    let tolerance = (policy.metrics[name]?.tolerance ?? policy.tolerance).value(of: other.value)
    let excess = difference - tolerance
    guard excess.isFinite, error.isFinite else { return check.unsaid("the values are too large") }
    // Without any spread, the difference is exact.
    let t = error > 0 ? excess / error : excess > 0 ? .infinity : -.infinity
    check.comparison = GateReport.NonInferiorityTest(
      difference: difference, standardError: error, paired: isPaired, degrees: degrees,
      tolerance: tolerance, pWorse: studentProbability(-t, degreesOfFreedom: degrees),
      pPass: studentProbability(t, degreesOfFreedom: degrees))
    return check
  }

  /// Returns the verdicts of the tests: with Holm's correction for "worse", and each at its own
  /// level for "pass".
  private func decided(_ checks: [GateReport.Check]) -> [GateReport.Check] {
    var checks = checks
    let order = checks.indices.filter { checks[$0].comparison != nil }.sorted {
      (checks[$0].comparison?.pWorse ?? 1) < (checks[$1].comparison?.pWorse ?? 1)
    }
    var isRejecting = true
    for (rank, index) in order.enumerated() {
      guard let test = checks[index].comparison else { continue }
      isRejecting = isRejecting && test.pWorse <= policy.alpha / Double(order.count - rank)
      checks[index].reason =
        "\(sixDigits(checks[index].value ?? .nan)), "
        + "baseline \(sixDigits(checks[index].limit ?? .nan)): "
        + "\(test.change), standard error \(sixDigits(test.standardError)) "
        + "(\(test.paired ? "paired" : "unpaired")), tolerance \(sixDigits(test.tolerance))"
      if isRejecting {
        checks[index].verdict = .worse
      } else if test.pPass <= policy.alpha {
        checks[index].verdict = .pass
      } else {
        let t = studentQuantile(1 - policy.alpha, degreesOfFreedom: test.degrees)
        let factor = self.factor(
          half: t * test.standardError, distance: test.difference - test.tolerance)
        checks[index].samplesFactor = factor
        checks[index].reason += advice(factor)
      }
    }
    return checks
  }

  private var differences: [GateReport.Difference] {
    let (own, others) = conditions
    return Set(own.keys).union(others.keys).sorted().filter { own[$0] != others[$0] }.map {
      GateReport.Difference(field: $0, candidate: own[$0], baseline: others[$0])
    }
  }

  /// Returns why two values are not comparable; nil if they are.
  private func unlike(
    _ metric: EvaluationResult.Metric, _ other: EvaluationResult.Metric,
    _ differences: [GateReport.Difference]
  ) -> String? {
    var differences = differences
    if metric.definition != other.definition {
      differences.append(
        GateReport.Difference(
          field: "definition", candidate: metric.definition, baseline: other.definition))
    }
    if metric.referenceCount != other.referenceCount {
      differences.append(
        GateReport.Difference(
          field: "reference_count", candidate: metric.referenceCount.map(String.init),
          baseline: other.referenceCount.map(String.init)))
    }
    var reasons = differences.map(\.text)
    let known = conditions.candidate
    if known["num"] == nil { reasons.append("the number of samples is not known") }
    if known["reference.sha256"] == nil {
      reasons.append("the reference's SHA-256 is not known")
    }
    if known["extractor.sha256"] == nil && known["extractor.tensors_sha256"] == nil {
      reasons.append("the extractor's SHA-256 is not known")
    }
    if metric.higherIsBetter != other.higherIsBetter { reasons.append("the directions differ") }
    return reasons.isEmpty ? nil : "not comparable: " + reasons.joined(separator: "; ")
  }

  // MARK: - Both

  /// Returns a check without a verdict yet.
  private func check(_ name: String, _ kind: GateReport.Check.Kind) -> GateReport.Check {
    let metric = candidate.metrics[name]
    return GateReport.Check(
      metric: name, kind: kind, verdict: .cannotSay,
      reason: "the result has no \(name)\(reasonWithout(name))",
      value: metric?.value, interval: metric?.interval)
  }

  /// Returns why the candidate has no metric of that name, as the end of a sentence; empty if it is
  /// unknown.
  private func reasonWithout(_ name: String) -> String {
    if let skipped = candidate.skipped[name] { return ": \(skipped)" }
    guard let title = MetricTitle(rawValue: name), let other = title.counterpart,
      candidate.metrics[other.rawValue] != nil || candidate.skipped[other.rawValue] != nil
    else { return "" }
    let quantity = title == .fid || title == .frechetDistance ? "distance" : "score"
    return "; by its extractor '\(candidate.provenance.extractor.name)' the \(quantity) is called "
      + other.rawValue
  }

  /// Returns why a metric cannot be judged at all; nil if it can.
  private func unfit(_ metric: EvaluationResult.Metric) -> String? {
    if let least = policy.minSamples, (candidate.provenance.num ?? 0) < least {
      let count = candidate.provenance.num.map(String.init) ?? "an unknown number of"
      return "\(count) samples, the policy demands \(least)"
    }
    if metric.isWithoutSpread { return Self.noSpread }
    if metric.factorizations?.first?.method == "lowRank" {
      return "fewer samples than dimensions of a feature: the covariance has not its full rank"
    }
    return nil
  }

  private static let noSpread =
    "all jackknife values are the same, which says nothing of how far the metric varies"

  /// Returns the factor by which the number of samples must grow for a half-width to shrink to a
  /// distance; nil if it exceeds 10,000.
  private func factor(half: Double, distance: Double) -> Double? {
    let factor = (half / distance) * (half / distance)
    return factor <= 1e4 ? max(factor, 1) : nil
  }

  private func advice(_ factor: Double?) -> String {
    guard let factor else { return "; no number of samples would tell" }
    let shown = max(factor < 10 ? (factor * 10).rounded() / 10 : factor.rounded(), 1.1)
    return "; needs about \(sixDigits(shown)) times the samples"
  }
}

extension GateReport.Check {
  /// Returns the check, undecided for the given reason.
  fileprivate func unsaid(_ reason: String) -> GateReport.Check {
    var check = self
    check.reason = reason
    return check
  }
}

extension GateReport.NonInferiorityTest {
  /// The size of the change for the worse or the better, as shown to users.
  fileprivate var change: String {
    difference == 0
      ? "no difference" : "\(sixDigits(abs(difference))) \(difference > 0 ? "worse" : "better")"
  }
}
