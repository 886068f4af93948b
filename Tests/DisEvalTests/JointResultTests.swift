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
    #expect(JointResult(Array(results.dropLast())).frechetRatios == nil)
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
