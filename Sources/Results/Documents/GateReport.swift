import Files
import Foundation

/// The verdict on a result, with every check that led to it.
public struct GateReport: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = GateReport.currentSchema
  /// Worse if any check is worse, otherwise "cannot say" if any check is, otherwise pass.
  public var verdict: Verdict
  /// The path of the result.
  public var result: String
  /// The number of samples; nil if unknown.
  public var num: Int?
  /// The seeds, if the result is the mean over several; nil for a single result.
  public var seeds: [UInt64]?
  /// The path of the baseline; nil if there is none.
  public var baseline: String?
  /// The error probability allowed for each verdict of a comparison.
  public var alpha: Double
  /// The checks, sorted by metric.
  public var checks: [Check]
  /// The conditions that make the result and the baseline incomparable.
  public var differences: [Difference]

  /// A condition that differs between a result and a baseline.
  public struct Difference: Codable, Equatable, Sendable {
    /// The location in the provenance, separated by dots.
    public var field: String
    /// The value in the result; nil if absent.
    public var candidate: String?
    /// The value in the baseline; nil if absent.
    public var baseline: String?

    /// Creates a difference from its properties.
    ///
    /// - Parameters:
    ///   - field: The location in the provenance, separated by dots.
    ///   - candidate: The value in the result; nil if absent.
    ///   - baseline: The value in the baseline; nil if absent.
    package init(field: String, candidate: String?, baseline: String?) {
      (self.field, self.candidate, self.baseline) = (field, candidate, baseline)
    }

    /// The difference as shown to users.
    package var text: String {
      "\(field) is \(candidate ?? "not there"), \(baseline ?? "not there") in the baseline"
    }
  }

  /// Creates a report of this version from its properties.
  ///
  /// - Parameters:
  ///   - verdict: Worse if any check is worse, otherwise "cannot say" if any check is, otherwise
  ///     pass.
  ///   - result: The path of the result.
  ///   - num: The number of samples; nil if unknown.
  ///   - baseline: The path of the baseline; nil if there is none.
  ///   - alpha: The error probability allowed for each verdict of a comparison, above 0 and below
  ///     0.5.
  ///   - checks: The checks, sorted by metric.
  ///   - differences: The conditions that make the result and the baseline incomparable.
  package init(
    verdict: Verdict, result: String, num: Int?, seeds: [UInt64]?, baseline: String?, alpha: Double,
    checks: [Check],
    differences: [Difference]
  ) {
    (self.verdict, self.result, self.num) = (verdict, result, num)
    self.seeds = seeds
    (self.baseline, self.alpha) = (baseline, alpha)
    (self.checks, self.differences) = (checks, differences)
  }

  /// Reads a report from JSON.
  ///
  /// - Throws: ``Failure`` `VerdictInvalid` (65), naming the key, if the file is too large or is
  ///   not a report of this version, or the error that opening or reading the file throws.
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
  /// The maximum size of a report in bytes.
  private static let maximumSize = 1 << 24

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

// MARK: - Parts

extension GateReport {
  /// The decision of a gate.
  public enum Verdict: String, Codable, Sendable {
    /// The requirements are met.
    case pass
    /// A requirement is not met.
    case worse
    /// The interval includes the limit, or the two are not comparable.
    case cannotSay = "cannot_say"

    /// The verdict as shown to users.
    package var text: String { self == .cannotSay ? "cannot say" : rawValue }

    /// The exit status of the process: 0, 1 or 3.
    public var exitStatus: Int32 {
      switch self {
      case .pass: 0
      case .worse: ExitStatus.worse.rawValue
      case .cannotSay: ExitStatus.inconclusive.rawValue
      }
    }
  }

  /// One requirement on one metric.
  public struct Check: Codable, Sendable {
    /// The kind of requirement.
    public enum Kind: String, Codable, Sendable {
      /// The value is at least a limit.
      case min
      /// The value is at most a limit.
      case max
      /// The value is not worse than that of the baseline.
      case baseline
      /// Regenerated samples are those of the result.
      case audit
    }

    /// The name of the metric.
    public var metric: String
    /// The kind of requirement.
    public var kind: Kind
    /// Whether the requirement is met.
    public var verdict: Verdict
    /// The reason for the verdict, in a sentence.
    public var reason: String
    /// The result's value; nil if the result lacks the metric.
    public var value: Double?
    /// The result's debiased value, if that is judged.
    public var debiased: Double?
    /// Whether the debiased value is judged; nil if nothing is.
    public var isDebiased: Bool?
    /// The interval of the number that is judged; nil if there is none.
    public var interval: ClosedRange<Double>?
    /// The standard error of that number; nil if it is not known.
    public var standardError: Double?
    /// The limit, or the baseline's number; nil if the baseline lacks the metric.
    public var limit: Double?
    /// The test against the baseline; nil if there was none.
    public var comparison: NonInferiorityTest?
    /// The estimated factor by which to multiply the number of samples to reach a decision; nil if
    /// unknown.
    public var samplesFactor: Double?

    /// Creates a check without a limit or a comparison.
    ///
    /// - Parameters:
    ///   - metric: The name of the metric.
    ///   - kind: The kind of requirement.
    ///   - verdict: Whether the requirement is met.
    ///   - reason: The reason for the verdict, in a sentence.
    ///   - value: The result's value; nil if the result lacks the metric.
    ///   - interval: The interval of the result's value; nil if there is none.
    package init(
      metric: String, kind: Kind, verdict: Verdict, reason: String, value: Double? = nil,
      interval: ClosedRange<Double>? = nil
    ) {
      (self.metric, self.kind, self.verdict) = (metric, kind, verdict)
      (self.reason, self.value, self.interval) = (reason, value, interval)
    }
  }

  /// A test of non-inferiority, which determines how much worse a result is than a baseline.
  public struct NonInferiorityTest: Codable, Sendable {
    /// The candidate's value minus the baseline's, or the reverse if higher is better; positive is
    /// worse.
    public var difference: Double
    /// The standard error of the difference.
    public var standardError: Double
    /// Whether the standard error was computed from pairs of both results' samples.
    public var paired: Bool
    /// What the standard error follows from: `influences` of single images, or `groups` of images.
    public var method: String?
    /// Why pairs are compared by groups of images; nil if they are not.
    public var methodReason: String?
    /// The degrees of freedom of Student's t.
    public var degrees: Int
    /// The largest difference that does not count as worse.
    public var tolerance: Double
    /// The probability of a difference at least this large if the true one were the tolerance; a
    /// small value means worse.
    public var pWorse: Double
    /// The probability of a difference at most this small if the true one were the tolerance; a small
    /// value means pass.
    public var pPass: Double

    /// Creates a test from its properties.
    ///
    /// - Parameters:
    ///   - difference: The candidate's value minus the baseline's, or the reverse if higher is
    ///     better; positive is worse.
    ///   - standardError: The standard error of the difference.
    ///   - paired: Whether the standard error was computed from pairs of both results' samples.
    ///   - degrees: The degrees of freedom of Student's t.
    ///   - tolerance: The largest difference that does not count as worse.
    ///   - pWorse: The probability of a difference at least this large if the true one were the
    ///     tolerance; a small value means worse.
    ///   - pPass: The probability of a difference at most this small if the true one were the
    ///     tolerance; a small value means pass.
    package init(
      difference: Double, standardError: Double, paired: Bool, degrees: Int, tolerance: Double,
      pWorse: Double, pPass: Double
    ) {
      (self.difference, self.standardError) = (difference, standardError)
      (self.paired, self.degrees, self.tolerance) = (paired, degrees, tolerance)
      (self.pWorse, self.pPass) = (pWorse, pPass)
    }
  }
}

extension GateReport.Check {
  /// Creates the check for an audit, which regenerates samples of the result.
  ///
  /// - Parameters:
  ///   - verdict: Whether the requirement is met.
  ///   - reason: The reason for the verdict, in a sentence.
  public init(audit verdict: GateReport.Verdict, reason: String) {
    self.init(metric: "samples", kind: .audit, verdict: verdict, reason: reason)
  }
}
