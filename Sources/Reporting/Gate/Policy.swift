import Files
import GenerativeMetrics
import Results

/// The requirements of a gate: limits, tolerances against a baseline, and error probabilities.
public struct Policy: Equatable, Sendable {
  /// The requirements on one metric.
  public struct Rule: Equatable, Sendable {
    /// The smallest allowed value; nil for none. A FID that is too good also indicates an error.
    public var min: Double?
    /// The largest allowed value; nil for none.
    public var max: Double?
    /// How much worse than the baseline the metric may be; nil for the policy's tolerance.
    public var tolerance: Tolerance?

    /// Creates a rule from its limits, none of which is required.
    ///
    /// - Parameters:
    ///   - min: The smallest allowed value; nil for none. A FID that is too good also indicates an
    ///     error.
    ///   - max: The largest allowed value; nil for none.
    ///   - tolerance: How much worse than the baseline the metric may be; nil for the policy's
    ///     tolerance.
    public init(min: Double? = nil, max: Double? = nil, tolerance: Tolerance? = nil) {
      self.min = min
      self.max = max
      self.tolerance = tolerance
    }

    /// Why no value can satisfy the rule; nil if one can.
    var contradiction: String? {
      guard let min, let max, min > max else { return nil }
      return "min \(sixDigits(min)) is above max \(sixDigits(max))"
    }
  }

  /// A difference from a baseline that does not count as worse.
  public enum Tolerance: Equatable, Sendable {
    /// A difference in the metric's unit.
    case absolute(Double)
    /// A fraction of the baseline's value: 0.01 for 1 %.
    case relative(Double)
    /// The smaller of two tolerances, which depends on the baseline's value.
    indirect case smaller(Tolerance, Tolerance)

    /// Whether every part is a finite number of at least 0.
    var isPossible: Bool {
      switch self {
      case .absolute(let value), .relative(let value): value >= 0 && value.isFinite
      case .smaller(let a, let b): a.isPossible && b.isPossible
      }
    }

    /// Returns the tolerance in the metric's unit.
    func value(of baseline: Double) -> Double {
      switch self {
      case .absolute(let value): value
      case .relative(let part): part * abs(baseline)
      case .smaller(let a, let b): Swift.min(a.value(of: baseline), b.value(of: baseline))
      }
    }
  }

  /// The probability of calling a result worse, or as good, when it is not: from 0.0001 to below 0.5.
  public var alpha = 0.05
  /// The tolerance of metrics that do not have their own.
  public var tolerance = Tolerance.relative(0.01)
  /// The smallest number of samples that is judged; nil for any number.
  public var minSamples: Int?
  /// Whether candidate and baseline must share their random streams.
  public var requirePaired = false
  /// Whether to judge the values of distances, which papers print, instead of their debiased values.
  ///
  /// The expected distance of N samples is smallest for a model that is less diverse than the data, so the
  /// values can hide lost diversity.
  public var plugIn = false
  /// The path of the baseline, relative to the policy's folder; nil for none.
  public var baseline: String?
  /// The rules by metric name. If there is a baseline, these metrics are compared, or all metrics
  /// of the baseline if there are no rules.
  public var metrics: [String: Rule] = [:]

  /// Creates a policy with the default settings and no rules.
  public init() {}

  /// Adds requirements for a metric. The stricter of two limits or tolerances applies.
  public mutating func add(_ rule: Rule, to name: String) {
    var whole = metrics[name] ?? Rule()
    whole.min = [whole.min, rule.min].compactMap(\.self).max()
    whole.max = [whole.max, rule.max].compactMap(\.self).min()
    whole.tolerance =
      if let before = whole.tolerance, let more = rule.tolerance {
        .smaller(before, more)
      } else {
        whole.tolerance ?? rule.tolerance
      }
    metrics[name] = whole
  }

  /// Adds requirements for a metric. The stricter of two limits or tolerances applies.
  ///
  /// - Parameters:
  ///   - rule: The requirements.
  ///   - metric: The metric, by the name that it has in results: `fid` for Inception and
  ///     `frechetDistance` for other extractors.
  public mutating func add(_ rule: Rule, to metric: MetricTitle) { add(rule, to: metric.rawValue) }

  /// The error probabilities that can be asked for.
  static let possibleAlpha = 0.0001..<0.5

  /// Checks that every number is possible, and that the limits of every metric allow a value.
  ///
  /// - Parameter subject: The file, or what the policy is called in messages.
  /// - Throws: ``Failure`` `PolicyInvalid` (78) if ``alpha`` is not from 0.0001 to below 0.5,
  ///   ``minSamples`` is below 1, a tolerance is negative or not finite, or a minimum is above its
  ///   maximum.
  public func check(subject: String) throws(Failure) {
    guard Self.possibleAlpha.contains(alpha) else {
      throw .policy(subject, "alpha: found \(alpha), expected from 0.0001 to below 0.5")
    }
    guard minSamples ?? 1 >= 1 else {
      throw .policy(
        subject, "min_samples: found \(minSamples ?? 0), expected a whole number from 1")
    }
    guard tolerance.isPossible else {
      throw .policy(subject, "tolerance: expected a finite number of at least 0")
    }
    for (name, rule) in metrics.sorted(by: { $0.key < $1.key }) {
      guard rule.tolerance?.isPossible ?? true,
        ![rule.min, rule.max].contains(where: { $0?.isNaN ?? false })
      else {
        throw .policy(
          subject, "metrics.\(name): expected numbers, and a finite tolerance of at least 0")
      }
      if let problem = rule.contradiction { throw .policy(subject, "metrics.\(name): \(problem)") }
    }
  }
}

// MARK: - Numbers as text

extension Policy.Tolerance {
  /// Parses `0.05` or `1%`; nil for other text and for negative numbers.
  public init?(_ text: String) {
    let isRelative = text.hasSuffix("%")
    guard let number = finiteNumber(isRelative ? String(text.dropLast()) : text), number >= 0 else {
      return nil
    }
    self = isRelative ? .relative(number / 100) : .absolute(number)
  }
}

/// Returns the finite number that `text` represents in JSON's notation; nil for other text, such as
/// `nan`, `0x10` or `010`.
package func finiteNumber(_ text: String) -> Double? {
  guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil,
    let number = Double(text), number.isFinite
  else { return nil }
  return number
}
