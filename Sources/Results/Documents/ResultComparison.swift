import Files
import Foundation
import GenerativeMetrics

/// The differences between the metrics of two results.
public struct ResultComparison: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-comparison/1"
  /// Whether sample i of both results began with the same noise and label, or is the same image, so
  /// that what the two have in common cancels.
  public var paired: Bool
  /// The seeds of both sides, if a side is the mean over several; nil for two single results.
  public var seeds: Seeds?
  /// A row for each metric that both results have, sorted by name.
  public var metrics: [Row]
  /// All other differences in what the two results were computed from.
  public var differences: [DocumentDifference]

  /// The seeds of two sides, of which at least one is the mean over several.
  public struct Seeds: Codable, Sendable {
    /// The seeds of the first side; empty if unknown.
    public var first: [UInt64]
    /// The seeds of the second side; empty if unknown.
    public var second: [UInt64]

    fileprivate init(_ first: RecordedEvaluation, _ second: RecordedEvaluation) {
      func seeds(_ side: RecordedEvaluation) -> [UInt64] {
        side.seeds ?? side.provenance.seed.map { [$0] } ?? []
      }
      (self.first, self.second) = (seeds(first), seeds(second))
    }
  }

  /// One metric of both results.
  public struct Row: Codable, Sendable {
    /// The name of the metric.
    public var metric: String
    /// The number compared in the first result: the debiased one if ``debiased`` is true, otherwise the
    /// value.
    public var first: Double
    /// The number compared in the second result.
    public var second: Double
    /// The second number minus the first.
    public var difference: Double
    /// Whether the debiased numbers are compared.
    public var debiased: Bool
    /// What the standard error follows from: `influences` of single images, or `groups` of images.
    public var method: String?
    /// Why pairs are compared by groups of images.
    public var methodReason: String?
    /// The standard error of the difference; nil if unknown.
    public var standardError: Double?
    /// The interval for the difference of the expected values; nil if unknown.
    @EncodedNull public var interval: ClosedRange<Double>?
    /// The reason there is no interval.
    public var intervalReason: String?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool
  }

  /// Compares the second result with the first.
  ///
  /// - Parameters:
  ///   - first: The first result.
  ///   - second: The second result.
  ///   - plugIn: Whether to compare values even where there are debiased ones.
  /// - Throws: `Failure` `NotComparable` (65) if the dialects, numbers of images, extractors or
  ///   references differ or are unknown, or a result has all dialects; `EncodingError` if a number
  ///   of the provenance is not finite.
  public init(
    _ first: EvaluationResult, _ second: EvaluationResult, plugIn: Bool = false
  ) throws {
    try self.init(
      RecordedEvaluation(first, path: ""), RecordedEvaluation(second, path: ""), plugIn: plugIn)
  }

  /// Compares the second result with the first, either of which may be the mean over several seeds.
  /// Results of the same seeds are paired seed by seed.
  ///
  /// - Parameters:
  ///   - first: The first result.
  ///   - second: The second result.
  ///   - plugIn: Whether to compare values even where there are debiased ones.
  /// - Throws: `Failure` `NotComparable` (65) if the dialects, numbers of images, extractors or
  ///   references differ or are unknown, or a result has all dialects; `EncodingError` if a number
  ///   of the provenance is not finite.
  public init(
    _ first: RecordedEvaluation, _ second: RecordedEvaluation, plugIn: Bool = false
  ) throws {
    try Self.checkComparable(first, second)
    let isPaired = first.randomStream != nil && first.randomStream == second.randomStream
    paired = isPaired
    if first.seeds != nil || second.seeds != nil { seeds = .init(first, second) }
    metrics = []
    for (name, before) in first.metrics.sorted(by: { $0.key < $1.key }) {
      guard let after = second.metrics[name], after.definition == before.definition else {
        continue
      }
      var row = Row(
        metric: name, first: before.value, second: after.value,
        difference: after.value - before.value, debiased: false,
        higherIsBetter: before.higherIsBetter)
      do throws(Failure) {
        let own = try second.judged(name, plugIn: plugIn)
        let others = try first.judged(name, plugIn: plugIn)
        let difference = try own.difference(from: others, paired: isPaired)
        (row.first, row.second, row.debiased) = (others.value, own.value, difference.isDebiased)
        row.difference = difference.test.value
        row.standardError = difference.test.standardError
        (row.interval, row.method) = (difference.test.interval, difference.method.rawValue)
        if isPaired, difference.method == .groups {
          row.methodReason = others.reasonForGroups(
            against: own, names: ("the first result", "the second result"))
        }
      } catch {
        row.intervalReason = error.detail
      }
      metrics.append(row)
    }
    differences = try Self.reported(first.provenance, second.provenance)
  }

  /// Returns the differences between two provenances that do not follow from others.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  static func reported(
    _ first: Provenance, _ second: Provenance
  ) throws -> [DocumentDifference] {
    try documentDifferences(first, second).filter { difference in
      !derived.contains { difference.field.hasPrefix($0) }
        && !difference.field.hasPrefix("warnings")
    }
  }

  /// The settings that follow from others and are missing in older results: the number of network
  /// evaluations, the number of samples of each class, and what of a preset images follow.
  private static let derived = ["sampler.network_evaluations", "labels.", "protocol_check."]

  /// Checks that the difference of two results says something about their images.
  ///
  /// - Throws: `Failure` `NotComparable` (65), saying what differs.
  static func checkComparable(
    _ first: RecordedEvaluation, _ second: RecordedEvaluation
  ) throws(Failure) {
    let (one, other) = (first.provenance, second.provenance)
    func check(_ name: String, _ isSame: Bool, _ values: String?...) throws(Failure) {
      guard !isSame else { return }
      throw Failure(
        .dataRefused, .notComparable, name,
        values.map { $0 ?? "unknown" }.joined(separator: " and ")
          + "; the difference would say nothing about the images")
    }
    func described(_ extractor: ExtractorProvenance) -> String {
      "\(extractor.network ?? extractor.name) (SHA-256 \(extractor.sha256 ?? "unknown"))"
    }
    try check(
      "dialects", first.dialects == nil && second.dialects == nil,
      "all of them, in at least one result")
    try check("dialect", one.dialect == other.dialect, one.dialect, other.dialect)
    try check(
      "num", one.num != nil && one.num == other.num, one.num.map(String.init),
      other.num.map(String.init))
    try check(
      "extractor", one.extractor.isSame(as: other.extractor) == true,
      described(one.extractor), described(other.extractor))
    try check(
      "reference", one.reference.sha256 != nil && one.reference.sha256 == other.reference.sha256,
      one.reference.sha256, other.reference.sha256)
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension EvaluationResult {
  /// Returns how much a metric exceeds that of `other`, if image i of both results belongs together
  /// because they share the seed, sampler and assignment of labels, for example. The caller ensures
  /// that they do.
  ///
  /// Uses only what both results record. The interval is far narrower than that for the difference
  /// of two unpaired values, to the extent that the images of a pair are alike.
  ///
  /// - Throws: `Failure` `NoInterval` (65) if either result has no jackknife of the metric, or
  ///   `CountMismatch` (65) if the numbers of images differ.
  public func pairedDifference(
    of name: String, from other: EvaluationResult
  ) throws(Failure) -> Jackknife {
    let own = try RecordedEvaluation(self, path: "").known(name)
    let others = try RecordedEvaluation(other, path: "").known(name)
    do throws(MetricError) {
      return try .pairedDifference(own, others)
    } catch {
      throw Failure(error, name)
    }
  }
}
