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
      let names = compared ?? Set(baseline.metrics.keys)
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

  // MARK: - Limits

  /// A limit with what its verdict follows from, if anything does.
  private struct Limit {
    var check: GateReport.Check
    var estimate: MetricEstimate?
    /// The probability of a value this bad if the expectation were the limit.
    var pWorse = 1.0
    /// The probability of a value this good if the expectation were the limit.
    var pPass = 1.0
  }

  private func limit(_ name: String, _ kind: GateReport.Check.Kind, _ limit: Double) -> Limit {
    var check = self.check(name, kind)
    check.limit = limit
    guard let metric = candidate.metrics[name] else { return Limit(check: check) }
    if let reason = unfit(metric) { return Limit(check: check.unsaid(reason)) }
    guard metric.interval != nil else {
      let reason = metric.intervalReason.map { ": \($0)" } ?? ""
      return Limit(check: check.unsaid("\(sixDigits(metric.value)) has no interval\(reason)"))
    }
    guard metric.jackknife != nil else {
      return Limit(
        check: check.unsaid(
          "the result has no jackknife values of \(name) that its interval is from"))
    }
    let judged: JudgedMetric
    do throws(Failure) {
      judged = try candidate.judged(name, plugIn: policy.plugIn)
    } catch {
      return Limit(check: check.unsaid(error.detail + Self.plugInAdvice))
    }
    check.show(judged)
    let above = judged.estimate.probability(atLimit: limit)
    return kind == .max
      ? Limit(check: check, estimate: judged.estimate, pWorse: above, pPass: 1 - above)
      : Limit(check: check, estimate: judged.estimate, pWorse: 1 - above, pPass: above)
  }

  /// Returns the verdicts of limits: with Holm's correction for "worse", and each at its own level for "pass".
  private func decided(_ limits: [Limit]) -> [GateReport.Check] {
    var checks = limits.map(\.check)
    let order = limits.indices.filter { limits[$0].estimate != nil }.sorted {
      limits[$0].pWorse < limits[$1].pWorse
    }
    let level = (1 - Jackknife.confidence) / 2
    var isRejecting = true
    for (rank, index) in order.enumerated() {
      guard let estimate = limits[index].estimate, let limit = checks[index].limit,
        let interval = checks[index].interval
      else { continue }
      isRejecting = isRejecting && limits[index].pWorse <= level / Double(order.count - rank)
      let kind = checks[index].kind
      let bound = "\(kind.rawValue) \(sixDigits(limit))"
      checks[index].reason =
        "\(shown(checks[index])) in [\(sixDigits(interval.lowerBound)), "
        + "\(sixDigits(interval.upperBound))] "
      if isRejecting {
        checks[index].verdict = .worse
        checks[index].reason += "is \(kind == .max ? "above" : "below") \(bound)"
      } else if limits[index].pPass <= level {
        checks[index].verdict = .pass
        checks[index].reason += "keeps \(bound)"
      } else {
        let factor = samplesFactor(
          error: estimate.standardError, degrees: estimate.degreesOfFreedom, level: level,
          distance: estimate.value - limit)
        checks[index].samplesFactor = factor
        checks[index].reason +=
          limits[index].pWorse <= level
          ? "is \(kind == .max ? "above" : "below") \(bound), but not by enough for one of "
            + "\(order.count) limits" : "straddles \(bound)"
        checks[index].reason += advice(factor, "if the value stays")
      }
    }
    return checks
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
    guard metric.jackknife != nil, other.jackknife != nil else {
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
    let (own, others): (JudgedMetric, JudgedMetric)
    let change: RecordedDifference
    do throws(Failure) {
      own = try candidate.judged(name, plugIn: policy.plugIn)
      others = try baseline.judged(name, plugIn: policy.plugIn)
      change = try own.difference(from: others, paired: isPaired)
    } catch {
      return check.unsaid(error.detail + (policy.plugIn ? "" : Self.plugInAdvice))
    }
    check.show(own)
    check.limit = others.value
    let sign: Double = metric.higherIsBetter ? -1 : 1
    let difference = change.test.value * sign
    // A debiased distance may be negative.
    let tolerance = (policy.metrics[name]?.tolerance ?? policy.tolerance).value(
      of: own.isDebiased ? Swift.max(others.value, 0) : others.value)
    guard (difference - tolerance).isFinite, change.test.standardError.isFinite else {
      return check.unsaid("the values are too large")
    }
    let exceeding = change.test.probability(atTolerance: sign * tolerance)
    // Without any variation, the difference is exact.
    let isExact = change.test.standardError == 0
    let pWorse =
      isExact
      ? difference > tolerance ? 0 : 1 : metric.higherIsBetter ? 1 - exceeding : exceeding
    check.comparison = GateReport.NonInferiorityTest(
      difference: difference, standardError: change.test.standardError, paired: isPaired,
      degrees: change.test.degreesOfFreedom, tolerance: tolerance,
      pWorse: pWorse, pPass: 1 - pWorse)
    check.comparison?.method = change.method.rawValue
    if isPaired, change.method == .groups {
      check.comparison?.methodReason = own.reasonForGroups(against: others)
    }
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
        "\(shown(checks[index])), baseline \(sixDigits(checks[index].limit ?? .nan)): "
        + "\(test.change), standard error \(sixDigits(test.standardError)) "
        + "(\(test.kind)), tolerance \(sixDigits(test.tolerance))"
      if isRejecting {
        checks[index].verdict = .worse
      } else if test.pPass <= policy.alpha {
        checks[index].verdict = .pass
      } else {
        let factor = samplesFactor(
          error: test.standardError, degrees: test.degrees, level: policy.alpha,
          distance: test.tolerance)
        checks[index].samplesFactor = factor
        checks[index].reason += advice(factor, "if the two are equal")
      }
    }
    return checks
  }

  /// Returns the checks of a family of metrics: those other than the leading one cannot prevent a pass unless they
  /// are worse, and none of them alone makes the images better.
  private func diagnosed(_ checks: [GateReport.Check]) -> [GateReport.Check] {
    let leading = ["fid", "fd", "kid"].first { name in
      checks.contains { $0.metric == name && $0.comparison != nil }
    }
    return checks.map { check in
      var check = check
      let aspect = MetricTitle(rawValue: check.metric).map { "\($0.aspect.rawValue): " } ?? ""
      if let value = check.debiased ?? check.value, let before = check.limit,
        let test = check.comparison
      {
        check.reason =
          "\(aspect)\(check.metric) \(sixDigits(before)) → \(sixDigits(value)), \(test.change), standard error "
          + "\(sixDigits(test.standardError)) (\(test.kind)), tolerance \(sixDigits(test.tolerance))"
      } else {
        check.reason = aspect + check.reason
      }
      if check.metric != leading, check.comparison != nil, check.verdict == .cannotSay {
        check.verdict = .pass
        check.reason += "; not shown to be worse"
      }
      return check
    }
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
    return metric.reasonWithoutFullRank
  }

  private static let noSpread =
    "all jackknife values are the same, which says nothing of how far the metric varies"

  /// The probability with which the advised number of samples leads to a verdict.
  private static let power = 0.8

  private static let plugInAdvice =
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
  private func samplesFactor(
    error: Double, degrees: Int, level: Double, distance: Double
  ) -> Double? {
    let t = studentQuantile(1 - level, degreesOfFreedom: degrees)
    let more = studentQuantile(Self.power, degreesOfFreedom: degrees)
    let root = (t + more) * error / distance
    let factor = root * root
    return factor <= 1e4 ? Swift.max(factor, 1) : nil
  }

  private func advice(_ factor: Double?, _ condition: String) -> String {
    guard let factor else { return "; no number of samples would tell \(condition)" }
    let shown = Swift.max(factor < 10 ? (factor * 10).rounded() / 10 : factor.rounded(), 1.1)
    return "; needs about \(sixDigits(shown)) times the samples for a verdict with a power of 80 % "
      + condition
  }

  /// Returns the judged number, and the value if that is another.
  private func shown(_ check: GateReport.Check) -> String {
    guard check.isDebiased == true, let debiased = check.debiased, let value = check.value else {
      return sixDigits(check.value ?? .nan)
    }
    return "debiased \(sixDigits(debiased)) (value \(sixDigits(value)))"
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

extension GateReport.Check {
  /// Sets the number that is judged, with its interval.
  fileprivate mutating func show(_ judged: JudgedMetric) {
    isDebiased = judged.isDebiased
    debiased = judged.isDebiased ? judged.value : nil
    (interval, standardError) = (judged.estimate.interval(), judged.estimate.standardError)
  }
}

extension GateReport.NonInferiorityTest {
  /// Whether pairs were compared, and by what, as shown to users.
  fileprivate var kind: String {
    let pairs = paired ? "paired" : "unpaired"
    guard let methodReason else { return pairs }
    return "\(pairs) by groups, because \(methodReason)"
  }

  /// The size of the change for the worse or the better, as shown to users.
  fileprivate var change: String {
    difference == 0
      ? "no difference" : "\(sixDigits(abs(difference))) \(difference > 0 ? "worse" : "better")"
  }
}
