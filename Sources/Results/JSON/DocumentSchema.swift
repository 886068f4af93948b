import Files
import Foundation

/// Returns the name of a document's form, such as `dis-eval-result/1`; nil for a file that is not a
/// document of dis-eval. A ledger has it on every line.
///
/// - Parameter bytes: The whole file, in UTF-8.
package func documentSchema(of bytes: [UInt8]) -> String? {
  struct Named: Decodable { let schema: String }
  func schema(_ bytes: some Sequence<UInt8>) -> String? {
    try? JSONDecoder().decode(Named.self, from: Data(bytes)).schema
  }
  guard let name = schema(bytes) ?? schema(bytes.prefix { $0 != UInt8(ascii: "\n") }),
    name.hasPrefix("dis-eval-")
  else { return nil }
  return name
}

/// What the documents of dis-eval are, by the name of their form without its version.
package let documentKinds: [String: String] = [
  "dis-eval-baseline": "baseline of a gate",
  "dis-eval-benchmark": "result of a benchmark",
  "dis-eval-comparison": "comparison of two results",
  "dis-eval-explanation": "explanation of a distance by dialects",
  "dis-eval-gate": "verdict of a gate",
  "dis-eval-hashes": "hashes of files",
  "dis-eval-inspection": "description of a file",
  "dis-eval-ledger": "ledger of evaluations",
  "dis-eval-plot": "numbers of a drawing",
  "dis-eval-registry": "registry of statistics",
  "dis-eval-repeats": "results of several seeds",
  "dis-eval-rerun": "comparison of a result with its repetition",
  "dis-eval-result": "result of an evaluation",
  "dis-eval-run": "record of a run",
  "dis-eval-shard": "report of a shard",
  "dis-eval-statistics": "record of statistics",
  "dis-eval-statistics-description": "description of statistics",
  "dis-eval-statistics-list": "list of statistics",
  "dis-eval-sweep": "table of a sweep",
  "dis-eval-weights": "record of converted weights",
]
