import Files
import Foundation
import Results

/// The ledger of a sweep as a report shows it.
public struct ReportedLedger: Sendable {
  private let entries: [JSONValue]
  private let path: String

  /// Rows that a page shows.
  static let largestTable = 1000

  /// Reads `ledger.jsonl`.
  ///
  /// - Throws: ``Failure`` `ReportInput` (65) with the line, or when there is none; that of reading.
  public init(contentsOf path: String) throws(Failure) {
    entries = try ReportedFile.lines(path, schema: "dis-eval-ledger/1")
    self.path = path
    guard !entries.isEmpty else {
      throw ReportedFile.refusal(path, "no evaluation stands in it; run the sweep first")
    }
  }

  /// The page but for its figures.
  public var page: ReportPage {
    let names = Set(entries.compactMap { $0["name"]?.text }).sorted()
    return ReportPage(
      title: "Sweep\(names.count == 1 ? " \(names[0])" : "")",
      subtitle: "\(entries.count) evaluation\(entries.count == 1 ? "" : "s")",
      sections: [evaluations, conditions])
  }

  private var metricNames: [String] {
    Set(entries.flatMap { $0["metrics"]?.entries.map(\.key) ?? [] }).sorted()
  }

  private var evaluations: ReportPage.Section {
    let metrics = metricNames
    let rows = entries.prefix(Self.largestTable).map { entry -> [ReportPage.Cell] in
      let name = [entry["name"]?.text, entry["checkpoint"]?.text].compactMap(\.self)
      func number(_ value: JSONValue?, _ scale: Double = 1) -> ReportPage.Cell {
        .number(value?.double.map { shortest($0 / scale) } ?? "")
      }
      return [
        .text(name.joined(separator: ": ")), number(entry["training"]?["step"]),
        number(entry["parameters"], 1e6), number(entry["gflops"]?["true"]),
        .text(
          [entry["sampler"]?["name"]?.text, entry["sampler"]?["steps"].map { "\($0.shown) steps" }]
            .compactMap(\.self).joined(separator: ", ")),
        number(entry["sampler"]?["cfg_scale"]), number(entry["num"]),
      ]
        + metrics.map { name in
          let metric = entry["metrics"]?[name]
          let value = metric?["value"]?.double.map { shown($0) } ?? ""
          return .number(value + (metric.flatMap { interval(of: $0) }.map { " (\($0))" } ?? ""))
        }
    }
    var blocks: [ReportPage.Block] = [
      .table(
        ReportPage.Table(
          "Evaluations in the order of the ledger",
          headings: [
            "Checkpoint", "Step", "Parameters, 1e6", "Forward GFLOP", "Sampler", "Guidance",
            "Samples",
          ] + metrics, rows: rows))
    ]
    for name in metrics { blocks += best(name).map { [.text($0)] } ?? [] }
    if entries.count > rows.count {
      blocks.append(
        .missing("The first \(rows.count) of \(entries.count) evaluations; the rest is in \(path).")
      )
    }
    return ReportPage.Section("Evaluations", blocks)
  }

  /// Which evaluation has the best value of a metric; nil when that is no question.
  private func best(_ name: String) -> String? {
    let values = entries.compactMap { entry in
      entry["metrics"]?[name]?["value"]?.double.map { (entry: entry, value: $0) }
    }
    guard values.count > 1,
      let direction = values[0].entry["metrics"]?[name]?["higher_is_better"],
      let best = direction == .boolean(true)
        ? values.max(by: { $0.value < $1.value }) : values.min(by: { $0.value < $1.value })
    else { return nil }
    return "Best \(longName(name)): \(shown(best.value)), "
      + "\(best.entry["name"]?.text ?? best.entry["checkpoint"]?.text ?? "without a name")."
  }

  /// What all evaluations share, and that some differ.
  private var conditions: ReportPage.Section {
    let places = [
      ["dialect"], ["extractor", "name"], ["extractor", "sha256"], ["reference", "name"],
      ["reference", "sha256"], ["sampler", "seed"], ["sampler", "precision"], ["tool"],
    ]
    let rows = places.compactMap { place -> [ReportPage.Cell]? in
      let values = Set(
        entries.map { entry in
          place.reduce(Optional(entry)) { $0?[$1] }?.shown ?? "unknown"
        })
      let name = place.joined(separator: " ").replacing("sha256", with: "SHA-256")
      let text = values.sorted().prefix(5).joined(separator: "; ")
      return values == ["unknown"]
        ? nil : [.text(name), values.count == 1 ? .text(text) : .text("differs: \(text)")]
    }
    return ReportPage.Section(
      "Conditions", [.table(ReportPage.Table("What the numbers depend on", rows: rows))])
  }
}
