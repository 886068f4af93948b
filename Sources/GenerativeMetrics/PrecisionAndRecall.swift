import Tensors

/// The degree to which two sets of features cover each other, where each set is represented by
/// balls around its samples that extend to the k-th nearest other sample of the same set.
/// Fractions; higher is better.
public struct PrecisionAndRecall: Equatable, Sendable {
  /// The sizes of the balls, and whether their surface belongs to them.
  public enum Convention: String, CaseIterable, Sendable {
    /// k = 3, with the surface: ADM's `evaluator.py`, which rounds distances to float16.
    case guidedDiffusion
    /// k = 3, with the surface: torch-fidelity's `prc`, from VGG16 features by default.
    case torchFidelity
    /// k = 5, without the surface: the `prdc` package and dgm-eval.
    case prdc

    /// The number k of the neighbour to which a ball extends, not counting the sample itself.
    public var neighbors: Int { self == .prdc ? 5 : 3 }
    /// Whether a sample at exactly the radius is inside a ball.
    public var includesSurface: Bool { self != .prdc }
  }

  /// The fraction of generated samples inside at least one ball of a reference sample.
  public let precision: Double
  /// The fraction of reference samples inside at least one ball of a generated sample.
  public let recall: Double
  /// The mean over generated samples of the number of reference balls that contain the sample,
  /// divided by k. May exceed 1.
  public let density: Double
  /// The fraction of reference samples whose ball contains a generated sample.
  public let coverage: Double

  /// The harmonic mean of ``precision`` and ``recall``, or 0 if both are 0.
  public var fScore: Double {
    precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
  }
}

/// Returns the improved precision and recall, density and coverage of generated features.
///
/// For N reference samples x and M generated samples y, where `r(x[i])` is the distance from `x[i]`
/// to its k-th nearest neighbour among the other x, and `r(y[j])` likewise,
/// ```
/// precision = mean_j any_i  |x[i] - y[j]| <= r(x[i])
/// recall    = mean_i any_j  |x[i] - y[j]| <= r(y[j])
/// density   = mean_j sum_i (|x[i] - y[j]| <= r(x[i])) / k
/// coverage  = mean_i any_j  |x[i] - y[j]| <= r(x[i])
/// ```
/// with `<` instead of `<=` if the convention excludes the surface. guided-diffusion and
/// torch-fidelity define only the first two.
///
/// Every comparison is decided by the squared distance `sum_d (x[d] - y[d])²` in float64, which is
/// the same in both directions, so ties are detected. One `sgemm` per block of 1024 by 1024 samples
/// bounds the distances from both sides, and only those left undecided by the bounds are computed.
/// Nothing of size N by M is stored. The result depends only on the rows, not on the block size,
/// the BLAS or its threads. Tight clusters far from the reference mean take longer, because the
/// bounds cannot separate their distances.
///
/// - Parameters:
///   - generated: y, `[M, D]`.
///   - reference: x, `[N, D]`.
///   - convention: k and the comparison. The tools also draw subsets first, which is left to the
///     caller: ADM compares 50 000 samples with 10 000, dgm-eval 10 000 with 10 000.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if a set
///   has k samples or fewer (prdc requires k + 2).
/// - SeeAlso: Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative
///   Models", arXiv 1904.06991, Eq. (1) and (2). Naeem et al., "Reliable Fidelity and Diversity
///   Metrics for Generative Models", arXiv 2002.09797, section 3. `evaluations/evaluator.py` of
///   guided-diffusion (22e0df8), `metric_prc.py` of torch-fidelity (5e211a9), prdc 0.2.
public func precisionAndRecall(
  of generated: FeatureRows, against reference: FeatureRows,
  convention: PrecisionAndRecall.Convention
) throws(MetricError) -> PrecisionAndRecall {
  let k = convention.neighbors
  try checkPair(generated, reference, atLeast: k + 1)
  let center = reference.roundedMean
  let (x, y) = (BoundedRows(reference, center: center), BoundedRows(generated, center: center))
  let (radii, generatedRadii) = (x.squaredRadii(neighbors: k), y.squaredRadii(neighbors: k))

  var (covered, recalled) = (
    [Bool](repeating: false, count: x.count), [Bool](repeating: false, count: x.count)
  )
  var balls = [Int](repeating: 0, count: y.count)
  x.forEachPair(with: y) { i, j, bounds in
    let (radius, generatedRadius) = (radii[i], generatedRadii[j])
    if bounds.lower > max(radius, generatedRadius) { return }
    func isInside(_ radius: Double) -> Bool {
      if bounds.upper < radius { return true }
      if bounds.lower > radius { return false }
      let distance = x.squaredDistance(i, y, j)
      return convention.includesSurface ? distance <= radius : distance < radius
    }
    if isInside(radius) {
      balls[j] += 1
      covered[i] = true
    }
    if !recalled[i] { recalled[i] = isInside(generatedRadius) }
  }
  let (n, m) = (Double(x.count), Double(y.count))
  return PrecisionAndRecall(
    precision: Double(balls.count { $0 > 0 }) / m, recall: Double(recalled.count { $0 }) / n,
    density: Double(balls.reduce(0, +)) / (Double(k) * m),
    coverage: Double(covered.count { $0 }) / n)
}

extension FeatureRows {
  /// The mean of each feature, rounded to float32, `[D]`; N > 0.
  var roundedMean: [Float] {
    var sum = [Double](repeating: 0, count: dimension)
    for start in stride(from: 0, to: values.count, by: dimension) {
      for column in 0..<dimension { sum[column] += Double(values[start + column]) }
    }
    return sum.map { Float($0 / Double(count)) }
  }
}

/// A lower and an upper bound of a squared distance. A NaN, which results from products beyond
/// float32, leaves every comparison undecided.
struct Bounds {
  let lower: Double
  let upper: Double
}

/// Rows whose squared distances are first bounded and, if the bounds do not suffice, computed.
struct BoundedRows {
  private static let blockSize = 1024

  private let rows: FeatureRows
  private let center: [Float]

  var count: Int { rows.count }

  init(_ rows: FeatureRows, center: [Float]) {
    self.rows = rows
    self.center = center
  }

  /// Returns `sum_d (x[d] - y[d])²` in float64, which decides comparisons.
  func squaredDistance(_ i: Int, _ other: BoundedRows, _ j: Int) -> Double {
    Tensors.squaredDistance(
      rows.values, at: i * rows.dimension, other.rows.values, at: j * rows.dimension,
      count: rows.dimension)
  }

  /// Returns the squared distance of each row to its k-th nearest other row; N > k.
  func squaredRadii(neighbors k: Int) -> [Double] {
    // The k smallest distances of each row so far, ascending.
    var nearest = [Double](repeating: .infinity, count: count * k)
    func insert(_ distance: Double, _ row: Int) {
      var slot = row * k + k - 1
      guard distance < nearest[slot] else { return }
      while slot > row * k, nearest[slot - 1] > distance {
        nearest[slot] = nearest[slot - 1]
        slot -= 1
      }
      nearest[slot] = distance
    }
    forEachPair(with: nil) { i, j, bounds in
      let largest = max(nearest[i * k + k - 1], nearest[j * k + k - 1])
      if bounds.lower > largest || largest == 0 { return }
      let distance = squaredDistance(i, self, j)
      insert(distance, i)
      insert(distance, j)
    }
    return (0..<count).map { nearest[$0 * k + k - 1] }
  }

  /// Calls `body` with every row i, every row j of `other`, and bounds of their squared distance.
  /// If `other` is nil, calls it for the pairs i < j of these rows.
  func forEachPair(with other: BoundedRows?, _ body: (Int, Int, Bounds) -> Void) {
    // With u and v the centred rows in float32, |u|² + |v|² - 2 u·v has three errors: the rounding
    // of the centring, at most 4 2⁻²⁴ (|u|² + |v|²); that of the product, at most D 2⁻²⁴ of the
    // same; and underflow. Twice that leaves room for second-order terms.
    let relative = Double(2 * (rows.dimension + 8)) * 0x1p-24
    let absolute = Double(rows.dimension + 1) * 0x1p-120
    for first in rows.blocks(of: Self.blockSize) {
      let u = centered(first)
      for second in (other ?? self).rows.blocks(of: Self.blockSize)
      where other != nil || second.lowerBound >= first.lowerBound {
        let v = (other ?? self).centered(second)
        let products = product(u.rows, transposed: v.rows)
        for (row, i) in first.enumerated() {
          let norm = u.squaredNorms[row]
          for (column, j) in second.enumerated() where other != nil || i < j {
            let norms = norm + v.squaredNorms[column]
            let distance = norms - 2 * Double(products.values[row * second.count + column])
            let margin = distance.isFinite ? relative * norms + absolute : .infinity
            body(i, j, Bounds(lower: distance - margin, upper: distance + margin))
          }
        }
      }
    }
  }

  /// Returns the rows minus the centre, rounded to float32, and their squared norms.
  private func centered(_ samples: Range<Int>) -> (rows: Tensor, squaredNorms: [Double]) {
    let dimension = rows.dimension
    var values: [Float] = []
    values.reserveCapacity(samples.count * dimension)
    var norms: [Double] = []
    for sample in samples {
      var norm = 0.0
      for column in 0..<dimension {
        let value = Float(Double(rows.values[sample * dimension + column]) - Double(center[column]))
        values.append(value)
        norm += Double(value) * Double(value)
      }
      norms.append(norm)
    }
    return (Tensor(shape: [samples.count, dimension], values: values), norms)
  }
}
