import Tensors

extension FeatureRows {
  /// The square root of the mean squared distance between two different samples, in the unit of the
  /// features; N >= 2, otherwise NaN.
  ///
  /// ```
  /// √(sum_{i≠j} |x[i] - x[j]|² / N(N - 1)) = √(2 tr S)        S the unbiased covariance
  /// ```
  /// For reference samples, this is a width σ for a Gaussian kernel `exp(-|x - y|² / 2σ²)` that
  /// depends on nothing but the reference, and that follows from a statistics file too
  /// (``GaussianStatistics/trace``). Two samples at this distance have the kernel `exp(-½)`. The
  /// usual median distance of a random subset of both sets is similar, but differs for every set of
  /// generated samples.
  public var rootMeanSquareDistance: Double {
    var moments = PointMoments(dimension: dimension)
    for start in stride(from: 0, to: values.count, by: dimension) {
      moments.add(values[start..<start + dimension])
    }
    return count < 2 ? .nan : (2 * moments.scatter / Double(count - 1)).squareRoot()
  }
}

extension Jackknife {
  /// Returns the jackknife of the total variance of samples that need not be in memory, as
  /// ``totalVarianceJackknife(of:)`` does.
  ///
  /// All values follow from the mean and the scatter of each group, without subtraction:
  /// ```
  /// sum_i |x[i] - m|² = sum_h (scatter_h + N_h |m_h - m|²)
  /// ```
  ///
  /// - Parameters:
  ///   - count: N, at least ``minimumCount``.
  ///   - dimension: D.
  ///   - rows: Returns the features `[n, D]` of a range of samples. Called once for each range, in
  ///     order.
  /// - Throws: ``MetricError`` `TooFewSamples` if there are fewer samples, `ShapeMismatch` if D is
  ///   not possible or `rows` returns something other than the rows of the range, `NonFinite` for a
  ///   NaN or an infinity; or the error thrown by `rows`.
  package static func ofTotalVariance(
    count: Int, dimension: Int, rows: (Range<Int>) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Jackknife {
    guard count >= minimumCount else { throw .tooFewSamples(count, atLeast: minimumCount) }
    try checkDimension(dimension)
    let groups = groups(count: count)
    var moments = (0..<groupCount).map { _ in PointMoments(dimension: dimension) }
    for start in stride(from: 0, to: count, by: 1024) {
      let range = start..<min(start + 1024, count)
      let values = try rows(range)
      try checkRows(values, dimension: dimension, firstSample: start)
      guard values.count == range.count * dimension else {
        throw MetricError(.shapeMismatch, "\(values.count / dimension) rows of \(range.count)")
      }
      for (row, sample) in range.enumerated() {
        moments[groups[sample]].add(values[row * dimension..<(row + 1) * dimension])
      }
    }
    let leftOut = moments.indices.map { group in
      PointMoments.variance(of: moments.indices.filter { $0 != group }.map { moments[$0] })
    }
    return Jackknife(value: PointMoments.variance(of: moments), leftOut: leftOut, count: count)
  }
}

/// Returns the total variance of features, as ``totalVarianceJackknife(of:)`` defines it; N >= 2.
///
/// - Parameter rows: `[N, D]`.
/// - Throws: ``MetricError`` `TooFewSamples` if there are fewer than 2 samples.
public func totalVariance(of rows: FeatureRows) throws(MetricError) -> Double {
  guard rows.count >= 2 else { throw .tooFewSamples(rows.count, atLeast: 2) }
  let distance = rows.rootMeanSquareDistance
  return distance * distance / 2
}

/// Returns the jackknife of the total variance of features, `sum_i |x[i] - m|² / (N - 1)` for the
/// mean m, which is the trace of their unbiased covariance.
///
/// It says how much samples differ from each other. Beside that of the reference
/// (``GaussianStatistics/trace``), it says whether they vary too little or too much.
///
/// - Parameter rows: `[N, D]`, N at least ``Jackknife/minimumCount``.
/// - Throws: ``MetricError`` `TooFewSamples` if there are fewer samples.
public func totalVarianceJackknife(of rows: FeatureRows) throws(MetricError) -> Jackknife {
  try .ofTotalVariance(count: rows.count, dimension: rows.dimension) {
    Array(rows.values[$0.lowerBound * rows.dimension..<$0.upperBound * rows.dimension])
  }
}

/// The mean of points and the sum of their squared distances from it.
private struct PointMoments {
  var count = 0.0
  var mean: [Double]
  /// `sum_i |x[i] - mean|²`.
  var scatter = 0.0

  init(dimension: Int) { mean = [Double](repeating: 0, count: dimension) }

  /// Adds a point: Welford's formula, so that nothing cancels.
  mutating func add(_ point: ArraySlice<Float>) {
    count += 1
    for (column, value) in point.enumerated() {
      let difference = Double(value) - mean[column]
      mean[column] += difference / count
      scatter += difference * (Double(value) - mean[column])
    }
  }

  /// Returns the sum of the unbiased variances of the points of several parts.
  static func variance(of parts: [PointMoments]) -> Double {
    let count = parts.reduce(0) { $0 + $1.count }
    let scatter = parts.reduce(0) { $0 + $1.scatter }
    let mean = parts[0].mean.indices.map { column in
      parts.reduce(0) { $0 + $1.count * $1.mean[column] } / count
    }
    let between = parts.reduce(0) { sum, part in
      sum + part.count
        * zip(part.mean, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    return (scatter + between) / (count - 1)
  }
}
