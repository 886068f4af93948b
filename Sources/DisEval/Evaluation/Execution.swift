import Files
import Results
import Sampling
import Work

/// The way in which an evaluation is carried out. It does not change a result, except for the `run`
/// block.
public struct Execution: Sendable {
  /// The amount of work that runs at once.
  public var workload: Workload
  /// Where samples are kept, so that the work can be interrupted and shared; nil to keep nothing.
  public var run: RunSettings?
  /// The command's arguments, for the record.
  public var arguments: [String]

  /// Creates an execution that keeps nothing unless a run is given.
  ///
  /// - Parameters:
  ///   - workload: The amount of work that runs at once.
  ///   - run: Where samples are kept; nil to keep nothing.
  ///   - arguments: The command's arguments, for the record.
  public init(workload: Workload, run: RunSettings? = nil, arguments: [String] = []) {
    (self.workload, self.run, self.arguments) = (workload, run, arguments)
  }
}

extension EvaluationRequest {
  /// Creates a request to evaluate samples of a checkpoint with the metrics of `fid`.
  ///
  /// - Parameters:
  ///   - checkpoint: The path of the file.
  ///   - settings: All settings that determine the samples.
  ///   - reference: The path of images or statistics to compare with, or the name of fetched
  ///     statistics.
  public init(sampling checkpoint: String, _ settings: SamplingSettings, reference: String) {
    self.init(
      subject: .checkpoint(CheckpointRequest(path: checkpoint, sampling: settings.request)),
      reference: reference)
  }

  /// Opens and checks everything that the request names. Unsuitable inputs are refused here.
  ///
  /// - Parameters:
  ///   - execution: How the evaluation is carried out.
  ///   - reporter: Receives progress and warnings, now and while the evaluation runs.
  /// - Throws: `Failure` with the status of what is refused, usually (65) for a file or a mismatch:
  ///   `RequestInvalid`, `CountMismatch`, `DialectMismatch`, `ExtractorMismatch`,
  ///   `MetricUnavailable`, `ResolutionMismatch`, `TooFewSamples`; `UnknownPreset` (64); or the
  ///   error that loading the inputs throws.
  public func prepare(_ execution: Execution, reporter: Reporter) throws -> PreparedEvaluation {
    try PreparedEvaluation(self, execution, reporter: reporter)
  }
}
