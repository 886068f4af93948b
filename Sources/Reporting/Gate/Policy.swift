import Files

/// What a gate demands: limits, tolerances against a baseline, and how sure it must be.
public struct Policy: Equatable, Sendable {
  /// What is demanded of one metric.
  public struct Rule: Equatable, Sendable {
    /// The least value, nil for none. A FID that is too good is an alarm too.
    public var min: Double?
    /// The largest value, nil for none.
    public var max: Double?
    /// How much worse than the baseline it may be, nil for the policy's own.
    public var tolerance: Tolerance?

    /// Makes a rule.
    public init(min: Double? = nil, max: Double? = nil, tolerance: Tolerance? = nil) {
      self.min = min
      self.max = max
      self.tolerance = tolerance
    }

    /// Why no value can keep the rule, nil when one can.
    var contradiction: String? {
      guard let min, let max, min > max else { return nil }
      return "min \(text(min)) is above max \(text(max))"
    }
  }

  /// How much worse than a baseline is not worse.
  public enum Tolerance: Equatable, Sendable {
    /// In the metric's own unit.
    case absolute(Double)
    /// As a part of the baseline's value: 0.01 for 1 %.
    case relative(Double)
    /// The smaller of two, which the baseline's value decides.
    indirect case smaller(Tolerance, Tolerance)

    /// The tolerance in the metric's unit.
    func value(of baseline: Double) -> Double {
      switch self {
      case .absolute(let value): value
      case .relative(let part): part * abs(baseline)
      case .smaller(let a, let b): Swift.min(a.value(of: baseline), b.value(of: baseline))
      }
    }
  }

  /// The chance of calling something worse, or as good, that is not.
  public var alpha = 0.05
  /// Tolerance of metrics without one of their own.
  public var tolerance = Tolerance.relative(0.01)
  /// Fewest samples that are judged, nil for any number.
  public var minSamples: Int?
  /// Whether candidate and baseline must share their random streams.
  public var requirePaired = false
  /// Path of the baseline, from the policy's folder, nil for none.
  public var baseline: String?
  /// The rules by the metric's name. With a baseline these metrics are compared, without any rule all
  /// of the baseline's.
  public var metrics: [String: Rule] = [:]

  /// A policy with the default settings and no rule.
  public init() {}

  /// Demands something more of a metric: of two limits or tolerances the stricter holds.
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

  /// Makes sure that every metric's limits leave room for a value.
  ///
  /// - Throws: ``Failure`` `PolicyInvalid` (78).
  public func check(subject: String) throws(Failure) {
    for (name, rule) in metrics.sorted(by: { $0.key < $1.key }) {
      if let problem = rule.contradiction { throw .policy(subject, "metrics.\(name): \(problem)") }
    }
  }
}

// MARK: - Numbers as text

extension Policy.Tolerance {
  /// Reads `0.05` or `1%`, nil for anything else and for what is negative.
  public init?(_ text: String) {
    let isRelative = text.hasSuffix("%")
    guard let number = finiteNumber(isRelative ? String(text.dropLast()) : text), number >= 0 else {
      return nil
    }
    self = isRelative ? .relative(number / 100) : .absolute(number)
  }
}

/// A finite number as JSON writes it, nil for anything else: neither `nan` nor `0x10` nor `010`.
public func finiteNumber(_ text: String) -> Double? {
  guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil,
    let number = Double(text), number.isFinite
  else { return nil }
  return number
}
