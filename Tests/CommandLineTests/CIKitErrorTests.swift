import Foundation
import Testing
import _TestSupport

/// Errors of the kit reach whoever looks, with the exit status that the table has for them.
@Suite("Errors of the kit for continuous integration", .blocking) struct CIKitErrorTests {
  let repository: CIRepository

  init() throws { repository = try CIRepository() }

  @Test func whatIsMissingIsSaid() throws {
    for (inputs, status, text) in [
      (["command": "baseline"], 64, "expected a reason"),
      (["command": "other"], 64, "found 'other', expected gate, plan or baseline"),
      (["command": "baseline", "reason": "x", "accept": "yes"], 64, "found 'yes'"),
      (["release": ""], 64, "expected the archive of a release and its sha256"),
      (["accept": "true"], 64, "only the command baseline has it"),
      (["conf": "none"], 66, "the settings 'none' are not there"),
      (["budget": "half an hour"], 78, "BUDGET is 'half an hour': expected a whole number"),
    ] as [([String: String], Int32, String)] {
      try repository.expectError(try repository.step(inputs), status, text)
    }
    try repository.expectError(
      try repository.step([:], ["DIS_EVAL": "/nowhere/dis-eval"]), 69, "'/nowhere/dis-eval'")
  }

  /// A mistyped path is never taken for a file that is not wanted.
  @Test func filesThatJudgeMustBeThere() throws {
    try repository.write("{}", to: ".dis-eval/baseline.json")
    for (name, text) in [
      ("BASELINE", "the baseline 'typo' is not there"), ("PLAN", "the plan 'typo' is not there"),
    ] {
      try repository.expectError(try repository.step([:], [name: "typo"]), 66, text)
    }
    try repository.expectError(
      try repository.step([:], ["REFERENCE": "typo", "ALLOW_NO_BASELINE": "1"]), 66,
      "'typo': neither a file nor a name of the registry")
    try repository.remove(".dis-eval/policy.yml")
    let policy = "the policy '.dis-eval/policy.yml' is not there"
    try repository.expectError(
      try repository.step([:], ["ALLOW_NO_BASELINE": "1"]), 66, policy)
    try repository.expectError(
      try repository.step(["command": "baseline", "reason": "x"]), 66, policy)
    #expect(!repository.has("out/result.json"))
  }

  @Test func missingCheckpointIsNotWorse() throws {
    let allowed = ["ALLOW_NO_BASELINE": "1"]
    for command in ["gate", "plan", "baseline"] {
      let inputs = ["command": command, "reason": "x", "checkpoint": "missing.safetensors"]
      try repository.expectError(
        try repository.step(inputs, allowed), 66,
        "the checkpoint 'missing.safetensors' is not there")
    }
  }

  /// What an earlier job left cannot stand for this one.
  @Test func oldReportsAreRemovedBeforeScoring() throws {
    let reports = ["junit.xml", "verdict.json", "result.json", "metrics.txt", "summary.md"]
    try FileManager.default.createDirectory(
      atPath: repository.path("out"), withIntermediateDirectories: true)
    for report in reports { try repository.write("failures=\"0\" pass", to: "out/\(report)") }
    try repository.write("no checkpoint", to: "broken.safetensors")
    let run = try repository.step(
      ["checkpoint": "broken.safetensors"], ["ALLOW_NO_BASELINE": "1"])
    try repository.expectError(run, 65, "broken.safetensors")
    for report in reports where repository.has("out/\(report)") {
      #expect(try !repository.read("out/\(report)").contains("failures=\"0\" pass"), "\(report)")
    }
    #expect(!repository.has("out/result.json") && !repository.has("out/metrics.txt"))
  }

  /// Only the gate's own verdict ends with 1 or 3.
  @Test(
    arguments: [
      ("exit 1", 70, "ended with status 1"), ("exit 3", 70, "ended with status 3"),
      ("kill -KILL $$", 70, "ended with status 137"), ("exit 74", 74, "exit status 74"),
      ("exit 75", 75, "the next job with the same 'out' continues"),
      ("kill -TERM $$", 75, "the next job with the same 'out' continues"),
      ("echo 'dis-eval: error: 100 % & <full>' >&2; exit 71", 71, "<full> (exit status 71)"),
    ] as [(String, Int32, String)])
  func endsOfScoring(fid: String, status: Int32, text: String) throws {
    let environment = ["DIS_EVAL": try repository.tool(fid: fid), "ALLOW_NO_BASELINE": "1"]
    let run = try repository.step([:], environment)
    try repository.expectError(run, status, text)
    if status == 71 {
      #expect(run.errors.contains("::error title=dis-eval::100 %25 & <full> (exit status 71)\n"))
      #expect(try repository.read("out/junit.xml").contains("100 % &amp; &lt;full&gt; (exit"))
    }
  }

  /// A cached run is continued only when everything that decides its bytes is as it was.
  @Test func runsAreNamedByEverythingThatDecidesTheirBytes() throws {
    for name in ["stats.npz", "stats.json", "labels.npy"] { try repository.write("1", to: name) }
    let version = "dis-eval 1.0.0\nkernels: avx2"
    func run(_ environment: [String: String] = [:], version: String = version) throws -> String {
      let tool = try repository.tool(
        fid: "printf '%s' \"${@: -1}\" > ../run; exit 75", version: version)
      let settings = [
        "DIS_EVAL": tool, "ALLOW_NO_BASELINE": "1", "REFERENCE": "stats.npz",
        "EXTRA": "--labels labels.npy",
      ]
      let run = try repository.step([:], settings.merging(environment) { $1 })
      #expect(run.status == 75, "\(run.errors)")
      return try repository.read("../run")
    }
    let otherKernels = "dis-eval 1.0.0\nkernels: avx512"
    let first = try run()
    #expect(first.hasPrefix("out/run-"))
    #expect(try run() == first)
    var seen = [
      first, try run(version: otherKernels), try run(version: "dis-eval 1.0.1\nkernels: avx2"),
      try run(["SEED": "1"]),
    ]
    for name in ["stats.npz", "stats.json", "labels.npy", "model.safetensors"] {
      try repository.write("2", to: name)
      seen.append(try run())
    }
    try repository.write("num=300\nsteps=8\n", to: ".dis-eval/plan")
    seen.append(try run())
    #expect(Set(seen).count == seen.count, "\(seen)")
    // Who chooses the kernels can continue on every machine that has them.
    let chosen = ["EXTRA": "--kernels avx2"]
    #expect(try run(chosen) == run(chosen, version: otherKernels))
  }

  /// Weights come from where the settings say, into the folder that the CI system keeps.
  @Test func weightsAreFetchedBeforeScoring() throws {
    let server = try LoopbackServer { _ in .init(body: Array("other weights".utf8)) }
    let run = try repository.step(
      [:],
      [
        "WEIGHTS": "pytorch-fid", "WEIGHTS_FROM": server.address("/mirror.pth"),
        "ALLOW_NO_BASELINE": "1",
      ])
    try repository.expectError(run, 65, "expected 6726825d")
    #expect(server.requests.map(\.path) == ["/mirror.pth"])
    #expect(repository.has("cache/dis-eval") && !repository.has("out/result.json"))
  }
}
