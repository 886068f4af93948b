import Files
import Foundation

/// The comparison of a recorded evaluation with its repetition.
public struct Reproduction: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-rerun/1"
  /// The outcome.
  public var outcome: Outcome
  /// Whether the images are the same; nil if there are none.
  public var samples: Agreement?
  /// Every number, ordered by dialect (if there are several), metric and part.
  public var numbers: [Number]
  /// The differences in what determines the last bits.
  public var differences: [Condition]
  /// The result of the repetition.
  public var result: EvaluationResult

  /// The outcome of a repetition.
  public enum Outcome: String, Codable, Sendable {
    /// Every image and every number is the same, to the last bit.
    case identical
    /// Version, instructions, library or device differ, or the generator does not repeat the last
    /// bits, and all numbers agree within their ``Number/bound``.
    case agrees
    /// The same, and a number differs by more than this explains.
    case cannotSay = "cannot_say"
    /// Something differs, and nothing explains it.
    case differs
  }

  /// The two hashes of the images.
  public struct Agreement: Codable, Sendable {
    /// SHA-256 over the SHA-256s of all images' pixels, as recorded.
    public var recorded: String
    /// The same hash now.
    public var now: String
  }

  /// A number as recorded and as repeated.
  public struct Number: Codable, Sendable {
    /// The name, such as `fid`, `fid interval low` or `tf: fid`.
    public var name: String
    /// The recorded number; nil if absent.
    @EncodedNull public var recorded: Double?
    /// The number now; nil if absent.
    @EncodedNull public var now: Double?
    /// The largest difference that a different code path explains.
    public var bound: Double

    /// The difference relative to the recorded value; nil if either number is absent or the
    /// recorded one is 0.
    public var relativeDifference: Double? {
      guard let recorded, let now, recorded != 0 else { return nil }
      return (now - recorded) / abs(recorded)
    }

    /// Whether the two numbers are the same to the last bit.
    public var isIdentical: Bool { recorded?.bitPattern == now?.bitPattern }

    fileprivate var isWithinBound: Bool {
      guard let recorded, let now else { return isIdentical }
      return abs(now - recorded) <= bound
    }
  }

  /// A condition of the computation that is not as recorded.
  public struct Condition: Codable, Sendable {
    /// The name of the condition.
    public var name: String
    /// The recorded value.
    public var recorded: String
    /// The value now.
    public var now: String
  }

  /// Compares a recorded result with the result of the same evaluation now.
  public init(of recorded: EvaluationResult, now: EvaluationResult) {
    result = now
    samples = recorded.samplesSha256.flatMap { old in
      now.samplesSha256.map { Agreement(recorded: old, now: $0) }
    }
    numbers = Self.numbers(recorded, now)
    differences = [
      ("version", recorded.provenance.tool, now.provenance.tool),
      ("kernels", recorded.provenance.kernels, now.provenance.kernels),
      (
        "device", recorded.provenance.generator?.device ?? "unknown",
        now.provenance.generator?.device ?? "unknown"
      ),
    ].compactMap { $1 == $2 ? nil : Condition(name: $0, recorded: $1, now: $2) }
    let repeatsExactly = recorded.provenance.generator?.differs != .lastBits
    let sameImages = recorded.samplesSha256 == now.samplesSha256
    outcome =
      sameImages && numbers.allSatisfy(\.isIdentical)
      ? .identical
      : differences.isEmpty && repeatsExactly
        ? .differs : numbers.allSatisfy(\.isWithinBound) ? .agrees : .cannotSay
  }

  /// Returns the largest difference of a metric that is attributed to a different order of
  /// floating-point operations: a thousandth of the value, or a tenth of the half-width of its
  /// interval.
  ///
  /// Plain kernels changed the demo's `fd`, compared with AVX-512, by 4e-5 of its value and 2e-4 of
  /// its interval (1,000 samples, in which one byte in some thousands differed).
  static func bound(_ metric: EvaluationResult.Metric) -> Double {
    let half = metric.interval.map { ($0.upperBound - $0.lowerBound) / 2 } ?? 0
    return max(1e-3 * abs(metric.value), 0.1 * half)
  }

  private static func numbers(_ recorded: EvaluationResult, _ now: EvaluationResult) -> [Number] {
    func groups(_ result: EvaluationResult) -> [String: [String: EvaluationResult.Metric]] {
      result.dialects?.mapValues(\.metrics) ?? ["": result.metrics]
    }
    let (old, new) = (groups(recorded), groups(now))
    var numbers: [Number] = []
    for group in Set(old.keys).union(new.keys).sorted() {
      let (before, after) = (old[group] ?? [:], new[group] ?? [:])
      for name in Set(before.keys).union(after.keys).sorted() {
        guard let one = before[name] ?? after[name] else { continue }
        let (first, second) = (before[name], after[name])
        func add(_ part: String, _ value: (EvaluationResult.Metric) -> Double?) {
          let (recorded, now) = (first.flatMap(value), second.flatMap(value))
          guard recorded != nil || now != nil else { return }
          numbers.append(
            Number(
              name: (group.isEmpty ? "" : "\(group): ") + name + part, recorded: recorded, now: now,
              bound: bound(one)))
        }
        add("") { $0.value }
        add(" interval low") { $0.interval?.lowerBound }
        add(" interval high") { $0.interval?.upperBound }
        add(" debiased") { $0.debiased }
        add(" debiased interval low") { $0.debiasedInterval?.lowerBound }
        add(" debiased interval high") { $0.debiasedInterval?.upperBound }
        add(" standard deviation") { $0.standardDeviation }
      }
    }
    return numbers
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
