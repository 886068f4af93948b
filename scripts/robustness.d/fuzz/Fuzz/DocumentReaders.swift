@testable import DisEval
import Files
@testable import References
import Reporting
import Results

extension Reader {
  /// Documents of text.
  static let documents = [
    Reader(name: "document", suffix: ".json") { try readDocument($0) },
    Reader(name: "statistics-record", suffix: ".json") {
      _ = try StatisticsRecord(path: $0.path)
    },
    Reader(name: "registry", suffix: ".json") {
      _ = try StatisticsRegistry(json: $0.bytes, subject: "input")
    },
    Reader(name: "ledger", suffix: ".jsonl") { try readLedger($0.bytes) },
    Reader(name: "policy", suffix: ".yml") {
      _ = try Policy(yaml: $0.bytes, subject: "input")
    },
    Reader(name: "sweep-list", suffix: ".csv") { _ = try SweepCheckpoint.list($0.path) },
    Reader(name: "hashes", suffix: ".json") { _ = ContentHashes(path: $0.path) },
    Reader(name: "inspect") { try readAnything($0.path) },
  ]
}

/// Reads a document of dis-eval by its form.
private func readDocument(_ input: Input) throws {
  let schema = documentSchema(of: input.bytes).map { $0.prefix { $0 != "/" } }
  switch schema {
  case "dis-eval-gate": _ = try GateReport(contentsOf: input.path).json()
  case "dis-eval-benchmark": _ = try BenchmarkResult(contentsOf: input.path).json()
  default:
    let recorded = try RecordedEvaluation(contentsOf: input.path, as: .baseline)
    for name in recorded.metrics.keys { _ = recorded.jackknife(of: name) }
    _ = recorded.randomStream
  }
}

/// Reads a ledger, and what is written of it.
private func readLedger(_ bytes: [UInt8]) throws {
  let ledger = try Ledger(bytes, subject: "input")
  let again = try Ledger(ledger.bytes, subject: "written")
  expect(again.entries == ledger.entries, "written differently")
}

/// Describes a file of any kind.
private func readAnything(_ path: String) throws { _ = try Inspection(path: path, key: nil).json() }
