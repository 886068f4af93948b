import GenerativeMetrics
import Results
import Testing

@Suite struct JointResultTests {
  @Test(arguments: [
    ("result.json", "result.inception-2015.json"), ("a.b/result", "a.b/result.inception-2015"),
    ("a/.json", "a/.json.inception-2015"), ("x.y.json", "x.y.inception-2015.json"),
  ])
  func theNameIsBeforeTheExtension(path: String, expected: String) {
    #expect(JointResult.path(path, of: "inception-2015") == expected)
  }

  /// The distances of validation images have ratios of 1; all six are needed.
  @Test func ratiosNeedAllSixNetworks() throws {
    let distances = [
      "inception-2015": 1.68, "convnextv2-b.fdr": 56.87, "dinov2-vit-l-14.fdr": 14.19,
      "mae-vit-l-16.fdr": 0.04, "siglip2-so400m-16.fdr": 0.60, "clip-vit-l-14.fdr": 11.20,
    ]
    let results = try distances.sorted { $0.key < $1.key }.map { name, value in
      try EvaluationResult.ofDistance(value, extractor: name)
    }
    let found = try #require(JointResult(results).frechetRatios)
    #expect(found.ratios["clip"] == 2 && found.ratios["mae"] == 1)
    #expect(abs(found.fdr6 - 7 / 6.0) < 1e-15)
    // Half of the last digit of each divisor; CLIP's ratio is 2.
    let parts = [1.68, 56.87, 14.19, 0.04, 0.60, 5.60, 5.60].map { 0.005 / $0 / 6 }
    #expect(abs(found.rounding - parts.reduce(0, +)) < 1e-15)
    #expect(found.interval == nil, "there is no jackknife")
    #expect(JointResult(Array(results.dropLast())).frechetRatios == nil)
  }
}

extension JointResultTests {
  /// The values without a group are those of the mean of the ratios.
  @Test func theIntervalIsThatOfTheMean() throws {
    var results: [EvaluationResult] = []
    let names = [
      "inception-2015", "convnextv2-b.fdr", "dinov2-vit-l-14.fdr", "mae-vit-l-16.fdr",
      "siglip2-so400m-16.fdr", "clip-vit-l-14.fdr",
    ]
    for name in names {
      var result = try EvaluationResult.ofDistance(3, extractor: name)
      result.provenance.num = 40
      let key = MetricTitle.fid.named(by: name).rawValue
      result.metrics[key]?.interval = 2...4
      result.metrics[key]?.jackknife = .init(
        Jackknife(value: 3, leftOut: (0..<20).map { $0 % 2 == 0 ? 3.1 : 2.9 }, count: 40))
      results.append(result)
    }
    let found = try #require(JointResult(results).frechetRatios)
    // All networks have the same relative changes.
    let expected = Jackknife(
      value: found.fdr6, leftOut: (0..<20).map { found.fdr6 * ($0 % 2 == 0 ? 3.1 : 2.9) / 3 },
      count: 40
    ).interval(of: .frechetDistance)
    let interval = try #require(found.interval)
    #expect(abs(interval.lowerBound - expected.lowerBound) < 1e-12 * found.fdr6)
    #expect(abs(interval.upperBound - expected.upperBound) < 1e-12 * found.fdr6)
  }
}

extension EvaluationResult {
  /// A result with one distance.
  fileprivate static func ofDistance(_ value: Double, extractor: String) throws -> EvaluationResult
  {
    let title = MetricTitle.fid.named(by: extractor)
    let text = """
      {"schema": "dis-eval-result/1", "skipped": {},
       "metrics": {"\(title.rawValue)": {"value": \(value), "interval": null, "higher_is_better": false}},
       "provenance": {"tool": "dis-eval 0", "kernels": "", "dialect": "pytorch-fid", "warnings": [],
         "extractor": {"name": "\(extractor)", "dimension": 1}, "reference": {"file": "reference"}},
       "run": {"arguments": [], "threads": 1, "batch": 1, "started": "", "seconds": 0, "host": ""}}
      """
    return try EvaluationResult(json: Array(text.utf8), subject: "test")
  }
}
