import Files
import GenerativeMetrics

/// A metric of a recorded evaluation as it is judged.
///
/// The expected distance of N samples has its smallest value at a model that is less diverse than the data.
/// What is judged by default is therefore the debiased number, which estimates the limit for infinitely many
/// images. Metrics without one are judged by their value.
package struct JudgedMetric {
  /// The name of the metric.
  package let name: String
  /// The number with the distribution of its error.
  package let estimate: MetricEstimate
  /// Whether the number is the debiased one.
  package let isDebiased: Bool
  fileprivate let jackknife: Jackknife
  fileprivate let influence: EvaluationResult.Metric.Influence?
  fileprivate let extraError: Double
  /// Whether the bias of the jackknife is what the debiased number is free of.
  fileprivate let isBiased: Bool

  /// The judged number.
  package var value: Double { estimate.value }
}

extension RecordedEvaluation {
  /// Returns a metric as it is judged.
  ///
  /// - Parameters:
  ///   - name: The name of the metric.
  ///   - plugIn: Whether to judge the value even if there is a debiased one.
  /// - Throws: `Failure` `NoInterval` (65) with the reason if the metric has no jackknife, or if there are too
  ///   few images for a debiased distance.
  package func judged(_ name: String, plugIn: Bool) throws(Failure) -> JudgedMetric {
    let jackknife = try known(name)
    guard let metric = metrics[name] else { preconditionFailure("it has a jackknife") }
    let title = MetricTitle(rawValue: name)
    let isDistance = title?.isFrechetDistance ?? false
    if isDistance, let reason = metric.reasonWithoutFullRank {
      throw Failure(.dataRefused, .noInterval, name, reason)
    }
    if isDistance, !plugIn,
      let reason = metric.reasonWithoutDebiased(count: provenance.num ?? 0)
    {
      throw Failure(.dataRefused, .noInterval, name, reason)
    }
    let isDebiased = !plugIn && (isDistance || metric.debiased != nil)
    let extraError = isDebiased ? 0 : metric.subsetError ?? 0
    let judged = metric.shifted(jackknife, isDebiased: isDebiased)
    let estimate = metric.estimate(
      judged, of: title ?? .frechetDistance, isDebiased: isDebiased)
    return JudgedMetric(
      name: name, estimate: estimate, isDebiased: isDebiased, jackknife: judged,
      influence: metric.influence, extraError: extraError,
      isBiased: metric.subsetError == nil)
  }
}

extension RecordedEvaluation {
  /// Returns the jackknife of a metric that a difference needs.
  func known(_ name: String) throws(Failure) -> Jackknife {
    guard let metric = metrics[name], let leftOut = metric.jackknife, let count = provenance.num,
      count >= Jackknife.minimumCount, leftOut.values.count == Jackknife.groupCount,
      (leftOut.values + (leftOut.halves ?? [])).allSatisfy(\.isFinite), metric.value.isFinite
    else {
      throw Failure(
        .dataRefused, .noInterval, name,
        "\(metrics[name]?.intervalReason ?? "the result has no jackknife of it"); both results need "
          + "\(Jackknife.groupCount) values without a group of images")
    }
    return leftOut.jackknife(of: metric.jackknifeValue, count: count)
  }
}

extension EvaluationResult.Metric {
  /// Why a distance cannot be judged, if there are no more images than features.
  package var reasonWithoutFullRank: String? {
    factorizations?.first?.method == FrechetDistance.Factorization.Method.lowRank.rawValue
      ? "no more samples than features: the covariance has not its full rank" : nil
  }

  /// Returns why a distance is not debiased; nil if it is.
  fileprivate func reasonWithoutDebiased(count: Int) -> String? {
    if let debiasedReason { return debiasedReason }
    // Results of version 0.5.0 and earlier say neither.
    guard debiased == nil, let factorization = factorizations?.first,
      factorization.method != FrechetDistance.Factorization.Method.lowRank.rawValue
    else { return nil }
    return FrechetDistance.reasonNotToDebias(count: count, rank: factorization.rank)
  }
}

// MARK: - Differences

/// The difference of a metric between two recorded evaluations.
package struct RecordedDifference {
  /// The first number minus the second.
  package let test: MetricDifference
  /// Whether the debiased numbers are compared.
  package let isDebiased: Bool
  /// What the error follows from.
  package let method: Method

  /// What the error of a difference follows from.
  package enum Method: String, Codable, Sendable {
    /// The influence of each image.
    case influences
    /// The values without groups of images.
    case groups
  }
}

extension JudgedMetric {
  /// Returns how much this metric exceeds another.
  ///
  /// - Parameters:
  ///   - other: The same metric of other images.
  ///   - paired: Whether image i of both belongs together.
  /// - Throws: `Failure` `CountMismatch` (65) if the images are paired and not as many; `NoInterval` (65) if
  ///   only one of the two is debiased, or values are too large.
  package func difference(
    from other: JudgedMetric, paired: Bool
  ) throws(Failure) -> RecordedDifference {
    guard isDebiased == other.isDebiased else {
      throw Failure(
        .dataRefused, .noInterval, name,
        "only one of the two has a debiased value; evaluate the other anew, or compare the values")
    }
    let test: MetricDifference
    let method: RecordedDifference.Method
    do throws(MetricError) {
      if paired, let own = influence?.values, let others = other.influence?.values {
        method = .influences
        test = try MetricDifference(value - other.value, pairs: own, others)
      } else if !paired, let own = influence, let others = other.influence {
        method = .influences
        test = MetricDifference(
          value - other.value, independent: own.summary, others.summary)
      } else {
        method = .groups
        test = try MetricDifference(
          jackknife, other.jackknife, paired: paired, isDebiased: isDebiased && isBiased,
          extraErrors: (extraError, other.extraError))
      }
    } catch {
      throw Failure(error, name)
    }
    guard test.interval.lowerBound.isFinite, test.interval.upperBound.isFinite else {
      throw Failure(.dataRefused, .noInterval, name, "the jackknife values are too large")
    }
    return RecordedDifference(test: test, isDebiased: isDebiased, method: method)
  }

  /// Why pairs are compared by groups of images rather than image by image; nil if they are not.
  ///
  /// - Parameters:
  ///   - other: The same metric of other images.
  ///   - names: What the two sides are called.
  package func reasonForGroups(
    against other: JudgedMetric, names: (String, String)
  ) -> String? {
    guard influence != nil || other.influence != nil else { return nil }
    let sides = [(names.0, self), (names.1, other)].filter { $0.1.influence?.values == nil }
    guard !sides.isEmpty else { return nil }
    return "influence-….npy is not beside \(sides.map(\.0).joined(separator: " and "))"
  }
}
