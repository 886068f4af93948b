import GenerativeMetrics

// Facts that a result states twice, or that follow from others, must agree: a file that was edited
// or assembled by mistake is refused rather than judged.
extension RecordedEvaluation {
  /// The first contradiction, preceded by its location; nil if there is none.
  package var contradiction: String? {
    if let count = provenance.num, count < 1 {
      return "provenance.num: found \(count), expected a number of samples"
    }
    if let seeds, seeds.count < 1 || zip(seeds, seeds.dropFirst()).contains(where: { $0 >= $1 }) {
      return "seeds: found \(seeds), expected different ones in ascending order"
    }
    if let first = seeds?.first, first != provenance.seed {
      return "seeds: found \(first) as the first, expected the seed of the provenance, "
        + "\(provenance.seed.map(String.init) ?? "which has none")"
    }
    // Each sample has four characters.
    if let digests = sampleDigests?.utf8.count,
      digests % 4 != 0 || digests / 4 != provenance.num ?? 0
    {
      return "sample_digests: found those of \(digests / 4) samples, provenance.num is "
        + "\(provenance.num.map(String.init) ?? "not there")"
    }
    for (name, metric) in metrics.sorted(by: { $0.key < $1.key }) {
      let problem =
        metric.contradiction(named: name, extractor: provenance.extractor.name)
        ?? metric.contradiction(named: name, count: provenance.num)
      if let problem { return "metrics.\(name).\(problem)" }
    }
    return nil
  }
}

extension EvaluationResult.Metric {
  /// Returns the jackknife of the metric; nil if there is none.
  ///
  /// - Parameter count: The number of samples N, at least `Jackknife.minimumCount`.
  package func jackknife(count: Int) -> Jackknife? {
    jackknife.map { $0.jackknife(of: jackknifeValue, count: count) }
  }

  /// The value of all images that belongs to the values without groups: of a mean over drawn subsets, the
  /// estimate of all pairs.
  package var jackknifeValue: Double { subsetError == nil ? value : debiased ?? value }

  /// Whether all values of the jackknife are equal, so that they do not indicate how much the
  /// metric varies.
  package var isWithoutSpread: Bool {
    if let influence { return influence.standardError == 0 }
    return jackknife.map { leftOut in leftOut.values.allSatisfy { $0 == leftOut.values[0] } }
      ?? false
  }

  /// Returns what is impossible for a metric with this name.
  fileprivate func contradiction(named name: String, extractor: String) -> String? {
    guard let title = MetricTitle(rawValue: name) else { return nil }
    if let own = title.extractor, extractor != own {
      return
        "value: \(name) is by the extractor '\(own)', found '\(extractor)'; by this one it is called "
        + title.named(by: extractor).rawValue
    }
    if higherIsBetter != title.higherIsBetter {
      return "higher_is_better: found \(higherIsBetter), for \(name) it is \(title.higherIsBetter)"
    }
    guard title.range.contains(value) else {
      let (low, high) = (title.range.lowerBound, title.range.upperBound)
      return "value: found \(value), \(name) is at least \(sixDigits(low))"
        + (high < .infinity ? " and at most \(sixDigits(high))" : "")
    }
    return nil
  }

  /// Returns what is inconsistent with the values of the jackknife.
  fileprivate func contradiction(named name: String, count: Int?) -> String? {
    if let interval, !interval.contains(value) {
      return "value: \(value) lies outside its own interval, [\(interval.lowerBound), "
        + "\(interval.upperBound)]"
    }
    if let confidence, confidence != Jackknife.confidence {
      return "confidence: found \(confidence), intervals have \(Jackknife.confidence)"
    }
    guard let leftOut = jackknife else { return nil }
    let found = leftOut.values.count
    guard found == Jackknife.groupCount, leftOut.groups == found else {
      return
        "jackknife: found \(found) values of \(leftOut.groups) groups, the method has "
        + "\(Jackknife.groupCount)"
    }
    guard let count, count >= Jackknife.minimumCount else {
      return "jackknife: it needs at least \(Jackknife.minimumCount) samples, provenance.num is "
        + "\(count.map(String.init) ?? "not there")"
    }
    if let halves = leftOut.halves, halves.count != 2 {
      return "jackknife.halves: found \(halves.count) values, expected 2"
    }
    let implied = leftOut.jackknife(of: jackknifeValue, count: count)
    guard implied.margin.isFinite else { return "jackknife: its values are too large" }
    let largestChange = (leftOut.values + (leftOut.halves ?? [])).reduce(0) {
      max($0, abs($1 - jackknifeValue))
    }
    if let bias, !agree(bias, implied.bias, scale: largestChange) {
      return "bias: found \(bias), its jackknife values give \(implied.bias)"
    }
    if let sha256 = influence?.sha256, sha256.wholeMatch(of: /[0-9a-f]{64}/) == nil {
      return "influence.sha256: found '\(sha256)', expected 64 hexadecimal digits"
    }
    guard let interval else { return nil }
    let title = MetricTitle(rawValue: name)
    if let debiased, let bias, !agree(debiased, value - bias, scale: value) {
      return "debiased: found \(debiased), the value minus the bias is \(value - bias)"
    }
    if let found = debiasedInterval, let title {
      let expected = estimate(
        shifted(implied, isDebiased: true), of: title, isDebiased: true
      ).interval()
      guard agree(found, expected) else {
        return
          "debiased_interval: found [\(found.lowerBound), \(found.upperBound)], its parts give "
          + "[\(expected.lowerBound), \(expected.upperBound)]"
      }
    }
    let choices =
      title.map {
        [estimate(shifted(implied, isDebiased: false), of: $0, isDebiased: false).interval()]
      }
      ?? [implied.positiveInterval, implied.interval]
    guard
      choices.contains(where: { agree(interval, $0) })
    else {
      return "interval: found [\(interval.lowerBound), \(interval.upperBound)], its jackknife "
        + "values \(influence == nil ? "" : "and influences ")give "
        + "[\(choices[0].lowerBound), \(choices[0].upperBound)]"
    }
    return nil
  }

  private func agree(_ a: ClosedRange<Double>, _ b: ClosedRange<Double>) -> Bool {
    agree(a.lowerBound, b.lowerBound, scale: value)
      && agree(a.upperBound, b.upperBound, scale: value)
  }

  /// Returns whether two numbers are equal except for rounding, which is below 1e-13 of either
  /// number or of the numbers they are computed from.
  private func agree(_ a: Double, _ b: Double, scale: Double) -> Bool {
    a == b || abs(a - b) <= 1e-9 * max(abs(a), abs(b), abs(scale))
  }
}
