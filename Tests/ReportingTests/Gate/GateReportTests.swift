import Foundation
import Reporting
import Results
import Testing
import _TestSupport

/// The texts of a small report, and names that would break each of them.
@Suite struct ReportTests {
  static let hostile = "a]]>\"<&|`%\u{0}\n::error::x,\\\u{FFFE}@"

  func report(_ names: [String] = ["fid", "is", "kid"]) throws -> GateReport {
    let verdicts = ["worse", "pass", "cannot_say"]
    let checks = names.enumerated().map { index, name in
      var check: [String: Any] = [
        "metric": name, "kind": "max", "verdict": verdicts[index % 3], "reason": "100% of \(name)",
        "limit": 3,
      ]
      if index != 2 { check["value"] = 4.5 }
      if index == 1 { check["interval"] = [4.1, 5] }
      return check
    }
    let document: [String: Any] = [
      "schema": "dis-eval-gate/1", "verdict": "worse", "result": "r.json", "num": 10, "alpha": 0.05,
      "checks": checks, "differences": [],
    ]
    return try JSONDecoder().decode(
      GateReport.self, from: JSONSerialization.data(withJSONObject: document))
  }

  @Test func junit() throws {
    let expected = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="dis-eval" tests="3" failures="1" errors="1">
        <testsuite name="dis-eval gate" tests="3" failures="1" errors="1" skipped="0" time="0">
          <testcase classname="dis-eval.gate" name="fid max" time="0">
            <failure type="worse" message="100% of fid"/>
          </testcase>
          <testcase classname="dis-eval.gate" name="is max" time="0"/>
          <testcase classname="dis-eval.gate" name="kid max" time="0">
            <error type="cannot_say" message="100% of kid"/>
          </testcase>
        </testsuite>
      </testsuites>

      """
    #expect(try report().junit == expected)
    let text = try report([Self.hostile]).junit
    #expect(
      text.contains("name=\"a]]&gt;&quot;&lt;&amp;|`%\\u{0}\\u{a}::error::x,\\\u{FFFD}@ max\""))
  }

  @Test func annotations() throws {
    #expect(
      try report().annotations == [
        "::error title=dis-eval fid max::worse: 100%25 of fid",
        "::warning title=dis-eval kid max::cannot say: 100%25 of kid",
      ])
    let line = try report([Self.hostile]).annotations[0]
    #expect(
      line.hasPrefix(
        "::error title=dis-eval a]]>\"<&|`%25\\u{0}\\u{a}%3A%3Aerror%3A%3Ax%2C\\\u{FFFE}@ max::worse"
      ), "\(line)")
    #expect(!line.utf8.contains(0x0A))
    let many = try report((0..<60).map { "m\($0)" }).annotations
    #expect(many.count == 20 && many[9] == "::error title=dis-eval::11 more checks")
  }

  @Test func markdown() throws {
    let expected = """
      ### dis-eval gate: worse

      r.json

      | metric | demand | verdict | why |
      |---|---|---|---|
      | fid | max 3 | worse | 100% of fid |
      | is | max 3 | pass | 100% of is |
      | kid | max 3 | cannot say | 100% of kid |


      """
    #expect(try report().markdown == expected)
    let text = try report([Self.hostile]).markdown
    #expect(
      text.contains("| a\\]\\]&gt;\"&lt;&amp;\\|\\`%\\\\u{0}\\\\u{a}::error::x,\\\\"), "\(text)")
  }

  @Test func openMetrics() throws {
    let expected = """
      # TYPE dis_eval_gate_status gauge
      # HELP dis_eval_gate_status 0 pass, 1 worse, 3 cannot say.
      dis_eval_gate_status 1
      # TYPE dis_eval_samples gauge
      # HELP dis_eval_samples Samples scored.
      dis_eval_samples 10
      # TYPE dis_eval_metric gauge
      # HELP dis_eval_metric The number of a metric that is judged.
      dis_eval_metric{name="fid"} 4.5
      dis_eval_metric{name="is"} 4.5
      # TYPE dis_eval_metric_value gauge
      # HELP dis_eval_metric_value The plug-in value of a metric.
      dis_eval_metric_value{name="fid"} 4.5
      dis_eval_metric_value{name="is"} 4.5
      # TYPE dis_eval_metric_low gauge
      # HELP dis_eval_metric_low Low end of its interval.
      dis_eval_metric_low{name="is"} 4.1
      # TYPE dis_eval_metric_high gauge
      # HELP dis_eval_metric_high High end of its interval.
      dis_eval_metric_high{name="is"} 5
      # EOF

      """
    #expect(try report().openMetrics == expected)
    let text = try report([Self.hostile]).openMetrics
    #expect(text.contains("{name=\"a]]>\\\"<&|`%\\\\u{0}\\\\u{a}::error::x,\\\\\u{FFFE}@\"} 4.5\n"))
  }

  @Test func json() throws {
    #expect(try violation(of: try report().json(), by: .gate) == nil)
  }
}
