import Files
import GenerativeMetrics
import Results

// Limits of single metrics.
extension Gate {
  /// A limit with what its verdict follows from, if anything does.
  struct Limit {
    var check: GateReport.Check
    var estimate: MetricEstimate?
    /// The probability of a value this bad if the expectation were the limit.
    var pWorse = 1.0
    /// The probability of a value this good if the expectation were the limit.
    var pPass = 1.0
  }

  func limit(_ name: String, _ kind: GateReport.Check.Kind, _ limit: Double) -> Limit {
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
  func decided(_ limits: [Limit]) -> [GateReport.Check] {
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
}
