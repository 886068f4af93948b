import Files
import Foundation

/// What an evaluation gave when it was done again.
public struct Reproduction: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-rerun/1"
  /// What came out.
  public var outcome: Outcome
  /// Whether the images are the same, nil when there are none.
  public var samples: Agreement?
  /// Every number, by dialect where there are several, metric and part.
  public var numbers: [Number]
  /// What decides the last bits and is not the same.
  public var differences: [Difference]
  /// What the evaluation gave now.
  public var result: EvaluationResult

  /// What came out.
  public enum Outcome: String, Codable, Sendable {
    /// Every image and every number is the same, to the last bit.
    case identical
    /// Version, instructions or library are others, and all numbers agree within their ``Number/bound``.
    case agrees
    /// Version, instructions or library are others, and a number is off by more than they explain.
    case cannotSay = "cannot_say"
    /// Nothing explains that something is not the same.
    case differs
  }

  /// The two hashes of the images.
  public struct Agreement: Codable, Sendable {
    /// SHA-256 over the SHA-256s of all images' pixels, as recorded.
    public var recorded: String
    /// The same, now.
    public var now: String
  }

  /// A number as it was and as it is.
  public struct Number: Codable, Sendable {
    /// Such as `fid`, `fid interval low` or `tf: fid`.
    public var name: String
    /// As recorded, nil when it was not there.
    @EncodedNull public var recorded: Double?
    /// Now, nil when it is not there.
    @EncodedNull public var now: Double?
    /// Difference of the two that another code path explains.
    public var bound: Double

    /// By how much of the recorded value they differ, nil for no number.
    public var relativeDifference: Double? {
      guard let recorded, let now, recorded != 0 else { return nil }
      return (now - recorded) / abs(recorded)
    }

    /// Whether the two are the same to the last bit.
    public var isIdentical: Bool { recorded?.bitPattern == now?.bitPattern }

    fileprivate var isWithinBound: Bool {
      guard let recorded, let now else { return isIdentical }
      return abs(now - recorded) <= bound
    }
  }

  /// Something that is not the same.
  public struct Difference: Codable, Sendable {
    /// What it is.
    public var name: String
    /// As recorded.
    public var recorded: String
    /// Now.
    public var now: String
  }

  /// Compares a result with what the same evaluation gives now.
  public init(of recorded: EvaluationResult, now: EvaluationResult) {
    result = now
    samples = recorded.samplesSha256.flatMap { old in
      now.samplesSha256.map { Agreement(recorded: old, now: $0) }
    }
    numbers = Self.numbers(recorded, now)
    differences = [
      ("version", recorded.provenance.tool, now.provenance.tool),
      ("kernels", recorded.provenance.kernels, now.provenance.kernels),
    ].compactMap { $1 == $2 ? nil : Difference(name: $0, recorded: $1, now: $2) }
    let sameImages = recorded.samplesSha256 == now.samplesSha256
    outcome =
      sameImages && numbers.allSatisfy(\.isIdentical)
      ? .identical
      : differences.isEmpty ? .differs : numbers.allSatisfy(\.isWithinBound) ? .agrees : .cannotSay
  }

  /// The difference of a metric that is put down to another order of floating-point operations: a
  /// thousandth of the value, or a tenth of what its interval leaves open to each side.
  ///
  /// Plain kernels against AVX-512 moved the demo's `fd` by 4e-5 of its value and 2e-4 of its interval
  /// (1,000 samples, of which one byte in some thousands differed).
  static func bound(_ metric: Metric) -> Double {
    let half = metric.interval.flatMap { $0.count == 2 ? ($0[1] - $0[0]) / 2 : nil } ?? 0
    return max(1e-3 * abs(metric.value), 0.1 * half)
  }

  private static func numbers(_ recorded: EvaluationResult, _ now: EvaluationResult) -> [Number] {
    func groups(_ result: EvaluationResult) -> [String: [String: Metric]] {
      result.dialects?.mapValues(\.metrics) ?? ["": result.metrics]
    }
    let (old, new) = (groups(recorded), groups(now))
    var numbers: [Number] = []
    for group in Set(old.keys).union(new.keys).sorted() {
      let (before, after) = (old[group] ?? [:], new[group] ?? [:])
      for name in Set(before.keys).union(after.keys).sorted() {
        guard let one = before[name] ?? after[name] else { continue }
        let (first, second) = (before[name], after[name])
        func add(_ part: String, _ value: (Metric) -> Double?) {
          let (recorded, now) = (first.flatMap(value), second.flatMap(value))
          guard recorded != nil || now != nil else { return }
          numbers.append(
            Number(
              name: (group.isEmpty ? "" : "\(group): ") + name + part, recorded: recorded, now: now,
              bound: bound(one)))
        }
        add("") { $0.value }
        add(" interval low") { $0.interval?.first }
        add(" interval high") { $0.interval?.last }
        add(" standard deviation") { $0.standardDeviation }
      }
    }
    return numbers
  }

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
