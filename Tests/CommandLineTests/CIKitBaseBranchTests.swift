import Foundation
import Testing
import _TestSupport

/// Where the CI system names a base branch, a change is judged by that, not by what it brings.
@Suite("The kit and the base branch of a change", .blocking) struct CIKitBaseBranchTests {
  let repository: CIRepository

  init() throws { repository = try CIRepository() }

  private static let files = [
    ".dis-eval/gate.conf", ".dis-eval/policy.yml", ".dis-eval/baseline.json", ".dis-eval/plan",
  ]

  @Test func whatAChangeBringsDoesNotJudgeIt() throws {
    try repository.write("num=400\nsteps=8\n", to: ".dis-eval/plan")
    let baseline = try repository.step(["command": "baseline", "reason": "the first"])
    #expect(baseline.status == 0, "\(baseline.errors)")
    let main = try repository.branchOff()
    // A much worse model, with settings, a policy, a plan and a baseline by which it would pass.
    try CIRepository.writeModel(noise: 0.3, to: repository.path("model.safetensors"))
    try repository.write(
      try repository.read(".dis-eval/gate.conf") + "ARGUMENTS=(--sampler ddim)\nOUT=elsewhere\n",
      to: ".dis-eval/gate.conf")
    try repository.write(
      "schema: dis-eval-policy/1\nmetrics: {fd: {max: 100000, tolerance: 100000%}}\n",
      to: ".dis-eval/policy.yml")
    try repository.write("num=100\nsteps=2\n", to: ".dis-eval/plan")
    try repository.write("{}", to: ".dis-eval/baseline.json")
    try repository.commit()
    try repository.git("push", "--quiet", "origin", "change")

    // A runner's checkout has one commit and no other branch.
    try repository.git(
      "clone", "--quiet", "--depth", "1", "--branch", "change",
      "file://" + repository.folder.path("origin.git"), repository.folder.path("checkout"))
    try FileManager.default.removeItem(at: repository.url)
    try FileManager.default.moveItem(
      atPath: repository.folder.path("checkout"), toPath: repository.url.path)

    let gate = try repository.step(base: "main")
    #expect(gate.status == 1, "\(gate.output) \(gate.errors)")
    #expect(try repository.output() == "verdict=worse\n")
    let list = Self.files.joined(separator: ", ")
    let source = "Judged by the files of 'main' at \(main.prefix(12)): \(list)."
    #expect(try repository.summary().contains(source))
    #expect(try repository.read("out/summary.md").contains(source))
    #expect(try repository.read("out/verdict.json").contains("\"num\" : 400"))
    #expect(!repository.has("elsewhere"))
  }

  /// A baseline of the change is none, whatever is allowed; the rest of a first change counts then.
  @Test func aFirstChangeNeedsPermission() throws {
    let settings = try repository.read(".dis-eval/gate.conf")
    for name in ["gate.conf", "policy.yml", "plan"] { try repository.remove(".dis-eval/\(name)") }
    try repository.branchOff()
    try repository.write(settings, to: ".dis-eval/gate.conf")
    try repository.write("num=400\nsteps=4\n", to: ".dis-eval/plan")
    try repository.write("{}", to: ".dis-eval/baseline.json")
    try repository.write(
      "schema: dis-eval-policy/1\nmetrics: {fd: {max: 1000}}\n", to: ".dis-eval/policy.yml")
    try repository.commit()
    try repository.expectError(
      try repository.step(base: "main"), 66,
      "the settings '.dis-eval/gate.conf' are not there on the base branch 'main'")
    let gate = try repository.step([:], ["ALLOW_NO_BASELINE": "1"], base: "refs/heads/main")
    #expect(gate.status == 0, "\(gate.output) \(gate.errors)")
    let summary = try repository.summary()
    #expect(summary.contains("**No baseline: '.dis-eval/baseline.json' is not there on the base"))
    #expect(
      summary.contains(
        "**Not there on the base branch 'main', so the change is judged by its own: "
          + ".dis-eval/gate.conf, .dis-eval/policy.yml, .dis-eval/plan.**"), "\(summary)")
  }

  @Test func filesThatOnlyTheChangeHasAreNotThere() throws {
    for name in ["plan", "policy.yml"] { try repository.remove(".dis-eval/\(name)") }
    try repository.branchOff()
    try repository.write("{}", to: ".dis-eval/baseline.json")
    for name in ["policy.yml", "plan"] { try repository.write("x", to: ".dis-eval/\(name)") }
    try repository.expectError(
      try repository.step(base: "main"), 66,
      "the policy '.dis-eval/policy.yml' is not there on the base branch 'main'")
  }

  @Test func aBaselineOfTheChangeIsNone() throws {
    try repository.branchOff()
    try repository.write("{}", to: ".dis-eval/baseline.json")
    // By a path through the repository's absolute name as well.
    for path in [".dis-eval/baseline.json", repository.path(".dis-eval/baseline.json")] {
      try repository.expectError(
        try repository.step([:], ["BASELINE": path], base: "main"), 66,
        "the baseline '\(path)' is not there on the base branch 'main'")
    }
  }

  /// What scores the checkpoint cannot come with it, nor what jobs leave behind.
  @Test func inputsOfTheChangeAreRefused() throws {
    for name in ["stats.npz", "labels.npy"] { try repository.write("1", to: name) }
    try repository.branchOff()
    let allowed = [
      "ALLOW_NO_BASELINE": "1", "REFERENCE": "stats.npz", "EXTRA": "--labels=labels.npy",
    ]
    for name in ["stats.npz", "labels.npy"] {
      try repository.write("2", to: name)
      try repository.expectError(
        try repository.step([:], allowed, base: "main"), 65,
        "\(name): not the same as on the base branch 'main'")
      try repository.write("1", to: name)
    }
    // A record of the statistics that the base branch lacks, which names another extractor.
    try repository.write("{}", to: "stats.json")
    try repository.commit()
    try repository.expectError(
      try repository.step([:], allowed, base: "main"), 65, "stats.json: not the same as")
    try repository.git("rm", "--quiet", "stats.json")
    try FileManager.default.createDirectory(
      atPath: repository.path("out/run-0"), withIntermediateDirectories: true)
    try repository.write("forged", to: "out/run-0/run.json")
    try repository.git("add", "--force", "out/run-0")
    try repository.expectError(
      try repository.step([:], allowed, base: "main"), 65, "the repository has files in 'out'")
  }

  /// The checkpoint of the change is judged also when it has another name; its settings are not run.
  @Test func theCheckpointIsTheOneOfTheChange() throws {
    try repository.branchOff()
    let settings = try repository.read(".dis-eval/gate.conf")
    for (line, status, text) in [
      ("CHECKPOINT=new.safetensors", 66, "the checkpoint 'new.safetensors' is not there"),
      ("CHECKPOINT=\"${CHECKPOINT:-a/b.pt}\"", 66, "the checkpoint 'a/b.pt' is not there"),
      ("CHECKPOINT=$(touch ran)", 78, "expected CHECKPOINT=PATH"),
    ] as [(String, Int32, String)] {
      try repository.write(settings + line + "\n", to: ".dis-eval/gate.conf")
      try repository.expectError(
        try repository.step([:], ["ALLOW_NO_BASELINE": "1"], base: "main"), status, text)
    }
    #expect(!repository.has("ran"))
  }

  @Test func aBaseBranchThatCannotBeReadIsAnError() throws {
    try repository.write("{}", to: ".dis-eval/baseline.json")
    try repository.expectError(
      try repository.step(base: "main"), 69, "this folder is not a git checkout")
    try repository.git("init", "--quiet")
    try repository.commit()
    for base in ["main", "gone"] {
      try repository.expectError(
        try repository.step(base: base), 69, "the base branch '\(base)' cannot be fetched")
      if base == "main" {
        try repository.git(
          "remote", "add", "origin", "file://" + repository.folder.path("none.git"))
      }
    }
  }
}
