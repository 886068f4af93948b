import Features
import GenerativeMetrics
import Results

extension EvaluationResult.Metric {
  /// Sets the interval of a metric from values without groups of images, or the reason there is none.
  ///
  /// - Parameter warn: Called with a sentence if the system is the reason, such as a full disk.
  mutating func setInterval(
    _ title: MetricTitle, warn: (String) -> Void, _ jackknife: () throws(NoInterval) -> Jackknife
  ) {
    do throws(NoInterval) {
      set(try jackknife(), of: title, "delete-a-group jackknife of the logarithm, Student's t")
    } catch {
      setReason(error, of: title, warn: warn)
    }
  }

  /// Sets the interval of a distance and its debiased value from the influence of each image, or the reason
  /// there is none.
  ///
  /// - Parameters:
  ///   - warn: Called with a sentence if the system is the reason, such as a full disk.
  ///   - errors: Returns the values without groups of images, and the influences.
  mutating func setIntervals(
    _ distance: FrechetDistance, _ title: MetricTitle, count: Int, warn: (String) -> Void,
    _ errors: () throws(NoInterval) -> FrechetErrors
  ) {
    do throws(NoInterval) {
      let errors = try errors()
      let jackknife = errors.jackknife
      guard let influence = errors.influence else {
        self.jackknife = LeftOut(jackknife)
        throw NoInterval(
          reason:
            "\(count) images are not more than the \(distance.dimension) features, so that rare images "
            + "may not be among them at all")
      }
      self.influence = Influence(influence)
      debiasedReason = distance.reasonNotToDebias(count: count)
      set(jackknife, of: title, "influence of each image, Efron's ABC method with Student's t")
    } catch {
      setReason(error, of: title, warn: warn)
    }
  }

  private mutating func set(_ jackknife: Jackknife, of title: MetricTitle, _ method: String) {
    setIntervals(jackknife, of: title)
    confidence = Jackknife.confidence
    intervalMethod = method
    self.jackknife = LeftOut(jackknife)
  }

  private mutating func setReason(
    _ error: NoInterval, of title: MetricTitle, warn: (String) -> Void
  ) {
    intervalReason = error.reason
    if error.isOfSystem { warn("no interval of \(title.rawValue): \(error.reason)") }
  }

  /// What to know before trusting the interval and the debiased value; empty if there is nothing.
  func notes(of name: String, count: Int) -> [String] {
    guard let influence, let rank = factorizations?.first?.rank else { return [] }
    var notes: [String] = []
    if influence.summary.dependsOnFewSamples {
      notes.append(
        "\(name): few images carry its error (\(influence.degreesOfFreedom) degrees of freedom); its "
          + "interval may be too narrow")
    }
    if debiased != nil, Double(count) < FrechetDistance.enoughForDebiasing * Double(rank) {
      notes.append(
        "\(name): fewer than \(Int(FrechetDistance.enoughForDebiasing)) images for each of \(rank) "
          + "independent features; if features have heavy tails, some of the bias remains in the debiased "
          + "value")
    }
    return notes
  }
}

extension EvaluationResult.Metric {
  /// Creates a metric from its values without groups of images.
  init(_ jackknife: Jackknife, of title: MetricTitle) {
    self.init(value: jackknife.value, higherIsBetter: title.higherIsBetter)
    setInterval(jackknife, of: title)
  }

  /// Sets the interval of a metric of feature rows.
  mutating func setInterval(_ jackknife: Jackknife, of title: MetricTitle) {
    let scale = title.hasPositiveScale ? " of the logarithm" : ""
    set(
      jackknife, of: title,
      title == .precision
        ? "Wilson's interval of a share, given the reference"
        : "delete-a-group jackknife\(scale), Student's t")
  }

  /// Sets the interval of a KID.
  ///
  /// The estimate from all pairs of images, which no draw of subsets changes, stands beside the mean over drawn
  /// subsets as the debiased value. What subsets add to the error of their mean is the deviation between them,
  /// divided by the root of their number.
  mutating func setInterval(_ whole: Jackknife, subsets: KernelDistance.Subsets) {
    guard case .drawn(let count, _, _) = subsets else {
      return setInterval(whole, of: .kernelDistance)
    }
    confidence = Jackknife.confidence
    intervalMethod = "delete-a-group jackknife of all pairs, and the draw of subsets; Student's t"
    jackknife = LeftOut(whole)
    subsetError = standardDeviation.map { $0 / Double(count).squareRoot() }
    debiased = whole.value
    setSubsetIntervals(whole)
  }

  /// Sets the interval of an estimate with pairs of an image with itself, and the estimate without them as the debiased
  /// value.
  mutating func setInterval(allPairs unbiased: Jackknife) {
    confidence = Jackknife.confidence
    intervalMethod = "delete-a-group jackknife of the pairs of different images, Student's t"
    jackknife = LeftOut(unbiased)
    subsetError = 0
    debiased = unbiased.value
    setSubsetIntervals(unbiased)
  }

  /// Removes an interval that was not asked for.
  mutating func removeInterval(_ reason: String) {
    (interval, confidence, intervalMethod, jackknife, bias) = (nil, nil, nil, nil, nil)
    intervalReason = reason
  }
}

extension EvaluationResult.Metric {
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
      value: distance.value, definition: definition,
      standardDeviation: distance.standardDeviation,
      higherIsBetter: MetricTitle.kernelDistance.higherIsBetter, referenceCount: referenceCount)
  }

  init(share: Double, _ title: MetricTitle, definition: String, referenceCount: Int?) {
    self.init(
      value: share, definition: definition,
      higherIsBetter: title.higherIsBetter, referenceCount: referenceCount)
  }
}
