import Files
import GenerativeMetrics
import Results

// The comparison with a baseline, by a test of non-inferiority for each metric.
extension Gate {
  func comparison(
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
    do throws(Failure) {
      own = try candidate.judged(name, plugIn: policy.plugIn)
      others = try baseline.judged(name, plugIn: policy.plugIn)
    } catch {
      return check.unsaid(error.detail + (policy.plugIn ? "" : Self.plugInAdvice))
    }
    let change: RecordedDifference
    do throws(Failure) {
      change = try own.difference(from: others, paired: isPaired)
    } catch {
      return check.unsaid(error.detail)
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
      check.comparison?.methodReason = own.reasonForGroups(
        against: others, names: ("the result", "the baseline"))
    }
    return check
  }

  /// Returns the verdicts of the tests: with Holm's correction for "worse", and each at its own
  /// level for "pass".
  func decided(_ checks: [GateReport.Check]) -> [GateReport.Check] {
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
  func diagnosed(_ checks: [GateReport.Check]) -> [GateReport.Check] {
    let leading = ["fid", "fd_dinov2", "fd", "kid"].first { name in
      checks.contains { $0.metric == name && $0.comparison != nil }
    }
    return checks.map { check in
      var check = check
      let aspect = MetricTitle(rawValue: check.metric).map { "\($0.aspect.rawValue): " } ?? ""
      if let value = check.debiased ?? check.value, let before = check.limit,
        let test = check.comparison
      {
        let name = (check.isDebiased == true ? "debiased " : "") + check.metric
        check.reason =
          "\(aspect)\(name) \(sixDigits(before)) → \(sixDigits(value)), \(test.change), standard error "
          + "\(sixDigits(test.standardError)) (\(test.kind)), tolerance \(sixDigits(test.tolerance))"
        if check.metric == leading, check.verdict == .cannotSay {
          check.reason += advice(check.samplesFactor, "if the two are equal")
        }
      } else {
        check.reason = aspect + check.reason
      }
      let isUnchanged =
        check.comparison == nil && check.value != nil && check.value == check.limit
        && candidate.metrics[check.metric]?.isWithoutSpread == true
      if leading != nil, check.metric != leading, check.verdict == .cannotSay,
        check.comparison != nil || isUnchanged
      {
        check.verdict = .pass
        check.reason += isUnchanged ? "; the same as in the baseline" : "; not shown to be worse"
      }
      return check
    }
  }

  var differences: [GateReport.Difference] {
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
}

extension GateReport.Check {
  /// Returns the check, undecided for the given reason.
  func unsaid(_ reason: String) -> GateReport.Check {
    var check = self
    check.reason = reason
    return check
  }
}

extension GateReport.Check {
  /// Sets the number that is judged, with its interval.
  mutating func show(_ judged: JudgedMetric) {
    isDebiased = judged.isDebiased
    debiased = judged.isDebiased ? judged.value : nil
    (interval, standardError) = (judged.estimate.interval(), judged.estimate.standardError)
  }
}

extension GateReport.NonInferiorityTest {
  /// Whether pairs were compared, and by what, as shown to users.
  var kind: String {
    let pairs = paired ? "paired" : "unpaired"
    guard let methodReason else { return pairs }
    return "\(pairs) by groups, because \(methodReason)"
  }

  /// The size of the change for the worse or the better, as shown to users.
  var change: String {
    difference == 0
      ? "no difference" : "\(sixDigits(abs(difference))) \(difference > 0 ? "worse" : "better")"
  }
}
