import Foundation
import Reporting
import Results
import Testing
import _TestSupport

/// `fid --repeats` of the demo's model.
@Suite("Repeats", .blocking) struct RepeatsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func fid(_ more: String..., status: Int32 = 0) throws -> DisEvalProcess {
    let run = try DisEvalProcess(
      [
        "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
        "20",
        "--steps", "4", "--sampler", "dpm-solver++",
      ] + more)
    #expect(run.status == status, "\(run.output) \(run.errors)")
    return run
  }

  @Test func everyRangeOfSeedsIsReported() throws {
    let out = folder.path("repeats.json")
    let json = try fid("--repeats", "3", "--seed", "5", "--out", out, "--json").json()
    #expect(
      try canonical(json)
        == canonical(
          jsonObject(Data(contentsOf: URL(fileURLWithPath: out)))))
    let results = try #require(json["results"] as? [[String: Any]])
    #expect(results.count == 3)
    // Each is what it is alone.
    for (result, seed) in zip(results, 5...7) {
      let alone = try fid("--seed", "\(seed)", "--json").json()
      #expect(try canonical(alone["metrics"]) == canonical(result["metrics"]))
      #expect(try canonical(alone["provenance"]) == canonical(result["provenance"]))
    }
    let values = results.compactMap {
      ($0["metrics"] as? [String: [String: Any]])?["fd"]?["value"] as? Double
    }
    let summaries = try #require(json["summaries"] as? [[String: Any]])
    let summary = try #require(summaries.first { $0["metric"] as? String == "fd" })
    #expect(summary["values"] as? [Double] == values)
    #expect(summary["min"] as? Double == values.min() && summary["max"] as? Double == values.max())
    let mean = values.reduce(0, +) / 3
    #expect(summary["mean"] as? Double == mean)
    let deviation = (values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 2).squareRoot()
    #expect(summary["standard_deviation"] as? Double == deviation)

    let text = try fid("--repeats", "2").output
    for part in ["seed 0\n", "seed 1\n", "mean", "deviation", "min", "max"] {
      #expect(text.contains(part), "\(text)")
    }
  }

  @Test func runsAreKeptApart() throws {
    let run = folder.path("run")
    let first = try fid("--repeats", "2", "--run", run, "--json").json()
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: run).sorted() == ["seed-0", "seed-1"])
    let merged = try DisEvalProcess("merge", run + "/seed-1", "--json")
    let results = try #require(first["results"] as? [[String: Any]])
    #expect(try canonical(merged.json()["metrics"]) == canonical(results[1]["metrics"]))
    let again = try fid("--repeats", "2", "--run", run, "--json").json()
    #expect(try canonical(again["summaries"]) == canonical(first["summaries"]))
  }

  /// The mean over seeds is compared and judged like one result: seed by seed where both have the same
  /// seeds.
  @Test func theMeanOverSeedsIsComparedAndJudged() throws {
    func repeats(_ name: String, _ more: String...) throws -> String {
      let path = folder.path(name)
      _ = try DisEvalProcess(
        [
          "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
          "330", "--sampler", "dpm-solver++", "--repeats", "2", "--out", path,
        ] + more)
      return path
    }
    let first = try repeats("first.json", "--steps", "2")
    let same = try repeats("same.json", "--steps", "2")
    let second = try repeats("second.json", "--steps", "3")
    let compared = try DisEvalProcess("compare", first, second, "--json")
    let comparison = try compared.json()
    #expect(comparison["paired"] as? Bool == true)
    #expect(comparison["seeds"] as? [String: [Int]] == ["first": [0, 1], "second": [0, 1]])
    #expect(try violation(of: Array(compared.output.utf8), by: .comparison) == nil)
    let rows = try #require(comparison["metrics"] as? [[String: Any]])
    let row = try #require(rows.first { $0["metric"] as? String == "fd" })
    let document = try jsonObject(Data(contentsOf: URL(fileURLWithPath: first)))
    let summaries = try #require((document as? [String: Any])?["summaries"] as? [[String: Any]])
    let summary = try #require(summaries.first { $0["metric"] as? String == "fd" })
    #expect(
      row["first"] as? Double != summary["mean"] as? Double && row["debiased"] as? Bool == true)
    let values = try DisEvalProcess("compare", first, second, "--json", "--plug-in").json()
    let plugIn = try #require(
      (values["metrics"] as? [[String: Any]])?.first { $0["metric"] as? String == "fd" })
    #expect(plugIn["first"] as? Double == summary["mean"] as? Double)
    #expect(plugIn["method"] as? String == "influences")
    #expect((row["interval"] as? [Double])?.count == 2)
    #expect(try DisEvalProcess("compare", first, second).output.contains("means over seeds: 0, 1"))

    let gate = try DisEvalProcess("gate", first, "--baseline", same, "--json")
    #expect(gate.status == 0, "\(gate.output)")
    #expect(try gate.json()["seeds"] as? [Int] == [0, 1])
    #expect(try violation(of: Array(gate.output.utf8), by: .gate) == nil)
    let mean = try #require(row["first"] as? Double)
    #expect(try DisEvalProcess("gate", first, "--max", "fd=\(mean * 2)").status == 0)
    #expect(try DisEvalProcess("gate", first, "--max", "fd=\(mean / 2)").status == 1)
    // A baseline of several seeds, by which each side is judged seed by seed.
    let baseline = folder.path("b.json")
    let kept = try DisEvalProcess("gate", first, "--update-baseline", baseline, "--reason", "x")
    #expect(kept.status == 0, "\(kept.errors)")
    let written = try Data(contentsOf: URL(fileURLWithPath: baseline))
    #expect(try violation(of: Array(written), by: .baseline) == nil)
    #expect((try jsonObject(written) as? [String: Any])?["seeds"] as? [Int] == [0, 1])
    let paired = try DisEvalProcess("gate", same, "--baseline", baseline, "--json")
    #expect(paired.status == 0, "\(paired.output)")
    let checks = try #require(paired.json()["checks"] as? [[String: Any]])
    let test = try #require(
      checks.first { $0["metric"] as? String == "fd" }?["comparison"] as? [String: Any])
    #expect(test["paired"] as? Bool == true && test["method"] as? String == "influences")
    // Seeds that are not those of the provenance.
    let text = try String(contentsOfFile: baseline, encoding: .utf8)
    let other = folder.path("other.json")
    try text.replacing(/"seeds" : \[\s*0,/, with: "\"seeds\" : [ 1,").replacing(
      "1,\n    1", with: "1,\n    2"
    )
    .write(toFile: other, atomically: true, encoding: .utf8)
    let refused = try DisEvalProcess("gate", same, "--baseline", other)
    #expect(refused.status == 78 && refused.errors.contains("seeds: found"), "\(refused.errors)")
    let again = try DisEvalProcess(
      "gate", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--baseline",
      baseline)
    #expect(again.status == 0 && again.output.contains("means over seeds 0, 1"), "\(again.output)")
  }

  @Test func whatCannotBeRepeatedIsRefused() throws {
    for (options, text) in [
      (["--repeats", "0"], "expected 1 to 1000"),
      (["--repeats", "2", "--grid", "x.png"], "--grid"),
      (["--repeats", "2", "--save-images", "x"], "--save-images"),
      (["--repeats", "2", "--dialect", "all"], "--dialect all"),
      (["--repeats", "2", "--run", folder.path("r"), "--shard", "0/2"], "several seeds"),
    ] {
      let run = try DisEvalProcess(
        ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics] + options)
      #expect(run.status == 64 && run.errors.contains(text), "\(run.errors)")
    }
    let images = try DisEvalProcess(
      "fid", "--images", "x", "--ref", DisEvalProcess.statistics, "--repeats", "2")
    #expect(images.status == 64 && images.errors.contains("--repeats needs --ckpt"))
    #expect(try fid("--repeats", "2", "--out", folder.path("no/x.json"), status: 73).output.isEmpty)
  }
}
