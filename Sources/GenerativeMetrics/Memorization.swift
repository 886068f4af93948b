import Tensors

/// Signs that generated samples are copies of the training samples.
public struct Memorization: Equatable, Sendable {
  /// A generated sample and the training sample that it resembles most.
  public struct Pair: Equatable, Sendable {
    /// The index of the generated sample.
    public let sample: Int
    /// The index of its nearest training sample x*.
    public let training: Int
    /// The Euclidean distance of the two.
    public let distance: Double
    /// The distance divided by that of x* to its own nearest training sample: near 0 for a copy, and above 1 for a
    /// sample that is authentic. Infinite if x* occurs twice and the sample differs from it; 0 if all three are equal.
    public let ratio: Double
    /// Whether x* is nearer to another training sample than to this one.
    public let isAuthentic: Bool
  }

  /// A pair for each generated sample, in their order.
  public let pairs: [Pair]

  /// AuthPct, the share of generated samples that are authentic, in percent: those whose nearest training sample x* is
  /// nearer to another training sample than to them. Higher is better.
  ///
  /// - SeeAlso: Alaa et al., "How Faithful is your Synthetic Data? Sample-level Metrics for Evaluating and Auditing
  ///   Generative Models", arXiv 2102.08921, section 4.3; `authpct.py` in layer6ai-labs/dgm-eval at 74c79f7. fld
  ///   reports it minus 50.
  public var authenticPercentage: Double {
    100 * Double(pairs.count(where: \.isAuthentic)) / Double(pairs.count)
  }

  /// Returns the jackknife of ``authenticPercentage``, given the training samples: of all generated samples and without
  /// each group of them.
  ///
  /// - Throws: ``MetricError`` `TooFewSamples` if there are fewer than ``Jackknife/minimumCount`` generated samples.
  public func jackknife() throws(MetricError) -> Jackknife {
    guard pairs.count >= Jackknife.minimumCount else {
      throw .tooFewSamples(pairs.count, atLeast: Jackknife.minimumCount)
    }
    var authentic = [Int](repeating: 0, count: Jackknife.groupCount)
    for (pair, group) in zip(pairs, Jackknife.groups(count: pairs.count)) where pair.isAuthentic {
      authentic[group] += 1
    }
    let (total, sizes) = (
      authentic.reduce(0, +), Jackknife.groupSizes(count: pairs.count)
    )
    return Jackknife(
      value: authenticPercentage,
      leftOut: zip(authentic, sizes).map { 100 * Double(total - $0) / Double(pairs.count - $1) },
      count: pairs.count)
  }

  /// Returns the pairs with the smallest ratios, the smallest first; of equal ratios, the nearer pair first.
  ///
  /// - Parameter count: The largest number of pairs.
  public func nearestCopies(_ count: Int) -> [Pair] {
    Array(
      pairs.sorted { ($0.ratio, $0.distance, $0.sample) < ($1.ratio, $1.distance, $1.sample) }
        .prefix(count))
  }

  /// Finds the nearest training sample of every generated sample.
  ///
  /// Distances are compared by sums of squared differences in float64, which keep the smallest of them exact.
  ///
  /// - Parameters:
  ///   - generated: y, `[M, D]`.
  ///   - training: x, `[N, D]`, N at least 2.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if there is no generated
  ///   sample or fewer than 2 training samples.
  public init(of generated: FeatureRows, training: FeatureRows) throws(MetricError) {
    try checkPair(generated, training, atLeast: 1)
    guard training.count >= 2 else { throw .tooFewSamples(training.count, atLeast: 2) }
    let nearest = try nearestNeighbors(of: generated, in: training, count: 1)
    let radii = BoundedRows(training, center: training.roundedMean).squaredRadii(neighbors: 1)
    pairs = nearest.enumerated().map { sample, neighbors in
      let neighbor = neighbors[0]
      let radius = radii[neighbor.index].squareRoot()
      let isEqual = neighbor.distance == 0
      return Pair(
        sample: sample, training: neighbor.index, distance: neighbor.distance,
        ratio: isEqual ? 0 : neighbor.distance / radius,
        isAuthentic: radius < neighbor.distance)
    }
  }
}
