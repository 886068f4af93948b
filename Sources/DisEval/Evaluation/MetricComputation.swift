import FeatureExtractors
import Features
import Files
import Foundation
import GenerativeMetrics
import References
import Results
import Work

/// Computes the metrics in any number of dialects from two sides. What dialects share is computed
/// once.
package struct MetricComputation {
  private let subject: Side
  private let reference: Side
  private let extractor: (any FeatureExtractor)?
  private let isInception: Bool
  private let wanted: Set<MetricName>
  private let intervals: IntervalChoice
  private let reporter: Reporter
  private var distances: [[DistanceKey]: FrechetDistance] = [:]
  private var kernelDistances: [Preparation: [KernelDistance.Subsets: KernelDistance]] = [:]
  private var coverages: [Preparation: [PrecisionAndRecall.Convention: PrecisionAndRecall]] = [:]

  /// Creates the computation, which does nothing before ``result(_:reference:)``.
  ///
  /// - Parameters:
  ///   - subject: The evaluated images or statistics.
  ///   - reference: The images or statistics to compare with.
  ///   - extractor: The extractor of both sides; nil if both are statistics.
  ///   - isInception: Whether the features are those of Inception, which determines the names of
  ///     metrics.
  ///   - wanted: The metrics to compute if the inputs allow.
  ///   - intervals: Which metrics have intervals.
  ///   - reporter: Receives the progress.
  package init(
    _ subject: Side, against reference: Side, extractor: (any FeatureExtractor)?,
    isInception: Bool, wanted: Set<MetricName>, intervals: IntervalChoice, reporter: Reporter
  ) {
    self.subject = subject
    self.reference = reference
    self.extractor = extractor
    self.isInception = isInception
    self.wanted = wanted
    self.intervals = intervals
    self.reporter = reporter
  }

  /// Returns the metrics in one dialect.
  ///
  /// - Parameters:
  ///   - dialect: The dialect of the evaluated side.
  ///   - other: The dialect of the reference, the same unless dialects are mixed deliberately.
  /// - Throws: `Failure` (65) with the code of the `MetricError` if a metric cannot be computed, or
  ///   the error that reading feature rows throws.
  package mutating func result(_ dialect: Dialect, reference other: Dialect) throws
    -> EvaluationResult.DialectResult
  {
    let definition = dialect.definition
    let pair = PreparedPair(
      subject: effective(definition.preparation),
      reference: effective(other.definition.preparation))
    var result = EvaluationResult.DialectResult(
      preprocessing: extractor?.preprocessing(definition.preparation)
        ?? definition.preparation.description,
      meanPrecision: definition.mean.rawValue, ddof: definition.ddof)
    for (name, isSpatial) in [(MetricName.fid, false), (.sfid, true)] where wanted.contains(name) {
      let keys = [
        DistanceKey(preparation: pair.subject, mean: definition.mean, isSpatial: isSpatial),
        DistanceKey(
          preparation: pair.reference, mean: other.definition.mean, isSpatial: isSpatial),
      ]
      try addDistance(title(name), keys, definition, to: &result)
    }
    if wanted.contains(.inceptionScore) { try addScore(pair.subject, definition, to: &result) }
    guard !wanted.isDisjoint(with: MetricName.ofRows) else { return result }
    guard let rows = try subject.rows(pair.subject),
      let others = try reference.rows(pair.reference)
    else {
      skip(
        [.kid, .precision, .recall],
        "needs images or feature rows on both sides, and statistics without them were given",
        in: &result)
      return result
    }
    if wanted.contains(.kid) {
      try addKernelDistance(rows, others, pair.subject, definition, to: &result)
    }
    if wanted.contains(.precision) || wanted.contains(.recall) {
      try addPrecisionAndRecall(rows, others, pair.subject, definition, to: &result)
    }
    return result
  }

  /// The preparations of the images of the two sides.
  private struct PreparedPair {
    let subject: Preparation
    let reference: Preparation
  }

  private func effective(_ preparation: Preparation) -> Preparation {
    extractor?.effective(preparation) ?? preparation
  }

  private func skip(
    _ names: [MetricName], _ reason: String, in result: inout EvaluationResult.DialectResult
  ) {
    for name in names where wanted.contains(name) { result.skipped[name.rawValue] = reason }
  }

  /// Adds FID, or sFID for spatial features.
  private mutating func addDistance(
    _ title: MetricTitle, _ keys: [DistanceKey], _ definition: DialectDefinition,
    to result: inout EvaluationResult.DialectResult
  ) throws {
    let isSpatial = keys[0].isSpatial
    if isSpatial, extractor?.spatialDimension == 0 {
      result.skipped[title.rawValue] = "the extractor has no features with positions"
      return
    }
    guard let distance = try distance(keys) else {
      result.skipped[title.rawValue] = "statistics without mu_s and sigma_s were given"
      return
    }
    var metric = EvaluationResult.Metric(distance, title)
    metric.setInterval(title, warn: reporter.warn) { () throws(NoInterval) in
      try jackknife(distance, keys, title)
    }
    if isSpatial { metric.definition = definition.spatial } else { metric.floor = floor }
    result.metrics[title.rawValue] = metric
  }

  /// Adds the Inception Score, which needs only the images.
  private func addScore(
    _ preparation: Preparation, _ definition: DialectDefinition,
    to result: inout EvaluationResult.DialectResult
  ) throws(Failure) {
    let title = title(.inceptionScore)
    guard case .images(let collection) = subject else {
      result.skipped[title.rawValue] = "needs images, and statistics were given"
      return
    }
    guard let scores = collection.prepared[preparation]?.scores(definition.score.definition) else {
      result.skipped[title.rawValue] = "\(collection.count) images are fewer than splits"
      return
    }
    let score: InceptionScore
    do throws(MetricError) {
      score = try scores.score()
    } catch {
      throw Failure(error, title.rawValue)
    }
    var metric = EvaluationResult.Metric(score, title, definition: definition.score.tool)
    metric.setInterval(title, warn: reporter.warn) { () throws(NoInterval) in try jackknife(scores)
    }
    result.metrics[title.rawValue] = metric
  }

  private mutating func addKernelDistance(
    _ rows: FeatureRows, _ others: FeatureRows, _ preparation: Preparation,
    _ definition: DialectDefinition, to result: inout EvaluationResult.DialectResult
  ) throws {
    let (tool, subsets) = definition.kernelDistance
    do throws(MetricError) {
      let known = kernelDistances[preparation]?[subsets]
      let value =
        if let known { known } else {
          try kernelDistance(between: rows, and: others, subsets: subsets)
        }
      kernelDistances[preparation, default: [:]][subsets] = value
      result.metrics["kid"] = EvaluationResult.Metric(
        value, definition: tool, referenceCount: referenceCount(others))
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, "KID") }
      skip([.kid], "by \(tool): \(error.detail)", in: &result)
    }
  }

  /// Adds precision and recall, and density and coverage if the tool computes them.
  private mutating func addPrecisionAndRecall(
    _ rows: FeatureRows, _ others: FeatureRows, _ preparation: Preparation,
    _ definition: DialectDefinition, to result: inout EvaluationResult.DialectResult
  ) throws {
    let (tool, convention) = definition.precisionAndRecall
    do throws(MetricError) {
      let known = coverages[preparation]?[convention]
      let value =
        if let known { known } else {
          try precisionAndRecall(of: rows, against: others, convention: convention)
        }
      coverages[preparation, default: [:]][convention] = value
      var shares: [(title: MetricTitle, value: Double)] = []
      if wanted.contains(.precision) { shares.append((.precision, value.precision)) }
      if wanted.contains(.recall) { shares.append((.recall, value.recall)) }
      if convention == .prdc {
        shares += [(.density, value.density), (.coverage, value.coverage)]
      }
      for share in shares {
        result.metrics[share.title.rawValue] = EvaluationResult.Metric(
          share: share.value, share.title, definition: tool,
          referenceCount: referenceCount(others))
      }
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, "precision and recall") }
      skip([.precision, .recall], "by \(tool): \(error.detail)", in: &result)
    }
  }

  /// Returns the number of reference images compared with; nil for all.
  private func referenceCount(_ rows: FeatureRows) -> Int? {
    rows.count == reference.count ? nil : rows.count
  }

  /// Returns the name of a metric in results.
  private func title(_ name: MetricName) -> MetricTitle {
    switch name {
    case .fid: isInception ? .fid : .frechetDistance
    case .sfid: .sfid
    case .inceptionScore: isInception ? .inceptionScore : .classifierScore
    case .kid: .kernelDistance
    case .precision: .precision
    case .recall: .recall
    }
  }

  private var floor: EvaluationResult.Floor? {
    if case .statistics(let statistics, _) = reference { statistics.record?.floor } else { nil }
  }

  /// Returns the distance of the subject's Gaussian from the reference's; nil if a side has none.
  private mutating func distance(_ keys: [DistanceKey]) throws -> FrechetDistance? {
    if let known = distances[keys] { return known }
    let distance: FrechetDistance
    do throws(MetricError) {
      guard let own = try subject.gaussian(keys[0]), let other = try reference.gaussian(keys[1])
      else { return nil }
      distance = try frechetDistance(between: own, and: other)
    } catch {
      throw Failure(error, "Fréchet distance")
    }
    distances[keys] = distance
    return distance
  }
}

// MARK: - Intervals

extension MetricComputation {
  /// Returns the distances with each group of the subject's images left out, from the whole
  /// reference.
  private func jackknife(
    _ distance: FrechetDistance, _ keys: [DistanceKey], _ title: MetricTitle
  ) throws(NoInterval) -> Jackknife {
    if case .omitted(let reason) = intervals { throw NoInterval(reason: reason) }
    guard case .images(let collection) = subject,
      let features = collection.prepared[keys[0].preparation]?.features(keys[0].isSpatial)
    else { throw NoInterval(reason: "needs images, and statistics were given") }
    let other: FactoredGaussian
    do throws(MetricError) {
      guard let gaussian = try reference.gaussian(keys[1]) else {
        preconditionFailure("there was a distance")
      }
      other = gaussian
    } catch {
      throw NoInterval(reason: error.detail)
    }
    return try features.jackknife(of: distance.value, from: other, mean: keys[0].mean) { done in
      reporter.progress(
        WorkProgress(
          activity: "interval of \(title.rawValue)", done: done, total: Jackknife.groupCount))
    }
  }

  /// Returns the scores with each group of the images left out.
  private func jackknife(
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
