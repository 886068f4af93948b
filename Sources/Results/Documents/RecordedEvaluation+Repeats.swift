import Files
import GenerativeMetrics

extension RecordedEvaluation {
  /// Creates the recorded part of results that differ only in their seeds.
  ///
  /// Each metric is the mean of its values. Group g of its jackknife is group g of every result, so
  /// that the value with the group left out is the mean of the results' values with it left out.
  /// The provenance is that of the result with the smallest seed; `num` remains the number of
  /// samples of each result.
  ///
  /// - Throws: `Failure` `ResultInvalid` (65) if there are no results, a result contradicts itself,
  ///   has the metrics of every dialect or no seed, seeds repeat or are not in ascending order, or
  ///   results differ in more than their seeds.
  public init(_ repeated: RepeatedResult, path: String) throws(Failure) {
    func invalid(_ detail: String) -> Failure {
      Failure(.dataRefused, .resultInvalid, path, detail)
    }
    let parts = repeated.results.map { RecordedEvaluation($0, path: path) }
    guard let first = parts.first else { throw invalid("results: found none") }
    var seeds: [UInt64] = []
    for (index, part) in parts.enumerated() {
      func invalidPart(_ detail: String) -> Failure { invalid("results[\(index)]: \(detail)") }
      guard part.dialects == nil else { throw invalidPart("has the metrics of every dialect") }
      if let contradiction = part.contradiction { throw invalidPart(contradiction) }
      let origin = part.provenance.generator == nil ? "sampler" : "generator"
      guard let seed = part.provenance.seed else {
        throw invalidPart("provenance.sampler.seed: not there")
      }
      if let last = seeds.last, seed <= last {
        throw invalidPart(
          "provenance.\(origin).seed: found \(seed) after \(last), expected a larger one")
      }
      seeds.append(seed)
      if let difference = try Self.difference(first.provenance, part.provenance, subject: path) {
        throw invalidPart(
          "provenance.\(difference.field): found \(difference.second ?? "none"), in the first result "
            + "\(difference.first ?? "none"); repeats differ only in their seeds")
      }
    }
    self = first
    (self.seeds, samplesSha256, sampleDigests) = (seeds, nil, nil)
    metrics = [:]
    for name in first.metrics.keys {
      let values = parts.compactMap { $0.metrics[name] }
      guard values.count == parts.count else {
        skipped[name] = "not in every one of the \(parts.count) results"
        continue
      }
      let mean = EvaluationResult.Metric(meanOf: values, named: name, count: first.provenance.num)
      guard mean.value.isFinite else { throw invalid("metrics.\(name): the values are too large") }
      metrics[name] = mean
    }
  }

  /// Returns the first difference other than the seed and what follows from it.
  private static func difference(
    _ first: Provenance, _ other: Provenance, subject: String
  ) throws(Failure) -> DocumentDifference? {
    do {
      return try documentDifferences(first, other).first { difference in
        difference.field != "sampler.seed" && difference.field != "generator.seed"
          && !["labels.", "warnings", "tool", "kernels"].contains { difference.field.hasPrefix($0) }
      }
    } catch {
      throw Failure(.dataRefused, .resultInvalid, subject, "provenance: a number is not finite")
    }
  }
}

extension EvaluationResult.Metric {
  /// Creates the mean of a metric over results of the same settings with different seeds.
  ///
  /// - Parameters:
  ///   - metrics: The metric of each result, at least one.
  ///   - name: The name of the metric.
  ///   - count: The number of samples of each result; nil if unknown, and then there is no interval.
  fileprivate init(meanOf metrics: [EvaluationResult.Metric], named name: String, count: Int?) {
    self = metrics[0]
    value = metrics.reduce(0) { $0 + $1.value } / Double(metrics.count)
    (standardDeviation, meanTerm, negativeRounding) = (nil, nil, nil)
    (interval, bias, jackknife) = (nil, nil, nil)
    (debiased, debiasedInterval, influence) = (nil, nil, nil)
    debiasedReason = metrics.compactMap(\.debiasedReason).first
    factorizations =
      metrics.compactMap(\.factorizations).first { $0.first?.method == "lowRank" }
      ?? factorizations
    let sets = metrics.compactMap { metric in
      metric.interval == nil ? nil : count.flatMap { metric.jackknife(count: $0) }
    }
    guard sets.count == metrics.count, let combined = try? Jackknife.mean(of: sets) else {
      (confidence, intervalMethod) = (nil, nil)
      intervalReason =
        metrics.compactMap(\.intervalReason).first ?? "a result has no jackknife values of \(name)"
      return
    }
    if subsetError == nil {
      value = combined.value
    } else {
      // Draws of different seeds are independent.
      let squares = metrics.compactMap(\.subsetError).reduce(0) { $0 + $1 * $1 }
      (subsetError, debiased) = (squares.squareRoot() / Double(metrics.count), combined.value)
    }
    jackknife = EvaluationResult.Metric.LeftOut(combined)
    if let title = MetricTitle(rawValue: name) {
      influence = EvaluationResult.Metric.Influence(
        meanOf: metrics.compactMap(\.influence), of: sets)
      subsetError == nil ? setIntervals(combined, of: title) : setSubsetIntervals(combined)
    } else {
      interval = combined.positiveInterval
    }
  }
}

extension EvaluationResult.Metric.Influence {
  /// Creates the record of the mean of independent distances; nil if it is not known of each.
  ///
  /// The error of the mean is that of all images together, so that their influences stand one after the other.
  fileprivate init?(
    meanOf parts: [EvaluationResult.Metric.Influence], of sets: [Jackknife]
  ) {
    guard parts.count == sets.count, !parts.isEmpty else { return nil }
    self.init(.mean(of: parts.map(\.summary)))
    let known = parts.compactMap(\.values)
    if known.count == parts.count { setValues(known.flatMap(\.self)) }
  }
}

extension EvaluationResult.Metric {
  /// Sets the interval, and the debiased number with its own unless ``debiasedReason`` says why there is none,
  /// from the jackknife and the influences.
  package mutating func setIntervals(_ jackknife: Jackknife, of title: MetricTitle) {
    bias = jackknife.bias
    interval = estimate(jackknife, of: title, isDebiased: false).interval()
    guard title.isFrechetDistance, debiasedReason == nil else { return }
    let estimate = estimate(jackknife, of: title, isDebiased: true)
    (debiased, debiasedInterval) = (estimate.value, estimate.interval())
  }

  /// Sets the intervals of a mean over drawn subsets, and of the estimate of all pairs in ``debiased``.
  ///
  /// - Parameter whole: The estimate of all pairs.
  package mutating func setSubsetIntervals(_ whole: Jackknife) {
    func interval(_ isDebiased: Bool) -> ClosedRange<Double> {
      estimate(
        shifted(whole, isDebiased: isDebiased), of: .kernelDistance, isDebiased: isDebiased
      ).interval()
    }
    (self.interval, debiasedInterval) = (interval(false), interval(true))
  }

  /// Returns the jackknife of the number that is judged: of a mean over drawn subsets, with the value of that
  /// mean and the changes of the estimate of all pairs.
  func shifted(_ jackknife: Jackknife, isDebiased: Bool) -> Jackknife {
    guard subsetError != nil, !isDebiased else { return jackknife }
    let shift = value - jackknife.value
    return Jackknife(
      value: value, leftOut: jackknife.leftOut.map { $0 + shift }, sizes: jackknife.sizes,
      halves: jackknife.halves.map { $0 + shift })
  }

  /// Returns the number with the distribution of its error.
  ///
  /// Near a distance of 0, the influences vanish and their curvature takes over, which the formula of their
  /// interval is not made for. Where that interval has no end or does not contain the value, the one from groups of
  /// images is taken, which is too wide there.
  func estimate(
    _ jackknife: Jackknife, of title: MetricTitle, isDebiased: Bool
  ) -> MetricEstimate {
    if let influence {
      let plain = MetricEstimate(value, influence.summary).interval()
      if plain.upperBound.isFinite, plain.contains(value) {
        return MetricEstimate(
          value, bias: isDebiased ? jackknife.bias : 0,
          secondOrderBias: isDebiased ? jackknife.secondOrderBias : nil, influence.summary)
      }
    }
    return MetricEstimate(
      jackknife, of: title, isDebiased: isDebiased && subsetError == nil,
      extraError: isDebiased ? 0 : subsetError ?? 0)
  }
}
