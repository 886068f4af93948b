import Files
import Foundation
import GenerativeMetrics
import Reporting
import Results
import Testing
import _TestSupport

@Suite struct GateTests {
  typealias Rule = Policy.Rule

  func report(
    _ metrics: [String: String], _ rules: [String: Rule], minSamples: Int? = nil
  ) throws -> GateReport {
    var policy = Policy()
    policy.metrics = rules
    policy.minSamples = minSamples
    return try Gate(try MadeUp.read(MadeUp.document(metrics)), by: policy).report()
  }

  /// A standard error of 0.1 / t(0.975, 19): the interval is 4.2 e^±(0.1 / 4.2), [4.10118, 4.30119].
  static let limited = MadeUp.metric(
    4.2, error: 0.1 / studentQuantile(0.975, degreesOfFreedom: 19))

  @Test(
    "a limit is kept, broken, or nobody can say",
    arguments: [
      (Rule(max: 4.3012), GateReport.Verdict.pass), (Rule(max: 4.3011), .cannotSay),
      (Rule(max: 4.2), .cannotSay), (Rule(max: 4.1012), .cannotSay),
      (Rule(max: 4.1011), .worse), (Rule(min: 4.1011), .pass), (Rule(min: 4.1012), .cannotSay),
      (Rule(min: 4.3), .cannotSay), (Rule(min: 4.31), .worse), (Rule(min: 4, max: 5), .pass),
      (Rule(min: 4, max: 4.2), .cannotSay), (Rule(min: 4.4, max: 5), .worse),
    ])
  func limits(rule: Rule, verdict: GateReport.Verdict) throws {
    #expect(try report(["fid": Self.limited], ["fid": rule]).verdict == verdict)
  }

  /// An error of 0.1 / 2.093 and a limit 0.05 above 4.2: `((2.093 + 0.861) / 2.093 · 2)²` times the samples.
  @Test func moreSamplesAreAdvised() throws {
    let check = try #require(
      try report(["fid": Self.limited], ["fid": Rule(max: 4.25)]).checks.first)
    let t = studentQuantile(0.975, degreesOfFreedom: 19)
    let expected = pow((t + studentQuantile(0.8, degreesOfFreedom: 19)) / t * 2, 2)
    #expect(abs(try #require(check.samplesFactor) - expected) < 1e-9)
    #expect(
      check.reason.contains(
        "straddles max 4.25; needs about 8 times the samples for a verdict with a power of 80 %"),
      "\(check.reason)")
  }

  @Test func whatIsNotMeasuredCannotBeSaid() throws {
    let plain = MadeUp.metric(4.2, more: ", \"interval_reason\": \"nobody asked\"")
    let low = MadeUp.metric(
      4.2, error: 0.1,
      more: ", \"factorizations\": [{\"method\": \"lowRank\", \"rank\": 3, \"clamped_mass\": 0}]")
    var bare = MadeUpMetric(4.2, error: nil)
    bare.interval = "[4, 5]"
    for (metrics, name, least, part) in [
      (["fid": plain], "fid", nil, "no interval: nobody asked"),
      (["fid": plain], "kid", nil, "no rows"),
      (["fid": low], "fid", nil, "full rank"),
      (["fid": MadeUp.metric(4, error: 0.1)], "fid", 50_001, "demands 50001"),
      (["fid": bare.json], "fid", nil, "no jackknife values of fid that its interval is from"),
      (["fid": MadeUp.metric(4, error: 0)], "fid", nil, "all jackknife values are the same"),
    ] as [([String: String], String, Int?, String)] {
      let report = try report(metrics, [name: Rule(max: 9)], minSamples: least)
      #expect(report.verdict == .cannotSay && report.checks[0].reason.contains(part))
    }
  }

  @Test func impossiblePoliciesAreRefused() throws {
    let result = try MadeUp.read(MadeUp.document(["fid": Self.limited]))
    let changes: [(inout Policy) -> Void] = [
      { $0.alpha = 0 }, { $0.alpha = 0.5 }, { $0.alpha = .nan }, { $0.minSamples = 0 },
      { $0.tolerance = .relative(-0.1) }, { $0.tolerance = .absolute(.infinity) },
      { $0.tolerance = .smaller(.absolute(1), .relative(.nan)) },
      { $0.add(Rule(min: .nan), to: .fid) }, { $0.add(Rule(min: 4, max: 3), to: .fid) },
      { $0.add(Rule(tolerance: .absolute(-1)), to: .fid) },
    ]
    for change in changes {
      var policy = Policy()
      change(&policy)
      let failure = #expect(throws: Failure.self) { _ = try Gate(result, by: policy) }
      #expect(failure?.code == .policyInvalid && failure?.status == .invalidConfiguration)
    }
  }

  /// A result that a program holds is judged as one that was read.
  @Test func aResultInMemoryIsJudged() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("r.json")
    try Data(MadeUp.document(["fid": Self.limited]).utf8).write(to: URL(fileURLWithPath: path))
    let result = try EvaluationResult(contentsOf: path)
    var policy = Policy()
    policy.add(Rule(max: 4.3012), to: .fid)
    let report = try Gate(result, by: policy, baseline: result).report()
    let expected = try Gate(
      RecordedEvaluation(contentsOf: path, as: .result), by: policy,
      baseline: RecordedEvaluation(contentsOf: path, as: .result)
    ).report()
    #expect(report.verdict == .pass && report.checks.count == 2)
    #expect(report.checks.map(\.reason) == expected.checks.map(\.reason))
  }

  // MARK: - Baseline

  func compare(
    _ own: [String: String], _ others: [String: String], seed: UInt64 = 1,
    policy: Policy = Policy(), changing: (String, String)? = nil
  ) throws -> GateReport {
    try Gate(
      try MadeUp.read(MadeUp.document(own)), by: policy,
      baseline: try MadeUp.read(
        MadeUp.document(others, seed: seed, changing: changing), as: .baseline)
    ).report()
  }

  /// A standard error that is next to nothing.
  static let exact = 1e-9

  /// Twenty groups: t(0.95, 19) = 1.729133, and a standard error of 0.03 makes 0.051874; the tolerance
  /// is 0.1, so that up to 0.048 passes and from 0.152 is worse.
  @Test(
    "a difference is within the tolerance, beyond it, or neither",
    arguments: [
      (10.0, GateReport.Verdict.pass), (10.048, .pass), (10.0482, .cannotSay),
      (10.1518, .cannotSay),
      (10.152, .worse), (9, .pass),
    ])
  func differences(value: Double, verdict: GateReport.Verdict) throws {
    let report = try compare(
      ["fid": MadeUp.metric(value, error: 0.03)],
      ["fid": MadeUp.metric(10, error: Self.exact)])
    #expect(report.verdict == verdict)
    let test = try #require(report.checks[0].comparison)
    #expect(try violation(of: try report.json(), by: .gate) == nil)
    #expect(test.paired == false && test.degrees == 19 && test.tolerance == 0.1)
    #expect(abs(test.standardError - 0.03) < 1e-9)
    // Where higher is better the same difference is the other way round.
    let mirrored = try compare(
      ["is": MadeUp.metric(20 - value, error: 0.03, higher: true)],
      ["is": MadeUp.metric(10, error: Self.exact, higher: true)])
    #expect(mirrored.verdict == verdict)
  }

  @Test func errorsOfTwoAddInSquares() throws {
    let report = try compare(
      ["fid": MadeUp.metric(10, error: 0.03)], ["fid": MadeUp.metric(10, error: 0.04)])
    #expect(abs(try #require(report.checks[0].comparison?.standardError) - 0.05) < 1e-9)
  }

  /// The same leave-one-out values half a unit apart: pairs have no spread.
  @Test func pairsCancelWhatTheyShare() throws {
    let (own, other) = (
      ["fid": MadeUp.metric(10.5, error: 1)], ["fid": MadeUp.metric(10, error: 1)]
    )
    let paired = try compare(own, other, seed: 0)
    let test = try #require(paired.checks[0].comparison)
    #expect(paired.verdict == .worse && test.paired && test.standardError < 1e-9)
    #expect(try compare(own, other).verdict == .cannotSay)
    var policy = Policy()
    policy.requirePaired = true
    #expect(try compare(own, other, policy: policy).checks[0].reason.contains("not paired"))
    #expect(try compare(own, other, seed: 0, policy: policy).verdict == .worse)
  }

  /// t = 2 has p = 0.0300: worse alone; of two such Holm asks for 0.025 first. With t = 2.2
  /// (p = 0.0202) beside it the first falls, and then the second too.
  @Test func severalMetricsAreCorrectedByHolm() throws {
    func metrics(_ t: [Double]) -> [String: String] {
      Dictionary(
        uniqueKeysWithValues: t.enumerated().map {
          ("m\($0)", MadeUp.metric(10.1 + $1 * 0.03, error: 0.03))
        })
    }
    let base = MadeUp.metric(10, error: Self.exact)
    #expect(try compare(metrics([2]), ["m0": base]).verdict == .worse)
    let both = ["m0": base, "m1": base]
    #expect(
      try compare(metrics([2, 2]), both).checks.map(\.verdict) == [.cannotSay, .cannotSay])
    #expect(try compare(metrics([2, 2.2]), both).checks.map(\.verdict) == [.worse, .worse])
    #expect(try compare(metrics([2.2, -4]), both).checks.map(\.verdict) == [.worse, .pass])
  }

  @Test(
    "other conditions are not comparable, with both values",
    arguments: [
      ("\"dialect\": \"tf\", \"num\"", "\"dialect\": \"clean\", \"num\"", "dialect is tf, clean"),
      ("50000", "10000", "num is 50000, 10000"), ("\"e1\"", "\"e2\"", "extractor.sha256 is e1, e2"),
      ("\"inception-2015\"", "\"other\"", "extractor.name is inception-2015, other"),
      ("\"r1\"", "\"r2\"", "reference.sha256 is r1, r2"),
      ("\"count\": 9", "\"count\": 8", "reference.count is 9, 8"),
      ("\"ddim\"", "\"ddpm\"", "sampler.name is ddim, ddpm"),
      ("\"steps\": 50", "\"steps\": 25", "sampler.steps is 50, 25"),
      ("1.5", "2", "sampler.cfg_scale is 1.5, 2"),
      (
        "\"cfg_interval\": null", "\"cfg_interval\": [1, 2]",
        "sampler.cfg_interval.0 is not there, 1"
      ),
      ("\"sha256\": \"r1\", ", "", "reference.sha256 is r1, not there"),
    ])
  func incomparable(old: String, new: String, text: String) throws {
    let metrics = ["fd": MadeUp.metric(10, error: 0.001)]
    let report = try compare(metrics, metrics, changing: (old, new))
    #expect(try violation(of: try report.json(), by: .gate) == nil)
    #expect(report.verdict == .cannotSay && !report.differences.isEmpty)
    #expect(report.checks[0].reason.contains(text), "\(report.checks[0].reason)")
  }

  @Test(
    "names of files, the checkpoint and the tool may differ",
    arguments: ["a.pth", "r.npz", "dis-eval 0", "\"ck\""])
  func comparable(old: String) throws {
    let metrics = ["fid": MadeUp.metric(10, error: 0.001)]
    let new = old.hasPrefix("\"") ? "\"x\"" : "x"
    #expect(try compare(metrics, metrics, changing: (old, new)).verdict == .pass)
  }

  /// Results of 0.4.0 and before do not say how often the network was evaluated.
  @Test func aDerivedSettingIsNoCondition() throws {
    let metrics = ["fid": MadeUp.metric(10, error: 0.001)]
    let more = ("\"steps\": 50", "\"steps\": 50, \"network_evaluations\": 100")
    #expect(try compare(metrics, metrics, changing: more).verdict == .pass)
  }

  @Test func theReasonNamesValueBaselineAndDifference() throws {
    func reason(_ value: Double, _ other: Double) throws -> String {
      try compare(
        ["fd": MadeUp.metric(value, error: 0.03)], ["fd": MadeUp.metric(other, error: 0.04)]
      ).checks[0].reason
    }
    #expect(
      try reason(23.9765, 23.5443)
        == "debiased 23.9765 (value 23.9765), baseline 23.5443: 0.4322 worse, standard error 0.05 (unpaired), tolerance 0.235443"
    )
    #expect(
      try reason(23, 23.5).hasPrefix(
        "debiased 23 (value 23), baseline 23.5: 0.5 better, standard error"))
    #expect(
      try reason(23, 23).hasPrefix(
        "debiased 23 (value 23), baseline 23: no difference, standard error"))
  }

  @Test func anotherDefinitionOrNoStandardErrorCannotBeSaid() throws {
    let metric = MadeUp.metric(10, error: 0.001)
    let other = MadeUp.metric(10, error: 0.001, more: ", \"definition\": \"tool\"")
    for (own, base, part) in [
      (metric, other, "definition is not there, tool"),
      (MadeUp.metric(10), metric, "the result has no jackknife"),
      (metric, MadeUp.metric(10), "the baseline has no jackknife"),
      (MadeUp.metric(10, error: 0), metric, "all jackknife values are the same"),
      (metric, MadeUp.metric(10, error: 0), "the baseline: all jackknife values are the same"),
    ] {
      let report = try compare(["fid": own], ["fid": base])
      #expect(report.verdict == .cannotSay && report.checks[0].reason.contains(part))
    }
    #expect(try compare([:], ["fid": metric]).checks[0].reason == "the result has no fid")
  }

  // MARK: - Files

  @Test(
    "what is no result is refused",
    arguments: [
      "", "{", "[]", "{\"schema\": \"dis-eval-result/1\"}",
      MadeUp.document([:], changing: ("\"tool\"", "\"colour\": \"red\", \"tool\"")),
      MadeUp.document([:], schema: "x/1"),
      MadeUp.document(["fid": "{\"value\": \"4\", \"higher_is_better\": false}"]),
      MadeUp.document(["fd": "{\"value\": 4, \"interval\": [5, 4], \"higher_is_better\": false}"]),
      MadeUp.document(["fd": "{\"value\": 4, \"interval\": [5], \"higher_is_better\": false}"]),
      MadeUp.document(["fid": "{\"value\": 1e999, \"higher_is_better\": false}"]),
      String(repeating: "[", count: 100_000),
    ])
  func malformed(text: String) throws {
    for (role, code, status) in [
      (RecordedEvaluation.Role.result, "ResultInvalid", ExitStatus.dataRefused),
      (.baseline, "BaselineInvalid", .invalidConfiguration),
    ] {
      let failure = #expect(throws: Failure.self) { try MadeUp.read(text, as: role) }
      #expect(failure?.code.rawValue == code && failure?.status == status)
    }
  }

  private static func repeats(_ documents: [String]) -> String {
    """
    {"schema": "dis-eval-repeats/1", "results": [\(documents.joined(separator: ", "))],
     "summaries": []}
    """
  }

  /// Seeds 1 and 2 with values 4 and 6 whose groups are `d` above and below: the mean is 5, and its
  /// error that of one, since the groups move together.
  @Test func resultsOfSeveralSeedsAreAveraged() throws {
    let documents = [(4.0, 1), (6.0, 2)].map { value, seed in
      MadeUp.document(
        ["fid": MadeUp.metric(value, error: 0.1), "is": MadeUp.metric(3, higher: true)],
        seed: UInt64(seed))
    }
    let mean = try MadeUp.read(Self.repeats(documents))
    #expect(mean.seeds == [1, 2] && mean.provenance.num == 50_000)
    #expect(mean.metrics["fid"]?.value == 5)
    #expect(mean.contradiction == nil)
    #expect(mean.metrics["is"]?.interval == nil && mean.metrics["is"]?.intervalReason != nil)
    let error = try #require(mean.jackknife(of: "fid")).standardError
    #expect(abs(error - 0.1) <= 1e-12)
    let report = try Gate(mean, by: Policy(), baseline: mean).report()
    #expect(report.checks.first { $0.metric == "fid" }?.comparison?.paired == true)
    #expect(report.seeds == [1, 2] && report.text.contains("means over seeds 1, 2"))
    let one = try MadeUp.read(documents[0])
    let single = try Gate(mean, by: Policy(), baseline: one).report()
    #expect(single.checks.first { $0.metric == "fid" }?.comparison?.paired == false)
  }

  @Test func resultsOfSeveralSeedsDifferInNothingElse() throws {
    let metrics = ["fid": MadeUp.metric(4, error: 0.1)]
    let first = MadeUp.document(metrics, seed: 1)
    for (others, part) in [
      ([], "results: found none"),
      ([first, first], "results[1]: provenance.sampler.seed: found 1 after 1"),
      (
        [first, MadeUp.document(metrics, seed: 2, changing: ("\"eta\": 0", "\"eta\": 1"))],
        "results[1]: provenance.sampler.eta: found 1"
      ),
      (
        [first, MadeUp.document(["fid": MadeUp.metric(-4, error: 0.1)], seed: 2)],
        "results[1]: metrics.fid.value"
      ),
    ] {
      for (role, status) in [
        (RecordedEvaluation.Role.result, ExitStatus.dataRefused),
        (.baseline, .invalidConfiguration),
      ] {
        let failure = #expect(throws: Failure.self) {
          try MadeUp.read(Self.repeats(others), as: role)
        }
        #expect(failure?.status == status && failure?.detail.contains(part) == true, "\(failure)")
      }
    }
  }

  @Test func aBaselineKeepsWhatAResultSays() throws {
    let result = try MadeUp.read(
      MadeUp.document(["fid": MadeUp.metric(10, error: 0.001)], seed: .max))
    let json = try Baseline(
      result,
      update: .init(reason: "first", date: "2026-01-01T00:00:00Z", commit: nil, verdict: nil)
    ).json()
    let text = String(decoding: json, as: UTF8.self)
    #expect(text.contains("18446744073709551615") && !text.contains("\"run\""))
    #expect(try violation(of: json, by: .baseline) == nil)
    let baseline = try MadeUp.read(text, as: .baseline)
    let report = try Gate(result, by: Policy(), baseline: baseline).report()
    #expect(report.verdict == .pass && report.checks[0].comparison?.paired == true)
    #expect(throws: Failure.self) { try MadeUp.read(text, as: .result) }
  }
}
