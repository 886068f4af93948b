import Files
import Foundation
import Results

/// The cost of a forward pass of DiS-S/2 by the number of tokens: counted for it and for the same
/// network of attention, and measured by `dis-eval bench`.
public struct SequenceLengthCurves: Sendable {
  /// What a forward pass costs at one length of the sequence.
  public struct Cost: Sendable {
    /// Operations of DiS-S/2, a multiply-add counted as two.
    public var operations: Double
    /// Matrix products of the same network with transformer blocks in place of its mixers.
    public var transformerOperations: Double

    /// Notes a cost.
    public init(operations: Double, transformerOperations: Double) {
      (self.operations, self.transformerOperations) = (operations, transformerOperations)
    }
  }

  /// The cost at a number of tokens.
  private let cost: @Sendable (Int) -> Cost
  /// Seconds of a pass by the number of tokens.
  private var measured: [Int: Double] = [:]

  /// Prepares a drawing.
  ///
  /// - Parameter cost: The cost at a number of tokens.
  public init(cost: @escaping @Sendable (Int) -> Cost) { self.cost = cost }

  /// Takes the measurements of a benchmark.
  ///
  /// - Parameter path: Where they were read, for messages.
  ///
  /// - Throws: ``Failure`` `NoMeasurement` (65) when it has less than two lengths.
  public mutating func add(_ benchmark: BenchmarkResult, path: String) throws(Failure) {
    for entry in benchmark.measurements where entry.perSecond > 0 {
      guard let tokens = Self.lengths[entry.name] else { continue }
      measured[tokens] = 1 / entry.perSecond
    }
    guard measured.count > 1 else {
      throw Failure(
        .dataRefused, .noMeasurement, path,
        "expected two at least of \(Self.lengths.keys.sorted().joined(separator: ", ")); measure with "
          + "'dis-eval bench --json --only dis-s2 --only dis-s2-1025 --only dis-s2-4097'")
    }
  }

  /// The number of tokens that others are relative to when there are measurements: that of DiS-S/2 on
  /// 32 x 32 pixels.
  private static let base = 257
  private static let lengths = ["dis-s2": 257, "dis-s2-1025": 1025, "dis-s2-4097": 4097]

  /// The drawing.
  public func plot(title: String?) -> Plot {
    let isRelative = !measured.isEmpty
    let unit = isRelative ? cost(Self.base) : Cost(operations: 1e9, transformerOperations: 1e9)
    func points(_ operations: (Cost) -> Double) -> [Plot.Point] {
      (6...14).map { 1 << $0 }.map { tokens in
        Plot.Point("\(tokens)", x: Double(tokens), y: operations(cost(tokens)) / operations(unit))
      }
    }
    var series = [
      Plot.Series(
        "attention, counted", points: points(\.transformerOperations), isCounted: true),
      Plot.Series("DiS, counted", points: points(\.operations), isCounted: true),
    ]
    var notes = [
      "DiS-S/2 (width 368, 25 blocks); attention: the same network with a transformer's blocks, products only."
    ]
    if !measured.isEmpty {
      let points = measuredPoints
      series.append(Plot.Series("DiS, measured", points: points))
      if let law = try? PowerLaw(points.map { ($0.x, $0.y) }) {
        notes.append(
          "Measured time grows with tokens to the power of \(String(format: "%.3f", law.exponent))."
        )
      }
    }
    return Plot(
      title ?? "Cost of a forward pass by sequence length",
      x: Plot.Axis("Tokens", isLogarithmic: true),
      y: Plot.Axis(
        isRelative ? "Relative to \(Self.base) tokens" : "GFLOP (a multiply-add is 2)",
        isLogarithmic: true),
      series: series, notes: notes)
  }

  /// The measured times, relative to that of the base; where it was not measured, so that the shortest
  /// length lies on the counted curve.
  private var measuredPoints: [Plot.Point] {
    let first = measured[Self.base] == nil ? measured.keys.min() ?? Self.base : Self.base
    let seconds = measured[first] ?? 1
    let scale = cost(first).operations / cost(Self.base).operations
    return measured.map { tokens, time in
      Plot.Point("\(tokens)", x: Double(tokens), y: scale * time / seconds)
    }
  }
}
