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
  /// Takes one eigendecomposition of `[D, D]` and one and a half products of all rows with `[D, D]`.
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
    var sums = try Sums(of: samples, count: count, on: reference)
    // Their number decides the order of the sums, and so does not depend on the machine.
    let lanes = 2
    var parts = [Part](repeating: Part(sums.transport), count: lanes)
    var samplesOfParts = [[Int]](repeating: [], count: lanes)
    let ranges = stride(from: 0, to: count, by: rowsTogether).map {
      $0..<min($0 + rowsTogether, count)
    }
    for first in stride(from: 0, to: ranges.count, by: lanes) {
      let together = ranges[first..<min(first + lanes, ranges.count)]
      let blocks = try together.map { (range) throws(MetricError) in try rows(range) }
      for (lane, range) in together.enumerated() { samplesOfParts[lane] += range }
      forEachConcurrently(&parts) { [sums] lane, part in
        guard lane < blocks.count else { return }
        let centered = centered(blocks[lane], around: samples.mean)
        part.add(centered, sums.transport(centered), sums)
      }
    }
    for (part, samples) in zip(parts, samplesOfParts) { sums.add(part, at: samples) }
    self = try sums.finished()
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

extension FrechetInfluence {
  /// Sums over samples, in any order, from which their influence follows.
  struct Sums: Sendable {
    /// The map from the samples' Gaussian to the reference.
    let transport: Transport
    private let samples: FactoredGaussian
    /// m - μ₀.
    fileprivate let shift: [Double]
    /// A number of the size of the influence of a sample.
    fileprivate let scale: Double
    /// The mean of `|y|² - Σₖ zₖ² / √λₖ` up to rounding.
    fileprivate let offset: Double
    /// h of each sample up to rounding of their mean, `[N]`; 0 for samples that were not added.
    private var values: [Double]
    private var moments: WeightedMoments

    /// Creates sums of no samples.
    ///
    /// - Parameters:
    ///   - samples: The Gaussian of all samples.
    ///   - count: N, at least 2.
    ///   - reference: The Gaussian to compare with.
    /// - Throws: ``MetricError`` `DimensionMismatch` or `LAPACKFailure`.
    init(
      of samples: FactoredGaussian, count: Int, on reference: FactoredGaussian
    ) throws(MetricError) {
      guard reference.mean.count == samples.mean.count else {
        throw .dimensionMismatch(samples.mean.count, reference.mean.count)
      }
      precondition(count >= 2, "\(count) samples")
      self.samples = samples
      transport = try Transport(of: samples, to: reference)
      shift = zip(samples.mean, reference.mean).map { $0 - $1 }
      scale = samples.trace + reference.trace
      offset =
        Double(count - 1) / Double(count) * (samples.trace - transport.roots.reduce(0, +))
      values = [Double](repeating: 0, count: count)
      moments = WeightedMoments(transport)
    }

    /// Adds the sums over some samples.
    ///
    /// - Parameters:
    ///   - part: The sums.
    ///   - indices: The samples, in the order in which they were added to `part`.
    mutating func add(_ part: Part, at indices: [Int]) {
      for (index, value) in zip(indices, part.values) { values[index] = value }
      moments.add(part.moments)
    }

    /// Returns the influence of the samples, all of which have been added.
    ///
    /// - Throws: ``MetricError`` `Overflow` if a value is not finite.
    consuming func finished() throws(MetricError) -> FrechetInfluence {
      let count = values.count
      let mean = values.reduce(0, +) / Double(count)
      for index in values.indices { values[index] -= mean }
      let shared = 2 * zip(shift, moments.sums).reduce(0) { $0 + $1.0 * $1.1 }
      let (transport, samples, shift, scale, moments) = (transport, samples, shift, scale, moments)
      return try FrechetInfluence(
        values, curvature: { moments.curvature(transport, $0, count: count, scale: scale) },
        terms: { summary in
          FrechetTermErrors(
            of: samples, count: count, shift: shift, distance: summary,
            covariance: shared / (Double(count) * Double(count)))
        })
    }
  }

  /// Sums over some samples, which may be computed at the same time as those over others.
  struct Part: Sendable {
    /// h of each sample, in the order in which they were added.
    fileprivate var values: [Double] = []
    fileprivate var moments: WeightedMoments

    /// Creates sums of no samples.
    init(_ transport: Transport) { moments = WeightedMoments(transport) }

    /// Adds samples.
    ///
    /// - Parameters:
    ///   - centered: y, `[n, D]`.
    ///   - mapped: y as the transport maps it, `[n, R]`.
    ///   - sums: The sums that this becomes a part of.
    mutating func add(_ centered: Matrix, _ mapped: Matrix, _ sums: Sums) {
      let influence = sums.transport.influence(
        of: centered, mapped: mapped, shift: sums.shift, offset: sums.offset)
      moments.add(influence, centered, mapped, sums.transport, scale: sums.scale)
      values += influence
    }
  }
}

/// The optimal map T from one Gaussian to another, in the coordinates in which it is diagonal.
struct Transport: Sendable {
  /// `Uᵀ F₀`, `[R, D]`, in ascending order of λ.
  let map: Matrix
  /// λ, `[R]`.
  let eigenvalues: [Double]
  /// √λ of the last K directions; those before them, with smaller λ, are left out.
  let roots: [Double]

  init(of samples: FactoredGaussian, to reference: FactoredGaussian) throws(MetricError) {
    guard reference.factor.rows > 0, samples.factor.rows > 0 else {
      map = Matrix(rows: 0, columns: samples.mean.count, values: [])
      (eigenvalues, roots) = ([], [])
      return
    }
    var outer = lowerOuterGram(reference.timesTransposed(samples))
    outer.mirrorLowerTriangle()
    let (values, vectors) = try lapack(symmetricEigendecomposition(outer))
    let kept = values.drop { $0 <= 1e-10 * (values.last ?? 0) }
    (eigenvalues, roots) = (values, kept.map { $0.squareRoot() })
    map = reference.multiplied(by: vectors)
  }

  /// Returns z of samples, `[n, R]`.
  ///
  /// - Parameter centered: y, `[n, D]`.
  func callAsFunction(_ centered: Matrix) -> Matrix {
    product(centered, transposed: map, threads: 1)
  }

  /// Returns the influence of samples.
  ///
  /// - Parameters:
  ///   - centered: y, `[n, D]`.
  ///   - mapped: z of each, `[n, R]`.
  ///   - shift: m - μ₀.
  ///   - offset: What is subtracted from all, so that their mean becomes 0.
  func influence(
    of centered: Matrix, mapped: Matrix, shift: [Double], offset: Double
  ) -> [Double] {
    let (dimension, rank) = (centered.columns, mapped.columns)
    let factors = roots.map { 1 / $0 }
    return centered.values.withUnsafeBufferPointer { centered in
      mapped.values.withUnsafeBufferPointer { mapped in
        (0..<centered.count / dimension).map { row in
          var sum = -offset
          for column in 0..<dimension {
            let y = centered[row * dimension + column]
            sum += y * (2 * shift[column] + y)
          }
          let first = (row + 1) * rank - factors.count
          for (k, factor) in factors.enumerated() {
            let z = mapped[first + k]
            sum -= z * z * factor
          }
          return sum
        }
      }
    }
  }
}

/// The sums over samples from which the curvature follows, in the K directions that are not left out.
///
/// The products are summed in single precision. An element of a sum over n samples has an error of about 2⁻²⁴ √n of
/// its terms, and because w has the same variance in every direction, all elements have terms of the same size: so
/// the curvature, a weighted sum of the squares of the elements, has a relative error of this order too.
private struct WeightedMoments: Sendable {
  /// The lower triangle of `Σ hᵢ wᵢ wᵢᵀ`, `[K, K]`, in units of the scale, where w is z divided by its standard
  /// deviation √λ.
  private var products: [Float]
  /// `Σ hᵢ yᵢ`, `[D]`.
  private(set) var sums: [Double]

  init(_ transport: Transport) {
    products = [Float](repeating: 0, count: transport.roots.count * transport.roots.count)
    sums = [Double](repeating: 0, count: transport.map.columns)
  }

  /// Adds samples, those with positive and those with negative weights each as one symmetric product.
  ///
  /// - Parameters:
  ///   - weights: h, `[n]`.
  ///   - centered: y, `[n, D]`.
  ///   - mapped: z, `[n, R]`.
  ///   - scale: A number of the size of h.
  mutating func add(
    _ weights: [Double], _ centered: Matrix, _ mapped: Matrix, _ transport: Transport, scale: Double
  ) {
    let (factors, rank) = (transport.roots.map { 1 / $0 }, mapped.columns)
    for sign in [1.0, -1] {
      let chosen = weights.indices.filter { sign * weights[$0] > 0 }
      let scaled = [Float](unsafeUninitializedCapacity: chosen.count * factors.count) {
        scaled, initialized in
        mapped.values.withUnsafeBufferPointer { mapped in
          for (place, index) in chosen.enumerated() {
            let root = (sign * weights[index] / scale).squareRoot()
            let first = (index + 1) * rank - factors.count
            for (k, factor) in factors.enumerated() {
              scaled[place * factors.count + k] = Float(root * factor * mapped[first + k])
            }
          }
        }
        initialized = chosen.count * factors.count
      }
      addLowerGram(
        Tensor(shape: [chosen.count, factors.count], values: scaled), times: Float(sign),
        to: &products)
    }
    centered.values.withUnsafeBufferPointer { centered in
      for (row, weight) in weights.enumerated() {
        for column in sums.indices { sums[column] += weight * centered[row * sums.count + column] }
      }
    }
  }

  /// Adds the sums over other samples.
  mutating func add(_ other: WeightedMoments) {
    for index in products.indices { products[index] += other.products[index] }
    for index in sums.indices { sums[index] += other.sums[index] }
  }

  /// Returns c: half the second derivative of the distance along h, in units of σ.
  ///
  /// With f = N / (N - 1), `K = f Σ h z zᵀ / (N² σ)`, `e = Σ h y / (N² σ)` and `u = Uᵀ F₀ e`:
  /// ```
  /// 2σ c = 2 eᵀe - 2f (eᵀe - Σₖ uₖ² / sₖ) + Σⱼₖ Kⱼₖ² / (sⱼ sₖ (sⱼ + sₖ))        s = √λ
  /// ```
  func curvature(
    _ transport: Transport, _ standardError: Double, count: Int, scale: Double
  ) -> Double {
    let n = Double(count)
    let factor = n / (n - 1)
    let unit = 1 / (n * n * standardError)
    let e = sums.map { $0 * unit }
    let square = e.reduce(0) { $0 + $1 * $1 }
    let s = transport.roots
    let u = transport(Matrix(rows: 1, columns: e.count, values: e)).values.suffix(s.count)
    let along = zip(u, s).reduce(0) { $0 + $1.0 * $1.0 / $1.1 }
    var bend = 0.0
    products.withUnsafeBufferPointer { products in
      for j in s.indices {
        for k in 0...j {
          let value = Double(products[j * s.count + k]) * factor * scale * unit
          bend += (j == k ? 1 : 2) * value * value * s[j] * s[k] / (s[j] + s[k])
        }
      }
    }
    return (2 * square - 2 * factor * (square - along) + bend) / (2 * standardError)
  }
}
