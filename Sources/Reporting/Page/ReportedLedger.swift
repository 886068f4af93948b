import Files
import Results

/// The ledger of a sweep, as shown in a report.
public struct ReportedLedger: Sendable {
  private let entries: [LedgerEntry]
  private let path: String

  /// The maximum number of rows on a page.
  static let largestTable = 1000

  /// Shows the evaluations of a ledger.
  ///
  /// - Parameters:
  ///   - ledger: The evaluations, at least one.
  ///   - path: Where it was read from, for messages.
  /// - Throws: ``Failure`` `LedgerInvalid` (65) when there is no evaluation.
  public init(_ ledger: Ledger, path: String) throws {
    (entries, self.path) = (ledger.entries, path)
    guard !entries.isEmpty else {
      throw Failure(
        .dataRefused, .ledgerInvalid, path, "it has no evaluation yet; run the sweep first")
    }
  }

  /// The page without its figures.
  public var page: ReportPage {
    let names = Set(entries.map(\.name)).sorted()
    return ReportPage(
      title: "Sweep\(names.count == 1 ? " \(names[0])" : "")",
      subtitle: "\(entries.count) evaluation\(entries.count == 1 ? "" : "s")",
      sections: [evaluations, conditions])
  }

  private var evaluations: ReportPage.Section {
    let metrics = Set(entries.flatMap(\.metrics.keys)).sorted()
    func number(_ value: Double?, _ scale: Double = 1) -> ReportPage.Cell {
      .number(value.map { sixDigits($0 / scale) } ?? "")
    }
    let rows = entries.prefix(Self.largestTable).map { entry -> [ReportPage.Cell] in
      let name = [entry.name, entry.checkpoint].compactMap(\.self).joined(separator: ": ")
      let sampler =
        entry.sampler.map { sampler in
          sampler.name + (sampler.steps.map { ", \($0) steps" } ?? "")
        } ?? ""
      return [
        .text(name), number(entry.training?.step.map(Double.init)),
        number(entry.parameters.map(Double.init), 1e6), number(entry.gflops?.total),
        .text(sampler), number(entry.sampler?.cfgScale), number(entry.num.map(Double.init)),
      ]
        + metrics.map { name in
          guard let score = entry.metrics[name] else { return .number("") }
          return .number(
            shown(score.value) + (ends(score.interval).map { " (\($0))" } ?? "")
              + (score.debiased.map { ", debiased \(shown($0))" } ?? ""))
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

  /// Returns a sentence that names the evaluation with the best value of a metric; nil if there is
  /// only one.
  private func best(_ name: String) -> String? {
    let scores = entries.compactMap { entry in entry.metrics[name].map { (entry, score: $0) } }
    guard scores.count > 1 else { return nil }
    let isHigher = scores[0].score.higherIsBetter
    let best = scores.min {
      isHigher ? $0.score.value > $1.score.value : $0.score.value < $1.score.value
    }
    return best.map { "Best \(longName(name)): \(shown($0.score.value)), \($0.0.name)." }
  }

  /// The section of conditions, with those that all evaluations share and those that differ.
  private var conditions: ReportPage.Section {
    let places: [(name: String, value: (LedgerEntry) -> String?)] = [
      ("dialect", { $0.dialect }), ("extractor name", { $0.extractor?.name }),
      ("extractor SHA-256", { $0.extractor?.sha256 }), ("reference name", { $0.reference?.name }),
      ("reference SHA-256", { $0.reference?.sha256 }),
      ("sampler seed", { $0.sampler.map { "\($0.seed)" } }),
      ("sampler precision", { $0.sampler?.precision }), ("tool", { $0.tool }),
    ]
    let rows = places.compactMap { name, value -> [ReportPage.Cell]? in
      let values = Set(entries.map { value($0) ?? "unknown" })
      let text = values.sorted().prefix(5).joined(separator: "; ")
      return values == ["unknown"]
        ? nil : [.text(name), values.count == 1 ? .text(text) : .text("differs: \(text)")]
    }
    return ReportPage.Section(
      "Conditions", [.table(ReportPage.Table("What the numbers depend on", rows: rows))])
  }
}
