import Features
import GenerativeMetrics
import References
import Results
import Work

extension MetricComputation {
  /// Returns what the error of the distance of the subject's images follows from.
  func errors(
    of distance: FrechetDistance, _ keys: [DistanceKey], _ title: MetricTitle
  ) throws(NoInterval) -> FrechetErrors {
    if case .omitted(let reason) = intervals { throw NoInterval(reason: reason) }
    let other = try gaussian(of: reference, keys[1])
    return try featureSet(of: subject, keys[0], distance, from: other).errors(
      of: distance.value, from: other, mean: keys[0].mean
    ) { done in
      reporter.progress(
        WorkProgress(
          activity: "interval of \(title.rawValue)", done: done, total: Jackknife.groupCount))
    }
  }

  /// Returns the errors of what directions of the distance say of the subject's images.
  func errors(
    along directions: FrechetDirections, _ distance: FrechetDistance, _ keys: [DistanceKey]
  ) throws(NoInterval) -> [DirectionErrors] {
    try featureSet(of: subject, keys[0], distance, from: gaussian(of: reference, keys[1]))
      .errors(along: directions, mean: keys[0].mean)
  }

  /// Returns the part of a distance's bias that the reference causes, because it is a sample too; nil if the
  /// features of its images are not there, or are too few.
  func referenceBias(
    _ distance: FrechetDistance, _ keys: [DistanceKey], _ title: MetricTitle
  ) -> Double? {
    guard case .computed = intervals, let own = try? gaussian(of: subject, keys[0]),
      let features = try? featureSet(of: reference, keys[1], distance, from: own),
      FrechetDistance.reasonNotToDebias(count: features.count, rank: features.dimension) == nil
    else { return nil }
    let jackknife = try? features.jackknife(of: distance.value, from: own, mean: keys[1].mean) {
      done in
      reporter.progress(
        WorkProgress(
          activity: "bias of \(title.rawValue) by the reference", done: done,
          total: Jackknife.groupCount))
    }
    return jackknife?.bias
  }

  /// Returns the features of all images of a side.
  ///
  /// - Parameters:
  ///   - distance: The distance, which features in a file must have.
  ///   - other: The Gaussian that it is a distance from.
  private func featureSet(
    of side: Side, _ key: DistanceKey, _ distance: FrechetDistance, from other: FactoredGaussian
  ) throws(NoInterval) -> FeatureSet {
    switch side {
    case .images(let collection):
      guard let features = collection.prepared[key.preparation]?.features(key.isSpatial) else {
        preconditionFailure("there was a distance")
      }
      return features
    case .statistics(let statistics, _):
      let found: FeatureSet?
      let value: Double?
      do {
        found = key.isSpatial ? nil : try FeatureSet(of: statistics)
        value = try found.map {
          try frechetDistance(between: $0.factored(key.mean), and: other).value
        }
      } catch {
        throw NoInterval(reason: "the features in the file cannot be used: \(error)")
      }
      guard let found, let value else {
        throw NoInterval(
          reason:
            "needs images or a file with the features of all of them, and statistics were given")
      }
      guard abs(value - distance.value) <= 1e-6 * (abs(value) + other.trace) else {
        throw NoInterval(
          reason:
            "the features in the file have the distance \(sixDigits(value)), not that of its mean and "
            + "covariance")
      }
      return found
    }
  }

  private func gaussian(
    of side: Side, _ key: DistanceKey
  ) throws(NoInterval) -> FactoredGaussian {
    do throws(MetricError) {
      guard let gaussian = try side.gaussian(key) else {
        preconditionFailure("there was a distance")
      }
      return gaussian
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }

  /// Returns the scores with each group of the images left out.
  func jackknife(
    _ scores: InceptionScoreAccumulator
  ) throws(NoInterval) -> Jackknife {
    if case .omitted(let reason) = intervals { throw NoInterval(reason: reason) }
    do throws(MetricError) {
      return try scores.jackknife()
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }
}

extension InceptionScoreAccumulator {
  /// Creates an accumulator of the logits in a file of features; nil if it does not have those of all images.
  init?(
    of statistics: ReferenceStatistics, _ convention: InceptionScore.Convention
  ) throws {
    var accumulator: InceptionScoreAccumulator?
    let isComplete = try statistics.forEachLogits { classes, rows in
      var scores =
        try accumulator
        ?? InceptionScoreAccumulator(
          classes: classes, count: statistics.count ?? 0, convention: convention, isGrouped: true)
      for start in stride(from: 0, to: rows.count, by: classes) {
        try scores.append(rows[start..<start + classes])
      }
      accumulator = scores
    }
    guard isComplete, let accumulator else { return nil }
    self = accumulator
  }
}
