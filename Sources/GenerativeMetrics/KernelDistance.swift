import Tensors

/// The squared maximum mean discrepancy of two sets of features. Dimensionless; lower is better. It
/// is slightly negative for some sets of the same distribution, because the estimate is unbiased.
///
/// Papers often state it times 1000.
public struct KernelDistance: Equatable, Sendable {
  /// The mean over subsets, or the single estimate from all samples.
  public let value: Double
  /// The standard deviation over subsets, with their number as divisor (`numpy.std`), or nil
  /// without subsets.
  public let standardDeviation: Double?

  /// Creates the estimate of all pairs of samples, as of ``kernelDistanceJackknife(of:against:)``.
  package init(whole value: Double) { (self.value, standardDeviation) = (value, nil) }

  init(value: Double, standardDeviation: Double?) {
    (self.value, self.standardDeviation) = (value, standardDeviation)
  }

  /// The samples that are compared.
  public enum Subsets: Hashable, Sendable {
    /// `count` times `size` samples of each set, drawn without replacement by
    /// `numpy.random.RandomState(seed)`, each time first from the first set and then from the
    /// second.
    case drawn(count: Int, size: Int, seed: UInt32)
    /// All samples of both sets at once. Nothing is drawn, so the result depends on their order
    /// only by rounding.
    case whole

    /// The default of torch-fidelity: 100 times 1000 samples, seed 2020.
    public static let torchFidelity = drawn(count: 100, size: 1000, seed: 2020)
  }
}

/// Returns the kernel distance of two sets of features, which is the KID if they are Inception
/// features.
///
/// For m samples x of one set and n samples y of the other,
/// ```
/// k(x, y) = (x·y / D + 1)³
/// MMD² = sum_{i≠j} k(x[i], x[j]) / m(m - 1) + sum_{i≠j} k(y[i], y[j]) / n(n - 1)
///        - 2 sum_{i,j} k(x[i], y[j]) / mn
/// ```
/// All arithmetic is in float64, whereas torch-fidelity multiplies in float32. The products of two
/// sets are computed in blocks of at most 1024 by 1024 for ``KernelDistance/Subsets/whole``, and of
/// `size` by `size` for subsets. The result has the same bits for any number of user threads.
///
/// The tools agree on the formula and differ in the subsets. CleanFID, StyleGAN and dgm-eval draw
/// them from NumPy's global generator without a seed, which cannot be reproduced. For all of them,
/// the expected value is that of ``KernelDistance/Subsets/whole``.
///
/// - Parameters:
///   - a: The set that is drawn from first: torch-fidelity's `input1`, usually the generated
///     samples.
///   - b: The other set, with the same D.
///   - subsets: The samples that are compared.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if a set
///   has fewer samples than a subset, or fewer than 2.
/// - SeeAlso: Bińkowski et al., "Demystifying MMD GANs", arXiv 1801.01401, section 4: the kernel.
///   Gretton et al., "A Kernel Two-Sample Test", JMLR 13 (2012), Eq. (3): the estimate.
///   `metric_kid.py` of torch-fidelity (5e211a9).
public func kernelDistance(
  between a: FeatureRows, and b: FeatureRows,
  subsets: KernelDistance.Subsets = .torchFidelity
) throws(MetricError) -> KernelDistance {
  switch subsets {
  case .whole:
    try checkPair(a, b, atLeast: 2)
    return KernelDistance(value: wholeDiscrepancy(a, b), standardDeviation: nil)
  case .drawn(let count, let size, let seed):
    guard count > 0, size > 1 else {
      throw MetricError(
        .shapeMismatch, "\(count) subsets of \(size) samples, expected at least 1 of at least 2")
    }
    try checkPair(a, b, atLeast: size)
    var generator = NumPyRandomState(seed: seed)
    let estimates = (0..<count).map { _ in
      let x = a.matrix(generator.choice(a.count, count: size))
      let y = b.matrix(generator.choice(b.count, count: size))
      return discrepancy(
        within: kernelSumWithin(x), count: size, and: kernelSumWithin(y), count: size,
        across: kernelSum(x, y))
    }
    let mean = estimates.reduce(0, +) / Double(count)
    let variance = estimates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    return KernelDistance(value: mean, standardDeviation: variance.squareRoot())
  }
}

/// Returns the MMD² of all samples.
private func wholeDiscrepancy(_ a: FeatureRows, _ b: FeatureRows) -> Double {
  let blockSize = 1024
  func within(_ set: FeatureRows) -> Double {
    let blocks = set.blocks(of: blockSize)
    var sum = 0.0
    for (index, block) in blocks.enumerated() {
      let rows = set.matrix(block)
      sum += kernelSumWithin(rows)
      for later in blocks[(index + 1)...] { sum += 2 * kernelSum(rows, set.matrix(later)) }
    }
    return sum
  }
  var across = 0.0
  for block in a.blocks(of: blockSize) {
    let rows = a.matrix(block)
    for other in b.blocks(of: blockSize) { across += kernelSum(rows, b.matrix(other)) }
  }
  return discrepancy(
    within: within(a), count: a.count, and: within(b), count: b.count, across: across)
}

/// Returns the MMD² from the sums of the kernel over pairs of different samples within each set,
/// and over pairs of samples from both sets.
private func discrepancy(
  within a: Double, count m: Int, and b: Double, count n: Int, across: Double
) -> Double {
  a / (Double(m) * Double(m - 1)) + b / (Double(n) * Double(n - 1))
    - 2 * across / (Double(m) * Double(n))
}

/// Returns `sum_{i≠j} k(x[i], x[j])`.
private func kernelSumWithin(_ x: Matrix) -> Double {
  let products = lowerOuterGram(x)
  let scale = 1 / Double(x.columns)
  return (0..<x.rows).reduce(0) { sum, row in
    sum + 2 * kernelSum(products.values[row * x.rows..<row * x.rows + row], scale: scale)
  }
}

/// Returns `sum_{i,j} k(x[i], y[j])`.
private func kernelSum(_ x: Matrix, _ y: Matrix) -> Double {
  let products = product(x, transposed: y)
  let scale = 1 / Double(x.columns)
  return (0..<x.rows).reduce(0) { sum, row in
    sum + kernelSum(products.values[row * y.rows..<(row + 1) * y.rows], scale: scale)
  }
}

/// Returns the sum of `(scale p + 1)³`. Callers add these sums row by row, so that rounding does
/// not grow with the number of pairs.
private func kernelSum(_ products: ArraySlice<Double>, scale: Double) -> Double {
  products.withUnsafeBufferPointer { products in
    products.reduce(0) {
      let base = $1 * scale + 1
      return $0 + base * base * base
    }
  }
}
