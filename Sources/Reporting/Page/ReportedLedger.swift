import Files
import Results

/// The ledger of a sweep, as shown in a report.
public struct ReportedLedger: Sendable {
  private let table: EvaluationTable
  private let path: String
  /// The evaluations by their name.
  private let named: [String: [LedgerEntry]]

  /// The maximum number of rows on a page.
  static let largestTable = 1000

  /// Shows the evaluations of a ledger.
  ///
  /// - Parameters:
  ///   - ledger: The evaluations, at least one.
  ///   - path: Where it was read from, for messages.
  /// - Throws: ``Failure`` `LedgerInvalid` (65) when there is no evaluation.
  public init(_ ledger: Ledger, path: String) throws {
    guard !ledger.entries.isEmpty else {
      throw Failure(
        .dataRefused, .ledgerInvalid, path, "it has no evaluation yet; run the sweep first")
    }
    table = try EvaluationTable(ledger.entries)
    named = Dictionary(grouping: table.entries, by: \.name)
    self.path = path
  }

  private var entries: [LedgerEntry] { table.entries }

  /// The page without its figures.
  public var page: ReportPage {
    let names = Set(entries.map(\.name)).sorted()
    return ReportPage(
      title: "Sweep\(names.count == 1 ? " \(names[0])" : "")",
      subtitle: "\(entries.count) evaluation\(entries.count == 1 ? "" : "s")",
      sections: [evaluations, conditions])
  }

  /// The table of evaluations: names, then metrics, then the settings that differ.
  private var evaluations: ReportPage.Section {
    let settings = table.columns.dropFirst().filter { !$0.isMetric }
    let metrics = table.columns.filter(\.isMetric)
    let intervals = metrics.map { column in column.cells.contains { $0.interval != nil } }
    let checkpoints = table.entries.map(\.checkpoint)
    let hasCheckpoints = Set(checkpoints).count > 1
    let rows = table.entries.indices.prefix(Self.largestTable).map { row -> [ReportPage.Cell] in
      let values = zip(metrics, intervals).flatMap { column, hasInterval -> [ReportPage.Cell] in
        let cell = column.cells[row]
        let ends = cell.interval.map { "\($0.low) to \($0.high)" } ?? "–"
        return [.number(cell.text)] + (hasInterval ? [.number(ends)] : [])
      }
      let others = settings.map { column -> ReportPage.Cell in
        column.isNumber ? .number(column.cells[row].text) : .text(column.cells[row].text)
      }
      return [.text(label(table.entries[row]))] + values + others
        + (hasCheckpoints ? [.code(checkpoints[row] ?? "–")] : [])
    }
    let headings =
      zip(metrics, intervals).flatMap { column, hasInterval in
        [column.heading] + (hasInterval ? ["95 % interval"] : [])
      } + settings.map(\.heading) + (hasCheckpoints ? ["Checkpoint"] : [])
    let shared = table.conditions.map { "\($0.name) \($0.value)" }.joined(separator: "; ")
    var blocks: [ReportPage.Block] =
      shared.isEmpty ? [] : [.text("Of all evaluations: \(shared).")]
    blocks.append(
      .table(
        ReportPage.Table("Evaluations by name", headings: ["Name"] + headings, rows: rows)))
    blocks += metrics.compactMap(best)
    if entries.count > 1, !table.differing.isEmpty {
      blocks.append(
        .missing(
          "No best value is named, because evaluations differ in: "
            + "\(table.differing.joined(separator: ", "))."))
    }
    if entries.count > rows.count {
      blocks.append(
        .missing("The first \(rows.count) of \(entries.count) evaluations; the rest is in \(path).")
      )
    }
    return ReportPage.Section("Evaluations", blocks)
  }

  /// Returns the name of an evaluation, with its family or checkpoint if several have the same name.
  private func label(_ entry: LedgerEntry) -> String {
    guard let same = named[entry.name], same.count > 1 else { return entry.name }
    if let family = entry.family, same.count(where: { $0.family == family }) == 1 {
      return "\(family): \(entry.name)"
    }
    return entry.name + (entry.checkpoint.map { " (\($0))" } ?? "")
  }

  /// Returns a sentence that names the evaluations with the best value of a metric; nil if none is
  /// marked.
  private func best(_ column: EvaluationTable.Column) -> ReportPage.Block? {
    let best = zip(table.entries, column.cells).filter { $0.1.isBest }
    guard let first = best.first, best.count < column.cells.count else { return nil }
    let names = best.prefix(3).map { label($0.0) }.joined(separator: ", ")
    return .text(
      "Best \(column.heading): \(first.1.text), \(names)\(best.count > 3 ? " and others" : "").")
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
