import Foundation
import Testing
import _TestSupport

/// `dis-eval export --format latex` and `markdown`.
@Suite("export of tables", .blocking) struct ExportTableTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func line(
    _ name: String, _ fid: Double, num: Int = 10_000, parameters: Int = 28_000_000,
    precision: Double = 0.5
  ) throws -> String {
    let quoted = String(decoding: try JSONEncoder().encode([name]), as: UTF8.self).dropFirst()
      .dropLast()
    return """
      {"schema":"dis-eval-ledger/1","key":"\(abs(name.hashValue))\(fid)","name":\(quoted),\
      "num":\(num),"parameters":\(parameters),"gflops":{"true":2.43,"thop":1},\
      "sampler":{"name":"dpm_solver","steps":50,"evaluations":50,"eta":0,"cfg_scale":1.5,"seed":0},\
      "dialect":"tf","reference":{"name":"train"},"tool":"dis-eval 0.6.0","metrics":{\
      "fid":{"value":\(fid),"interval":[\(fid - 0.25),\(fid + 0.25)],"debiased":\(fid - 1),\
      "debiased_interval":[\(fid - 1.25),\(fid - 0.75)],"higher_is_better":false},\
      "kid":{"value":-0.0004,"higher_is_better":false},\
      "precision":{"value":\(precision),"higher_is_better":true},\
      "recall":{"value":\(1 - precision),"higher_is_better":true}}}
      """
  }

  private func export(_ lines: [String], _ arguments: String..., status: Int32 = 0) throws
    -> DisEvalProcess
  {
    let path = folder.path("ledger.jsonl")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    let run = try DisEvalProcess(["export", folder.path("")] + arguments)
    #expect(run.status == status, "\(run.errors)")
    return run
  }

  @Test func markdown() throws {
    let lines = [
      try line("m10", 12.5, parameters: 100_000, precision: 0.6),
      try line("m9", 11.25, precision: 0.4),
    ]
    let table = try export(lines, "--format", "markdown").output
    #expect(
      table == """
        | Name | Parameters (M) | FID-10K | FID-10K, debiased | KID | Precision | Recall |
        | --- | ---: | ---: | ---: | ---: | ---: | ---: |
        | m9 | 28 | **11.25** \\[11.00, 11.50\\] | **10.25** \\[10.00, 10.50\\] | **−0.0004000** | 0.4000 | **0.6000** |
        | m10 | 0.1 | 12.50 \\[12.25, 12.75\\] | 11.50 \\[11.25, 11.75\\] | **−0.0004000** | 0.6000 | 0.4000 |

        Forward pass 2.43 GFLOP; N 10000; Sampler dpm\\_solver; Steps 50; Guidance 1.5; Sampling seed 0; \
        Reference train; Dialect tf; Version dis-eval 0.6.0. Brackets are 95 % intervals of sampling. The best \
        value of a column is bold, except for precision, which can rise when diversity is lost.

        """, "\(table)")
  }

  /// Values of different numbers of samples have no best one.
  @Test func incomparableEvaluations() throws {
    let table = try export(
      [try line("a", 12.5), try line("b", 11.25, num: 5000)], "--format", "markdown", "--metric",
      "recall", "--metric", "fid"
    ).output
    #expect(table.hasPrefix("| Name | N | Recall | FID | FID, debiased |\n"), "\(table)")
    #expect(!table.contains("**"))
    #expect(table.contains("No value is marked as the best, because evaluations differ in&#58; N."))
  }

  @Test func latex() throws {
    let table = try export(
      [try line("a", 12.5), try line("b", 11.25)], "--format", "latex", "--metric", "fid",
      "--metric", "kid"
    ).output
    #expect(table.contains("\\begin{tabular}{@{}lrrr@{}}\n    \\toprule\n"), "\(table)")
    #expect(
      table.contains(
        "    b & \\textbf{11.25} {\\footnotesize{}[11.00, 11.50]} & \\textbf{10.25} "
          + "{\\footnotesize{}[10.00, 10.50]} & \\textbf{$-$0.0004000} \\\\\n"), "\(table)")
    #expect(table.contains("Sampler dpm\\_solver; Steps 50;") && table.contains("95 \\% intervals"))
  }

  /// Names come from strangers.
  @Test(arguments: [
    ("\\input{x}", "\\textbackslash{}input\\{x\\}"), ("a&b%c#d_e", "a\\&b\\%c\\#d\\_e"),
    ("{a}~^$", "\\{a\\}\\textasciitilde{}\\textasciicircum{}\\$"), ("[x]*", "{[}x{]}{*}"),
    ("a--b", "a-{}-{}b"), ("<|>", "\\textless{}\\textbar{}\\textgreater{}"),
    ("Fréchet ñ ç ı Å", "Fr\\'{e}chet \\~{n} \\c{c} \\i{} \\r{A}"), ("ï", "\\\"{\\i{}}"),
    ("日", "\\textbackslash{}u\\{65e5\\}"),
    (
      "a\nb\u{7}\u{202E}",
      "a\\textbackslash{}u\\{a\\}b\\textbackslash{}u\\{7\\}\\textbackslash{}u\\{202e\\}"
    ),
    ("e\u{20DD}", "e\\textbackslash{}u\\{20dd\\}"), ("%\u{301}", "\\'{\\%}"),
  ])
  func latexOfNames(name: String, expected: String) throws {
    let table = try export([try line(name, 1), try line("other", 2)], "--format", "latex").output
    #expect(table.contains("    \(expected) & "), "\(table)")
  }

  @Test(arguments: [
    ("a|b", "a\\|b"), ("*_`[x](y)", "\\*\\_\\`\\[x\\](y)"), ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
    ("\\|", "\\\\\\|"), ("a\nb", "a\\\\u\\{a\\}b"), ("@you", "&#64;you"),
  ])
  func markdownOfNames(name: String, expected: String) throws {
    let table = try export([try line(name, 1), try line("zz", 2)], "--format", "markdown").output
    #expect(table.contains("\n| \(expected) | "), "\(table)")
  }

  @Test func whatIsNoTableIsRefused() throws {
    let lines = [try line("a", 1)]
    let unknown = try export(lines, "--format", "latex", "--metric", "vendi", status: 65)
    #expect(unknown.errors.contains("ExportInvalid") && unknown.errors.contains("fid, kid"))
    let other = try export(lines, "--format", "csv", "--metric", "fid", status: 64)
    #expect(other.errors.contains("--metric is for"))
    #expect(try export([], "--format", "markdown", status: 65).errors.contains("no evaluations"))
  }
}
