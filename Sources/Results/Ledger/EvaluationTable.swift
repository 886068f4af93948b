import Files
import Foundation
import GenerativeMetrics

/// A table of evaluations for a paper or a page: a row for each evaluation, a column for what differs,
/// and one for each metric with its interval.
///
/// What all evaluations share is in ``conditions`` instead of a column. The best value of a metric is
/// marked if the number of samples, the reference, the extractor and the dialect agree; that of
/// metrics that can become better when diversity is lost is not.
public struct EvaluationTable: Sendable {
  /// A column with a cell for each evaluation.
  package struct Column: Sendable {
    package var heading: String
    package var isNumber: Bool
    /// Whether the column has values of a metric.
    package var isMetric = false
    package var cells: [Cell]
  }

  /// A cell.
  package struct Cell: Sendable {
    package var text: String
    /// The ends of the interval; nil if there is none.
    package var interval: (low: String, high: String)?
    /// Whether it is the best value of its column.
    package var isBest = false
  }

  /// The evaluations, in the order of the rows.
  package let entries: [LedgerEntry]
  package private(set) var columns: [Column]
  /// What all evaluations share, as names and values.
  package private(set) var conditions: [(name: String, value: String)] = []
  /// The settings that differ and without which values cannot be compared.
  package let differing: [String]
  /// What intervals and marks are, as sentences.
  private(set) var remarks: [String] = []

  /// Creates the table of evaluations, sorted by family and name, with numbers in names in the order of
  /// their values.
  ///
  /// - Parameters:
  ///   - entries: The evaluations.
  ///   - metrics: The metrics, in the order of their columns; nil for all.
  /// - Throws: `Failure` `ExportInvalid` (65) if no evaluation has one of the metrics, or there are no
  ///   evaluations.
  public init(_ entries: [LedgerEntry], metrics: [String]? = nil) throws(Failure) {
    guard !entries.isEmpty else {
      throw Failure(.dataRefused, .exportInvalid, "the input", "has no evaluations")
    }
    let found = Set(entries.flatMap(\.metrics.keys))
    for metric in metrics ?? [] where !found.contains(metric) {
      throw Failure(
        .dataRefused, .exportInvalid, metric,
        "no evaluation has this metric; found \(found.sorted().joined(separator: ", "))")
    }
    self.entries = entries.naturallySorted
    differing = TableSetting.all.filter { setting in
      setting.decidesComparison && Set(entries.map { setting.value($0) }).count > 1
    }.map(\.heading)
    columns = [
      Column(heading: "Name", isNumber: false, cells: self.entries.map { Cell(text: $0.name) })
    ]
    for setting in TableSetting.all { add(setting) }
    let chosen = metrics ?? TableSetting.metrics(found)
    for metric in chosen { add(metric) }
    remark(chosen)
  }

  /// Adds a setting as a column, or to the conditions if all evaluations share it.
  private mutating func add(_ setting: TableSetting) {
    let values = entries.map { setting.value($0) }
    let unit = setting.unit.isEmpty ? "" : " \(setting.unit)"
    if Set(values).count == 1 {
      if let value = values.first ?? nil, !setting.isOfName {
        conditions.append((setting.heading, value + unit))
      }
      return
    }
    columns.append(
      Column(
        heading: setting.heading + (unit.isEmpty ? "" : " (\(setting.unit))"),
        isNumber: setting.isNumber, cells: values.map { Cell(text: $0 ?? "–") }))
  }

  /// Adds the columns of a metric: its values and, if there are any, its debiased values.
  private mutating func add(_ metric: String) {
    let counts = Set(entries.map(\.num))
    let heading = paperName(
      ofMetric: metric, count: counts.count == 1 ? counts.first ?? nil : nil)
    let scores = entries.map { $0.metrics[metric] }
    let isMarked = differing.isEmpty && MetricTitle(rawValue: metric)?.rewardsCollapse != true
    let isHigherBetter = scores.compactMap(\.self).contains(where: \.higherIsBetter)
    func column(
      _ heading: String, _ values: [Double?], _ intervals: [ClosedRange<Double>?]
    ) {
      let finite = values.compactMap(\.self).filter(\.isFinite)
      let format = DecimalFormat(finite, intervals.compactMap(\.self))
      let best = isHigherBetter ? finite.max() : finite.min()
      let marked = isMarked && finite.count > 1 ? best.map { format.text($0) } : nil
      columns.append(
        Column(
          heading: heading, isNumber: true, isMetric: true,
          cells: zip(values, intervals).map { value, interval in
            guard let value else { return Cell(text: "–") }
            let text = format.text(value)
            // Equal texts look equally good.
            return Cell(
              text: text,
              interval: interval.map { (format.text($0.lowerBound), format.text($0.upperBound)) },
              isBest: text == marked)
          }))
    }
    column(heading, scores.map { $0?.value }, scores.map { $0?.interval })
    guard scores.contains(where: { $0?.debiased != nil }) else { return }
    column(
      "\(heading), debiased", scores.map { $0?.debiased }, scores.map { $0?.debiasedInterval })
  }

  private mutating func remark(_ metrics: [String]) {
    if columns.contains(where: { $0.cells.contains { $0.interval != nil } }) {
      remarks.append("Brackets are 95 % intervals of sampling.")
    }
    guard entries.count > 1 else { return }
    guard differing.isEmpty else {
      return remarks.append(
        "No value is marked as the best, because evaluations differ in: "
          + "\(differing.joined(separator: ", ")).")
    }
    let unmarked = metrics.compactMap { MetricTitle(rawValue: $0) }.filter(\.rewardsCollapse)
    let names = unmarked.map { paperName(ofMetric: $0.rawValue).lowercased() }
    remarks.append(
      "The best value of a column is bold"
        + (names.isEmpty
          ? "."
          : ", except for \(names.joined(separator: ", ")), which can rise when diversity is lost.")
    )
  }
}

// MARK: - Columns

/// What a table says of an evaluation beside its metrics.
private struct TableSetting {
  let heading: String
  var unit = ""
  var isNumber = false
  /// Whether values of metrics cannot be compared if it differs.
  var decidesComparison = false
  /// Whether it is a part of the name, which readers do not need if all evaluations share it.
  var isOfName = false
  let value: (LedgerEntry) -> String?

  static var all: [TableSetting] {
    [
      TableSetting(heading: "Family", isOfName: true) { $0.family },
      TableSetting(heading: "Parameters", unit: "M", isNumber: true) {
        $0.parameters.map { threeDigits(Double($0) / 1e6) }
      },
      TableSetting(heading: "Forward pass", unit: "GFLOP", isNumber: true) {
        $0.gflops.map { threeDigits($0.total) }
      },
      TableSetting(heading: "Training steps", isNumber: true) {
        $0.training?.step.map(String.init)
      },
      TableSetting(heading: "Training images", isNumber: true) {
        $0.training?.images.map(String.init)
      },
      TableSetting(heading: "Data") { $0.training?.data },
      TableSetting(heading: "N", isNumber: true, decidesComparison: true) {
        $0.num.map(String.init)
      },
      TableSetting(heading: "Sampler") { $0.sampler?.name },
      TableSetting(heading: "Steps", isNumber: true) { ($0.sampler?.steps).map(String.init) },
      TableSetting(heading: "Guidance", isNumber: true) { $0.sampler.map { plain($0.cfgScale) } },
      TableSetting(heading: "Eta", isNumber: true) {
        $0.sampler.flatMap { $0.eta == 0 ? nil : plain($0.eta) }
      },
      TableSetting(heading: "Precision of products") { $0.sampler?.precision },
      TableSetting(heading: "Sampling seed", isNumber: true) { $0.sampler.map { "\($0.seed)" } },
      TableSetting(heading: "Reference", decidesComparison: true) { named($0.reference) },
      TableSetting(heading: "Extractor", decidesComparison: true) { named($0.extractor) },
      TableSetting(heading: "Dialect", decidesComparison: true) { $0.dialect },
      TableSetting(heading: "Version") { $0.tool },
    ]
  }

  /// Returns metrics in the order of the documentation, then unknown ones by name.
  static func metrics(_ found: Set<String>) -> [String] {
    let known = MetricTitle.allCases.map(\.rawValue)
    return known.filter(found.contains) + found.subtracting(known).sorted()
  }

  private static func named(_ file: LedgerEntry.Named?) -> String? {
    file.map { $0.name + ($0.sha256.map { " (\($0.prefix(8)))" } ?? "") }
  }

  private static func threeDigits(_ value: Double) -> String {
    abs(value) >= 1000 ? String(format: "%.0f", value) : String(format: "%.3g", value)
  }

  private static func plain(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
  }
}

/// The number of decimals of a column: two digits of its narrowest interval's half width or, without
/// intervals, four of its smallest value.
private struct DecimalFormat {
  private let decimals: Int

  init(_ values: [Double], _ intervals: [ClosedRange<Double>]) {
    func smallest(_ numbers: [Double]) -> Double? {
      numbers.filter { $0.isFinite && $0 > 0 }.min()
    }
    let half = smallest(intervals.map { ($0.upperBound - $0.lowerBound) / 2 })
    let (scale, digits) = half.map { ($0, 2) } ?? (smallest(values.map(abs)) ?? 1, 4)
    // Rounded first, so that 0.0996 counts as 0.10.
    let rounded = Double(String(format: "%.*e", digits - 1, scale)) ?? scale
    decimals = min(9, max(0, digits - 1 - Int(floor(log10(rounded)))))
  }

  func text(_ value: Double) -> String {
    String(format: "%.*f", decimals, value).replacing("-", with: "−")
  }
}

extension [LedgerEntry] {
  /// The entries sorted by family and name, with numbers in names in the order of their values: `9k`
  /// before `10k`.
  package var naturallySorted: [LedgerEntry] {
    sorted { one, other in
      for (left, right) in [(one.family ?? "", other.family ?? ""), (one.name, other.name)]
      where left != right {
        let order = left.compare(right, options: .numeric)
        return order == .orderedSame ? left < right : order == .orderedAscending
      }
      func place(_ entry: LedgerEntry) -> (Int, UInt64, String) {
        (entry.training?.step ?? 0, entry.sampler?.seed ?? 0, entry.key)
      }
      return place(one) < place(other)
    }
  }
}
