import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import References
import Results
import Work

/// A metric that can be asked for. With an extractor other than Inception, `fid` is called `fd` and
/// `is` is called `cs`.
public enum MetricName: String, CaseIterable, Sendable {
  case fid, sfid, inceptionScore = "is", kid, precision, recall

  /// Those that need the feature rows of both sides.
  static let ofRows: Set<MetricName> = [.kid, .precision, .recall]
}

/// One side of a comparison, reduced to what the metrics need.
enum Side {
  case images(FeatureCollection)
  /// Statistics, and the features of the images that lie in the same file.
  case statistics(ReferenceStatistics, images: FeatureCollection?)

  var count: Int? {
    switch self {
    case .images(let collection): collection.count
    case .statistics(let statistics, _): statistics.count
    }
  }

  var sha256: String? {
    if case .images(let collection) = self { collection.sha256 } else { nil }
  }

  /// The digests of images, nil without images.
  var digests: SampleDigests? {
    if case .images(let collection) = self { collection.digests } else { nil }
  }

  /// Feature rows, nil when there are none.
  fileprivate func rows(_ preparation: Preparation) throws -> FeatureRows? {
    switch self {
    case .images(let collection), .statistics(_, images: .some(let collection)):
      try collection.prepared[preparation].map {
        try FeatureRows($0.pooled.rows, dimension: $0.pooled.dimension)
      }
    case .statistics(let statistics, images: nil): try statistics.featureRows()
    }
  }

  /// The Gaussian of the pooled or of the spatial features, nil when there is none.
  fileprivate func gaussian(_ key: DistanceKey) throws(MetricError) -> FactoredGaussian? {
    switch self {
    case .statistics(let statistics, _):
      guard let gaussian = key.isSpatial ? statistics.spatial : statistics.gaussian else {
        return nil
      }
      return try FactoredGaussian(gaussian)
    case .images(let collection):
      return try collection.prepared[key.preparation]?.features(key.isSpatial)?.factored(key.mean)
    }
  }
}

extension PreparedFeatures {
  fileprivate func features(_ isSpatial: Bool) -> FeatureSet? { isSpatial ? spatial : pooled }
}

/// Which Gaussian of a side.
private struct DistanceKey: Hashable {
  let preparation: Preparation
  let mean: MeanPrecision
  let isSpatial: Bool
}

/// Computes the metrics of any number of dialects from two sides; what dialects share is computed
/// once.
struct Comparison {
  private let subject: Side
  private let reference: Side
  private let extractor: (any FeatureExtractor)?
  private let isInception: Bool
  private let wanted: Set<MetricName>
  private let noIntervals: String?
  private let reporter: Reporter
  private var distances: [[DistanceKey]: FrechetDistance] = [:]
  private var kernelDistances: [Preparation: [KernelDistance.Subsets: KernelDistance]] = [:]
  private var coverages: [Preparation: [PrecisionAndRecall.Convention: PrecisionAndRecall]] = [:]

  /// - Parameter noIntervals: Why there are no intervals, nil to compute them.
  init(
    _ subject: Side, against reference: Side, extractor: (any FeatureExtractor)?,
    isInception: Bool, wanted: Set<MetricName>, noIntervals: String?, reporter: Reporter
  ) {
    self.subject = subject
    self.reference = reference
    self.extractor = extractor
    self.isInception = isInception
    self.wanted = wanted
    self.noIntervals = noIntervals
    self.reporter = reporter
  }

  /// The metrics in one dialect.
  ///
  /// - Parameter other: The dialect of the reference; the same unless dialects are mixed on purpose.
  mutating func result(_ dialect: Dialect, reference other: Dialect) throws -> DialectResult {
    let (own, others) = (dialect.definition, other.definition)
    func effective(_ preparation: Preparation) -> Preparation {
      extractor?.effective(preparation) ?? preparation
    }
    let preparation = effective(own.preparation)
    let otherPreparation = effective(others.preparation)
    var result = DialectResult(
      preprocessing: extractor?.preprocessing(own.preparation) ?? own.preparation.description,
      meanPrecision: own.mean.rawValue, ddof: own.ddof)

    for (name, isSpatial) in [(MetricName.fid, false), (.sfid, true)] where wanted.contains(name) {
      let title = title(name)
      if isSpatial, extractor?.spatialDimension == 0 {
        result.skipped[title.rawValue] = "the extractor has no features with positions"
        continue
      }
      let keys = [
        DistanceKey(preparation: preparation, mean: own.mean, isSpatial: isSpatial),
        DistanceKey(preparation: otherPreparation, mean: others.mean, isSpatial: isSpatial),
      ]
      if let distance = try self.distance(keys) {
        var metric = Metric(distance, title)
        metric.setInterval(title) { () throws(NoInterval) in try jackknife(distance, keys, title) }
        if isSpatial { metric.definition = own.spatial } else { metric.floor = floor }
        result.metrics[title.rawValue] = metric
      } else {
        result.skipped[title.rawValue] = "statistics without mu_s and sigma_s were given"
      }
    }

    if wanted.contains(.inceptionScore) {
      let title = title(.inceptionScore)
      switch subject {
      case .statistics: result.skipped[title.rawValue] = "needs images, and statistics were given"
      case .images(let collection):
        if let scores = collection.prepared[preparation]?.scores(own.score.definition) {
          var metric = Metric(scores.score(), title, definition: own.score.tool)
          metric.setInterval(title) { () throws(NoInterval) in try jackknife(scores) }
          result.metrics[title.rawValue] = metric
        } else {
          result.skipped[title.rawValue] = "\(collection.count) images are fewer than splits"
        }
      }
    }

    guard !wanted.isDisjoint(with: MetricName.ofRows) else { return result }
    func skip(_ names: [MetricName], _ reason: String) {
      for name in names where wanted.contains(name) { result.skipped[name.rawValue] = reason }
    }
    guard let rows = try subject.rows(preparation),
      let others = try reference.rows(otherPreparation)
    else {
      skip(
        [.kid, .precision, .recall],
        "needs images or feature rows on both sides, and statistics without them were given")
      return result
    }
    let referenceCount = others.count == reference.count ? nil : others.count
    if wanted.contains(.kid) {
      let subsets = own.kernelDistance.definition
      do throws(MetricError) {
        let known = kernelDistances[preparation]?[subsets]
        let value =
          if let known { known } else {
            try kernelDistance(between: rows, and: others, subsets: subsets)
          }
        kernelDistances[preparation, default: [:]][subsets] = value
        result.metrics["kid"] = Metric(
          value, definition: own.kernelDistance.tool, referenceCount: referenceCount)
      } catch {
        guard error.code == "TooFewSamples" else { throw Failure(error, "KID") }
        skip([.kid], "by \(own.kernelDistance.tool): \(error.detail)")
      }
    }
    if wanted.contains(.precision) || wanted.contains(.recall) {
      let (tool, convention) = own.precisionAndRecall
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
          result.metrics[share.title.rawValue] = Metric(
            share: share.value, share.title, definition: tool, referenceCount: referenceCount)
        }
      } catch {
        guard error.code == "TooFewSamples" else { throw Failure(error, "precision and recall") }
        skip([.precision, .recall], "by \(tool): \(error.detail)")
      }
    }
    return result
  }

  /// What results call a metric.
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

  private var floor: Floor? {
    if case .statistics(let statistics, _) = reference { statistics.record?.floor } else { nil }
  }

  /// The distance of the subject's Gaussian from the reference's, nil when a side has none.
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

extension Comparison {
  /// The distance without each group of the subject's images, from the whole reference.
  private func jackknife(
    _ distance: FrechetDistance, _ keys: [DistanceKey], _ title: MetricTitle
  ) throws(NoInterval) -> Jackknife {
    if let noIntervals { throw NoInterval(reason: noIntervals) }
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

  /// The score without each group of the images.
  private func jackknife(
    _ scores: InceptionScoreAccumulator
  ) throws(NoInterval) -> Jackknife {
    if let noIntervals { throw NoInterval(reason: noIntervals) }
    do throws(MetricError) {
      return try scores.jackknife()
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }
}

extension Metric {
  /// Sets the interval of a metric, or why there is none.
  fileprivate mutating func setInterval(
    _ title: MetricTitle, _ jackknife: () throws(NoInterval) -> Jackknife
  ) {
    do throws(NoInterval) {
      let jackknife = try jackknife()
      let interval = jackknife.interval(of: title)
      self.interval = [interval.lowerBound, interval.upperBound]
      confidence = Jackknife.confidence
      intervalMethod = "delete-a-group jackknife of the logarithm, Student's t"
      bias = jackknife.bias
      self.jackknife = LeftOut(groups: jackknife.leftOut.count, values: jackknife.leftOut)
    } catch {
      intervalReason = error.reason
    }
  }
}

extension Metric {
  /// Why some metrics have none.
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
