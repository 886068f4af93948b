import Backbones
import Files
import References
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
  /// The number of processes of a generator, for example one for each GPU.
  public var generatorCount = 1
  /// The longest time until a generator answers.
  public var generatorTimeout = Duration.seconds(3600)
  /// The command's arguments, for the record; empty if no command is executed.
  package var arguments: [String] = []

  /// Creates an execution that keeps nothing unless a run is given.
  ///
  /// - Parameters:
  ///   - workload: The amount of work that runs at once.
  ///   - run: Where samples are kept; nil to keep nothing.
  public init(workload: Workload = .default, run: RunSettings? = nil) {
    (self.workload, self.run) = (workload, run)
  }
}

extension EvaluationRequest {
  /// Creates a request to evaluate samples of a checkpoint.
  ///
  /// - Parameters:
  ///   - checkpoint: The path of the file.
  ///   - backbone: What the checkpoint is, as far as its content does not decide.
  ///   - settings: All settings that determine the samples.
  ///   - num: The number of samples.
  ///   - reference: The path of images or statistics to compare with, or the name of fetched
  ///     statistics.
  ///   - dialect: A dialect or all of them; nil for the reference's dialect, or that of pytorch-fid
  ///     if it is unknown.
  ///   - metrics: The metrics that must be computed; nil for those of `fid`, as far as the inputs
  ///     allow.
  public init(
    sampling checkpoint: String, backbone: BackboneChoices = BackboneChoices(),
    _ settings: SamplingSettings, num: Int = defaultCount, reference: String,
    dialect: DialectChoice? = nil, metrics: Set<MetricName>? = nil
  ) {
    self.init(
      subject: .checkpoint(
        CheckpointRequest(
          path: checkpoint, backbone: backbone.request, sampling: settings.request)),
      reference: reference)
    self.num = num
    set(dialect, metrics)
  }

  /// Creates a request to evaluate images.
  ///
  /// - Parameters:
  ///   - images: The path of a folder, an archive or a statistics file.
  ///   - reference: The path of images or statistics to compare with, or the name of fetched
  ///     statistics.
  ///   - dialect: A dialect or all of them; nil for the reference's dialect, or that of pytorch-fid
  ///     if it is unknown.
  ///   - metrics: The metrics that must be computed; nil for those of `fid`, as far as the inputs
  ///     allow.
  public init(
    images: String, reference: String, dialect: DialectChoice? = nil,
    metrics: Set<MetricName>? = nil
  ) {
    self.init(subject: .images(images), reference: reference)
    set(dialect, metrics)
  }

  /// Creates a request to evaluate samples that a program makes.
  ///
  /// - Parameters:
  ///   - generator: The command, which **is run**, and what it is asked for.
  ///   - num: The number of samples.
  ///   - reference: The path of images or statistics to compare with, or the name of fetched
  ///     statistics.
  ///   - dialect: A dialect or all of them; nil for the reference's dialect, or that of pytorch-fid
  ///     if it is unknown.
  ///   - metrics: The metrics that must be computed; nil for those of `fid`, as far as the inputs
  ///     allow.
  public init(
    generator: GeneratorRequest, num: Int = defaultCount, reference: String,
    dialect: DialectChoice? = nil, metrics: Set<MetricName>? = nil
  ) {
    self.init(subject: .generator(generator), reference: reference)
    self.num = num
    set(dialect, metrics)
  }

  private mutating func set(_ dialect: DialectChoice?, _ metrics: Set<MetricName>?) {
    self.dialect = dialect?.name
    self.metrics = metrics?.map(\.rawValue).sorted()
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
  public func prepare(
    _ execution: Execution = Execution(), reporter: Reporter = .silent
  ) throws -> PreparedEvaluation {
    try PreparedEvaluation(self, execution, reporter: reporter)
  }
}
