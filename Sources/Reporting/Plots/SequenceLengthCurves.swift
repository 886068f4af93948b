import Files
import Foundation
import Results

/// The cost of a forward pass of DiS-S/2 by the number of tokens, L: counted for it and for the
/// same network with attention, and measured by `dis-eval bench`.
public struct SequenceLengthCurves: Sendable {
  /// The cost of a forward pass at one sequence length.
  public struct Cost: Sendable {
    /// The number of operations of DiS-S/2, with a multiply-add counted as two.
    public var operations: Double
    /// The number of operations in the matrix products of the same network with transformer blocks
    /// instead of its mixers.
    public var transformerOperations: Double

    /// Creates a cost from its two counts.
    ///
    /// - Parameters:
    ///   - operations: The number of operations of DiS-S/2, with a multiply-add counted as two.
    ///   - transformerOperations: The number in the matrix products of the same network with
    ///     transformer blocks, counted in the same way.
    public init(operations: Double, transformerOperations: Double) {
      (self.operations, self.transformerOperations) = (operations, transformerOperations)
    }
  }

  /// Returns the cost for a number of tokens.
  private let cost: @Sendable (Int) -> Cost
  /// The seconds per pass of DiS, by the number of tokens.
  private var measured: [Int: Double] = [:]
  /// The seconds per pass of the same network with attention, by the number of tokens.
  private var measuredAttention: [Int: Double] = [:]

  /// Creates the counted curves, without measurements.
  ///
  /// - Parameter cost: Returns the cost of a forward pass for a number of tokens, L.
  public init(cost: @escaping @Sendable (Int) -> Cost) { self.cost = cost }

  /// Adds the measurements that a benchmark made of forward passes.
  ///
  /// - Parameters:
  ///   - benchmark: The result of the benchmark, in passes per second.
  ///   - path: The path from which they were read, for messages.
  /// - Throws: ``Failure`` `NoMeasurement` (65) if there are measurements for fewer than two
  ///   lengths.
  public mutating func add(_ benchmark: BenchmarkResult, path: String) throws(Failure) {
    for entry in benchmark.measurements where entry.perSecond > 0 {
      if let tokens = Self.lengths[entry.name] { measured[tokens] = 1 / entry.perSecond }
      if let tokens = Self.attentionLengths[entry.name] {
        measuredAttention[tokens] = 1 / entry.perSecond
      }
    }
    guard measured.count > 1 else {
      throw Failure(
        .dataRefused, .noMeasurement, path,
        "expected at least two of \(Self.lengths.keys.sorted().joined(separator: ", ")); measure "
          + "with 'dis-eval bench `json` `only` dis-s2 `only` dis-s2-1025 `only` dis-s2-4097'")
    }
  }

  /// The number of tokens that values are relative to if there are measurements: that of DiS-S/2 on
  /// 32 x 32 pixels.
  private static let base = 257
  private static let lengths = ["dis-s2": 257, "dis-s2-1025": 1025, "dis-s2-4097": 4097]
  private static let attentionLengths = [
    "transformer-s2": 257, "transformer-s2-1025": 1025, "transformer-s2-4097": 4097,
  ]

  /// Returns the drawing of the counted curves from 64 to 16,384 tokens, and of the measurements.
  ///
  /// - Parameter title: The title; nil for one that names the quantities.
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
      let lines = [
        ("DiS", measuredPoints(measured, \.operations)),
        ("attention", measuredPoints(measuredAttention, \.transformerOperations)),
      ]
      for (name, points) in lines where points.count > 1 {
        series.append(Plot.Series("\(name), measured", points: points))
        if let law = try? PowerLaw(points.map { ($0.x, $0.y) }) {
          notes.append(
            "Measured time of \(name) grows with tokens to the power of "
              + "\(String(format: "%.3f", law.exponent)).")
        }
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

  /// The measured times relative to that of the base; if the base was not measured, scaled so that
  /// the shortest length is on the counted curve.
  private func measuredPoints(
    _ measured: [Int: Double], _ operations: (Cost) -> Double
  ) -> [Plot.Point] {
    let first = measured[Self.base] == nil ? measured.keys.min() ?? Self.base : Self.base
    let seconds = measured[first] ?? 1
    let scale = operations(cost(first)) / operations(cost(Self.base))
    return measured.map { tokens, time in
      Plot.Point("\(tokens)", x: Double(tokens), y: scale * time / seconds)
    }
  }
}
