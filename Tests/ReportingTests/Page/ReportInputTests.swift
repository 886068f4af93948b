import Files
import Foundation
import Reporting
import Results
import Testing
import _TestSupport

@Suite("Inputs of a report") struct ReportInputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String, _ text: String) throws -> String {
    let path = folder.path(name)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private static let metrics = [
    "fd": """
    {"value": 12.5, "interval": [12, 13], "confidence": 0.95, "bias": 0.25,
     "interval_method": "jackknife", "higher_is_better": false}
    """,
    "sfid": """
    {"value": 0.00123456, "interval": null, "interval_reason": "too few",
     "higher_is_better": false}
    """,
  ]

  private func reported(_ json: String) throws -> ReportedResult {
    let path = try file("r.json", json)
    return ReportedResult(try EvaluationResult(contentsOf: path), path: path)
  }

  private func text(_ sections: [ReportPage.Section]) throws -> String {
    PageStructure(try ReportPage(title: "", subtitle: "", sections: sections).html()).text
  }

  private func refusal(_ body: () throws -> Void) -> Failure? {
    do { try body() } catch { return error as? Failure }
    return nil
  }

  @Test func everythingInTheResultIsShown() throws {
    var document = MadeUpResult(Self.metrics, seed: .max)
    document.changes = [("50000", "300")]
    let result = try reported(document.json)
    #expect(result.title == "Evaluation of c.pt")
    #expect(result.subtitle == "300 images against r.npz, dialect tf, 2026-01-02")
    let text = try text([result.metrics, result.origin, result.environment])
    for expected in [
      "12.5000", "12.0000 to 13.0000", "95 % interval", "0.2500", "0.001235",
      "interval by jackknife", "No interval for sfid: too few.", "Not computed: kid: no rows.",
      "Warning: careful", "18446744073709551615", "model embed dim",
      "dis-eval fid --ckpt 'it'\\''s'",
    ] {
      #expect(text.contains(expected), "\(expected)")
    }
  }

  @Test func aTableForEachDialect() throws {
    let dialects = ["tf", "clean"].map {
      """
      "\($0)": {"metrics": {"fid": {"value": 1, "interval": null, "higher_is_better": false}},
        "skipped": {}, "preprocessing": "p", "mean_precision": "float64", "ddof": 1}
      """
    }.joined(separator: ", ")
    let result = try reported(
      MadeUpResult([:]).json.replacing(
        "\"skipped\"", with: "\"dialects\": {\(dialects)}, \"skipped\"", maxReplacements: 1))
    let text = try text([result.metrics])
    #expect(text.contains("Values in the dialect tf") && text.contains("in the dialect clean"))
  }

  @Test func theVerdictMustBeOnThisResult() throws {
    let result = try reported(MadeUpResult(Self.metrics).json)
    func gate(_ verdict: String, _ value: Double) throws -> String {
      try file(
        "g.json",
        """
        {"schema": "dis-eval-gate/1", "verdict": "\(verdict)", "result": "r.json", "alpha": 0.05,
         "checks": [{"metric": "fd", "kind": "max", "verdict": "\(verdict)", "value": \(value),
                     "limit": 20, "reason": "because"}],
         "differences": [{"field": "num", "candidate": "1", "baseline": null}]}
        """)
    }
    for (verdict, words) in [
      ("pass", "Pass:"), ("worse", "Worse:"), ("cannot_say", "Cannot say:"),
    ] {
      let report = try GateReport(contentsOf: gate(verdict, 12.5))
      let text = try text([try result.verdict(report, path: "g.json")])
      #expect(text.contains(words) && text.contains("20.0000") && text.contains("because"))
      #expect(text.contains("Not comparable: num is 1, not there in the baseline."))
    }
    let other = try GateReport(contentsOf: gate("pass", 12))
    #expect(
      refusal { _ = try result.verdict(other, path: "g.json") }?.code == .verdictMismatch)
    let unknown = refusal { _ = try GateReport(contentsOf: gate("good", 12.5)) }
    #expect(unknown?.code == .verdictInvalid && unknown?.status == .dataRefused)
  }

  @Test(arguments: ["", "[]", "{", "{\"schema\": \"dis-eval-result/2\"}", "\u{0}"])
  func otherFilesAreRefused(_ content: String) throws {
    let failure = refusal { _ = try reported(content) }
    #expect(failure?.code == .resultInvalid && failure?.status == .dataRefused)
  }

  @Test func aLedgerIsATable() throws {
    func line(_ step: Int, _ value: Double) -> String {
      """
      {"schema":"dis-eval-ledger/1","key":"\(step)","name":"run","checkpoint":"\(step).pt",\
      "parameters":727040,"gflops":{"true":0.0758,"thop":0.01},"training":{"step":\(step)},\
      "sampler":{"name":"ddim","steps":50,"evaluations":50,"eta":0,"cfg_scale":1,"seed":0},\
      "metrics":{"fid":{"value":\(value),"interval":[1,2],"higher_is_better":false}},"new":1}
      """
    }
    let path = try file("l.jsonl", line(1000, 9) + "\n" + line(2000, 7.5) + "\n\n")
    let page = try ReportedLedger(Ledger(path: path), path: path).page
    #expect(page.title == "Sweep run" && page.subtitle == "2 evaluations")
    let text = try text(page.sections)
    for expected in [
      "1000.pt", "Parameters 0.727 M", "Sampler ddim; Steps 50", "9.00", "1.00 to 2.00",
    ] {
      #expect(text.contains(expected), "\(expected)")
    }
    #expect(text.contains("Best FID: 7.50, run (2000.pt)."))

    let torn = try file("l.jsonl", line(1000, 9) + "\n{\"schema\"")
    let failure = refusal { _ = try ReportedLedger(Ledger(path: torn), path: torn) }
    #expect(failure?.code == .ledgerInvalid && failure?.subject.hasSuffix(":2") == true)
    let empty = try file("l.jsonl", "\n")
    #expect(
      refusal { _ = try ReportedLedger(Ledger(path: empty), path: empty) }?.code == .ledgerInvalid)
  }

  /// Metrics follow the name, rows are in the order of their numbers, and what is shared or empty is no
  /// column.
  @Test func metricsOfALedgerComeFirst() throws {
    let lines = ["10000", "100000", "25000"].map { step in
      """
      {"schema":"dis-eval-ledger/1","key":"\(step)","name":"step-\(step)","checkpoint":"\(step).pt",\
      "training":{"step":\(step)},"num":5000,"dialect":"tf","metrics":{\
      "precision":{"value":0.5,"higher_is_better":true},\
      "fid":{"value":\(step == "25000" ? 7 : 9),"interval":[6,10],"debiased":6.5,"higher_is_better":false}}}
      """
    }
    let path = try file("order.jsonl", lines.joined(separator: "\n"))
    let section = try ReportedLedger(Ledger(path: path), path: path).page.sections[0]
    guard case .text(let shared) = section.blocks[0], case .table(let table) = section.blocks[1]
    else {
      Issue.record("no table")
      return
    }
    #expect(shared == "Of all evaluations: N 5000; Dialect tf.")
    #expect(
      table.headings == [
        "Name", "FID-5K", "95 % interval", "FID-5K, debiased", "Precision", "Training steps",
        "Checkpoint",
      ])
    let names = table.rows.map { row in if case .text(let name) = row[0] { name } else { "?" } }
    #expect(names == ["step-10000", "step-25000", "step-100000"])
    let sentences = try text([section])
    #expect(sentences.contains("Best FID-5K: 7.0, step-25000."))
    // All debiased values are the best, and precision may rise when diversity is lost.
    #expect(!sentences.contains("Best Precision") && !sentences.contains("Best FID-5K, debiased"))
  }

  @Test func aFigureComesWithItsNumbers() throws {
    let path = try file("fig.svg", "<?xml version=\"1.0\"?>\n<svg onload=\"alert(1)\"></svg>")
    _ = try file("fig.csv", "# made up\r\nx,\"a \"\"b\"\", c\"\r\n1,2.5\r\n\r\n3,\"4\n5\"\r\n")
    let figure = try ReportPage.Figure(svgFile: path)
    let page = ReportPage(
      title: "", subtitle: "", sections: [ReportPage.Section("", [.figure(figure)])])
    let html = try page.html()
    #expect(!String(decoding: html, as: UTF8.self).contains("onload"))
    let structure = PageStructure(html)
    #expect(structure.text.contains("a \"b\", c") && structure.text.contains("2.5"))
    #expect(structure.text.contains("4\\u{a}5"))
    let image = try #require(structure.values(of: "src").first)
    #expect(image.hasPrefix("data:image/svg+xml;base64,"))
  }

  @Test func otherFiguresAreRefused() throws {
    let text = try file("a.svg", "no drawing")
    #expect(refusal { _ = try ReportPage.Figure(svgFile: text) }?.code == .reportInput)
    let ragged = try file("b.svg", "<svg/>")
    _ = try file("b.csv", "a,b\n1\n")
    #expect(refusal { _ = try ReportPage.Figure(svgFile: ragged) }?.code == .reportInput)
    let missing = refusal { _ = try ReportPage.Figure(svgFile: folder.path("c.svg")) }
    #expect(missing?.status == .inputMissing)
  }
}
