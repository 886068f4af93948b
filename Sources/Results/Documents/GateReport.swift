import Files
import Foundation

/// What a gate found.
public enum Verdict: String, Codable, Sendable {
  case pass, worse
  /// The interval straddles the limit, or the two are not comparable.
  case cannotSay = "cannot_say"

  /// As people read it.
  package var text: String { self == .cannotSay ? "cannot say" : rawValue }

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
  public var schema = GateReport.currentSchema
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

  /// A condition in which a result and a baseline differ.
  public struct Difference: Codable, Equatable, Sendable {
    /// Its place in the provenance, with dots.
    public var field: String
    /// Its value in the result, nil when it is not there.
    public var candidate: String?
    /// Its value in the baseline, nil when it is not there.
    public var baseline: String?

    package init(field: String, candidate: String?, baseline: String?) {
      (self.field, self.candidate, self.baseline) = (field, candidate, baseline)
    }

    /// As people read it.
    package var text: String {
      "\(field) is \(candidate ?? "not there"), \(baseline ?? "not there") in the baseline"
    }
  }

  package init(
    verdict: Verdict, result: String, num: Int?, baseline: String?, alpha: Double, checks: [Check],
    differences: [Difference]
  ) {
    (self.verdict, self.result, self.num) = (verdict, result, num)
    (self.baseline, self.alpha) = (baseline, alpha)
    (self.checks, self.differences) = (checks, differences)
  }

  /// Reads a verdict that was written as JSON.
  ///
  /// - Throws: ``Failure`` `VerdictInvalid` (65) naming the key, or that of reading.
  public init(contentsOf path: String) throws(Failure) {
    let file = try ReadableFile(path: path)
    guard file.size <= Self.maximumSize else {
      throw Failure(
        .dataRefused, .verdictInvalid, path,
        "\(file.size) bytes, at most \(Self.maximumSize) are read")
    }
    self = try decodedDocument(
      Data(try file.bytes(at: 0, count: file.size)), subject: path, what: "verdict of the gate",
      code: .verdictInvalid)
    guard schema == Self.currentSchema else {
      throw Failure(
        .dataRefused, .verdictInvalid, path,
        "schema: found '\(schema)', expected '\(Self.currentSchema)'")
    }
  }

  private static let currentSchema = "dis-eval-gate/1"
  /// The most bytes of a verdict.
  private static let maximumSize = 1 << 24

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
  public var comparison: NonInferiorityTest?
  /// By what to multiply the number of samples to be able to say, roughly; nil when it is unknown.
  public var samplesFactor: Double?

  package init(
    metric: String, kind: Kind, verdict: Verdict, reason: String, value: Double? = nil,
    interval: [Double]? = nil
  ) {
    (self.metric, self.kind, self.verdict) = (metric, kind, verdict)
    (self.reason, self.value, self.interval) = (reason, value, interval)
  }
}

extension Check {
  /// What came of making samples of the result again.
  public init(audit verdict: Verdict, reason: String) {
    self.init(metric: "samples", kind: .audit, verdict: verdict, reason: reason)
  }
}

/// A test of non-inferiority: by how much is a result worse than a baseline?
public struct NonInferiorityTest: Codable, Sendable {
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

  package init(
    difference: Double, standardError: Double, paired: Bool, degrees: Int, tolerance: Double,
    pWorse: Double, pPass: Double
  ) {
    (self.difference, self.standardError) = (difference, standardError)
    (self.paired, self.degrees, self.tolerance) = (paired, degrees, tolerance)
    (self.pWorse, self.pPass) = (pWorse, pPass)
  }
}
