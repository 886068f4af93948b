import Features
import Files
import GenerativeMetrics
import References
import Results

// Metrics of the feature rows of both sides, or of the evaluated images alone.
extension MetricComputation {
  /// Adds the metrics of feature rows that are wanted.
  mutating func addRowMetrics(
    _ pair: PreparedPair, _ definition: DialectDefinition,
    to result: inout EvaluationResult.DialectResult
  ) throws {
    guard let rows = try subject.rows(pair.subject) else {
      skip(
        Array(MetricName.ofRows),
        "needs images or feature rows, and statistics without them were given", in: &result)
      return
    }
    let others = try reference.rows(pair.reference)
    try addSpread(rows, others, pair, to: &result)
    guard let others else {
      skip(
        Array(MetricName.ofPairedRows),
        "needs images or feature rows on both sides, and statistics without them were given",
        in: &result)
      return
    }
    try addDiscrepancies(rows, others, pair.subject, definition, to: &result)
    if wanted.contains(.precision) || wanted.contains(.recall) {
      try addPrecisionAndRecall(rows, others, pair.subject, definition, to: &result)
    }
    if wanted.contains(.mongeDistance) { try addMongeDistance(rows, others, to: &result) }
    if wanted.contains(.authenticity) { try addAuthenticity(rows, others, to: &result) }
    if wanted.contains(.classKernelDistance) {
      try addClassKernelDistances(rows, others, pair, to: &result)
    }
    if wanted.contains(.duplicates) { try addDuplicates(rows, others, to: &result) }
    if wanted.contains(.clipDiscrepancy) { try addClipDiscrepancy(rows, others, to: &result) }
    for (name, penalty) in [
      (MetricName.memorizationInformed, MemorizationPenalty.torchmetrics),
      (.memorizationInformedGenerated, .generated),
    ] where wanted.contains(name) {
      try addMemorizationInformed(name, penalty, rows, others, pair, definition, to: &result)
    }
  }

  /// Whether the metrics of some rows have intervals.
  private func hasIntervals(_ rows: FeatureRows) -> Bool { reasonWithoutInterval(rows) == nil }

  /// The reason that metrics of rows have no interval; nil if they have.
  private func reasonWithoutInterval(_ rows: FeatureRows) -> String? {
    reasonWithoutInterval(rows.count, what: "features")
  }

  /// The reason that metrics of a number of rows have no interval; nil if they have.
  func reasonWithoutInterval(_ count: Int, what: String) -> String? {
    if case .omitted(let reason) = intervals { return reason }
    if count != subject.count {
      return "the file has \(count) rows of \(what), of "
        + (subject.count.map { "\($0) images" } ?? "a number of images that it does not say")
    }
    guard count < Jackknife.minimumCount else { return nil }
    return "\(count) images; an interval needs at least \(Jackknife.minimumCount)"
  }

  /// Adds the Vendi score and the total variance, each beside that of the reference.
  private func addSpread(
    _ rows: FeatureRows, _ others: FeatureRows?, _ pair: PreparedPair,
    to result: inout EvaluationResult.DialectResult
  ) throws {
    func add(
      _ name: MetricName, _ title: MetricTitle, reference: Double?,
      _ value: () throws(MetricError) -> Double, _ jackknife: () throws(MetricError) -> Jackknife
    ) throws(Failure) {
      guard wanted.contains(name) else { return }
      do throws(MetricError) {
        var metric: EvaluationResult.Metric
        if hasIntervals(rows) {
          metric = EvaluationResult.Metric(try jackknife(), of: title)
        } else {
          metric = EvaluationResult.Metric(value: try value(), higherIsBetter: true)
          metric.intervalReason = reasonWithoutInterval(rows)
        }
        metric.referenceValue = reference
        result.metrics[title.rawValue] = metric
      } catch {
        guard error.code == .tooFewSamples || error.code == .zeroRow else {
          throw Failure(error, title.rawValue)
        }
        result.skipped[title.rawValue] = error.detail
      }
    }
    let gaussian = try? reference.gaussian(
      DistanceKey(preparation: pair.reference, mean: .float64, isSpatial: false))
    try add(.totalVariance, .totalVariance, reference: gaussian?.trace) { () throws(MetricError) in
      try totalVariance(of: rows)
    } _: { () throws(MetricError) in
      try totalVarianceJackknife(of: rows)
    }
    let own = wanted.contains(.vendi) ? others.flatMap { try? vendiScore(of: $0) } : nil
    try add(.vendi, .vendi, reference: own) { () throws(MetricError) in
      try vendiScore(of: rows)
    } _: { () throws(MetricError) in
      try vendiScoreJackknife(of: rows)
    }
  }

  /// Adds the KID and the discrepancy by a Gaussian kernel.
  private mutating func addDiscrepancies(
    _ rows: FeatureRows, _ others: FeatureRows, _ preparation: Preparation,
    _ definition: DialectDefinition, to result: inout EvaluationResult.DialectResult
  ) throws {
    let width = others.rootMeanSquareDistance
    var kernels: [DiscrepancyKernel] = []
    if wanted.contains(.kid), hasIntervals(rows) { kernels.append(.cubic) }
    if wanted.contains(.discrepancy) { kernels.append(.gaussian(width: width)) }
    var found: [DiscrepancyKernel: MaximumMeanDiscrepancy] = [:]
    if !kernels.isEmpty {
      do throws(MetricError) {
        for part in try maximumMeanDiscrepancies(of: rows, against: others, kernels: kernels) {
          found[part.kernel] = part
        }
      } catch {
        guard error.code == .tooFewSamples || error.code == .shapeMismatch else {
          throw Failure(error, "discrepancies")
        }
        skip([.discrepancy], error.detail, in: &result)
      }
    }
    if let part = found[.gaussian(width: width)] {
      var metric = EvaluationResult.Metric(part.unbiased, of: .discrepancy)
      metric.kernelWidth = width
      if let reason = reasonWithoutInterval(rows) { metric.removeInterval(reason) }
      result.metrics[MetricTitle.discrepancy.rawValue] = metric
    }
    guard wanted.contains(.kid) else { return }
    let (tool, subsets) = definition.kernelDistance
    do throws(MetricError) {
      let known = kernelDistances[preparation]?[subsets]
      let value: KernelDistance
      if let known {
        value = known
      } else if subsets == .whole, let whole = found[.cubic]?.unbiased {
        value = KernelDistance(whole: whole.value)
      } else {
        value = try kernelDistance(between: rows, and: others, subsets: subsets)
      }
      kernelDistances[preparation, default: [:]][subsets] = value
      var metric = EvaluationResult.Metric(
        value, definition: tool, referenceCount: referenceCount(others))
      if let whole = found[.cubic]?.unbiased {
        metric.setInterval(whole, subsets: subsets)
      } else {
        metric.intervalReason = reasonWithoutInterval(rows)
      }
      result.metrics["kid"] = metric
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, "KID") }
      skip([.kid], "by \(tool): \(error.detail)", in: &result)
    }
  }

  /// Adds precision and recall, and density and coverage of the same neighbourhoods.
  private mutating func addPrecisionAndRecall(
    _ rows: FeatureRows, _ others: FeatureRows, _ preparation: Preparation,
    _ definition: DialectDefinition, to result: inout EvaluationResult.DialectResult
  ) throws {
    let (tool, convention) = definition.precisionAndRecall
    do throws(MetricError) {
      let groups =
        hasIntervals(rows)
        ? try precisionAndRecallJackknife(of: rows, against: others, convention: convention) : nil
      let known = coverages[preparation]?[convention]
      let value: PrecisionAndRecall
      if let found = groups?.scores ?? known {
        value = found
      } else {
        value = try precisionAndRecall(of: rows, against: others, convention: convention)
      }
      coverages[preparation, default: [:]][convention] = value
      var shares: [(title: MetricTitle, value: Double, groups: Jackknife?)] = []
      if wanted.contains(.precision) {
        shares.append((.precision, value.precision, groups?.precision))
      }
      if wanted.contains(.recall) { shares.append((.recall, value.recall, groups?.recall)) }
      shares += [
        (.density, value.density, groups?.density), (.coverage, value.coverage, groups?.coverage),
      ]
      for share in shares {
        let isOfTool =
          convention == .prdc || share.title == .precision || share.title == .recall
        var metric = EvaluationResult.Metric(
          share: share.value, share.title,
          definition: isOfTool ? tool : "prdc's, with the neighbourhoods of \(tool)",
          referenceCount: referenceCount(others))
        if let groups = share.groups {
          metric.setInterval(groups, of: share.title)
        } else {
          metric.intervalReason = reasonWithoutInterval(rows)
        }
        result.metrics[share.title.rawValue] = metric
      }
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, "precision and recall") }
      skip([.precision, .recall], "by \(tool): \(error.detail)", in: &result)
    }
  }

  /// Adds MIND.
  private func addMongeDistance(
    _ rows: FeatureRows, _ others: FeatureRows, to result: inout EvaluationResult.DialectResult
  ) throws {
    do throws(MetricError) {
      let distance = try MongeInceptionDistance(of: rows, from: others)
      var metric = EvaluationResult.Metric(
        value: distance.value,
        definition:
          "torch-fidelity: \(distance.count) images of each, \(distance.directionCount) directions, "
          + "seed \(distance.seed)",
        higherIsBetter: false, referenceCount: referenceCount(others))
      metric.intervalReason = "none has been shown to hold"
      result.metrics[MetricTitle.mongeDistance.rawValue] = metric
    } catch {
      throw Failure(error, MetricTitle.mongeDistance.rawValue)
    }
  }

  /// Adds AuthPct, and the images that resemble one of the reference most.
  private func addAuthenticity(
    _ rows: FeatureRows, _ others: FeatureRows, to result: inout EvaluationResult.DialectResult
  ) throws {
    let title = MetricTitle.authenticity
    do throws(MetricError) {
      let found = try Memorization(of: rows, training: others)
      var metric = EvaluationResult.Metric(
        value: found.authenticPercentage, definition: "dgm-eval", higherIsBetter: true,
        referenceCount: referenceCount(others))
      if hasIntervals(rows) {
        metric.setInterval(try found.jackknife(), of: title)
      } else {
        metric.intervalReason = reasonWithoutInterval(rows)
      }
      metric.nearestCopies = found.nearestCopies(Self.listedCopies).map {
        EvaluationResult.Metric.Copy(
          sample: $0.sample, training: $0.training, distance: $0.distance,
          ratio: $0.ratio.isFinite ? $0.ratio : nil,
          digests: [subject.digests?[$0.sample], reference.digests?[$0.training]])
      }
      result.metrics[title.rawValue] = metric
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, title.rawValue) }
      result.skipped[title.rawValue] = error.detail
    }
  }

  /// Adds the share of near duplicates, and the images that resemble another image most.
  private func addDuplicates(
    _ rows: FeatureRows, _ others: FeatureRows, to result: inout EvaluationResult.DialectResult
  ) throws {
    let title = MetricTitle.duplicates
    do throws(MetricError) {
      let found = try Duplicates(of: rows, reference: others)
      var metric = EvaluationResult.Metric(
        value: found.percentage,
        definition:
          "\(found.count) images of each; nearer to another one than 99 % of the reference's images are",
        higherIsBetter: title.higherIsBetter, referenceCount: referenceCount(others))
      metric.referenceValue = found.referencePercentage
      metric.intervalReason = "none has been shown to hold"
      metric.nearestPairs = found.nearest(Self.listedCopies).map {
        EvaluationResult.Metric.Pair(
          first: $0.first, second: $0.second, distance: $0.distance,
          ratio: found.threshold > 0 ? $0.distance / found.threshold : nil,
          digests: [subject.digests?[$0.first], subject.digests?[$0.second]])
      }
      result.metrics[title.rawValue] = metric
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, title.rawValue) }
      result.skipped[title.rawValue] = error.detail
    }
  }

  /// Adds CMMD as it is published, beside the unbiased estimate of the same discrepancy.
  private func addClipDiscrepancy(
    _ rows: FeatureRows, _ others: FeatureRows, to result: inout EvaluationResult.DialectResult
  ) throws {
    let title = MetricTitle.clipDiscrepancy
    do throws(MetricError) {
      let found = try GenerativeMetrics.clipDiscrepancy(of: rows, against: others)
      var metric = EvaluationResult.Metric(
        value: found.biased, definition: "cmmd", higherIsBetter: title.higherIsBetter,
        referenceCount: referenceCount(others))
      if let reason = reasonWithoutInterval(rows) {
        metric.intervalReason = reason
      } else {
        metric.setInterval(allPairs: found.unbiased)
      }
      result.metrics[title.rawValue] = metric
    } catch {
      guard error.code == .tooFewSamples || error.code == .zeroRow else {
        throw Failure(error, title.rawValue)
      }
      result.skipped[title.rawValue] = error.detail
    }
  }

  /// Adds FID divided by the distance from copies of the reference.
  private mutating func addMemorizationInformed(
    _ name: MetricName, _ penalty: MemorizationPenalty, _ rows: FeatureRows, _ others: FeatureRows,
    _ pair: PreparedPair, _ definition: DialectDefinition,
    to result: inout EvaluationResult.DialectResult
  ) throws {
    let title = title(name)
    guard let distance = try distance(pair, definition) else {
      result.skipped[title.rawValue] = "needs the mean and the covariance of both sides"
      return
    }
    do throws(MetricError) {
      let copies = try memorizationDistance(of: rows, from: others, penalty: penalty)
      var metric = EvaluationResult.Metric(
        value: memorizationInformedDistance(distance.value, copies: copies),
        definition:
          "\(penalty.rawValue): the mean cosine distance from copies is \(sixDigits(copies)), and 0.1 or more counts as 1",
        higherIsBetter: title.higherIsBetter, referenceCount: referenceCount(others))
      metric.intervalReason = "none has been shown to hold"
      result.metrics[title.rawValue] = metric
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, title.rawValue) }
      result.skipped[title.rawValue] = error.detail
    }
  }

  private static let listedCopies = 20

  /// Returns the number of reference images compared with; nil for all.
  private func referenceCount(_ rows: FeatureRows) -> Int? {
    rows.count == reference.count ? nil : rows.count
  }
}
