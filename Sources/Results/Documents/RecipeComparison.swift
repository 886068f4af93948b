import Files
import GenerativeMetrics

/// The differences between the metrics of two recipes, each of which was trained several times with different seeds.
public struct RecipeComparison: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-recipe-comparison/1"
  /// The trainings of the first recipe.
  public var first: [Training]
  /// The trainings of the second recipe.
  public var second: [Training]
  /// A row for each metric that all results have, sorted by name.
  public var metrics: [Row]
  /// All other differences in what the first results of the two recipes were computed from.
  public var differences: [DocumentDifference]

  /// The evaluation of one training.
  public struct Training: Codable, Sendable {
    /// The path of the result.
    public var result: String
    /// The SHA-256 of the checkpoint; nil if no checkpoint was sampled.
    public var checkpointSha256: String?
  }

  /// What a metric says of one recipe.
  public struct Side: Codable, Sendable {
    /// The value of each training, in the order of the trainings.
    public var values: [Double]
    /// Their mean.
    public var mean: Double
    /// The interval for the mean of the recipe, over trainings and samples.
    public var interval: ClosedRange<Double>
    /// The standard deviation that the seed of the training gives a value; 0 if sampling explains the differences.
    public var trainingDeviation: Double
    /// The standard deviation that sampling alone gives a value.
    public var samplingDeviation: Double

    fileprivate init(_ variation: TrainingVariation) {
      (values, mean, interval) = (variation.values, variation.mean, variation.interval)
      trainingDeviation = variation.trainingDeviation
      samplingDeviation = variation.samplingDeviation
    }
  }

  /// One metric of both recipes.
  public struct Row: Codable, Sendable {
    /// The name of the metric.
    public var metric: String
    /// Whether the debiased numbers are compared.
    public var debiased: Bool
    /// The first recipe; nil with ``intervalReason``.
    public var first: Side?
    /// The second recipe; nil with ``intervalReason``.
    public var second: Side?
    /// The mean of the second recipe minus that of the first.
    public var difference: Double?
    /// The standard error of the difference, over trainings and samples.
    public var standardError: Double?
    /// The interval for the difference of the recipes; nil with ``intervalReason``.
    @EncodedNull public var interval: ClosedRange<Double>?
    /// The reason there is no interval.
    public var intervalReason: String?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool
  }

  /// Compares the second recipe with the first.
  ///
  /// - Parameters:
  ///   - first: The results of two or more trainings of the first recipe.
  ///   - second: The results of two or more trainings of the second recipe.
  ///   - plugIn: Whether to compare values even where there are debiased ones.
  /// - Throws: `Failure` `NotComparable` (65) if a recipe has a single result, trainings of a recipe differ in more
  ///   than their weights and seeds, a checkpoint occurs twice, or the two recipes differ in the dialect, number of
  ///   images, extractor or reference; `EncodingError` if a number of the provenance is not finite.
  public init(
    _ first: [RecordedEvaluation], _ second: [RecordedEvaluation], plugIn: Bool = false
  ) throws {
    try Self.checkRecipe(first)
    try Self.checkRecipe(second)
    try Self.checkDistinct(first + second)
    try ResultComparison.checkComparable(first[0], second[0])
    (self.first, self.second) = (first.map(Training.init), second.map(Training.init))
    let all = first + second
    metrics = all[0].metrics.sorted { $0.key < $1.key }.compactMap { name, metric in
      guard all.allSatisfy({ $0.metrics[name]?.definition == metric.definition }) else {
        return nil
      }
      return Row(name, metric, first, second, plugIn: plugIn)
    }
    differences = try ResultComparison.reported(first[0].provenance, second[0].provenance)
  }

  /// Checks that results are of several trainings of one recipe.
  private static func checkRecipe(_ results: [RecordedEvaluation]) throws {
    guard let first = results.first, results.count > 1 else {
      throw Failure(
        .dataRefused, .notComparable, results.first?.path ?? "results",
        "is the only result of its recipe; a recipe needs 2 or more trainings, because one says nothing of how "
          + "much retraining changes")
    }
    for other in results.dropFirst() {
      try ResultComparison.checkComparable(first, other)
      let differences = try documentDifferences(first.provenance, other.provenance).filter {
        !isOfTraining($0.field)
      }
      if let difference = differences.first {
        throw Failure(
          .dataRefused, .notComparable, other.path,
          "\(difference.field): found \(difference.second ?? "none"), in '\(first.path)' "
            + "\(difference.first ?? "none"); trainings of one recipe differ only in their weights and seeds"
        )
      }
    }
  }

  /// Whether trainings of one recipe may differ in a part of the provenance.
  private static func isOfTraining(_ field: String) -> Bool {
    let isArchitecture = field.hasPrefix("checkpoint.model")
    return field.hasPrefix("checkpoint.") && !isArchitecture
      || ["sampler.seed", "generator.seed", "images", "tool", "kernels"].contains(field)
      || ["labels.", "warnings", "kernels.", "generator.weights"].contains { field.hasPrefix($0) }
  }

  private static func checkDistinct(_ results: [RecordedEvaluation]) throws(Failure) {
    var paths: [String: String] = [:]
    for result in results {
      guard let identity = result.provenance.checkpoint?.sha256 ?? result.samplesSha256 else {
        continue
      }
      if let other = paths.updateValue(result.path, forKey: identity) {
        throw Failure(
          .dataRefused, .notComparable, result.path,
          "is of the same checkpoint as '\(other)'; each training has its own. Results of several sampling seeds are "
            + "one document, made with `repeats`")
      }
    }
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension RecipeComparison.Training {
  fileprivate init(_ recorded: RecordedEvaluation) {
    (result, checkpointSha256) = (recorded.path, recorded.provenance.checkpoint?.sha256)
  }
}

// MARK: - Rows

extension RecipeComparison.Row {
  fileprivate init(
    _ name: String, _ metric: EvaluationResult.Metric, _ first: [RecordedEvaluation],
    _ second: [RecordedEvaluation], plugIn: Bool
  ) {
    (self.metric, debiased, higherIsBetter) = (name, false, metric.higherIsBetter)
    do throws(Failure) {
      let one = try JudgedTrainings(first, name, plugIn: plugIn)
      let other = try JudgedTrainings(second, name, plugIn: plugIn)
      let (before, after) = (try one.variation, try other.variation)
      let difference = TrainingVariation.Difference(
        before, after, covariance: try one.meanCovariance(with: other))
      (self.first, self.second) = (RecipeComparison.Side(before), RecipeComparison.Side(after))
      debiased = one.isDebiased
      (self.difference, standardError) = (difference.value, difference.standardError)
      interval = difference.interval
    } catch {
      intervalReason = error.detail
    }
  }
}

/// A metric of the trainings of a recipe as it is judged.
private struct JudgedTrainings {
  let name: String
  let metrics: [JudgedMetric]
  /// The random streams that the samples of each training began with.
  let streams: [[String]?]

  init(_ results: [RecordedEvaluation], _ name: String, plugIn: Bool) throws(Failure) {
    self.name = name
    var metrics: [JudgedMetric] = []
    for result in results { metrics.append(try result.judged(name, plugIn: plugIn)) }
    (self.metrics, streams) = (metrics, results.map(\.randomStream))
  }

  var isDebiased: Bool { metrics.allSatisfy(\.isDebiased) }

  var variation: TrainingVariation {
    get throws(Failure) {
      var covariances: [Double] = []
      for index in metrics.indices {
        for other in metrics.indices where other < index {
          covariances.append(try covariance(index, of: self, other))
        }
      }
      do throws(MetricError) {
        return try TrainingVariation(
          metrics.map(\.value), standardErrors: metrics.map(\.estimate.standardError),
          covariance: covariances.reduce(0, +) / Double(max(1, covariances.count)))
      } catch {
        throw Failure(error, name)
      }
    }
  }

  /// Returns the mean covariance of the sampling errors of a training of this recipe and one of another.
  func meanCovariance(with other: JudgedTrainings) throws(Failure) -> Double {
    var sum = 0.0
    for index in metrics.indices {
      for second in other.metrics.indices { sum += try covariance(index, of: other, second) }
    }
    return sum / Double(metrics.count * other.metrics.count)
  }

  /// Returns the covariance of two sampling errors, from that of their difference: 0 if the samples began with
  /// different noise.
  private func covariance(
    _ index: Int, of other: JudgedTrainings, _ second: Int
  ) throws(Failure) -> Double {
    let (own, others) = (metrics[index], other.metrics[second])
    let isPaired = streams[index] != nil && streams[index] == other.streams[second]
    let difference = try own.difference(from: others, paired: isPaired).test.standardError
    guard isPaired else { return 0 }
    let (s, t) = (own.estimate.standardError, others.estimate.standardError)
    return (s * s + t * t - difference * difference) / 2
  }
}
