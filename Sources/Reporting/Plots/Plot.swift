import Files
import Foundation

/// A drawing of points with intervals, in series, with fitted laws.
public struct Plot: Equatable, Sendable {
  /// An axis of the drawing.
  public struct Axis: Equatable, Sendable {
    /// The quantity, with its unit.
    public var label: String
    /// Whether equal ratios have equal lengths.
    public var isLogarithmic: Bool

    /// Creates an axis from its label and scale.
    ///
    /// - Parameters:
    ///   - label: The quantity, with its unit.
    ///   - isLogarithmic: Whether equal ratios have equal lengths.
    public init(_ label: String, isLogarithmic: Bool) {
      (self.label, self.isLogarithmic) = (label, isLogarithmic)
    }
  }

  /// The value of one evaluation.
  public struct Point: Equatable, Sendable {
    /// The name of the point, for tables.
    public var name: String
    /// The position, in the units of the two axes.
    public var x, y: Double
    /// The interval of `y`.
    public var interval: ClosedRange<Double>?
    /// What `y` is the value of.
    public var kind: Kind

    /// What a point shows.
    public enum Kind: String, CaseIterable, Sendable {
      /// One evaluation.
      case evaluation
      /// The mean of several trainings of one recipe.
      case mean
      /// One of these trainings, which is drawn as a small hollow mark without an interval.
      case training
    }

    /// Creates a point from its position.
    ///
    /// - Parameters:
    ///   - name: The name of the point, for tables.
    ///   - x: The position on the horizontal axis, in its unit; above 0 if the axis is logarithmic.
    ///   - y: The position on the vertical axis, in its unit; above 0 if the axis is logarithmic.
    ///   - interval: The interval of `y`, in the same unit; nil if there is none.
    ///   - kind: What `y` is the value of.
    public init(
      _ name: String, x: Double, y: Double, interval: ClosedRange<Double>? = nil,
      kind: Kind = .evaluation
    ) {
      (self.name, self.x, self.y, self.interval, self.kind) = (name, x, y, interval, kind)
    }
  }

  /// Points that belong together.
  public struct Series: Equatable, Sendable {
    /// The name shown next to the points.
    public var name: String
    /// The points, in ascending order of `x`.
    public private(set) var points: [Point]
    /// The law to draw instead of lines between points.
    public var law: PowerLaw?
    /// Whether the values were counted rather than measured; then they are drawn as a line without
    /// marks.
    public var isCounted = false

    /// Creates a series of points and, if there is one, the law that was fitted to them.
    ///
    /// - Parameters:
    ///   - name: The name shown next to the points.
    ///   - points: The points, in any order.
    ///   - law: The law to draw instead of lines between points; nil for lines.
    ///   - isCounted: Whether the values were counted rather than measured.
    public init(_ name: String, points: [Point], law: PowerLaw? = nil, isCounted: Bool = false) {
      (self.name, self.law, self.isCounted) = (name, law, isCounted)
      self.points = points.sorted { ($0.x, $0.y, $0.name) < ($1.x, $1.y, $1.name) }
    }
  }

  /// The title above the drawing.
  public var title: String
  /// The horizontal and the vertical axis.
  public var x, y: Axis
  /// The series, in the order of their colours.
  public var series: [Series]
  /// The lines below the drawing: what the points have in common, laws, and warnings.
  public var notes: [String]
  /// The range over which laws are drawn, if it exceeds that of the points.
  public var extent: ClosedRange<Double>?
  /// The size of pictures without the notes, which are added below; nil for 8.4 by 5.6 inches, or more if
  /// the names of the series need it.
  public var size: PictureSize?
  /// The texts around a picture. Tables and JSON have all of them.
  public var caption = Caption.all

  /// The texts around a picture.
  public enum Caption: Sendable {
    /// The title above and the notes below.
    case all
    /// The title.
    case title
    /// None.
    case none
  }

  /// Creates a drawing from its axes and series.
  ///
  /// - Parameters:
  ///   - title: The title above the drawing.
  ///   - x: The horizontal axis.
  ///   - y: The vertical axis.
  ///   - series: The series, in the order of their colours.
  ///   - notes: The lines below the drawing.
  public init(_ title: String, x: Axis, y: Axis, series: [Series], notes: [String] = []) {
    (self.title, self.x, self.y, self.series, self.notes) = (title, x, y, series, notes)
  }
}

extension Plot.Series {
  /// The mean of `y` at every `x`, in ascending order of `x`, through which the lines between
  /// points go.
  var means: [(x: Double, y: Double)] {
    Dictionary(grouping: points.filter { $0.kind != .training }, by: \.x).sorted { $0.key < $1.key }
      .map { x, points in
        (x, points.reduce(0) { $0 + $1.y } / Double(points.count))
      }
  }
}

extension Plot {
  /// A point of a law's curve.
  struct CurvePoint: Equatable {
    let x, y: Double
    let band: ClosedRange<Double>?
    /// Whether the point is outside the range of the points.
    let isExtrapolated: Bool
  }

  /// Returns the curve of a series' law at 61 places spaced by equal ratios, and at the ends of the
  /// points' range.
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

  /// Returns the range of an axis: everything that is drawn, and a margin.
  private func range(_ values: [Double], _ axis: Axis) -> ClosedRange<Double> {
    // Quotients and differences of such numbers are finite, as ticks need them.
    let shown = values.filter { axis.isLogarithmic ? 1e-100...1e100 ~= $0 : abs($0) <= 1e100 }
    guard let low = shown.min(), let high = shown.max() else { return 1...10 }
    if axis.isLogarithmic {
      let room = max(pow(high / low, 0.06), 1.04)
      return low / room...high * room
    }
    let room = max(0.06 * (high - low), 0.02 * max(abs(high), abs(low)), 1e-12)
    // The axis does not extend below 0 if no value does.
    return (low >= 0 ? max(0, low - room) : low - room)...high + room
  }

  var xRange: ClosedRange<Double> {
    range(series.flatMap { $0.points.map(\.x) + curve($0).map(\.x) }, x)
  }

  var yRange: ClosedRange<Double> {
    range(
      series.flatMap { series in
        series.points.flatMap { point in
          // The intervals of single trainings are not drawn.
          [point.y]
            + (point.kind == .training
              ? [] : point.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
        } + curve(series).map(\.y)
      }, y)
  }

  /// Returns the position of a value on the axis with the given range, from 0 to 1.
  func position(of value: Double, in range: ClosedRange<Double>, _ axis: Axis) -> Double {
    axis.isLogarithmic
      ? log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
      : (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }
}

extension Plot.Axis {
  /// Returns the positions of the labelled ticks.
  ///
  /// - Parameter fit: Returns whether labels at these positions have enough space.
  func ticks(_ range: ClosedRange<Double>, fit: ([Double]) -> Bool) -> [Double] {
    let steps = [5, 4, 3, 2, 1].map { self.steps(range, parts: $0) }
    let usual = logarithmicTicks(range).map { [$0] } ?? steps.prefix(1)
    if let found = usual.first(where: fit) { return found }
    let fewer = isLogarithmic ? sparseTicks(range) : []
    return (fewer + steps).first { $0.count > 1 && fit($0) } ?? steps.last { !$0.isEmpty } ?? []
  }

  /// Returns the ticks of a logarithmic axis, four to nine of them; nil if there are fewer.
  private func logarithmicTicks(_ range: ClosedRange<Double>) -> [Double]? {
    guard isLogarithmic else { return nil }
    for digits in [[1.0], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]] {
      let found = multiples(digits, in: range)
      if found.count >= 4 {
        return found.count > 9
          ? found.enumerated().filter { $0.offset % 2 == 0 }.map(\.element) : found
      }
    }
    return nil
  }

  /// Returns ticks for a logarithmic axis with little space, those with more ticks first.
  private func sparseTicks(_ range: ClosedRange<Double>) -> [[Double]] {
    let decades = multiples([1], in: range)
    let parts = [2, 3, 4, 6, 10, 20, 50].map { part in
      decades.enumerated().filter { $0.offset % part == 0 }.map(\.element)
    }
    let dense = [[1.0, 2, 5], [1, 3]].map { multiples($0, in: range) }
    let all: [[Double]] = dense + [decades] + parts
    return all.filter { $0.count > 1 }.sorted { $0.count > $1.count }
  }

  /// Returns the powers of ten in a range, multiplied by each of some factors.
  private func multiples(_ factors: [Double], in range: ClosedRange<Double>) -> [Double] {
    let decades = Int(floor(log10(range.lowerBound)))...Int(ceil(log10(range.upperBound)))
    return decades.flatMap { decade in factors.map { $0 * decimal(decade) } }
      .filter(range.contains)
  }

  /// Returns multiples of a round number, which divide a range into about as many parts as are given.
  private func steps(_ range: ClosedRange<Double>, parts: Int) -> [Double] {
    let (low, high) = (range.lowerBound, range.upperBound)
    let rough = (high - low) / Double(parts)
    let unit = decimal(Int(floor(log10(rough))))
    let step = ([1, 2, 2.5, 5, 10].first { $0 * unit >= rough } ?? 10) * unit
    let (first, last) = (Int((low / step).rounded(.up)), Int((high / step).rounded(.down)))
    return first > last ? [] : (first...last).map { Double($0) * step }
  }

  /// Returns a power of ten, exact where one is representable.
  private func decimal(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? 0 }
}

/// Returns the label of a number on an axis: 0.25, 400k, 28M, 5·10⁹.
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
    return (factor == "1" ? "" : "\(factor)·") + "10" + raised("\(exponent)")
  }
}

/// Returns the characters of a number, such as `-0.21`, as superscripts.
func raised(_ number: String) -> String {
  let superscripts = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
  return String(
    number.map { character in
      switch character {
      case "-": "⁻"
      case ".": "·"
      default: character.wholeNumberValue.map { superscripts[$0] } ?? character
      }
    })
}
