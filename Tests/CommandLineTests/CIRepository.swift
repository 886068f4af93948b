import Checkpoints
import Foundation
import Tensors
import Testing
import Yams
import _TestSupport

/// A repository with a checkpoint, as the scripts of `scripts/ci` find it on a runner. The checkpoint is
/// the demo model with noise on its weights.
struct CIRepository {
  /// Holds the repository, and what the runner keeps beside it.
  let folder: TemporaryFolder
  let url: URL
  let summaryPath: String
  let outputPath: String

  static let kit = DisEvalProcess.file("scripts/ci")

  /// What `action.yml` of the repository's root says.
  static let action = DisEvalProcess.file("action.yml")

  init() throws {
    folder = try TemporaryFolder()
    url = folder.url.appendingPathComponent("repository")
    (summaryPath, outputPath) = (folder.path("summary.md"), folder.path("output"))
    try FileManager.default.createDirectory(
      at: url.appendingPathComponent(".dis-eval"), withIntermediateDirectories: true)
    try Self.writeModel(noise: 0.05, to: path("model.safetensors"))
    try write(
      """
      CHECKPOINT=${CHECKPOINT:-model.safetensors}
      REFERENCE=${REFERENCE:-\(DisEvalProcess.statistics)}
      ARGUMENTS=(--sampler dpm-solver++ --cfg-scale 2 --seed "${SEED:-0}" ${EXTRA:-})
      METRIC=fd
      BUDGET=${BUDGET:-10}
      STEPS=(12 8)
      MIN_SAMPLES=${MIN_SAMPLES:-200}
      MAX_SAMPLES=${MAX_SAMPLES:-50000}
      PLAN=${PLAN:-.dis-eval/plan}
      BASELINE=${BASELINE:-.dis-eval/baseline.json}
      POLICY=.dis-eval/policy.yml
      OUT=out
      CACHE=cache
      DIS_EVAL=${DIS_EVAL:-\(DisEvalProcess.executable.path)}

      """, to: ".dis-eval/gate.conf")
    try write(
      "schema: dis-eval-policy/1\nmetrics:\n  fd: {tolerance: 15%, min: 1}\n",
      to: ".dis-eval/policy.yml")
    try write("num=400\nsteps=8\n", to: ".dis-eval/plan")
  }

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

  // MARK: Files

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
  }

  func read(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  func remove(_ name: String, ifThere: Bool = false) throws {
    if ifThere && !has(name) { return }
    try FileManager.default.removeItem(atPath: path(name))
  }

  func summary() throws -> String { try String(contentsOfFile: summaryPath, encoding: .utf8) }

  func output() throws -> String { try String(contentsOfFile: outputPath, encoding: .utf8) }

  /// A program in place of dis-eval, beside the repository, that does `fid` by those commands of bash, has
  /// that version, and leaves everything else to dis-eval.
  func tool(fid: String, version: String? = nil) throws -> String {
    let program = folder.path("tool")
    let version = version.map { "if [ \"$1\" = --version ]; then echo '\($0)'; exit; fi" } ?? ""
    let text = """
      #!/bin/bash
      \(version)
      if [ "$1" = fid ]; then
        \(fid)
      fi
      exec '\(DisEvalProcess.executable.path)' "$@"
      """
    // Another process writes it: while this one has it open, a process that another test starts keeps it
    // open for a moment, and Linux does not execute it ("Text file busy").
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(program).text"))
    let copy = Process()
    copy.executableURL = URL(fileURLWithPath: "/usr/bin/install")
    copy.arguments = ["-m", "755", "\(program).text", program]
    try copy.run()
    copy.waitUntilExit()
    try #require(copy.terminationStatus == 0)
    return program
  }

  /// The archive of a release, beside the repository, whose program is those commands of bash. By default,
  /// it leaves a file `released` and does what dis-eval does.
  func release(program: String? = nil) throws -> (path: String, sha256: String) {
    let name = "release-\(UUID().uuidString)"
    let bin = folder.path("\(name)/bin")
    try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
    let standard =
      "touch '\(folder.path("released"))'; exec '\(DisEvalProcess.executable.path)' \"$@\""
    try Data("#!/bin/bash\n\(program ?? standard)\n".utf8).write(
      to: URL(fileURLWithPath: "\(bin)/dis-eval"))
    // Not in the folder that it packs, which would change while tar reads it.
    let archive = folder.path("\(name).tar.gz")
    let packed = try shell(
      """
      chmod +x '\(bin)/dis-eval'
      tar -czf '\(archive)' -C '\(folder.url.path)' '\(name)'
      sha256sum '\(archive)' | cut -c 1-64
      """, [:])
    #expect(packed.status == 0, "\(packed.errors)")
    return (archive, packed.output.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  // MARK: Git

  /// Runs git in the repository.
  @discardableResult func git(_ arguments: String...) throws -> String {
    let run = try DisEvalProcess(
      ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
        + arguments, environment: ["GIT_CONFIG_GLOBAL": "/dev/null"],
      executable: URL(fileURLWithPath: "/usr/bin/git"), in: url)
    #expect(run.status == 0, "git \(arguments): \(run.errors)")
    return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Commits everything there is, except for what jobs leave.
  func commit() throws {
    try git("add", "--all", "--", ".", ":!out", ":!cache")
    try git("commit", "--quiet", "--allow-empty", "--message", "change")
  }

  /// Makes what is there now the branch `main` of an `origin`, and this a branch from it.
  ///
  /// - Returns: The commit of `main`.
  @discardableResult func branchOff() throws -> String {
    try git("init", "--quiet")
    try commit()
    try git("clone", "--quiet", "--bare", ".", folder.path("origin.git"))
    try git("remote", "add", "origin", "file://" + folder.path("origin.git"))
    try git("checkout", "--quiet", "-b", "change")
    return try git("rev-parse", "HEAD")
  }

  // MARK: The action

  /// What `action.yml` says.
  private struct Action: Decodable {
    struct Input: Decodable { let `default`: String }
    struct Step: Decodable {
      let id: String?
      let shell: String?
      let run: String?
      let env: [String: String]?
    }
    struct Runs: Decodable { let steps: [Step] }
    let inputs: [String: Input]
    let runs: Runs
  }

  /// Variables of CI systems that the machine of these tests may have.
  private static let unset: [String: String] = [
    "GITHUB_ACTIONS", "GITHUB_BASE_REF", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "DIS_EVAL_BASE",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_MERGE_REQUEST_PROJECT_URL", "CI_PROJECT_URL",
    "ALLOW_NO_BASELINE", "GITHUB_EVENT_NAME", "GITHUB_ACTOR", "GITHUB_PATH", "RUNNER_TEMP",
  ].reduce(into: [:]) { $0[$1] = "" }

  /// Runs the action's step in the repository, as GitHub's runner does.
  ///
  /// - Parameters:
  ///   - inputs: The inputs. Without a release, dis-eval is already installed.
  ///   - base: The base branch of the pull request.
  func step(
    _ inputs: [String: String] = [:], _ environment: [String: String] = [:], base: String = ""
  ) throws -> DisEvalProcess {
    let text = try String(contentsOfFile: Self.action, encoding: .utf8)
    let inputs = ["release": "installed"].merging(inputs) { $1 }
    let action = try YAMLDecoder().decode(Action.self, from: text)
    let step = try #require(action.runs.steps.first { $0.id == "run" })
    #expect(step.shell == "bash")
    #expect(inputs.keys.allSatisfy { action.inputs.keys.contains($0) })
    var values = (step.env ?? [:]).mapValues { text in
      action.inputs.reduce(text) { text, input in
        text.replacingOccurrences(
          of: "${{ inputs.\(input.key) }}", with: inputs[input.key] ?? input.value.default)
      }
    }
    let named = values.updateValue(base, forKey: "DIS_EVAL_BASE")
    #expect(named == "${{ github.base_ref || github.event.merge_group.base_ref }}")
    #expect(!values.values.contains { $0.contains("${{") })
    let runner = [
      "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": DisEvalProcess.root.path,
      "GITHUB_STEP_SUMMARY": summaryPath, "GITHUB_OUTPUT": outputPath, "GITHUB_BASE_REF": base,
      "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
    ]
    for path in [summaryPath, outputPath] { try Data().write(to: URL(fileURLWithPath: path)) }
    return try shell(#require(step.run), runner.merging(values) { $1 }.merging(environment) { $1 })
  }

  /// Runs commands of bash in the repository, as both runners do.
  func shell(_ commands: String, _ environment: [String: String]) throws -> DisEvalProcess {
    try DisEvalProcess(
      ["--noprofile", "--norc", "-eo", "pipefail", "-c", commands],
      environment: Self.unset.merging(environment) { $1 },
      executable: URL(fileURLWithPath: "/bin/bash"), in: url)
  }

  /// Expects that the step failed with an error, and told it everywhere.
  func expectError(_ run: DisEvalProcess, _ status: Int32, _ text: String) throws {
    #expect(run.status == status, "\(run.output) \(run.errors)")
    let (summary, output) = (try summary(), try output())
    #expect(output == "verdict=error\n")
    #expect(summary.contains("### dis-eval: error\n"))
    let lines = (summary + run.errors).split(separator: "\n").filter { $0.contains(text) }
    #expect(lines.contains { $0.hasPrefix("    ") }, "\(summary)")
    #expect(lines.contains { $0.hasPrefix("::error title=dis-eval::") }, "\(run.errors)")
    if has("out") {
      let junit = try read("out/junit.xml")
      #expect(junit.contains("failures=\"0\" errors=\"1\"") && junit.contains("<error type="))
      #expect(try read("out/summary.md").contains("### dis-eval: error\n"))
    }
    #expect(!has("out/verdict.json"))
  }
}
