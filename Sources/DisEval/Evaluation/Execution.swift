import Files
import Results
import Sampling
import Work

/// How an evaluation is carried out. Nothing of it changes a result, except for what the result says of
/// its run.
public struct Execution: Sendable {
  /// How much runs at once.
  public var workload: Workload
  /// Where samples are kept as they are made, so that the work can be interrupted and shared; nil to
  /// keep nothing.
  public var run: RunSettings?
  /// The command's arguments, for the record.
  public var arguments: [String]

  /// Describes how to carry out an evaluation.
  public init(workload: Workload, run: RunSettings? = nil, arguments: [String] = []) {
    (self.workload, self.run, self.arguments) = (workload, run, arguments)
  }
}

extension EvaluationRequest {
  /// Describes an evaluation of a checkpoint's samples with the metrics of `fid`.
  ///
  /// - Parameters:
  ///   - checkpoint: Path of the file.
  ///   - reference: Path of images or statistics to compare with, or the name of fetched statistics.
  public init(sampling checkpoint: String, _ settings: SamplingSettings, reference: String) {
    self.init(
      subject: .checkpoint(CheckpointRequest(path: checkpoint, sampling: settings.request)),
      reference: reference)
  }

  /// Opens and checks everything that the request names. Whatever is refused is refused here.
  ///
  /// - Parameter reporter: Told of progress and warnings, now and while the evaluation runs.
  /// - Throws: `Failure` for whatever the inputs are refused for.
  public func prepare(_ execution: Execution, reporter: Reporter) throws -> PreparedEvaluation {
    try PreparedEvaluation(self, execution, reporter: reporter)
  }
}
