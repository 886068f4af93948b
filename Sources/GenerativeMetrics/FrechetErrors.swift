/// What the error of a squared Fréchet distance from a fixed reference follows from.
package struct FrechetErrors: Sendable {
  /// The distances with each group of samples left out.
  package let jackknife: Jackknife
  /// The influence of each sample; nil if there are no more samples than features.
  package let influence: FrechetInfluence?

  /// Computes both in one pass over the samples if there are ``DistanceOfRest/minimumDimension`` features or more, and
  /// more samples than features without any group, and otherwise one after the other.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all N samples.
  ///   - samples: The moments of all N samples, N at least ``Jackknife/minimumCount``.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - mean: The precision in which the mean is summed.
  ///   - progress: Called with the number of finished groups of the jackknife.
  ///   - rows: Returns the features `[n, D]` of a range of samples.
  /// - Throws: ``MetricError`` as ``Jackknife/ofDistance(_:of:from:mean:progress:row:)`` does; `Overflow` if an
  ///   influence is not finite.
  package init(
    of value: Double, _ samples: GaussianAccumulator, from reference: FactoredGaussian,
    mean: MeanPrecision = .float64, progress: (Int) -> Void = { _ in },
    rows: (Range<Int>) throws(MetricError) -> [Float]
  ) throws(MetricError) {
    let (count, dimension) = (samples.count, samples.dimension)
    guard count >= Jackknife.minimumCount else {
      throw .tooFewSamples(count, atLeast: Jackknife.minimumCount)
    }
    var sums: FrechetInfluence.Sums?
    if Jackknife.leavesMore(count: count, than: dimension),
      dimension >= DistanceOfRest.minimumDimension
    {
      sums = try .init(
        of: FactoredGaussian(samples.statistics(mean: mean)), count: count, on: reference)
    }
    jackknife = try Jackknife.ofDistance(
      value, of: samples, from: reference, mean: mean, influence: &sums, progress: progress
    ) { index throws(MetricError) in try rows(index..<index + 1) }
    if let sums {
      influence = try sums.finished()
    } else if count > dimension {
      influence = try FrechetInfluence(
        of: FactoredGaussian(samples.statistics(mean: mean)), count: count, on: reference,
        rows: rows)
    } else {
      influence = nil
    }
  }
}
