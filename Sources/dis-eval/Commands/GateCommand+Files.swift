import Foundation

extension GateCommand {
  /// Refuses outputs that would overwrite inputs or each other. The baseline that
  /// `--update-baseline` replaces is an exception: it is read first.
  func checkFiles(baseline: String?) throws {
    var files = CommandFiles()
    for (option, path) in [
      ("the result", result), ("--ckpt", ckpt), ("--baseline", baseline), ("--policy", policy),
    ] { files.reads(option, path) }
    scoring.addInputs(to: &files, reference: reference.ref)
    for (option, path) in [
      ("--junit", junit), ("--openmetrics", openmetrics), ("--out", out), ("--summary", summary),
      ("--update-baseline", updateBaseline), ("--keep-result", keepResult),
    ] { files.writes(option, path) }
    let environment = ProcessInfo.processInfo.environment
    if environment["GITHUB_ACTIONS"] == "true" {
      for name in ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"] {
        if let path = environment[name], !path.isEmpty { files.writes(name, path) }
      }
    }
    try files.check(json: json)
  }
}
