import Testing
import _TestSupport

@Suite("dis-eval bench", .blocking) struct BenchCommandTests {
  @Test func layersAreATable() throws {
    let run = try DisEvalProcess(["bench", "--layers"])
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n")
    #expect(lines.first == "| | layer | method | ms for an image | share | GFLOP/s |")
    #expect(lines.contains { $0.hasPrefix("| 12 | 1 x 1, 768 to 192, of 17 x 17 | direct | ") })
    #expect(lines.last?.hasPrefix("| | all | | ") == true)
  }

  @Test(
    "layers are measured alone", arguments: [["--json"], ["--only", "sgemm"], ["--threads", "2"]])
  func others(arguments: [String]) throws {
    let run = try DisEvalProcess(["bench", "--layers"] + arguments)
    #expect(
      run.status == 64 && run.errors.contains("--layers allows only --quiet"), "\(run.errors)")
  }
}
