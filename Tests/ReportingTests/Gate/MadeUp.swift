import Files
import Foundation
import Reporting
import _TestSupport

/// Made-up results, for the gate to judge.
enum MadeUp {
  static func metric(
    _ value: Double, error: Double? = nil, higher: Bool = false, more: String = ""
  ) -> String {
    MadeUpMetric(value, error: error, higherIsBetter: higher, more: more).json
  }

  static let provenance = """
    {"dialect": "tf", "num": 50000, "tool": "dis-eval 0", "checkpoint": {"sha256": "ck"},
     "extractor": {"name": "inception-2015", "file": "a.pth", "sha256": "e1"},
     "reference": {"file": "r.npz", "sha256": "r1", "count": 9, "dialect": "tf"},
     "sampler": {"name": "ddim", "steps": 50, "cfg_interval": null, "cfg_scale": 1.5, "seed": SEED,
                 "stream": "s1"}}
    """

  static func document(
    _ metrics: [String: String], seed: UInt64 = 0, schema: String = "dis-eval-result/1",
    changing: (String, String)? = nil
  ) -> String {
    let list = metrics.map { "\"\($0)\": \($1)" }.joined(separator: ", ")
    var provenance = provenance.replacingOccurrences(of: "SEED", with: "\(seed)")
    if let (old, new) = changing {
      provenance = provenance.replacingOccurrences(of: old, with: new)
    }
    return """
      {"schema": "\(schema)", "metrics": {\(list)}, "skipped": {"kid": "no rows"},
       "provenance": \(provenance), "samples_sha256": null, "run": {"threads": 1}}
      """
  }

  static func read(_ text: String, as role: ScoredResult.Role = .result) throws -> ScoredResult {
    let folder = try TemporaryFolder()
    let path = folder.path("r.json")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try ScoredResult(contentsOf: path, as: role)
  }
}
