import Foundation
import Tensors

/// The first-order influence of each sample on a squared Fréchet distance from a fixed reference.
///
/// With the mean m and the covariance S (ddof 1) of N samples, a reference with the mean μ₀ and the
/// covariance Σ₀ = F₀ᵀF₀, the eigenvalues λ and eigenvectors U of `F₀ S F₀ᵀ`, and for a sample x
/// ```
/// y = x - m        z = Uᵀ F₀ y        hᵢ = 2 (m - μ₀)ᵀ y + |y|² - Σₖ zₖ² / √λₖ        minus their mean
/// ```
/// hᵢ / N is how much the distance changes to first order if sample i counts twice. Since `T = F₀ᵀ U
/// diag(λ^-½) Uᵀ F₀` is the map with `T S T = Σ₀`, the sum is `2 (m - μ₀)ᵀ y + yᵀ (I - T) y`. Directions
/// with λ below 1e-10 of the largest are left out.
///
/// - SeeAlso: Hampel, "The influence curve and its role in robust estimation", J. American Statistical
///   Association 69 (1974).
public struct FrechetInfluence: Equatable, Sendable {
  /// h, `[N]` in the order of the samples, with the mean 0.
  public let values: [Float]
  /// The error of the distance that follows from the values.
  public let summary: InfluenceSummary
  /// The errors of the two terms of the distance.
  public let terms: FrechetTermErrors
}

/// Returns the influence of each sample on the squared Fréchet distance of a set of features from a Gaussian.
///
/// ```swift
/// let distance = try frechetDistance(betweenRows: rows.values, and: reference).value
/// let influence = try frechetInfluence(of: rows, on: reference)
/// let interval = MetricEstimate(distance, influence.summary).interval()
/// ```
///
/// Takes about as long as a few distances.
///
/// - Parameters:
///   - rows: The features of the N samples, `[N, D]`, N > D.
///   - reference: The statistics of the other set, with the same D, taken as fixed.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D; `TooFewSamples` if there are no more
///   samples than features, so that rare kinds of samples may not be among them; as
///   ``frechetDistance(between:and:)`` does.
public func frechetInfluence(
  of rows: FeatureRows, on reference: GaussianStatistics
) throws(MetricError) -> FrechetInfluence {
  let dimension = rows.dimension
  guard rows.count > dimension else { throw .tooFewSamples(rows.count, atLeast: dimension + 1) }
  return try FrechetInfluence(
    of: FactoredGaussian(rows: rows.values, dimension: dimension, mean: .float64),
    count: rows.count, on: FactoredGaussian(reference)
  ) { range throws(MetricError) in
    Array(rows.values[range.lowerBound * dimension..<range.upperBound * dimension])
  }
}

// MARK: - Computation

extension FrechetInfluence {
  /// Computes the influence of each sample on its distance from a reference.
  ///
  /// Takes one eigendecomposition of `[D, D]` and two products of all rows with `[D, D]`.
  ///
  /// - Parameters:
  ///   - samples: The Gaussian of the N samples.
  ///   - count: N, at least 2.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - rows: Returns the features `[n, D]` of a range of samples. Called once for each range, in order.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the Gaussians differ in D, `LAPACKFailure` if the
  ///   eigendecomposition fails, `Overflow` if a value is not finite; or the error thrown by `rows`.
  package init(
    of samples: FactoredGaussian, count: Int, on reference: FactoredGaussian,
    rows: (Range<Int>) throws(MetricError) -> [Float]
  ) throws(MetricError) {
    let dimension = samples.mean.count
    guard reference.mean.count == dimension else {
      throw .dimensionMismatch(dimension, reference.mean.count)
    }
    precondition(count >= 2, "\(count) samples")
    let transport = try Transport(of: samples, to: reference)
    let shift = zip(samples.mean, reference.mean).map { $0 - $1 }
    var values: [Double] = []
    values.reserveCapacity(count)
    var moments = WeightedMoments(rank: transport.roots.count, dimension: dimension)
    for start in stride(from: 0, to: count, by: Self.rowsTogether) {
      let range = start..<min(start + Self.rowsTogether, count)
      let centered = Self.centered(try rows(range), mean: samples.mean)
      let mapped = product(transport.map, transposed: centered)
      let part = transport.influence(of: centered, mapped: mapped, shift: shift)
      moments.add(part, centered, mapped)
      values += part
    }
    let mean = values.reduce(0, +) / Double(count)
    for index in values.indices { values[index] -= mean }
    moments.remove(mean, count: count, eigenvalues: transport.eigenvalues)
    let shared = 2 * zip(shift, moments.sums).reduce(0) { $0 + $1.0 * $1.1 }
    try self.init(
      values, curvature: { moments.curvature(transport, $0, count: count) },
      terms: { summary in
        FrechetTermErrors(
          of: samples, count: count, shift: shift, distance: summary,
          covariance: shared / (Double(count) * Double(count)))
      })
  }

  /// The number of samples whose products are computed together.
  private static let rowsTogether = 1024

  private static func centered(_ rows: [Float], mean: [Double]) -> Matrix {
    let dimension = mean.count
    let values = [Double](unsafeUninitializedCapacity: rows.count) { buffer, count in
      for start in stride(from: 0, to: rows.count, by: dimension) {
        for column in 0..<dimension {
          buffer.initializeElement(
            at: start + column, to: Double(rows[start + column]) - mean[column])
        }
      }
      count = rows.count
    }
    return Matrix(rows: rows.count / dimension, columns: dimension, values: values)
  }

  /// Summarises centred influence values.
  ///
  /// - Parameters:
  ///   - values: h, with the mean 0.
  ///   - curvature: Returns c for σ, which is above 0.
  ///   - terms: Returns the errors of the terms for the summary.
  private init(
    _ values: [Double], curvature: (Double) -> Double,
    terms: (InfluenceSummary) -> FrechetTermErrors
  ) throws(MetricError) {
    let count = Double(values.count)
    let largest = values.reduce(0) { max($0, abs($1)) }
    guard largest.isFinite else {
      throw MetricError(.overflow, "the influence of a sample on the distance is \(largest)")
    }
    self.values = values.map { Float($0) }
    guard largest > 0 else {
      summary = .withoutVariation
      self.terms = terms(summary)
      return
    }
    // Powers of values relative to the largest cannot overflow.
    var (second, third, fourth) = (0.0, 0.0, 0.0)
    for value in values {
      let relative = value / largest, square = relative * relative
      second += square
      third += square * relative
      fourth += square * square
    }
    let standardError = largest * second.squareRoot() / count
    let kurtosis = count * fourth / (second * second)
    summary = InfluenceSummary(
      standardError: standardError, acceleration: third / (6 * second * second.squareRoot()),
      curvature: curvature(standardError),
      degreesOfFreedom: kurtosis > 1 ? 2 * count / (kurtosis - 1) : .infinity)
    self.terms = terms(summary)
  }
}

/// The optimal map T from one Gaussian to another, in the coordinates in which it is diagonal.
private struct Transport {
  /// `Uᵀ F₀`, `[K, D]`.
  let map: Matrix
  /// λ, `[K]`.
  let eigenvalues: [Double]
  /// √λ, `[K]`.
  let roots: [Double]

  init(of samples: FactoredGaussian, to reference: FactoredGaussian) throws(MetricError) {
    guard reference.factor.rows > 0, samples.factor.rows > 0 else {
      map = Matrix(rows: 0, columns: samples.mean.count, values: [])
      (eigenvalues, roots) = ([], [])
      return
    }
    var outer = lowerOuterGram(product(reference.factor, transposed: samples.factor))
    outer.mirrorLowerTriangle()
    let (values, vectors) = try lapack(symmetricEigendecomposition(outer))
    let dropped = values.firstIndex { $0 > 1e-10 * (values.last ?? 0) } ?? values.count
    eigenvalues = Array(values[dropped...])
    roots = eigenvalues.map { $0.squareRoot() }
    let kept = Matrix(
      rows: eigenvalues.count, columns: vectors.columns,
      values: Array(vectors.values[(dropped * vectors.columns)...]))
    map = product(kept, reference.factor)
  }

  /// Returns the influence of samples, up to a constant.
  ///
  /// - Parameters:
  ///   - centered: y, `[n, D]`.
  ///   - mapped: `[K, n]`, z of each.
  ///   - shift: m - μ₀.
  func influence(of centered: Matrix, mapped: Matrix, shift: [Double]) -> [Double] {
    let (dimension, count) = (centered.columns, centered.rows)
    return [Double](unsafeUninitializedCapacity: count) { result, initialized in
      initialized = count
      centered.values.withUnsafeBufferPointer { centered in
        for row in 0..<count {
          var sum = 0.0
          for column in 0..<dimension {
            let y = centered[row * dimension + column]
            sum += y * (2 * shift[column] + y)
          }
          result.initializeElement(at: row, to: sum)
        }
      }
      mapped.values.withUnsafeBufferPointer { mapped in
        for (k, root) in roots.enumerated() {
          for index in 0..<count {
            let z = mapped[k * count + index]
            result[index] -= z * z / root
          }
        }
      }
    }
  }
}

/// The sums over samples from which the curvature follows.
private struct WeightedMoments {
  /// The lower triangle of `Σ hᵢ zᵢ zᵢᵀ`, `[K, K]`.
  private var products: Matrix
  /// `Σ hᵢ yᵢ`, `[D]`.
  private(set) var sums: [Double]

  init(rank: Int, dimension: Int) {
    products = Matrix(
      rows: rank, columns: rank, values: [Double](repeating: 0, count: rank * rank))
    sums = [Double](repeating: 0, count: dimension)
  }

  /// Adds samples, those with positive and those with negative weights each as one symmetric product.
  mutating func add(_ weights: [Double], _ centered: Matrix, _ mapped: Matrix) {
    for sign in [1.0, -1] {
      let chosen = weights.indices.filter { sign * weights[$0] > 0 }
      let roots = chosen.map { (sign * weights[$0]).squareRoot() }
      let (rows, columns) = (mapped.rows, mapped.columns)
      let scaled = [Double](unsafeUninitializedCapacity: rows * chosen.count) {
        scaled, initialized in
        mapped.values.withUnsafeBufferPointer { mapped in
          for row in 0..<rows {
            for (place, index) in chosen.enumerated() {
              scaled[row * chosen.count + place] = roots[place] * mapped[row * columns + index]
            }
          }
        }
        initialized = rows * chosen.count
      }
      addLowerOuterGram(
        Matrix(rows: rows, columns: chosen.count, values: scaled), times: sign, to: &products)
    }
    centered.values.withUnsafeBufferPointer { centered in
      for (row, weight) in weights.enumerated() {
        for column in sums.indices { sums[column] += weight * centered[row * sums.count + column] }
      }
    }
  }

  /// Subtracts a constant from all weights: `Σ zᵢ zᵢᵀ` is (N - 1) diag(λ), and `Σ yᵢ` is 0.
  mutating func remove(_ constant: Double, count: Int, eigenvalues: [Double]) {
    for (k, value) in eigenvalues.enumerated() {
      products.values[k * (products.columns + 1)] -= constant * Double(count - 1) * value
    }
  }

  /// Returns c: half the second derivative of the distance along h, in units of σ.
  ///
  /// With f = N / (N - 1), `K = f Σ h z zᵀ / (N² σ)`, `e = Σ h y / (N² σ)` and `u = Uᵀ F₀ e`:
  /// ```
  /// 2σ c = 2 eᵀe - 2f (eᵀe - Σₖ uₖ² / sₖ) + Σⱼₖ Kⱼₖ² / (sⱼ sₖ (sⱼ + sₖ))        s = √λ
  /// ```
  func curvature(_ transport: Transport, _ standardError: Double, count: Int) -> Double {
    let n = Double(count)
    let factor = n / (n - 1)
    let scale = 1 / (n * n * standardError)
    let e = sums.map { $0 * scale }
    let square = e.reduce(0) { $0 + $1 * $1 }
    let u = product(transport.map, transposed: Matrix(rows: 1, columns: e.count, values: e)).values
    let s = transport.roots
    let along = zip(u, s).reduce(0) { $0 + $1.0 * $1.0 / $1.1 }
    var bend = 0.0
    products.values.withUnsafeBufferPointer { products in
      for j in s.indices {
        for k in 0...j {
          let value = products[j * s.count + k] * factor * scale
          bend += (j == k ? 1 : 2) * value * value / (s[j] * s[k] * (s[j] + s[k]))
        }
      }
    }
    return (2 * square - 2 * factor * (square - along) + bend) / (2 * standardError)
  }
}
