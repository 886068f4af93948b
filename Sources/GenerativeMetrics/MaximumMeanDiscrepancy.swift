/// The squared maximum mean discrepancy of generated features from a reference, by one kernel.
/// Dimensionless; lower is better.
public struct MaximumMeanDiscrepancy: Equatable, Sendable {
  /// The kernel.
  public let kernel: DiscrepancyKernel
  /// The unbiased estimate (the U-statistic, without pairs of a sample and itself) of all samples
  /// and without each group of generated samples. Slightly negative for some sets of the same
  /// distribution.
  public let unbiased: Jackknife
  /// The biased estimate (the V-statistic, with pairs of a sample and itself), which is never
  /// negative.
  public let biased: Double
}

/// Returns the maximum mean discrepancies of generated features from a reference with several
/// kernels, with the values that the jackknife needs, in one pass over all pairs of samples.
///
/// For M generated samples y and N reference samples x,
/// ```
/// U = sum_{i≠j} k(y[i], y[j]) / M(M - 1) + sum_{i≠j} k(x[i], x[j]) / N(N - 1)
///     - 2 sum_{i,j} k(y[i], x[j]) / MN
/// V = sum_{i,j} k(y[i], y[j]) / M² + sum_{i,j} k(x[i], x[j]) / N²
///     - 2 sum_{i,j} k(y[i], x[j]) / MN
/// ```
/// U without a group of generated samples is the same formula for the others. It follows from sums
/// of k within each pair of groups, and between each group and the reference, so that nothing is
/// computed again. The reference is taken as fixed.
///
/// All arithmetic is in float64. A product in float32 would be off by up to `D 2⁻²⁴` of the norms,
/// which no centring brings to 1e-10 of a discrepancy. Takes as long as
/// ``kernelDistance(between:and:subsets:)`` of all samples. The result has the same bits for any
/// number of user threads.
///
/// - Parameters:
///   - generated: y, `[M, D]`.
///   - reference: x, `[N, D]`.
///   - kernels: The kernels. For a Gaussian one, ``FeatureRows/rootMeanSquareDistance`` of the
///     reference is a width that depends on nothing else.
/// - Returns: The discrepancy of each kernel.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if there
///   are fewer generated samples than ``Jackknife/minimumCount`` or fewer than 2 of the reference,
///   `ShapeMismatch` for a Gaussian kernel whose `2σ²` is not a positive number.
/// - SeeAlso: Gretton et al., "A Kernel Two-Sample Test", JMLR 13 (2012), Eq. (3) and (5).
///   Jayasumana et al., "Rethinking FID: Towards a Better Evaluation Metric for Image Generation",
///   arXiv 2401.09603, for CMMD.
public func maximumMeanDiscrepancies(
  of generated: FeatureRows, against reference: FeatureRows, kernels: [DiscrepancyKernel]
) throws(MetricError) -> [MaximumMeanDiscrepancy] {
  for kernel in kernels { try kernel.check() }
  return try discrepancies(of: generated, against: reference, kernels, scales: nil)
}

/// Returns the CMMD of generated embeddings from a reference: 1000 times the squared maximum mean discrepancy of the
/// rows of norm 1 with a Gaussian kernel of σ = 10. Lower is better.
///
/// ``MaximumMeanDiscrepancy/biased`` is the CMMD as it is published. The unbiased estimate is for intervals and
/// differences. With rows of norm 1 the exponent is at most 0.02, so that the CMMD is `10 |mean y - mean x|²` within
/// 1 %: it sees where the mean embedding is, and nothing of how different the images are.
///
/// Sums are in float64. The published code sums in float32, which leaves about 1e-4 of a difference at 1,000 rows.
///
/// - Parameters:
///   - generated: y, `[M, D]`, of any norm.
///   - reference: x, `[N, D]`, of any norm.
/// - Throws: ``MetricError`` as ``maximumMeanDiscrepancies(of:against:kernels:)`` does; `ZeroRow` with the index of the
///   sample if a row is 0, which has no direction.
/// - SeeAlso: Jayasumana et al., "Rethinking FID: Towards a Better Evaluation Metric for Image Generation", arXiv
///   2401.09603; `distance.py` in sayakpaul/cmmd-pytorch at f7673a9.
public func clipDiscrepancy(
  of generated: FeatureRows, against reference: FeatureRows
) throws(MetricError) -> MaximumMeanDiscrepancy {
  let scales = (generated: try generated.inverseNorms(), reference: try reference.inverseNorms())
  let found = try discrepancies(
    of: generated, against: reference, [.gaussian(width: 10)], scales: scales)[0]
  return MaximumMeanDiscrepancy(
    kernel: found.kernel,
    unbiased: Jackknife(
      value: 1000 * found.unbiased.value, leftOut: found.unbiased.leftOut.map { 1000 * $0 },
      count: generated.count),
    biased: 1000 * found.biased)
}

extension FeatureRows {
  /// Returns 1 divided by the norm of each row.
  fileprivate func inverseNorms() throws(MetricError) -> [Double] {
    var result: [Double] = []
    for row in 0..<count {
      let norm = values[row * dimension..<(row + 1) * dimension]
        .reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard norm > 0 else { throw MetricError(.zeroRow, "sample \(row) is 0 in all features") }
      result.append(1 / norm)
    }
    return result
  }
}

private func discrepancies(
  of generated: FeatureRows, against reference: FeatureRows, _ kernels: [DiscrepancyKernel],
  scales: (generated: [Double], reference: [Double])?
) throws(MetricError) -> [MaximumMeanDiscrepancy] {
  try checkPair(generated, reference, atLeast: 2)
  guard generated.count >= Jackknife.minimumCount else {
    throw .tooFewSamples(generated.count, atLeast: Jackknife.minimumCount)
  }
  let all = GroupedKernelSums.of(
    kernels, generated: generated, reference: reference, scales: scales)
  return zip(kernels, all).map { kernel, sums in
    let (m, n) = (generated.count, reference.count)
    let leftOut = (0..<Jackknife.groupCount).map { group in
      sums.unbiased(
        m - Jackknife.groupSizes(count: m)[group], n, where: { $0 != group })
    }
    return MaximumMeanDiscrepancy(
      kernel: kernel,
      unbiased: Jackknife(
        value: sums.unbiased(m, n, where: { _ in true }), leftOut: leftOut, count: m),
      biased: sums.biased(m, n))
  }
}

/// Returns the kernel distance of generated features from a reference, which is the KID if they are
/// Inception features, of all samples and without each group of generated samples.
///
/// The values are those of ``kernelDistance(between:and:subsets:)`` with
/// ``KernelDistance/Subsets/whole``, up to rounding, in the time of one of them; see
/// ``maximumMeanDiscrepancies(of:against:kernels:)``.
///
/// - Parameters:
///   - generated: `[M, D]`.
///   - reference: `[N, D]`, taken as fixed.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if there
///   are fewer generated samples than ``Jackknife/minimumCount`` or fewer than 2 of the reference.
public func kernelDistanceJackknife(
  of generated: FeatureRows, against reference: FeatureRows
) throws(MetricError) -> Jackknife {
  try maximumMeanDiscrepancies(of: generated, against: reference, kernels: [.cubic])[0].unbiased
}

extension GroupedKernelSums {
  /// Returns the U-statistic of the groups that `isKept` selects, which have `m` samples.
  fileprivate func unbiased(_ m: Int, _ n: Int, where isKept: (Int) -> Bool) -> Double {
    let kept = across.indices.filter(isKept)
    let (m, n) = (Double(m), Double(n))
    let pairs = kept.reduce(0) { sum, g in
      kept.reduce(sum) { $0 + within[g * across.count + $1] }
    }
    return pairs / (m * (m - 1)) + reference / (n * (n - 1))
      - 2 * kept.reduce(0) { $0 + across[$1] } / (m * n)
  }

  /// Returns the V-statistic of all groups, 0 if rounding makes it negative.
  fileprivate func biased(_ m: Int, _ n: Int) -> Double {
    let (m, n) = (Double(m), Double(n))
    let value =
      (within.reduce(0, +) + diagonal) / (m * m) + (reference + referenceDiagonal) / (n * n)
      - 2 * across.reduce(0, +) / (m * n)
    return max(value, 0)
  }
}
