import Tensors

/// The squared Fréchet distances of samples without some of them from a reference, in single precision.
///
/// With the mean m and the covariance S of all N samples, a reference with the covariance `Σ₀ = F₀ᵀF₀`, and the
/// eigenvalues λ and eigenvectors U of `F₀ S F₀ᵀ`, a sample x becomes
/// ```
/// w = diag(λ^-½) Uᵀ F₀ (x - m)
/// ```
/// whose covariance is I. If some samples are left out, so that n remain with the mean m + s and the covariance C, the
/// trace of the root of `F₀ C F₀ᵀ` is that of
/// ```
/// B = diag(√λ) ((N - 1) I - Σ w wᵀ - n σ σᵀ) diag(√λ) / (n - 1)        s = -Σ (x - m) / n        σ = -Σ w / n
/// ```
/// where the sums are over the samples that are left out. Only they need be multiplied. B is nearly diagonal if they
/// are few, or many but similar to the others.
///
/// Because w has the same variance in every direction, rounding to single precision is relative to what the direction
/// contributes. The diagonal of B, which decides the distance to first order, is summed in double precision; only
/// products of two other elements enter the trace. In a direction with little variance, w is the difference of much
/// larger numbers; whether its error can be seen is checked.
struct DistanceOfRest: Sendable {
  /// The smallest number of features for which this is used. With fewer, distances from the start take little time.
  static let minimumDimension = 256
  /// What the estimate of an error by rounding may be, as a share of the traces of both covariances: 6e-6 if each is
  /// 100. The estimates add up what mostly cancels.
  static let roundingTolerance = 3e-8
  /// The error by which the expansion of a root may change a distance, as a share of the traces of both covariances.
  static let tolerance = 4e-9

  /// m, `[D]`.
  let mean: [Double]
  /// The sums over all samples whose products need not be computed.
  private let count: Int
  private let singleSum: [Float]
  private let squares: Double
  private let reference: FactoredGaussian
  private let precision: MeanPrecision
  /// `diag(λ^-½) Uᵀ F₀`, `[K, D]`.
  private let map: PackedLinear
  /// λ relative to the largest one, `[K]`.
  private let variances: [Double]
  /// The root of the largest λ.
  private let unit: Double
  /// The sum of √λ over the directions that are dropped.
  private let droppedRoots: Double

  /// Prepares the distances; nil if they would be too inexact in single precision, or if there are few features.
  ///
  /// Two estimates of an error of the distance must be within ``roundingTolerance``.
  ///
  /// - That of λ is 2⁻⁵¹ of the largest one, as in ``frechetDistance(between:and:)-(GaussianStatistics,_)``.
  ///   Directions in which it is more than a sixteenth of λ are dropped: for them, √λ of all samples is taken, with all
  ///   of it as the error.
  /// - That of w follows from the map W. Rounding the D products of a sum, of which the errors are taken as independent,
  ///   adds up to `2⁻⁴⁸ D Σⱼ Wᵢⱼ² Sⱼⱼ` to the variance of w. Rounding W itself changes this variance by a relative
  ///   error with the deviation `2⁻²³ √(Σⱼ Wᵢⱼ² Sⱼⱼ)`, of which a distance without a group sees a twentieth.
  ///
  /// - Parameters:
  ///   - samples: The moments of all N samples.
  ///   - reference: The Gaussian to compare with.
  ///   - precision: The precision in which the mean is summed.
  ///   - transport: The map from the samples to the reference; nil if it is not known yet.
  /// - Throws: ``MetricError`` as ``frechetDistance(between:and:)-(GaussianStatistics,_)`` does.
  init?(
    of samples: GaussianAccumulator, from reference: FactoredGaussian,
    mean precision: MeanPrecision, transport known: Transport?
  ) throws(MetricError) {
    guard samples.dimension >= Self.minimumDimension else { return nil }
    let statistics = try samples.statistics()
    let transport =
      if let known { known } else {
        try Transport(of: FactoredGaussian(statistics), to: reference)
      }
    let (dimension, divisor) = (samples.dimension, Double(samples.count - 1))
    let variances = (0..<dimension).map { statistics.covariance[$0 * (dimension + 1)] }
    let trace = variances.reduce(0, +)
    let tolerance = Self.roundingTolerance * (trace + reference.trace)

    let eigenvalues = transport.eigenvalues.suffix(reference.factorization.rank)
    let largest = eigenvalues.last ?? 0
    guard (0x1p-64 * largest).isNormal else { return nil }
    let error = 0x1p-51 * largest
    let kept = eigenvalues.drop { $0 < 16 * error }
    let dropped = eigenvalues.dropLast(kept.count)
    let lost =
      kept.reduce(0) { $0 + error / (2 * $1.squareRoot()) }
      + Double(dropped.count) * (16 * error).squareRoot()
    guard 2 * lost <= tolerance else { return nil }

    var map = [Float](repeating: 0, count: kept.count * dimension)
    var (noise, scaling) = (0.0, 0.0)
    for (row, eigenvalue) in kept.enumerated() {
      let first = (transport.map.rows - kept.count + row) * dimension
      let root = eigenvalue.squareRoot()
      var sum = 0.0
      for column in 0..<dimension {
        let value = transport.map.values[first + column] / root
        map[row * dimension + column] = Float(value)
        sum += value * value * variances[column]
      }
      // The root of λ changes by half as much, relative to itself.
      noise += root / 2 * 0x1p-48 * Double(dimension) * sum
      let deviation = root / 2 * 0x1p-23 / Double(Jackknife.groupCount)
      scaling += deviation * deviation * sum
    }
    // Not true if it is not a number. The distance has twice the trace of the root.
    guard 2 * (noise + 3 * scaling.squareRoot()) <= tolerance else { return nil }

    (count, singleSum, squares) = (samples.count, samples.singleSum, divisor * trace)
    (self.reference, self.precision, mean) = (reference, precision, statistics.mean)
    self.map = PackedLinear(Tensor(shape: [kept.count, dimension], values: map))
    (self.variances, unit) = (kept.map { $0 / largest }, largest.squareRoot())
    droppedRoots = dropped.reduce(0) { $0 + max($1, 0).squareRoot() }
  }

  /// Sums over some of the samples, as a ``DistanceOfRest`` maps them.
  struct Part: Sendable {
    fileprivate var count = 0
    /// `Σ (x - m)`, `[D]`.
    fileprivate var sum: [Double]
    /// `Σ x` in single precision, row by row.
    fileprivate var singleSum: [Float]
    /// `Σ |x - m|²`.
    fileprivate var squares = 0.0
    /// `Σ w`, `[K]`.
    fileprivate var mappedSum: [Double]
    /// The diagonal of `Σ w wᵀ`, `[K]`.
    fileprivate var mappedSquares: [Double]
    /// The lower triangle of `Σ w wᵀ`, `[K, K]`.
    fileprivate var products: [Float]

    /// Adds the sums over other samples.
    mutating func add(_ other: Part) {
      count += other.count
      squares += other.squares
      for index in sum.indices { sum[index] += other.sum[index] }
      singleSum.add(rows: other.singleSum)
      for index in mappedSum.indices {
        mappedSum[index] += other.mappedSum[index]
        mappedSquares[index] += other.mappedSquares[index]
      }
      products.withUnsafeMutableBufferPointer { products in
        other.products.withUnsafeBufferPointer { others in
          for index in products.indices { products[index] += others[index] }
        }
      }
    }
  }

  /// The sums over no samples.
  var noPart: Part {
    let directions = variances.count
    return Part(
      sum: [Double](repeating: 0, count: mean.count),
      singleSum: [Float](repeating: 0, count: mean.count),
      mappedSum: [Double](repeating: 0, count: directions),
      mappedSquares: [Double](repeating: 0, count: directions),
      products: [Float](repeating: 0, count: directions * directions))
  }

  /// Adds samples to a part, and returns w of each, `[n, K]`.
  ///
  /// - Parameters:
  ///   - rows: x, `[n, D]`.
  ///   - centered: x - m, `[n, D]`.
  func add(_ rows: [Float], centered: Matrix, to part: inout Part) -> Tensor {
    part.count += centered.rows
    part.singleSum.add(rows: rows)
    centered.values.withUnsafeBufferPointer { centered in
      for start in stride(from: 0, to: centered.count, by: mean.count) {
        for column in mean.indices {
          let value = centered[start + column]
          part.sum[column] += value
          part.squares += value * value
        }
      }
    }
    let mapped = map(
      Tensor(shape: [centered.rows, mean.count], values: centered.values.map { Float($0) }))
    mapped.values.withUnsafeBufferPointer { mapped in
      for start in stride(from: 0, to: mapped.count, by: variances.count) {
        for column in variances.indices {
          let value = Double(mapped[start + column])
          part.mappedSum[column] += value
          part.mappedSquares[column] += value * value
        }
      }
    }
    addLowerGram(mapped, times: 1, to: &part.products)
    return mapped
  }

  /// Returns samples as the transport maps them, `Uᵀ F₀ (x - m)`, `[n, K]`, for w of each.
  func unscaled(_ mapped: Tensor) -> Matrix {
    let roots = variances.map { $0.squareRoot() * unit }
    let values = [Double](unsafeUninitializedCapacity: mapped.count) { values, initialized in
      mapped.values.withUnsafeBufferPointer { mapped in
        for start in stride(from: 0, to: mapped.count, by: roots.count) {
          for column in roots.indices {
            values.initializeElement(
              at: start + column, to: roots[column] * Double(mapped[start + column]))
          }
        }
      }
      initialized = mapped.count
    }
    return Matrix(rows: mapped.rows, columns: roots.count, values: values)
  }

  /// Returns the distance without the samples of a part; nil if it must be computed from the start.
  func distance(without part: Part) -> Double? {
    let count = self.count - part.count
    let (n, scale) = (Double(count), 1 / Double(count - 1))
    let shift = part.sum.map { -$0 / n }
    let squaredShift = shift.reduce(0) { $0 + $1 * $1 }
    let trace = (squares - part.squares - n * squaredShift) * scale + reference.trace
    let mappedShift = part.mappedSum.map { -$0 / n }
    let diagonal = variances.indices.map { index in
      let variance = Double(self.count - 1) - part.mappedSquares[index]
      return (variance - n * mappedShift[index] * mappedShift[index]) * scale * variances[index]
    }
    guard diagonal.allSatisfy({ $0 > 0 }) else { return nil }
    guard
      let root = squareRootTrace(
        diagonal: diagonal, offDiagonal: offDiagonal(without: part, mappedShift, n: n),
        within: Self.tolerance * trace / (2 * unit))
    else { return nil }
    let means = zip(mean(without: part, shift: shift), reference.mean)
    let meanTerm = means.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let traceTerm = trace - 2 * (unit * root + droppedRoots)
    // The distance from the start says what is wrong.
    guard traceTerm >= -Self.roundingTolerance * trace, (meanTerm + traceTerm).isFinite else {
      return nil
    }
    return meanTerm + max(traceTerm, 0)
  }

  /// Returns the lower triangle of B without its diagonal, `[K, K]`.
  private func offDiagonal(without part: Part, _ mappedShift: [Double], n: Double) -> [Float] {
    let scale = (1 / (n - 1)).squareRoot()
    let roots = variances.map { Float($0.squareRoot() * scale) }
    let shift = mappedShift.map { Float($0 * n.squareRoot()) }
    var result = part.products
    result.withUnsafeMutableBufferPointer { result in
      for row in roots.indices {
        let start = row * roots.count
        for column in 0..<row {
          result[start + column] =
            -roots[row] * roots[column]
            * (result[start + column] + shift[row] * shift[column])
        }
        result[start + row] = 0
      }
    }
    return result
  }

  private func mean(without part: Part, shift: [Double]) -> [Double] {
    switch precision {
    case .float64: zip(mean, shift).map { $0 + $1 }
    case .float32:
      zip(singleSum, part.singleSum).map { Double(($0 - $1) / Float(count - part.count)) }
    }
  }
}
