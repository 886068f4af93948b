import Foundation
import Testing
import Yams
import _TestSupport

/// The jobs of `gitlab-ci.yml` as GitLab's runner starts their scripts.
@Suite("The kit's template for GitLab", .blocking) struct GitLabTemplateTests {
  let repository: CIRepository
  private let template: [AnyHashable: Any]

  init() throws {
    repository = try CIRepository()
    let text = try String(contentsOfFile: "\(CIRepository.kit)/gitlab-ci.yml", encoding: .utf8)
    template = try #require(try load(yaml: text) as? [AnyHashable: Any])
  }

  private func job(_ name: String) throws -> [String: Any] {
    try #require(template[name] as? [String: Any])
  }

  /// A repository to clone dis-eval from, with the kit, and a build that is those commands of bash.
  private func source(build: String) throws -> String {
    let source = repository.folder.path("dis-eval-\(UUID().uuidString)")
    let scripts = "\(source)/scripts"
    try FileManager.default.createDirectory(atPath: scripts, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: CIRepository.kit, toPath: "\(scripts)/ci")
    try Data("#!/bin/bash\n\(build)\n".utf8).write(
      to: URL(fileURLWithPath: "\(scripts)/ci/build.sh"))
    try repository.git("-C", source, "init", "--quiet")
    try repository.git("-C", source, "add", "--all")
    try repository.git("-C", source, "commit", "--quiet", "--message", "dis-eval")
    return source
  }

  /// Runs a job in the repository.
  private func run(_ name: String, build: String, _ environment: [String: String] = [:]) throws
    -> DisEvalProcess
  {
    let lines =
      try #require(try job(".dis-eval")["before_script"] as? [String])
      + #require(try job(name)["script"] as? [String])
    let runner = [
      "GITLAB_CI": "true", "CI_PROJECT_DIR": repository.url.path,
      "DIS_EVAL_SOURCE": try source(build: build), "DIS_EVAL_VERSION": "main",
      "DIS_EVAL_RELEASE": "source", "DIS_EVAL_SHA256": "",
    ]
    return try repository.shell(
      "unset DIS_EVAL\n" + lines.joined(separator: "\n"), runner.merging(environment) { $1 })
  }

  /// An old dis-eval on the PATH, which passes everything, does not stand in for one that was not built.
  @Test(arguments: ["exit 1", "echo /nowhere; exit 70", "true"])
  func failedBuildsFail(build: String) throws {
    let folder = repository.folder.path("bin")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let old = "\(folder)/dis-eval"
    try Data("#!/bin/bash\ntouch ../ran\n".utf8).write(to: URL(fileURLWithPath: old))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: old)
    // As in gate.conf of the kit: whatever is on the PATH, unless DIS_EVAL says otherwise.
    try repository.write(
      try repository.read(".dis-eval/gate.conf").replacingOccurrences(
        of: DisEvalProcess.executable.path, with: "dis-eval"), to: ".dis-eval/gate.conf")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let run = try self.run(
      "dis-eval-gate", build: build,
      ["PATH": "\(folder):\(path)", "ALLOW_NO_BASELINE": "1"])
    #expect(run.status != 0, "\(run.output) \(run.errors)")
    #expect(!repository.has("../ran"))
    #expect(run.status == 69 && run.errors.contains("building dis-eval has failed"))
  }

  /// A runner that keeps its folders runs the job again and again.
  @Test func jobsCanRunAgainInTheSameFolder() throws {
    let build = "echo '\(DisEvalProcess.executable.path)'"
    for _ in 0..<2 {
      let run = try self.run("dis-eval-gate", build: build)
      #expect(run.status == 66, "\(run.errors)")
      #expect(run.errors.contains("the baseline '.dis-eval/baseline.json' is not there"))
      #expect(try repository.read("out/junit.xml").contains("errors=\"1\""))
    }
  }

  /// The archive of a release takes the place of a build.
  @Test func aReleaseIsInstalled() throws {
    let release = try repository.release()
    let variables = ["DIS_EVAL_RELEASE": release.path, "DIS_EVAL_SHA256": release.sha256]
    var run = try self.run("dis-eval-gate", build: "exit 70", variables)
    #expect(run.status == 66, "\(run.errors)")
    #expect(run.errors.contains("the baseline '.dis-eval/baseline.json' is not there"))
    #expect(repository.has("../released"))
    run = try self.run(
      "dis-eval-gate", build: "exit 70",
      variables.merging(["DIS_EVAL_SHA256": String(repeating: "0", count: 64)]) { $1 })
    #expect(run.status == 65 && run.errors.contains("expected 0000"), "\(run.errors)")
  }

  /// The target branch judges, also of a merge request from a fork, whose origin is the fork.
  @Test func theTargetBranchOfAMergeRequestJudges() throws {
    try repository.branchOff()
    try repository.write("{}", to: ".dis-eval/baseline.json")
    let build = "echo '\(DisEvalProcess.executable.path)'"
    var variables = ["CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"]
    let missing = "the baseline '.dis-eval/baseline.json' is not there on the base branch 'main'"
    var run = try self.run("dis-eval-gate", build: build, variables)
    #expect(run.status == 66 && run.errors.contains(missing), "\(run.errors)")
    // The fork has a main of its own, with a baseline; the project of the request has none.
    try repository.commit()
    try repository.git(
      "clone", "--quiet", "--bare", repository.folder.path("origin.git"),
      repository.folder.path("project.git"))
    try repository.git("push", "--quiet", "origin", "change:main")
    variables["CI_PROJECT_URL"] = "file://" + repository.folder.path("origin")
    variables["CI_MERGE_REQUEST_PROJECT_URL"] = "file://" + repository.folder.path("project")
    run = try self.run("dis-eval-gate", build: build, variables)
    #expect(run.status == 66 && run.errors.contains(missing), "\(run.errors)")
  }

  @Test func theGateRunsWhereATargetBranchIsNamed() throws {
    let rules = try #require(try job("dis-eval-gate")["rules"] as? [[String: String]])
    #expect(rules.first?["if"] == "$CI_PIPELINE_SOURCE == \"merge_request_event\"")
    let caches = try #require(try job(".dis-eval")["cache"] as? [[String: Any]])
    #expect(
      caches.compactMap { $0["paths"] as? [String] }
        == [["dis-eval-out/run-*"], ["dis-eval-cache"]])
  }
}

/// The workflow and the caches for GitHub, which only a runner of GitHub can start.
@Suite("The kit's workflow for GitHub", .blocking) struct GitHubWorkflowTests {
  private func yaml(_ path: String) throws -> [AnyHashable: Any] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return try #require(try load(yaml: text) as? [AnyHashable: Any])
  }

  @Test func theActionKeepsWhatItMustAndNothingElse() throws {
    let runs = try #require(try yaml(CIRepository.action)["runs"] as? [String: Any])
    let steps = try #require(runs["steps"] as? [[String: Any]])
    func options(_ action: String) -> [[String: Any]] {
      steps.filter { ($0["uses"] as? String)?.hasPrefix(action + "@") == true }
        .compactMap { $0["with"] as? [String: Any] }
    }
    // upload-artifact leaves .dis-eval out unless told.
    #expect(options("actions/upload-artifact").first?["include-hidden-files"] as? Bool == true)
    // Runs and weights continue; verdicts of other jobs do not come back.
    let paths: [String?] = ["dis-eval-out/run-*", "dis-eval-cache"]
    #expect(options("actions/cache/restore").map { $0["path"] as? String } == paths)
    #expect(options("actions/cache/save").map { $0["path"] as? String } == paths)
    let settings = try String(contentsOfFile: "\(CIRepository.kit)/gate.conf", encoding: .utf8)
    #expect(settings.contains("OUT=${OUT:-dis-eval-out}\nCACHE=${CACHE:-dis-eval-cache}\n"))
    // Whoever moves a tag cannot change what runs.
    for action in steps.compactMap({ $0["uses"] as? String }) {
      #expect(action.contains(/@[0-9a-f]{40}$/), "\(action)")
    }
  }

  @Test func theWorkflowIsShort() throws {
    let path = "\(CIRepository.kit)/github-workflow.yml"
    let lines = try String(contentsOfFile: path, encoding: .utf8)
      .split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(lines.count <= 10)
    let job = try #require((try yaml(path)["jobs"] as? [String: [String: Any]])?["gate"])
    let step = try #require((job["steps"] as? [[String: Any]])?.last)
    let inputs = try #require(try yaml(CIRepository.action)["inputs"] as? [String: Any])
    let given = try #require(step["with"] as? [String: Any])
    #expect(given.keys.allSatisfy { inputs.keys.contains($0) } && given.count == 2)
  }
}
