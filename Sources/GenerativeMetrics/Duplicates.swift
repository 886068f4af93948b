/// How many samples are near duplicates of other samples, measured by how alike those of a reference are.
///
/// A sample counts if it is nearer to another sample than 99 % of the reference's are to theirs. As many samples of
/// the reference's own distribution have a share of about 1 %. Nearest distances shrink as sets grow, so that the same
/// number of samples is taken from both, the first ones.
public struct Duplicates: Equatable, Sendable {
  /// A sample and the other sample that it resembles most.
  public struct Pair: Equatable, Sendable {
    /// The index of the sample.
    public let first: Int
    /// The index of the other sample.
    public let second: Int
    /// The Euclidean distance of the two.
    public let distance: Double
  }

  /// A pair for each of the n samples, in their order.
  public let pairs: [Pair]
  /// The distance below which a sample counts: the first percentile of the nearest distances in the reference.
  public let threshold: Double
  /// The share of the n reference samples that count, in percent; above 1 only if distances tie.
  public let referencePercentage: Double

  /// The smallest number of samples of each set: with fewer, 1 % is less than one sample.
  public static let minimumCount = 100

  /// The number of samples n of each set.
  public var count: Int { pairs.count }

  /// The share of samples that count, in percent. Lower is better.
  public var percentage: Double {
    100 * Double(pairs.count { counts($0) }) / Double(pairs.count)
  }

  /// Returns whether the samples of a pair are near duplicates.
  public func counts(_ pair: Pair) -> Bool { pair.distance <= threshold }

  /// Returns the pairs with the smallest distances, each once, the smallest first.
  ///
  /// - Parameter count: The largest number of pairs.
  public func nearest(_ count: Int) -> [Pair] {
    let once = pairs.filter { pair in
      pair.first < pair.second || pairs[pair.second].second != pair.first
    }
    return Array(
      once.sorted { ($0.distance, $0.first) < ($1.distance, $1.first) }.prefix(max(count, 0)))
  }

  /// Finds the nearest other sample of every sample.
  ///
  /// - Parameters:
  ///   - generated: `[M, D]`.
  ///   - reference: `[N, D]`. The first n = min(M, N) samples of each are taken.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if one has fewer
  ///   than ``minimumCount`` samples.
  public init(of generated: FeatureRows, reference: FeatureRows) throws(MetricError) {
    try checkPair(generated, reference, atLeast: Self.minimumCount)
    let n = min(generated.count, reference.count)
    let (own, others) = try (generated.prefix(n), reference.prefix(n))
    pairs = try nearestNeighbors(of: own, in: own, count: 2).enumerated().map { index, found in
      // The sample itself is the first, or the second of two that are equal.
      let other = found[0].index == index ? found[1] : found[0]
      return Pair(first: index, second: other.index, distance: other.distance)
    }
    let radii = BoundedRows(others, center: others.roundedMean).squaredRadii(neighbors: 1)
      .map { $0.squareRoot() }
    let limit = radii.sorted()[n / 100 - 1]
    threshold = limit
    referencePercentage = 100 * Double(radii.count { $0 <= limit }) / Double(n)
  }
}

extension FeatureRows {
  /// The first samples.
  fileprivate func prefix(_ count: Int) throws(MetricError) -> FeatureRows {
    count == self.count
      ? self : try FeatureRows(Array(values.prefix(count * dimension)), dimension: dimension)
  }
}
