import Files
import Foundation
import GenerativeMetrics
import Reporting
import Results
import Testing
import _TestSupport

/// Verdicts on debiased values, on several limits, and on a family of metrics.
@Suite("Gate: what is judged") struct DebiasedGateTests {
  /// A metric whose jackknife has a bias and a standard error.
  private func metric(
    _ value: Double, bias: Double = 0, error: Double, title: MetricTitle = .fid, more: String = ""
  ) -> String {
    var metric = MadeUpMetric(
      value, error: error, higherIsBetter: title.higherIsBetter, more: more)
    // The bias is 19 times the mean change.
    metric.leftOut = metric.leftOut.map { $0 + bias / 19 }
    if let interval = metric.jackknife?.interval(of: title) {
      metric.interval = "[\(interval.lowerBound), \(interval.upperBound)]"
    }
    return metric.json
  }

  private func result(_ metrics: [String: String], seed: UInt64 = 0) throws -> RecordedEvaluation {
    try MadeUp.read(MadeUp.document(metrics, seed: seed))
  }

  private func policy(_ rules: [String: Policy.Rule] = [:], plugIn: Bool = false) -> Policy {
    var policy = Policy()
    (policy.metrics, policy.plugIn) = (rules, plugIn)
    return policy
  }

  @Test func limitsAreOfTheDebiasedValue() throws {
    let result = try result(["fid": metric(4.2, bias: 1, error: 0.05)])
    let rules = ["fid": Policy.Rule(max: 3.5)]
    let report = try Gate(result, by: policy(rules)).report()
    let check = try #require(report.checks.first)
    #expect(report.verdict == .pass)
    #expect(check.reason.hasPrefix("debiased 3.2 (value 4.2) in ["), "\(check.reason)")
    #expect(abs(try #require(check.debiased) - 3.2) <= 1e-12 && check.isDebiased == true)
    let plain = try Gate(result, by: policy(rules, plugIn: true)).report()
    #expect(plain.verdict == .worse && plain.checks[0].reason.hasPrefix("4.2 in ["))
    #expect(plain.checks[0].debiased == nil && plain.checks[0].isDebiased == false)
    #expect(try violation(of: report.json(), by: .gate) == nil)
  }

  /// A model that lost diversity can have a smaller value, because its bias is smaller too.
  @Test func lostDiversityIsWorse() throws {
    let baseline = try result(["fid": metric(10, bias: 4, error: 0.05)], seed: 1)
    let candidate = try result(["fid": metric(9.8, bias: 3, error: 0.05)])
    let report = try Gate(candidate, by: policy(), baseline: baseline).report()
    #expect(report.verdict == .worse, "\(report.text)")
    let test = try #require(report.checks[0].comparison)
    #expect(abs(test.difference - 0.8) <= 1e-9 && test.method == "groups")
    // A percentage is of what is compared.
    #expect(abs(test.tolerance - 0.06) <= 1e-9)
    #expect(
      report.checks[0].reason.hasPrefix("debiased 6.8 (value 9.8), baseline 6: 0.8 worse"),
      "\(report.text)")
    let plain = try Gate(candidate, by: policy(plugIn: true), baseline: baseline).report()
    #expect(plain.verdict == .pass && plain.checks[0].reason.hasPrefix("9.8, baseline 10"))
  }

  @Test func tooFewSamplesCannotBeSaid() throws {
    let few = metric(
      4, error: 0.1, more: ", \"debiased_reason\": \"200 samples of 128 independent features\"")
    let rules = ["fid": Policy.Rule(max: 9)]
    let report = try Gate(result(["fid": few]), by: policy(rules)).report()
    #expect(report.verdict == .cannotSay)
    #expect(report.checks[0].reason.hasPrefix("200 samples of 128"))
    #expect(report.checks[0].reason.contains("`plugIn` judges the value"))
    #expect(
      try Gate(result(["fid": few]), by: policy(rules, plugIn: true)).report().verdict == .pass)
    // Results of 0.5.0 and earlier: 50,000 samples of 20,001 features.
    let old = metric(
      4, error: 0.1,
      more:
        ", \"factorizations\": [{\"method\": \"cholesky\", \"rank\": 20001, \"clamped_mass\": 0}]")
    let found = try Gate(result(["fid": old]), by: policy(rules)).report()
    #expect(found.checks[0].reason.contains("needs at least 50003"), "\(found.text)")
  }

  /// Each limit is exceeded with a probability of 2 %, which is enough for one limit, not for one of three.
  @Test func severalLimitsAreCorrected() throws {
    let t = studentQuantile(0.98, degreesOfFreedom: 19)
    // value e^(-t error / value) is the limit.
    let limit = 4 * exp(-t * 0.1 / 4)
    let metrics = ["fid": metric(4, error: 0.1), "sfid": metric(4, error: 0.1)]
    let one = try Gate(
      result(metrics), by: policy(["fid": Policy.Rule(max: limit)])
    ).report()
    #expect(one.verdict == .worse, "\(one.text)")
    let rule = Policy.Rule(max: limit)
    let several = try Gate(
      result(metrics), by: policy(["fid": rule, "sfid": Policy.Rule(min: 1, max: limit)])
    ).report()
    #expect(several.verdict == .cannotSay, "\(several.text)")
    #expect(several.text.contains("not by enough for one of 3 limits"), "\(several.text)")
    // A clear one is found, whatever the others are.
    let clear = try Gate(
      result(metrics),
      by: policy(["fid": Policy.Rule(max: 3), "sfid": Policy.Rule(min: 1, max: limit)])
    ).report()
    #expect(clear.verdict == .worse)
  }

  // MARK: A family

  private func family(recall: Double, precision: Double = 0.7) -> [String: String] {
    [
      "fid": metric(10, error: 0.01),
      "precision": metric(precision, error: 0.003, title: .precision),
      "recall": metric(recall, error: 0.004, title: .recall),
    ]
  }

  @Test func theFamilySaysWhatBecameWorse() throws {
    let baseline = try result(family(recall: 0.61), seed: 1)
    func report(_ metrics: [String: String]) throws -> GateReport {
      try Gate(result(metrics), by: policy(), baseline: baseline).report(isDiagnosis: true)
    }
    let lost = try report(family(recall: 0.55, precision: 0.8))
    #expect(lost.verdict == .worse)
    #expect(lost.text.contains("diversity: recall 0.61 → 0.55, 0.06 worse"), "\(lost.text)")
    #expect(lost.text.contains("fidelity: precision 0.7 → 0.8, 0.1 better"))
    // Recall is within its error, which says nothing but does not prevent the pass.
    let equal = try report(family(recall: 0.605))
    #expect(equal.verdict == .pass && equal.text.contains("not shown to be worse"), "\(equal.text)")
    // What is missing is not passed over.
    let missing = try report(family(recall: 0.61).filter { $0.key != "recall" })
    #expect(missing.verdict == .cannotSay, "\(missing.text)")
    // Better precision alone does not pass.
    var far = family(recall: 0.61, precision: 0.9)
    far["fid"] = metric(10.1, error: 0.05)
    #expect(try report(far).verdict == .cannotSay)
  }

  @Test func thePolicyCanAskForValues() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("p.yml")
    for (text, plugIn) in [
      ("plug_in: true", true), ("plug_in: false", false), ("alpha: 0.1", false),
    ] {
      try Data("schema: dis-eval-policy/1\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try Policy(contentsOf: path).plugIn == plugIn)
    }
    try Data("schema: dis-eval-policy/1\nplug_in: 1\n".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: Failure.self) { try Policy(contentsOf: path) }
  }
}
