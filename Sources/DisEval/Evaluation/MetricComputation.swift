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
  let subject: Side
  let reference: Side
  let extractor: (any FeatureExtractor)?
  let extractorName: String
  let wanted: Set<MetricName>
  let intervals: IntervalChoice
  let reporter: Reporter
  private var distances: [[DistanceKey]: FrechetDistance] = [:]
  /// The errors of the distances that have been computed.
  private(set) var errors: [[DistanceKey]: FrechetErrors] = [:]
  var kernelDistances: [Preparation: [KernelDistance.Subsets: KernelDistance]] = [:]
  var coverages: [Preparation: [PrecisionAndRecall.Convention: PrecisionAndRecall]] = [:]

  /// Creates the computation, which does nothing before ``result(_:reference:)``.
  ///
  /// - Parameters:
  ///   - subject: The evaluated images or statistics.
  ///   - reference: The images or statistics to compare with.
  ///   - extractor: The extractor of both sides; nil if both are statistics.
  ///   - extractorName: The name of the extractor in results, which determines the names of metrics.
  ///   - wanted: The metrics to compute if the inputs allow.
  ///   - intervals: Which metrics have intervals.
  ///   - reporter: Receives the progress.
  package init(
    _ subject: Side, against reference: Side, extractor: (any FeatureExtractor)?,
    extractorName: String, wanted: Set<MetricName>, intervals: IntervalChoice, reporter: Reporter
  ) {
    self.subject = subject
    self.reference = reference
    self.extractor = extractor
    self.extractorName = extractorName
    self.wanted = wanted.filter { name in
      MetricName.ofOneExtractor[name].map { $0 == extractorName } ?? true
    }
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
    let pair = preparedPair(dialect, other)
    var result = EvaluationResult.DialectResult(
      preprocessing: extractor?.preprocessing(definition.preparation)
        ?? subject.recordedPreprocessing
        ?? (extractorName == MetricTitle.dinov2
          ? "as EDM2 prepares images" : definition.preparation.description),
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
    if wanted.contains(.classDistance) { try addClassDistance(pair, to: &result) }
    guard !wanted.isDisjoint(with: MetricName.ofRows) else { return result }
    try addRowMetrics(pair, definition, to: &result)
    return result
  }

  /// The preparations of the images of the two sides.
  struct PreparedPair {
    let subject: Preparation
    let reference: Preparation
  }

  func preparedPair(_ dialect: Dialect, _ other: Dialect) -> PreparedPair {
    PreparedPair(
      subject: effective(dialect.definition.preparation),
      reference: effective(other.definition.preparation))
  }

  private func effective(_ preparation: Preparation) -> Preparation {
    extractor?.effective(preparation) ?? preparation
  }

  func skip(
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
    metric.setIntervals(distance, title, count: subject.count ?? 0, warn: reporter.warn) {
      () throws(NoInterval) in
      let found = try errors(of: distance, keys, title)
      errors[keys] = found
      return found
    }
    if metric.bias != nil { metric.referenceBias = referenceBias(distance, keys, title) }
    if isSpatial { metric.definition = definition.spatial } else { metric.floor = floor }
    result.metrics[title.rawValue] = metric
  }

  /// Adds the Inception Score, which needs only the images or their logits.
  private func addScore(
    _ preparation: Preparation, _ definition: DialectDefinition,
    to result: inout EvaluationResult.DialectResult
  ) throws {
    let title = title(.inceptionScore)
    let found: InceptionScoreAccumulator?
    switch subject {
    case .images(let collection):
      found = collection.prepared[preparation]?.scores(definition.score.definition)
    case .statistics(let statistics, _):
      do {
        guard
          let scores = try InceptionScoreAccumulator(
            of: statistics, definition.score.definition)
        else {
          result.skipped[title.rawValue] =
            "needs images or a file with the logits of all of them, and statistics were given"
          return
        }
        found = scores
      } catch let error as MetricError where error.code == .tooFewSamples {
        found = nil
      }
    }
    if extractor?.classCount == 0 {
      result.skipped[title.rawValue] = "the extractor has no classes"
      return
    }
    guard let scores = found else {
      result.skipped[title.rawValue] = "\(subject.count ?? 0) images are fewer than splits"
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
    if metric.bias != nil, !scores.isBiasReliable { metric.biasReliable = false }
    result.metrics[title.rawValue] = metric
  }

  /// Returns the name of a metric in results.
  func title(_ name: MetricName) -> MetricTitle {
    switch name {
    case .fid: MetricTitle.fid.named(by: extractorName)
    case .sfid: .sfid
    case .inceptionScore: MetricTitle.inceptionScore.named(by: extractorName)
    case .kid: .kernelDistance
    case .precision: .precision
    case .recall: .recall
    case .discrepancy: .discrepancy
    case .vendi: .vendi
    case .totalVariance: .totalVariance
    case .mongeDistance: .mongeDistance
    case .authenticity: .authenticity
    case .classDistance: .classDistance
    case .duplicates: .duplicates
    case .classKernelDistance: .classKernelDistance
    case .clipDiscrepancy: .clipDiscrepancy
    case .memorizationInformed: .memorizationInformed
    case .memorizationInformedGenerated: .memorizationInformedGenerated
    }
  }

  /// Returns the distance of the pooled features of two sides; nil if a side has none.
  mutating func distance(
    _ pair: PreparedPair, _ definition: DialectDefinition
  ) throws -> FrechetDistance? {
    try distance(
      [pair.subject, pair.reference].map {
        DistanceKey(preparation: $0, mean: definition.mean, isSpatial: false)
      })
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
