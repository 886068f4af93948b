import Checkpoints
import Foundation
import Tensors
import Testing
import _TestSupport

/// The scripts of `scripts/ci` as GitHub's runner starts them, in a repository of a checkpoint that is
/// the demo model with noise on its weights.
@Suite("The kit for continuous integration") struct CIKitTests {
  let repository: TemporaryFolder
  let summary: String
  let output: String

  /// - Parameter noise: Standard deviation of the noise, as a part of each tensor's.
  static func writeModel(noise: Float, to path: String) throws {
    let state = try CheckpointFile.open(DisEvalProcess.checkpoint).stateDict(key: nil)
    var random = SeededGenerator(seed: 3)
    let arrays = try state.infos.map { info in
      var values = try state.tensor(info.name, shape: info.shape).values
      let rms = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
      for (index, value) in random.floats(values.count, scale: Float(3).squareRoot()).enumerated() {
        values[index] += noise * rms * value
      }
      return (name: info.name, array: NPYArray(floats: values, shape: info.shape))
    }
    let bytes = SafetensorsWriter.encode(arrays, metadata: [])
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  init() throws {
    repository = try TemporaryFolder()
    (summary, output) = (repository.path("summary.md"), repository.path("output"))
    try FileManager.default.createDirectory(
      atPath: repository.path(".dis-eval"), withIntermediateDirectories: true)
    try Self.writeModel(noise: 0.05, to: repository.path("model.safetensors"))
    try write(
      """
      CHECKPOINT=${CHECKPOINT:-model.safetensors}
      REFERENCE=\(DisEvalProcess.statistics)
      ARGUMENTS=(--sampler dpm-solver++ --cfg-scale 2)
      METRIC=fd
      BUDGET=${BUDGET:-10}
      STEPS=(12 8)
      MIN_SAMPLES=${MIN_SAMPLES:-200}
      MAX_SAMPLES=${MAX_SAMPLES:-50000}
      PLAN=.dis-eval/plan
      BASELINE=.dis-eval/baseline.json
      POLICY=.dis-eval/policy.yml
      OUT=out
      DIS_EVAL=\(DisEvalProcess.executable.path)
      """, to: ".dis-eval/gate.conf")
    try write(
      "schema: dis-eval-policy/1\nmetrics:\n  fd: {tolerance: 15%, min: 1}\n",
      to: ".dis-eval/policy.yml")
  }

  func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: repository.path(path)))
  }

  func read(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  /// Starts a script in the repository with the variables of GitHub's runner.
  func step(_ name: String, _ arguments: [String] = [], _ environment: [String: String] = [:])
    throws -> DisEvalProcess
  {
    for path in [summary, output] { try Data().write(to: URL(fileURLWithPath: path)) }
    return try DisEvalProcess(
      arguments,
      environment: [
        "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary, "GITHUB_OUTPUT": output,
        "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        // As the action passes inputs that were not given.
        "CHECKPOINT": "", "BUDGET": "", "DIS_EVAL_CONF": "",
      ].merging(environment) { $1 },
      seconds: 300,
      executable: URL(fileURLWithPath: DisEvalProcess.file("scripts/ci/\(name)")),
      in: repository.url)
  }

  @Test func verdictsOfCandidates() throws {
    try write("num=400\nsteps=8\n", to: ".dis-eval/plan")
    let baseline = try step("run.sh", [], ["COMMAND": "baseline", "REASON": "the first"])
    #expect(baseline.status == 0, "\(baseline.errors)")
    let kept = try read(repository.path(".dis-eval/baseline.json"))
    #expect(kept.contains("\"reason\" : \"the first\"") && kept.contains("0123456789abcdef"))

    try Self.writeModel(noise: 0, to: repository.path("better.safetensors"))
    try Self.writeModel(noise: 0.12, to: repository.path("worse.safetensors"))
    for (checkpoint, options, verdict, status) in [
      ("better.safetensors", [], "pass", 0), ("worse.safetensors", [], "worse", 1),
      ("model.safetensors", ["--seed", "1"], "pass", 0),
    ] as [(String, [String], String, Int32)] {
      let gate = try step("gate.sh", options, ["CHECKPOINT": checkpoint])
      #expect(gate.status == status, "\(checkpoint): \(gate.output) \(gate.errors)")
      #expect(gate.output.hasPrefix("\(verdict): out/result.json against"), "\(gate.output)")
      #expect(try read(output) == "verdict=\(verdict)\n")
      #expect(try read(summary).contains("### dis-eval gate: \(verdict)\n"))
      #expect(gate.errors.contains("::error title=dis-eval fd baseline::") == (status == 1))
      for report in ["junit.xml", "metrics.txt", "verdict.json", "summary.md"] {
        #expect(FileManager.default.fileExists(atPath: repository.path("out/\(report)")))
      }
    }
    // A worse model becomes no baseline.
    let refused = try step(
      "run.sh", [],
      ["COMMAND": "baseline", "REASON": "why not", "CHECKPOINT": "worse.safetensors"])
    #expect(refused.status == 1)
    #expect(try read(repository.path(".dis-eval/baseline.json")) == kept)
  }

  @Test func thePlanFitsTheBudget() throws {
    let plan = try step("run.sh", [], ["COMMAND": "plan", "PILOT": "60", "BUDGET": "1"])
    #expect(plan.status == 0, "\(plan.errors)")
    let lines = try read(repository.path(".dis-eval/plan")).split(separator: "\n")
    let num = try #require(lines.first?.dropFirst("num=".count).description)
    #expect((100...50_000).contains(Int(num) ?? 0), "\(lines)")
    #expect(try read(output) == "num=\(num)\nsteps=\(lines[1].dropFirst("steps=".count))\n")
    #expect(try read(summary).contains("Plan for 1 min: \(num) samples of"))
    // Few samples of the best are not taken.
    let more = try step(
      "plan.sh", [], ["PILOT": "60", "BUDGET": "1", "MIN_SAMPLES": "60000"])
    #expect(more.status == 0)
    #expect(try read(output).contains("steps=8"))
    #expect(try read(summary).contains("fewer than MIN_SAMPLES, 60000"))
  }

  @Test func withoutPlanAndBaselineLimitsCount() throws {
    try write(
      "schema: dis-eval-policy/1\nmetrics: {fd: {max: 1000}}\n", to: ".dis-eval/policy.yml")
    let gate = try step("gate.sh", [], ["PILOT": "60", "MAX_SAMPLES": "200"])
    #expect(gate.status == 0, "\(gate.output) \(gate.errors)")
    #expect(try read(summary).contains("Commit .dis-eval/plan"))
    #expect(try read(output).hasSuffix("verdict=pass\n"))
  }

  @Test func whatIsMissingIsSaid() throws {
    #expect(try step("baseline.sh").status == 64)
    #expect(try step("run.sh", [], ["COMMAND": "other"]).status == 64)
    #expect(try step("gate.sh", [], ["DIS_EVAL_CONF": "none"]).status == 66)
  }
}
