import DisEval
import Files
import References
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
    Reader(name: "plot", suffix: ".jsonl") { try readAndDraw($0.bytes) },
    Reader(name: "gate") { try readAndJudge($0) },
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
  case "dis-eval-reconstruction":
    _ = try ReconstructionResult(contentsOf: input.path).json()
  default:
    let recorded = try RecordedEvaluation(contentsOf: input.path, as: .baseline)
    _ = recorded.contradiction ?? recorded.randomStream?.first
    _ = try? EvaluationRequest(repeating: recorded)
    try readAndReport(input.bytes)
  }
}

/// Makes a page of a result, with all that a report shows of it.
private func readAndReport(_ bytes: [UInt8]) throws {
  guard let result = try? EvaluationResult(json: bytes, subject: "input") else { return }
  let report = ReportedResult(result, path: "input")
  let page = ReportPage(
    title: report.title, subtitle: report.subtitle,
    sections: [report.metrics, try report.origin, report.environment])
  _ = try page.html()
}

/// Reads a ledger, and what is written of it.
private func readLedger(_ bytes: [UInt8]) throws {
  let ledger = try Ledger(bytes, subject: "input")
  let again = try Ledger(ledger.bytes, subject: "written")
  expect(again.entries == ledger.entries, "written differently")
  for format in ExportFormat.allCases where format != .mlflow {
    _ = try format.text(ledger.entries)
  }
  _ = try ReportedLedger(ledger, path: "input").page.html()
}

/// Draws the entries of a ledger. The first two bytes of the input choose what is drawn.
private func readAndDraw(_ bytes: [UInt8]) throws {
  guard bytes.count > 2 else { return }
  func choice<Value>(_ values: [Value], _ byte: UInt8) -> Value { values[Int(byte) % values.count] }
  let ledger = try Ledger(Array(bytes[2...]), subject: "input")
  var curves = ScalingCurves(
    x: choice(ScalingAxis.allCases, bytes[0]), fit: choice(FitName.allCases, bytes[1]))
  curves.allowsMixed = true
  curves.isLinear = bytes[1] & 0x80 != 0
  let plot = try curves.plot(ledger.entries)
  _ = plot.csv
  _ = try plot.gnuplot(.svg, stem: "plot")
  // A law may be beyond all numbers.
  _ = (try? plot.json(), try? plot.vegaLite())
}

/// Judges a result against a baseline by a policy, which are the parts of the input.
private func readAndJudge(_ input: Input) throws {
  let parts = input.parts(3)
  let policy = try Policy(yaml: parts[0], subject: "policy")
  let baseline = try RecordedEvaluation(
    contentsOf: input.file(parts[1], suffix: ".baseline.json"), as: .baseline)
  let result = try RecordedEvaluation(
    contentsOf: input.file(parts[2], suffix: ".json"), as: .result)
  let report = try Gate(result, by: policy, baseline: baseline).report()
  _ = (report.text, report.annotations, report.markdown, report.openMetrics, report.junit)
}

/// Describes a file of any kind.
private func readAnything(_ path: String) throws { _ = try Inspection(path: path, key: nil).json() }
