import Features
import Files
import GenerativeMetrics
import References
import Results

extension MetricComputation {
  /// Returns what the images are like beside the metrics of a dialect.
  ///
  /// - Throws: `Failure` (65) if the distance cannot be divided into directions.
  package mutating func diagnosis(_ dialect: Dialect, reference other: Dialect) throws -> Diagnosis
  {
    let pair = preparedPair(dialect, other)
    var diagnosis = Diagnosis()
    let keys = [
      DistanceKey(
        preparation: pair.subject, mean: dialect.definition.mean, isSpatial: false),
      DistanceKey(
        preparation: pair.reference, mean: other.definition.mean, isSpatial: false),
    ]
    do throws(MetricError) {
      if let own = try subject.gaussian(keys[0]), let others = try reference.gaussian(keys[1]) {
        let distance = try frechetDistance(between: own, and: others)
        let directions = try FrechetDirections(
          of: own, from: others, basis: .displacement, limit: Self.leadingDirections)
        let known = errors[keys]
        diagnosis.distance = Diagnosis.Distance(
          distance, directions, terms: known?.influence?.terms, bias: known?.jackknife.bias,
          errors: known?.influence == nil
            ? [] : (try? errors(along: directions, distance, keys)) ?? [])
      }
    } catch {
      throw Failure(error, "directions of the distance")
    }
    switch try predictedClasses(pair) {
    case .failure(let missing): diagnosis.classesReason = missing.reason
    case .success(let classes):
      do throws(MetricError) {
        diagnosis.classes = Diagnosis.Classes(
          try ClassBalance(counts: classes.own.counts, reference: classes.reference),
          limit: Self.deviatingClasses)
      } catch {
        diagnosis.classesReason = error.detail
      }
    }
    return diagnosis
  }

  private static let leadingDirections = 8
  private static let deviatingClasses = 10
}

// MARK: - Predicted classes

/// Why the classes of the images are not compared with those of the reference.
private struct MissingClasses: Error { let reason: String }

extension MetricComputation {
  /// Adds the distance of the predicted classes from those of the reference.
  func addClassDistance(
    _ pair: PreparedPair, to result: inout EvaluationResult.DialectResult
  ) throws {
    let title = MetricTitle.classDistance
    do {
      let (own, others) = try predictedClasses(pair).get()
      var metric = EvaluationResult.Metric(
        value: try classDistance(counts: own.counts, reference: others),
        higherIsBetter: title.higherIsBetter)
      if let reason = reasonWithoutInterval(own.indices.count, what: "logits") {
        metric.intervalReason = reason
      } else {
        metric.setInterval(
          try classDistanceJackknife(classes: own.indices, reference: others), of: title)
      }
      result.metrics[title.rawValue] = metric
    } catch let missing as MissingClasses {
      result.skipped[title.rawValue] = missing.reason
    } catch let error as MetricError {
      throw Failure(error, title.rawValue)
    }
  }

  /// Adds the mean kernel distance of the images of each class, and the worst classes.
  func addClassKernelDistances(
    _ rows: FeatureRows, _ others: FeatureRows, _ pair: PreparedPair,
    to result: inout EvaluationResult.DialectResult
  ) throws {
    let title = MetricTitle.classKernelDistance
    let (own, reals, origin): ([Int], [Int], String)
    if let labels = subject.labels, let others = reference.labels {
      (own, reals, origin) = (labels, others, "the classes of both sides")
    } else if let predicted = try subject.predictedClasses(pair.subject),
      let others = try reference.predictedClasses(pair.reference), !others.counts.isEmpty
    {
      (own, reals, origin) = (
        predicted.indices, others.indices, "the classes that the extractor predicts"
      )
    } else {
      result.skipped[title.rawValue] =
        "needs the classes of the images of both sides, or an extractor that predicts them"
      return
    }
    do throws(MetricError) {
      // Of the reference, the first rows may be kept only.
      let found = try ClassKernelDistances(
        of: rows, labels: Array(own.prefix(rows.count)), against: others,
        referenceLabels: Array(reals.prefix(others.count)))
      var metric = EvaluationResult.Metric(
        value: found.mean.value,
        definition:
          "\(origin); \(found.classes.count) of \(found.classes.count + found.leftOut) with enough images",
        higherIsBetter: title.higherIsBetter)
      if let reason = reasonWithoutInterval(rows.count, what: "features") {
        metric.intervalReason = reason
      } else if found.leftOut > 0 {
        metric.intervalReason = "\(found.leftOut) classes do not have enough images"
      } else {
        metric.setInterval(found.mean, of: title)
      }
      metric.worstClasses = found.worst(Self.deviatingClasses).map {
        EvaluationResult.Metric.ClassValue(
          index: $0.index, value: $0.distance.value, interval: $0.distance.interval,
          count: $0.count, referenceCount: $0.referenceCount)
      }
      result.metrics[title.rawValue] = metric
    } catch {
      guard error.code == .tooFewSamples else { throw Failure(error, title.rawValue) }
      result.skipped[title.rawValue] = error.detail
    }
  }

  /// Returns the classes that the extractor predicts for the images, and their number in the reference.
  private func predictedClasses(
    _ pair: PreparedPair
  ) throws -> Result<(own: PredictedClasses, reference: [Int]), MissingClasses> {
    guard let own = try subject.predictedClasses(pair.subject), !own.counts.isEmpty else {
      return .failure(MissingClasses(reason: "the images have no logits of classes"))
    }
    guard let others = try reference.predictedClasses(pair.reference), !others.counts.isEmpty
    else {
      return .failure(
        MissingClasses(
          reason:
            "the reference has no logits of classes; compare with images, or with a file of 'features'"
        ))
    }
    return .success((own, others.counts))
  }
}

extension Side {
  /// The class of each image; nil if they are not known.
  var labels: [Int]? {
    switch self {
    case .images(let collection), .statistics(_, images: .some(let collection)): collection.labels
    case .statistics: nil
    }
  }

  /// Returns the classes that the extractor predicts; nil if they are not known.
  func predictedClasses(_ preparation: Preparation) throws -> PredictedClasses? {
    switch self {
    case .images(let collection), .statistics(_, images: .some(let collection)):
      return collection.prepared[preparation]?.predictedClasses
    case .statistics(let statistics, images: nil):
      var found = PredictedClasses()
      let isComplete = try statistics.forEachLogits { classes, rows in
        for start in stride(from: 0, to: rows.count, by: classes) {
          found.append(rows[start..<start + classes])
        }
      }
      return isComplete ? found : nil
    }
  }
}
