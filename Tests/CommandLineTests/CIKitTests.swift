import Foundation
import Testing
import _TestSupport

/// The action of `scripts/ci` as GitHub's runner starts its step.
@Suite("The kit for continuous integration", .blocking) struct CIKitTests {
  let repository: CIRepository

  init() throws { repository = try CIRepository() }

  @Test func verdictsOfCandidates() throws {
    let baseline = try repository.step(["command": "baseline", "reason": "the first"])
    #expect(baseline.status == 0, "\(baseline.errors)")
    let kept = try repository.read(".dis-eval/baseline.json")
    #expect(kept.contains("\"reason\" : \"the first\"") && kept.contains("0123456789abcdef"))

    try CIRepository.writeModel(noise: 0, to: repository.path("better.safetensors"))
    try CIRepository.writeModel(noise: 0.12, to: repository.path("worse.safetensors"))
    for (checkpoint, seed, verdict, status) in [
      ("better", "0", "pass", 0), ("worse", "0", "worse", 1), ("model", "1", "pass", 0),
    ] as [(String, String, String, Int32)] {
      let gate = try repository.step(["checkpoint": "\(checkpoint).safetensors"], ["SEED": seed])
      #expect(gate.status == status, "\(checkpoint): \(gate.output) \(gate.errors)")
      #expect(gate.output.hasPrefix("\(verdict): out/result.json against"), "\(gate.output)")
      #expect(try repository.output() == "verdict=\(verdict)\n")
      #expect(try repository.summary().contains("### dis-eval gate: \(verdict)\n"))
      #expect(gate.errors.contains("::error title=dis-eval fd baseline::") == (status == 1))
      for report in ["junit.xml", "metrics.txt", "verdict.json", "summary.md"] {
        #expect(repository.has("out/\(report)"))
      }
    }
    // A worse model becomes no baseline.
    let refused = try repository.step([
      "command": "baseline", "reason": "why not", "checkpoint": "worse.safetensors",
    ])
    #expect(refused.status == 1)
    #expect(try repository.read(".dis-eval/baseline.json") == kept)
  }

  /// What the gate would refuse becomes no baseline, unless somebody says that it is meant.
  @Test func baselinesAreJudgedByThePolicy() throws {
    try repository.write("num=200\nsteps=4\n", to: ".dis-eval/plan")
    try repository.write(
      "schema: dis-eval-policy/1\nmetrics: {fd: {max: 0.1}}\n", to: ".dis-eval/policy.yml")
    let refused = try repository.step(["command": "baseline", "reason": "the first"])
    #expect(refused.status == 1, "\(refused.output) \(refused.errors)")
    #expect(!repository.has(".dis-eval/baseline.json"))
    let accepted = try repository.step([
      "command": "baseline", "reason": "the first", "accept": "true",
    ])
    #expect(accepted.status == 0, "\(accepted.output) \(accepted.errors)")
    #expect(try repository.read(".dis-eval/baseline.json").contains("\"the first\""))
  }

  @Test func thePlanFitsTheBudget() throws {
    let plan = try repository.step(["command": "plan", "budget": "1"], ["PILOT": "60"])
    #expect(plan.status == 0, "\(plan.errors)")
    let lines = try repository.read(".dis-eval/plan").split(separator: "\n")
    let num = try #require(lines.first?.dropFirst("num=".count).description)
    #expect((100...50_000).contains(Int(num) ?? 0), "\(lines)")
    let output = "num=\(num)\nsteps=\(lines[1].dropFirst("steps=".count))\n"
    #expect(try repository.output() == output)
    #expect(try repository.summary().contains("Plan for 1 min: \(num) samples of"))
    // Few samples of the best are not taken.
    let more = try repository.step(
      ["command": "plan", "budget": "1"], ["PILOT": "60", "MIN_SAMPLES": "60000"])
    #expect(more.status == 0)
    #expect(try repository.output().contains("steps=8"))
    #expect(try repository.summary().contains("fewer than MIN_SAMPLES, 60000"))
  }

  /// Without a baseline, only whoever says so gets a verdict, and it says so as well.
  @Test func withoutBaselineTheLimitsCountWhenThatIsAllowed() throws {
    try repository.remove(".dis-eval/plan")
    try repository.write(
      "schema: dis-eval-policy/1\nmetrics: {fd: {max: 1000}}\n", to: ".dis-eval/policy.yml")
    let settings = ["PILOT": "60", "MAX_SAMPLES": "200"]
    try repository.expectError(
      try repository.step([:], settings), 66, "the baseline '.dis-eval/baseline.json' is not there")
    let gate = try repository.step([:], settings.merging(["ALLOW_NO_BASELINE": "1"]) { $1 })
    #expect(gate.status == 0, "\(gate.output) \(gate.errors)")
    for summary in [try repository.summary(), try repository.read("out/summary.md")] {
      #expect(summary.contains("**No baseline: '.dis-eval/baseline.json' is not there."))
      #expect(summary.contains("Commit .dis-eval/plan"))
      #expect(summary.contains("### dis-eval gate: pass\n"))
    }
    #expect(try repository.output().hasSuffix("verdict=pass\n"))
  }
}
