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
    try repository.write("num=400\nsteps=4\n", to: ".dis-eval/plan")
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

  /// A model for which the budget allows few samples: the pilot ends in time, and the plan says what else
  /// could be done.
  @Test func aSlowModelGetsThePlanThatItsBudgetAllows() throws {
    let program = DisEvalProcess.executable.path
    // Eight samples in at least two seconds, and then the time is over.
    let tool = try repository.tool(
      fid: "sleep 2; '\(program)' \"$@\" --num 8; exit 75")
    let settings = ["DIS_EVAL": tool, "MIN_SAMPLES": "40000"]
    let plan = try repository.step(["command": "plan", "budget": "10"], settings)
    #expect(plan.status == 0, "\(plan.errors)")
    #expect(plan.errors.contains("==> Timing up to 200 samples of 12 steps, for at most 300 s\n"))
    let lines = try repository.read(".dis-eval/plan").split(separator: "\n")
    let num = try #require(Int(lines[0].dropFirst("num=".count)))
    #expect((100...1920).contains(num) && lines[1] == "steps=8", "\(lines)")
    let summary = try repository.summary()
    for text in [
      "The 95 % interval of fd, judging by a pilot of 8: unknown, because the pilot has none.",
      "fewer than MIN_SAMPLES, 40000. You can change this:\n\n- Take fewer steps: STEPS=(4) allows about ",
      "\n- Give it more time: 40000 samples need BUDGET=",
      "\n- Make the images elsewhere, for example on a GPU, and name them as IMAGES.",
    ] { #expect(summary.contains(text), "\(summary)") }

    // A plan of no use is not written. Two samples take at least two seconds.
    try repository.remove(".dis-eval/plan")
    let slower = try repository.tool(fid: "sleep 2; '\(program)' \"$@\" --num 2; exit 75")
    let refused = try repository.step(["command": "plan", "budget": "1"], ["DIS_EVAL": slower])
    try repository.expectError(refused, 78, "but at least 100 are needed")
    #expect(try repository.summary().contains("- Give it more time: 200 samples need BUDGET="))
    #expect(!repository.has(".dis-eval/plan"))
  }

  /// What a pilot has made when it is stopped is scored.
  @Test func pilotsAreStopped() throws {
    // Stopped once it has kept three samples, however fast the machine is.
    let stopped = try repository.tool(
      fid: """
        '\(DisEvalProcess.executable.path)' "$@" &
        until [ "$(ls out/pilot/units/*-1.safetensors 2> /dev/null | wc -l)" -ge 3 ]; do sleep 0.02; done
        kill -TERM $!
        wait $!
        exit $?
        """)
    let settings = ["PILOT": "5000", "MAX_SAMPLES": "1000", "MIN_SAMPLES": "1"]
    let plan = try repository.step(
      ["command": "plan", "budget": "100000"], settings.merging(["DIS_EVAL": stopped]) { $1 })
    #expect(plan.status == 0, "\(plan.errors)")
    #expect(try repository.read(".dis-eval/plan") == "num=1000\nsteps=12\n")
    #expect(try repository.summary().contains("The 95 % interval of fd, judging by a pilot of "))
    #expect(!repository.has("out/pilot"))

    // Stopped before its first sample.
    let stuck = try repository.tool(fid: "exit 143")
    try repository.expectError(
      try repository.step(["command": "plan"], ["DIS_EVAL": stuck, "PILOT_SECONDS": "1"]), 78,
      "but at least 100 are needed")
    #expect(
      try repository.summary().contains("Not one sample of 8 steps was finished in 1 s"))
    #expect(!repository.has("out/pilot"))
  }

  /// Images that were made elsewhere are judged without a plan.
  @Test func imagesAreJudged() throws {
    let made = try DisEvalProcess(
      "sample", "--ckpt", repository.path("model.safetensors"), "--num", "400", "--sampler",
      "dpm-solver++", "--steps", "4", "--quiet", "--out", repository.path("images.npz"))
    #expect(made.status == 0, "\(made.errors)")
    try repository.remove(".dis-eval/plan")
    try repository.write(
      try repository.read(".dis-eval/gate.conf") + "ARGUMENTS=()\nIMAGES=${IMAGES:-}\n",
      to: ".dis-eval/gate.conf")
    let images = ["images": "images.npz"]
    let baseline = try repository.step(
      images.merging(["command": "baseline", "reason": "the first"]) { $1 })
    #expect(baseline.status == 0, "\(baseline.errors)")
    let gate = try repository.step(images)
    #expect([0, 3].contains(gate.status), "\(gate.output) \(gate.errors)")
    try repository.expectError(
      try repository.step(images.merging(["command": "plan"]) { $1 }), 64, "without a plan")
    try repository.remove("out/verdict.json", ifThere: true)
    try repository.expectError(
      try repository.step(["images": "none"]), 66, "the images 'none' are not there")
  }

  /// A workflow that was started by hand makes the baseline, with a plan if there is none.
  @Test func startedByHandItMakesTheBaseline() throws {
    try repository.remove(".dis-eval/plan")
    let run = try repository.step(
      [:],
      [
        "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_ACTOR": "ada", "PILOT": "60",
        "MAX_SAMPLES": "400",
      ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(repository.has(".dis-eval/plan"))
    #expect(
      try repository.read(".dis-eval/baseline.json").contains("\"started by hand by ada\""))
  }

  /// A release is used only if it is the one that its SHA-256 names.
  @Test func releasesAreInstalledByTheirDigest() throws {
    let release = try repository.release()
    let inputs = ["release": release.path, "sha256": release.sha256]
    func step(_ changes: [String: String]) throws -> DisEvalProcess {
      try repository.step(
        inputs.merging(changes) { $1 }, ["RUNNER_TEMP": repository.folder.url.path])
    }
    let other = String(repeating: "0", count: 64)
    for (changes, status, text) in [
      ([:], 66, "the baseline '.dis-eval/baseline.json' is not there"),
      (["sha256": release.sha256.uppercased()], 66, "the baseline"),
      (["sha256": other], 65, "has the SHA-256 \(release.sha256), expected \(other)"),
      (["sha256": ""], 64, "expected the 64 digits"),
      (["sha256": "latest"], 64, "found 'latest'"),
      (["release": "none.tar.gz"], 66, "the release 'none.tar.gz' is not there"),
    ] as [([String: String], Int32, String)] {
      try repository.expectError(try step(changes), status, text)
      #expect(repository.has("../released") == (status == 66 && changes["release"] == nil))
      try repository.remove("../released", ifThere: true)
      try repository.remove("out", ifThere: true)
    }
    // The program must run here.
    let broken = try repository.release(program: "exit 1")
    try repository.expectError(
      try step(["release": broken.path, "sha256": broken.sha256]), 69,
      "does not run on this machine")

    let archive = try Data(contentsOf: URL(fileURLWithPath: release.path))
    let server = try LoopbackServer { request in
      request.path == "/release.tar.gz" ? .init(body: Array(archive)) : .init(status: 404, body: [])
    }
    try repository.expectError(
      try step(["release": server.address("/release.tar.gz")]), 66, "the baseline")
    #expect(repository.has("../released"))
    try repository.remove("out", ifThere: true)
    try repository.expectError(
      try step(["release": server.address("/other.tar.gz")]), 69, "cannot be fetched")
  }

  /// Without a baseline, only whoever says so gets a verdict, and it says so as well.
  @Test func withoutBaselineTheLimitsCountWhenThatIsAllowed() throws {
    try repository.remove(".dis-eval/plan")
    try repository.write(
      "schema: dis-eval-policy/1\nmetrics: {fd: {max: 1000}}\n", to: ".dis-eval/policy.yml")
    let settings = ["PILOT": "60", "MAX_SAMPLES": "400"]
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
