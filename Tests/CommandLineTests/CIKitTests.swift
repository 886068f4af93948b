import Checkpoints
import Foundation
import Tensors
import Testing
import Yams
import _TestSupport

/// The action of `scripts/ci` as GitHub's runner starts its step, in a repository of a checkpoint that
/// is the demo model with noise on its weights.
@Suite("The kit for continuous integration", .blocking) struct CIKitTests {
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
      ARGUMENTS=(--sampler dpm-solver++ --cfg-scale 2 --seed "${SEED:-0}")
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

  /// What `action.yml` says.
  struct Action: Decodable {
    struct Input: Decodable { let `default`: String }
    struct Step: Decodable {
      let id: String?
      let shell: String
      let run: String
      let env: [String: String]?
    }
    struct Runs: Decodable { let steps: [Step] }
    let inputs: [String: Input]
    let runs: Runs
  }

  /// Runs the action's step in the repository, as GitHub's runner does.
  func step(_ inputs: [String: String] = [:], _ environment: [String: String] = [:]) throws
    -> DisEvalProcess
  {
    let kit = DisEvalProcess.file("scripts/ci")
    let action = try YAMLDecoder().decode(Action.self, from: try read("\(kit)/action.yml"))
    let step = try #require(action.runs.steps.first { $0.id == "run" })
    #expect(step.shell == "bash")
    #expect(inputs.keys.allSatisfy { action.inputs.keys.contains($0) })
    let values = (step.env ?? [:]).mapValues { text in
      action.inputs.reduce(text) { text, input in
        text.replacingOccurrences(
          of: "${{ inputs.\(input.key) }}", with: inputs[input.key] ?? input.value.default)
      }
    }
    #expect(!values.values.contains { $0.contains("${{") })
    let runner = [
      "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": kit, "GITHUB_STEP_SUMMARY": summary,
      "GITHUB_OUTPUT": output, "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
    ]
    for path in [summary, output] { try Data().write(to: URL(fileURLWithPath: path)) }
    return try DisEvalProcess(
      ["--noprofile", "--norc", "-eo", "pipefail", "-c", step.run],
      environment: runner.merging(values) { $1 }.merging(environment) { $1 },
      executable: URL(fileURLWithPath: "/bin/bash"), in: repository.url)
  }

  @Test func verdictsOfCandidates() throws {
    try write("num=400\nsteps=8\n", to: ".dis-eval/plan")
    let baseline = try step(["command": "baseline", "reason": "the first"])
    #expect(baseline.status == 0, "\(baseline.errors)")
    let kept = try read(repository.path(".dis-eval/baseline.json"))
    #expect(kept.contains("\"reason\" : \"the first\"") && kept.contains("0123456789abcdef"))

    try Self.writeModel(noise: 0, to: repository.path("better.safetensors"))
    try Self.writeModel(noise: 0.12, to: repository.path("worse.safetensors"))
    for (checkpoint, seed, verdict, status) in [
      ("better", "0", "pass", 0), ("worse", "0", "worse", 1), ("model", "1", "pass", 0),
    ] as [(String, String, String, Int32)] {
      let gate = try step(["checkpoint": "\(checkpoint).safetensors"], ["SEED": seed])
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
    let refused = try step([
      "command": "baseline", "reason": "why not", "checkpoint": "worse.safetensors",
    ])
    #expect(refused.status == 1)
    #expect(try read(repository.path(".dis-eval/baseline.json")) == kept)
  }

  @Test func thePlanFitsTheBudget() throws {
    let plan = try step(["command": "plan", "budget": "1"], ["PILOT": "60"])
    #expect(plan.status == 0, "\(plan.errors)")
    let lines = try read(repository.path(".dis-eval/plan")).split(separator: "\n")
    let num = try #require(lines.first?.dropFirst("num=".count).description)
    #expect((100...50_000).contains(Int(num) ?? 0), "\(lines)")
    #expect(try read(output) == "num=\(num)\nsteps=\(lines[1].dropFirst("steps=".count))\n")
    #expect(try read(summary).contains("Plan for 1 min: \(num) samples of"))
    // Few samples of the best are not taken.
    let more = try step(
      ["command": "plan", "budget": "1"], ["PILOT": "60", "MIN_SAMPLES": "60000"])
    #expect(more.status == 0)
    #expect(try read(output).contains("steps=8"))
    #expect(try read(summary).contains("fewer than MIN_SAMPLES, 60000"))
  }

  @Test func withoutPlanAndBaselineLimitsCount() throws {
    try write(
      "schema: dis-eval-policy/1\nmetrics: {fd: {max: 1000}}\n", to: ".dis-eval/policy.yml")
    let gate = try step([:], ["PILOT": "60", "MAX_SAMPLES": "200"])
    #expect(gate.status == 0, "\(gate.output) \(gate.errors)")
    #expect(try read(summary).contains("Commit .dis-eval/plan"))
    #expect(try read(output).hasSuffix("verdict=pass\n"))
  }

  @Test func whatIsMissingIsSaid() throws {
    #expect(try step(["command": "baseline"]).status == 64)
    #expect(try step(["command": "other"]).status == 64)
    #expect(try step(["conf": "none"]).status == 66)
    let budget = try step(["budget": "half an hour"])
    #expect(budget.status == 78 && budget.errors.contains("'half an hour': expected whole minutes"))
  }
}
