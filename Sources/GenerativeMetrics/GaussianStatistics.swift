/// The mean and covariance of a set of features, which a Fréchet distance compares as a Gaussian.
public struct GaussianStatistics: Equatable, Sendable {
  /// The number of samples N, or nil if it is unknown.
  public let count: Int?
  /// The mean of each feature, `[D]`.
  public let mean: [Double]
  /// The unbiased covariance (`numpy.cov`, divisor N - 1), `[D, D]` in row-major order.
  public let covariance: [Double]
  /// The relative error of the numbers in ``covariance``: the unit in the last place of the type in
  /// which they were stored. It determines how negative an eigenvalue may be to count as a rounding
  /// error.
  public let relativePrecision: Double

  /// The number of features D.
  public var dimension: Int { mean.count }

  /// The largest D for which the workspace of LAPACK's `dsyevd`, 2D² + 6D + 1, fits in an `Int32`.
  public static let maximumDimension = 32_766

  /// Creates statistics from external data, such as a reference file, after checking them.
  ///
  /// - Parameters:
  ///   - count: The number of samples N; nil if unknown.
  ///   - mean: `[D]`.
  ///   - covariance: `[D, D]`. Whether it is positive semidefinite becomes apparent only in a
  ///     factorisation, and is checked by ``frechetDistance(between:and:)``.
  ///   - relativePrecision: The relative rounding error of the values: 2⁻⁵² for float64, 2⁻²³ for
  ///     float32 and 2⁻¹⁰ for float16.
  /// - Throws: ``MetricError`` `TooFewSamples` if N < 2; `ShapeMismatch` if D is 0, above
  ///   ``maximumDimension`` or not that of the covariance; `NonFinite` for a NaN or an infinity;
  ///   `NotSymmetric` if max|S - Sᵀ| > 1e-6 max|S|.
  public init(
    count: Int?, mean: [Double], covariance: [Double], relativePrecision: Double = 0x1p-52
  ) throws(MetricError) {
    let dimension = mean.count
    if let count, count < 2 { throw .tooFewSamples(count, atLeast: 2) }
    guard 1...Self.maximumDimension ~= dimension, covariance.count == dimension * dimension else {
      throw MetricError(
        .shapeMismatch, "a mean of \(dimension) and a covariance of \(covariance.count) values")
    }
    if let index = mean.firstIndex(where: { !$0.isFinite }) {
      throw MetricError(.nonFinite, "mean[\(index)] is \(mean[index])")
    }
    var largest = 0.0
    var asymmetry = (row: 0, column: 0, difference: 0.0)
    for row in 0..<dimension {
      for column in 0..<dimension {
        let value = covariance[row * dimension + column]
        guard value.isFinite else {
          throw MetricError(.nonFinite, "covariance[\(row), \(column)] is \(value)")
        }
        largest = max(largest, abs(value))
        guard column < row else { continue }
        let difference = abs(value - covariance[column * dimension + row])
        if difference > asymmetry.difference { asymmetry = (row, column, difference) }
      }
    }
    guard asymmetry.difference <= 1e-6 * largest else {
      throw MetricError(
        .notSymmetric,
        "covariance[\(asymmetry.row), \(asymmetry.column)] and its mirror image differ by "
          + "\(asymmetry.difference); the largest value is \(largest)")
    }
    self.init(
      unchecked: count, mean: mean, covariance: covariance, relativePrecision: relativePrecision)
  }

  init(
    unchecked count: Int?, mean: [Double], covariance: [Double], relativePrecision: Double = 0x1p-52
  ) {
    self.count = count
    self.mean = mean
    self.covariance = covariance
    self.relativePrecision = relativePrecision
  }
}

extension MetricError {
  static func tooFewSamples(_ count: Int, atLeast minimum: Int) -> MetricError {
    MetricError(.tooFewSamples, "\(count) samples; at least \(minimum) are needed")
  }

  static func dimensionMismatch(_ a: Int, _ b: Int) -> MetricError {
    MetricError(.dimensionMismatch, "one set has \(a) features per sample, the other \(b)")
  }
}
