import Features
import GenerativeMetrics
import Results

extension EvaluationResult.Metric {
  /// Sets the interval of a metric, or the reason there is none.
  ///
  /// - Parameter warn: Called with a sentence if the system is the reason, such as a full disk.
  mutating func setInterval(
    _ title: MetricTitle, warn: (String) -> Void, _ jackknife: () throws(NoInterval) -> Jackknife
  ) {
    do throws(NoInterval) {
      let jackknife = try jackknife()
      interval = jackknife.interval(of: title)
      confidence = Jackknife.confidence
      intervalMethod = "delete-a-group jackknife of the logarithm, Student's t"
      bias = jackknife.bias
      self.jackknife = EvaluationResult.Metric.LeftOut(
        groups: jackknife.leftOut.count, values: jackknife.leftOut)
    } catch {
      intervalReason = error.reason
      if error.isOfSystem { warn("no interval of \(title.rawValue): \(error.reason)") }
    }
  }
}

extension EvaluationResult.Metric {
  /// The reason for metrics that never have an interval.
  private static let noInterval = "not computed for this metric"

  init(_ distance: FrechetDistance, _ title: MetricTitle) {
    self.init(
      value: distance.value, higherIsBetter: title.higherIsBetter, meanTerm: distance.meanTerm,
      factorizations: distance.factorizations.map {
        .init(method: $0.method.rawValue, rank: $0.rank, clampedMass: $0.clampedMass)
      }, negativeRounding: distance.negativeRounding)
  }

  init(_ score: InceptionScore, _ title: MetricTitle, definition: String) {
    self.init(
      value: score.mean, definition: definition,
      standardDeviation: score.standardDeviation, higherIsBetter: title.higherIsBetter)
  }

  init(_ distance: KernelDistance, definition: String, referenceCount: Int?) {
    self.init(
      value: distance.value, intervalReason: Self.noInterval, definition: definition,
      standardDeviation: distance.standardDeviation,
      higherIsBetter: MetricTitle.kernelDistance.higherIsBetter, referenceCount: referenceCount)
  }

  init(share: Double, _ title: MetricTitle, definition: String, referenceCount: Int?) {
    self.init(
      value: share, intervalReason: Self.noInterval, definition: definition,
      higherIsBetter: title.higherIsBetter, referenceCount: referenceCount)
  }
}
