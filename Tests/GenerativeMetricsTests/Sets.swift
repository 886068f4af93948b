import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

func statistics(mean: [Double], covariance: [Double]) throws -> GaussianStatistics {
  try GaussianStatistics(count: nil, mean: mean, covariance: covariance)
}

func statistics(of rows: [Float], _ dimension: Int) throws -> GaussianStatistics {
  var accumulator = try GaussianAccumulator(dimension: dimension)
  try accumulator.append(rows: rows)
  return try accumulator.statistics()
}

func trace(_ set: GaussianStatistics) -> Double {
  (0..<set.dimension).reduce(0) { $0 + set.covariance[$1 * (set.dimension + 1)] }
}

func diagonal(_ values: [Double]) -> [Double] {
  values.indices.flatMap { row in values.indices.map { $0 == row ? values[row] : 0 } }
}

/// Correlated features around 1, `[count, dimension]`.
func features(_ count: Int, _ dimension: Int, seed: UInt64, scale: Float = 1) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).flatMap { _ in
    let common = generator.floats(1, scale: scale)[0]
    return generator.floats(dimension, scale: scale).map { 1 + $0 + common }
  }
}

/// A vector v for the reflection Q = I - 2 v vᵀ / vᵀv.
private func mirror(_ dimension: Int) -> [Double] {
  var generator = SeededGenerator(seed: 99)
  return generator.floats(dimension).map { Double($0) + 1.5 }
}

/// `Q diag(d) Q`, element by element and exactly symmetric.
func reflected(diagonal d: [Double]) -> [Double] {
  let v = mirror(d.count)
  let beta = 2 / v.reduce(0) { $0 + $1 * $1 }
  let weighted = beta * beta * zip(d, v).reduce(0) { $0 + $1.0 * $1.1 * $1.1 }
  var result = [Double](repeating: 0, count: d.count * d.count)
  for i in d.indices {
    for j in d.indices {
      result[i * d.count + j] =
        v[i] * v[j] * (weighted - beta * (d[i] + d[j])) + (i == j ? d[i] : 0)
    }
  }
  return result
}

/// Every row times Q.
func reflected(rows: [Float], _ dimension: Int) -> [Float] {
  let v = mirror(dimension)
  let beta = 2 / v.reduce(0) { $0 + $1 * $1 }
  return stride(from: 0, to: rows.count, by: dimension).flatMap { start in
    let row = rows[start..<start + dimension].map(Double.init)
    let along = beta * zip(row, v).reduce(0) { $0 + $1.0 * $1.1 }
    return zip(row, v).map { Float($0 - along * $1) }
  }
}

func pow10(_ exponent: Double) -> Double { pow(10, exponent) }

/// Expects a measured error to be within its bound.
func expect(
  _ error: Double, within bound: Double, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    reported(error, bound: bound, what) <= bound, "\(what): error \(error), bound \(bound)",
    sourceLocation: sourceLocation)
}

/// Expects a ``MetricError`` with this code and with `part` in its detail.
func expectRejection(
  _ code: String, naming part: String = "", sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> some Any
) {
  let error = #expect(throws: MetricError.self, sourceLocation: sourceLocation) { _ = try body() }
  #expect(error?.code.rawValue == code, sourceLocation: sourceLocation)
  #expect(part.isEmpty || error?.detail.contains(part) == true, sourceLocation: sourceLocation)
}

/// ``features(_:_:seed:scale:)``, checked.
func featureRows(
  _ count: Int, _ dimension: Int, seed: UInt64, scale: Float = 1
) throws -> FeatureRows {
  try FeatureRows(features(count, dimension, seed: seed, scale: scale), dimension: dimension)
}
