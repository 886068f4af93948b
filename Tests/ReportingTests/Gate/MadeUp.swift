import Files
import Foundation
import Results
import _TestSupport

/// Made-up results, for the gate to judge.
enum MadeUp {
  static func metric(
    _ value: Double, error: Double? = nil, higher: Bool = false, more: String = ""
  ) -> String {
    MadeUpMetric(value, error: error, higherIsBetter: higher, more: more).json
  }

  static func document(
    _ metrics: [String: String], seed: UInt64 = 0, schema: String = "dis-eval-result/1",
    changing: (String, String)? = nil
  ) -> String {
    var result = MadeUpResult(metrics, seed: seed)
    result.schema = schema
    result.changes = [changing].compactMap(\.self)
    return result.json
  }

  static func read(_ text: String, as role: RecordedEvaluation.Role = .result) throws
    -> RecordedEvaluation
  {
    let folder = try TemporaryFolder()
    let path = folder.path("r.json")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try RecordedEvaluation(contentsOf: path, as: role)
  }
}
