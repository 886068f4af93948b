import Files
import Foundation
import GenerativeMetrics

/// By how much the metrics of one result are above those of another.
public struct ResultComparison: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-comparison/1"
  /// Whether sample i of both began with the same noise and label, or is the same image, so that what
  /// they have in common cancels.
  public var paired: Bool
  /// A row for each metric of both, by name.
  public var metrics: [Row]
  /// What else the two were made from that is not the same.
  public var differences: [DocumentDifference]

  /// One metric of both.
  public struct Row: Codable, Sendable {
    /// Its name.
    public var metric: String
    /// Its value in the first result.
    public var first: Double
    /// Its value in the second.
    public var second: Double
    /// The second less the first.
    public var difference: Double
    /// The standard error of the difference, nil when it is not known.
    public var standardError: Double?
    /// Where the difference of the expectations lies, nil when that is not known.
    @EncodedNull public var interval: [Double]?
    /// Why there is no interval.
    public var intervalReason: String?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool
  }

  /// Compares the second with the first.
  ///
  /// - Throws: `Failure` `NotComparable` (65) for another dialect, number of images, extractor or
  ///   reference, and for results of all dialects.
  public init(_ first: EvaluationResult, _ second: EvaluationResult) throws {
    try Self.checkComparable(first, second)
    paired =
      switch (first.provenance.sampler, second.provenance.sampler) {
      case (let one?, let other?): one.seed == other.seed && one.stream == other.stream
      case (nil, nil): first.samplesSha256 != nil && first.samplesSha256 == second.samplesSha256
      default: false
      }
    metrics = []
    for (name, before) in first.metrics.sorted(by: { $0.key < $1.key }) {
      guard let after = second.metrics[name], after.definition == before.definition else {
        continue
      }
      var row = Row(
        metric: name, first: before.value, second: after.value,
        difference: after.value - before.value, higherIsBetter: before.higherIsBetter)
      do throws(Failure) {
        let difference = try second.difference(of: name, from: first, paired: paired)
        row.standardError = difference.standardError
        row.interval = [difference.interval.lowerBound, difference.interval.upperBound]
      } catch {
        row.intervalReason = error.detail
      }
      metrics.append(row)
    }
    differences = try documentDifferences(first.provenance, second.provenance)
      .filter { difference in
        !Self.derived.contains { difference.field.hasPrefix($0) }
          && !difference.field.hasPrefix("warnings")
      }
  }

  /// What follows from the other settings, and is not in older results: how often the network was
  /// evaluated, and how many samples each class has.
  private static let derived = ["sampler.network_evaluations", "labels."]

  private static func checkComparable(
    _ first: EvaluationResult, _ second: EvaluationResult
  ) throws(Failure) {
    let (one, other) = (first.provenance, second.provenance)
    func check(_ name: String, _ isSame: Bool, _ values: String?...) throws(Failure) {
      guard !isSame else { return }
      throw Failure(
        .dataRefused, .notComparable, name,
        values.map { $0 ?? "unknown" }.joined(separator: " and ")
          + "; the difference would say nothing of the images")
    }
    try check(
      "dialects", first.dialects == nil && second.dialects == nil,
      "all of them, in one result at least")
    try check("dialect", one.dialect == other.dialect, one.dialect, other.dialect)
    try check(
      "num", one.num != nil && one.num == other.num, one.num.map(String.init),
      other.num.map(String.init))
    try check(
      "extractor", one.extractor.isSame(as: other.extractor) == true,
      one.extractor.sha256, other.extractor.sha256)
    try check(
      "reference", one.reference.sha256 != nil && one.reference.sha256 == other.reference.sha256,
      one.reference.sha256, other.reference.sha256)
  }

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension EvaluationResult {
  /// How much a metric is above that of `other`, when image i of both belongs together: of one seed,
  /// sampler and assignment of labels, say. That they do is the caller's to know.
  ///
  /// From what both results record alone. Far narrower than the difference of two unpaired values, as
  /// far as the images of a pair are alike.
  ///
  /// - Throws: `Failure` `NoInterval` if one of them has no jackknife of that metric, `CountMismatch`
  ///   if they are of different numbers of images.
  public func pairedDifference(
    of name: String, from other: EvaluationResult
  ) throws(Failure) -> Jackknife {
    let (own, others) = (try jackknife(of: name), try other.jackknife(of: name))
    do throws(MetricError) {
      return try .pairedDifference(own, others)
    } catch {
      throw Failure(error, name)
    }
  }

  /// How much a metric is above that of `other`, by pairs or as of independent samples.
  fileprivate func difference(
    of name: String, from other: EvaluationResult, paired: Bool
  ) throws(Failure) -> JackknifeDifference {
    let (own, others) = (try jackknife(of: name), try other.jackknife(of: name))
    do throws(MetricError) {
      return try JackknifeDifference(own, others, paired: paired)
    } catch {
      throw Failure(error, name)
    }
  }

  private func jackknife(of name: String) throws(Failure) -> Jackknife {
    guard let metric = metrics[name], let leftOut = metric.jackknife, let count = provenance.num,
      count >= Jackknife.minimumCount, leftOut.values.count == Jackknife.groupCount,
      leftOut.values.allSatisfy(\.isFinite), metric.value.isFinite
    else {
      throw Failure(
        .dataRefused, .noInterval, name,
        "\(metrics[name]?.intervalReason ?? "the result has no jackknife of it"); both results need "
          + "\(Jackknife.groupCount) values without a group of images")
    }
    return Jackknife(value: metric.value, leftOut: leftOut.values, count: count)
  }
}
