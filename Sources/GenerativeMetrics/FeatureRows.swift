import Tensors

/// The features of a set of samples: finite numbers, with one row per sample in ascending sample
/// index.
public struct FeatureRows: Equatable, Sendable {
  /// The values, `[N, D]` in row-major order.
  public let values: [Float]
  /// The number of features D.
  public let dimension: Int
  /// The number of samples N.
  public var count: Int { values.count / dimension }

  /// Creates feature rows after checking the values.
  ///
  /// - Parameters:
  ///   - values: `[N, D]`; N may be 0.
  ///   - dimension: D, at most ``GaussianStatistics/maximumDimension``.
  /// - Throws: ``MetricError`` `ShapeMismatch` if D is not in this range or the values are not whole
  ///   rows, `NonFinite` with the index of the sample for a NaN or an infinity.
  public init(_ values: [Float], dimension: Int) throws(MetricError) {
    try checkDimension(dimension)
    try checkRows(values, dimension: dimension, firstSample: 0)
    self.values = values
    self.dimension = dimension
  }

  /// Returns ranges of `size` consecutive samples, the last of which may be shorter.
  func blocks(of size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// Returns the rows in the order of `samples`, in float64.
  ///
  /// - Returns: `[samples, D]`.
  func matrix(_ samples: some Collection<Int>) -> Matrix {
    let values = [Double](unsafeUninitializedCapacity: samples.count * dimension) { buffer, count in
      for sample in samples {
        for value in self.values[sample * dimension..<(sample + 1) * dimension] {
          buffer.initializeElement(at: count, to: Double(value))
          count += 1
        }
      }
    }
    return Matrix(rows: samples.count, columns: dimension, values: values)
  }
}

/// Checks that features have a possible length.
///
/// - Throws: ``MetricError`` `ShapeMismatch` if D is not from 1 to
///   ``GaussianStatistics/maximumDimension``.
func checkDimension(_ dimension: Int) throws(MetricError) {
  guard 1...GaussianStatistics.maximumDimension ~= dimension else {
    throw MetricError(
      .shapeMismatch,
      "\(dimension) features per sample, expected 1 to \(GaussianStatistics.maximumDimension)")
  }
}

/// Checks that both sets have the same D and at least `minimum` samples.
///
/// - Throws: ``MetricError`` `DimensionMismatch` or `TooFewSamples` if they do not.
func checkPair(
  _ a: FeatureRows, _ b: FeatureRows, atLeast minimum: Int
) throws(MetricError) {
  guard a.dimension == b.dimension else { throw .dimensionMismatch(a.dimension, b.dimension) }
  let count = min(a.count, b.count)
  guard count >= minimum else { throw .tooFewSamples(count, atLeast: minimum) }
}
