import Files
import Results

/// What a gate found.
public enum Verdict: String, Codable, Sendable {
  case pass, worse
  /// The interval straddles the limit, or the two are not comparable.
  case cannotSay = "cannot_say"

  /// As people read it.
  var text: String { self == .cannotSay ? "cannot say" : rawValue }

  /// What the process exits with: 0, 1 or 3.
  public var exitStatus: Int32 {
    switch self {
    case .pass: 0
    case .worse: ExitStatus.worse.rawValue
    case .cannotSay: ExitStatus.inconclusive.rawValue
    }
  }
}

/// The verdict on a result, with every check that led to it.
public struct GateReport: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-gate/1"
  /// Worse when a check is, else "cannot say" when a check is, else pass.
  public var verdict: Verdict
  /// Path of the result.
  public var result: String
  /// Number of samples, nil when it is not known.
  public var num: Int?
  /// Path of the baseline, nil for none.
  public var baseline: String?
  /// The chance of error that each verdict of a comparison was given.
  public var alpha: Double
  /// The checks, by metric.
  public var checks: [Check]
  /// In what the result and the baseline are not comparable.
  public var differences: [Difference]

  /// The document, sorted and indented, with a final newline.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

/// One demand on one metric.
public struct Check: Codable, Sendable {
  /// What is demanded.
  public enum Kind: String, Codable, Sendable {
    case min, max, baseline
    /// Samples made again are those of the result.
    case audit
  }

  /// Name of the metric.
  public var metric: String
  /// What is demanded.
  public var kind: Kind
  /// Whether that is so.
  public var verdict: Verdict
  /// Why, in a sentence.
  public var reason: String
  /// The result's value, nil when the result lacks the metric.
  public var value: Double?
  /// The interval of the result's value, nil for none.
  public var interval: [Double]?
  /// The limit, or the baseline's value; nil when the baseline lacks the metric.
  public var limit: Double?
  /// The test against the baseline, nil when there was none.
  public var comparison: Comparison?
  /// By what to multiply the number of samples to be able to say, roughly; nil for nobody knows.
  public var samplesFactor: Double?
}

extension Check {
  /// What came of making samples of the result again.
  public init(audit verdict: Verdict, reason: String) {
    self.init(metric: "samples", kind: .audit, verdict: verdict, reason: reason)
  }
}

/// A test of non-inferiority: by how much is a result worse than a baseline?
public struct Comparison: Codable, Sendable {
  /// Candidate less baseline, the other way round where higher is better: positive is worse.
  public var difference: Double
  /// Its standard error by the jackknife.
  public var standardError: Double
  /// Whether that is of the pairs of both results' samples.
  public var paired: Bool
  /// Degrees of freedom: groups of the jackknife less one.
  public var degrees: Int
  /// The difference that is not worse.
  public var tolerance: Double
  /// Probability of so large a difference if it were the tolerance: small means worse.
  public var pWorse: Double
  /// Probability of so small a difference if it were the tolerance: small means pass.
  public var pPass: Double
}

/// What differs between a result and a baseline that should be of the same conditions.
public struct Difference: Codable, Equatable, Sendable {
  /// Its place in the provenance, with dots.
  public var field: String
  /// Its value in the result, nil when it is not there.
  public var candidate: String?
  /// Its value in the baseline, nil when it is not there.
  public var baseline: String?

  /// As people read it.
  var text: String {
    "\(field) is \(candidate ?? "not there"), \(baseline ?? "not there") in the baseline"
  }
}
