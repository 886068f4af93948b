import Foundation

/// A drawing of points with intervals, in families, with fitted laws.
public struct Plot: Equatable, Sendable {
  /// One of the two directions.
  public struct Axis: Equatable, Sendable {
    /// What it shows, with unit.
    public var label: String
    /// Whether equal ratios have equal lengths.
    public var isLogarithmic: Bool

    /// An axis.
    public init(_ label: String, isLogarithmic: Bool) {
      (self.label, self.isLogarithmic) = (label, isLogarithmic)
    }
  }

  /// One evaluation.
  public struct Point: Equatable, Sendable {
    /// What it is called; for tables.
    public var name: String
    public var x, y: Double
    /// The interval of `y`.
    public var interval: ClosedRange<Double>?

    /// A point.
    public init(_ name: String, x: Double, y: Double, interval: ClosedRange<Double>? = nil) {
      (self.name, self.x, self.y, self.interval) = (name, x, y, interval)
    }
  }

  /// Points that belong together.
  public struct Series: Equatable, Sendable {
    /// What stands beside them.
    public var name: String
    /// In the order of `x`.
    public private(set) var points: [Point]
    /// The law to draw in place of lines from point to point.
    public var law: PowerLaw?
    /// Whether it was counted, not measured: a line without marks.
    public var isCounted = false

    /// Points in any order.
    public init(_ name: String, points: [Point], law: PowerLaw? = nil, isCounted: Bool = false) {
      (self.name, self.law, self.isCounted) = (name, law, isCounted)
      self.points = points.sorted { ($0.x, $0.y, $0.name) < ($1.x, $1.y, $1.name) }
    }
  }

  /// Stands above the drawing.
  public var title: String
  /// The two directions.
  public var x, y: Axis
  /// Families, in the order of their names' colours.
  public var series: [Series]
  /// Lines below the drawing: what the points have in common, laws, and what has to be known.
  public var notes: [String]
  /// How far laws are drawn, where that is beyond the points.
  public var extent: ClosedRange<Double>?

  /// A drawing.
  public init(_ title: String, x: Axis, y: Axis, series: [Series], notes: [String] = []) {
    (self.title, self.x, self.y, self.series, self.notes) = (title, x, y, series, notes)
  }
}

extension Plot.Series {
  /// The mean at every `x`, in their order: where lines from point to point go.
  var means: [(x: Double, y: Double)] {
    Dictionary(grouping: points, by: \.x).sorted { $0.key < $1.key }.map { x, points in
      (x, points.reduce(0) { $0 + $1.y } / Double(points.count))
    }
  }
}

extension Plot {
  /// A law at one place, for drawing.
  struct CurvePoint: Equatable {
    let x, y: Double
    let band: ClosedRange<Double>?
    /// Beyond the points.
    let isExtrapolated: Bool
  }

  /// A series' law at 60 places of equal ratio, and at the ends of its points.
  func curve(_ series: Series) -> [CurvePoint] {
    guard let law = series.law else { return [] }
    let low = min(law.domain.lowerBound, extent?.lowerBound ?? .infinity)
    let high = max(law.domain.upperBound, extent?.upperBound ?? 0)
    let places = (0...60).map { low * pow(high / low, Double($0) / 60) }
    return Set(places + [law.domain.lowerBound, law.domain.upperBound]).sorted().map { x in
      CurvePoint(
        x: x, y: law.value(at: x), band: law.band(at: x), isExtrapolated: !law.domain.contains(x))
    }
  }

  /// The extent of an axis: all that is drawn, and room around it.
  private func range(_ values: [Double], _ axis: Axis) -> ClosedRange<Double> {
    guard let low = values.min(), let high = values.max() else { return 1...10 }
    if axis.isLogarithmic {
      let room = max(pow(high / low, 0.06), 1.04)
      return low / room...high * room
    }
    let room = max(0.06 * (high - low), 0.02 * max(abs(high), abs(low)), 1e-12)
    // Nothing is below 0 where no value is.
    return (low >= 0 ? max(0, low - room) : low - room)...high + room
  }

  var xRange: ClosedRange<Double> {
    range(series.flatMap { $0.points.map(\.x) + curve($0).map(\.x) }, x)
  }

  var yRange: ClosedRange<Double> {
    range(
      series.flatMap { series in
        series.points.flatMap { point in
          [point.y] + (point.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
        } + curve(series).map(\.y)
      }.filter { !y.isLogarithmic || $0 > 0 }, y)
  }

  /// Where on the axis of that range a value is, from 0 to 1.
  func position(of value: Double, in range: ClosedRange<Double>, _ axis: Axis) -> Double {
    axis.isLogarithmic
      ? log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
      : (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }
}

extension Plot.Axis {
  /// Where ticks with labels are.
  func ticks(_ range: ClosedRange<Double>) -> [Double] {
    let (low, high) = (range.lowerBound, range.upperBound)
    if isLogarithmic {
      let decades = Int(floor(log10(low)))...Int(ceil(log10(high)))
      for digits in [[1.0], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]] {
        let found = decades.flatMap { decade in digits.map { $0 * decimal(decade) } }
          .filter(range.contains)
        if found.count >= 4 {
          return found.count > 9
            ? found.enumerated().filter { $0.offset % 2 == 0 }.map(\.element) : found
        }
      }
    }
    let rough = (high - low) / 5
    let unit = decimal(Int(floor(log10(rough))))
    let step = ([1, 2, 2.5, 5, 10].first { $0 * unit >= rough } ?? 10) * unit
    return (Int((low / step).rounded(.up))...Int((high / step).rounded(.down))).map {
      Double($0) * step
    }
  }

  /// A power of ten, exactly where there is one.
  private func decimal(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? 0 }
}

/// A number on an axis: 0.25, 400k, 28M, 5·10⁹.
func tickLabel(_ value: Double) -> String {
  func digits(_ value: Double) -> String {
    let text = String(format: "%.3f", value)
    return text.contains(".")
      ? String(text.trimmingSuffix { $0 == "0" }.trimmingSuffix { $0 == "." }) : text
  }
  switch abs(value) {
  case 0: return "0"
  case 0.001..<1e4: return digits(value)
  case 1e4..<1e6: return digits(value / 1e3) + "k"
  case 1e6..<1e9: return digits(value / 1e6) + "M"
  default:
    let exponent = Int(floor(log10(abs(value)) + 1e-9))
    let factor = digits(value / pow(10, Double(exponent)))
    let superscripts = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let raised =
      (exponent < 0 ? "⁻" : "")
      + String(String(abs(exponent)).compactMap { $0.wholeNumberValue.map { superscripts[$0] } })
    return (factor == "1" ? "" : "\(factor)·") + "10" + raised
  }
}

extension Substring {
  fileprivate func trimmingSuffix(_ matches: (Character) -> Bool) -> Substring {
    var rest = self
    while let last = rest.last, matches(last) { rest.removeLast() }
    return rest
  }
}

extension String {
  fileprivate func trimmingSuffix(_ matches: (Character) -> Bool) -> Substring {
    self[...].trimmingSuffix(matches)
  }
}
