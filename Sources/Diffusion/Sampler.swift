import Tensors

/// A time at which a sampler asks for a prediction.
package struct PredictionTime: Equatable, Sendable {
  /// The time as the network takes it: a timestep of training, or a continuous time times its scale.
  package let input: Double
  /// The time of the process at the beginning of the step, to which the interval of guidance refers.
  package let process: Double

  /// Creates a time.
  ///
  /// - Parameters:
  ///   - input: The time as the network takes it.
  ///   - process: The time of the process at the beginning of the step; nil if it is `input`.
  package init(_ input: Double, process: Double? = nil) {
    (self.input, self.process) = (input, process ?? input)
  }
}

/// A method that draws samples from the predictions of a network, which is passed as a closure, one
/// step at a time.
///
/// Legend: C channels, H and W image height and width.
package protocol Sampler: Sendable {
  /// Returns the network's prediction for x at a time, `[C, H, W]`; or `[2C, H, W]` if the variance
  /// is learned.
  typealias Predictor = (_ x: Tensor, _ time: PredictionTime) throws -> Tensor

  /// The number of steps; nil if it depends on the predictions.
  var stepCount: Int? { get }
  /// The times at which one sample asks for a prediction, in order; nil if they depend on the
  /// predictions.
  var predictionTimes: [PredictionTime]? { get }
  /// The number of draws of noise that belong to a sample, of which some methods leave out the last.
  var drawCount: Int { get }

  /// Runs one step. If the network throws, the state is unchanged.
  ///
  /// - Parameters:
  ///   - state: A state of this sampler that is not finished.
  ///   - noise: Returns a draw of noise, from 0, with as many values as the state has. Called only
  ///     for steps that add noise.
  ///   - predict: The network.
  /// - Throws: The error thrown by `predict`.
  func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows

  /// Returns whether all steps are done.
  func isFinished(_ state: SamplingState) -> Bool

  /// Returns the extents of the tensors that a state holds besides x after a number of steps, by
  /// name.
  ///
  /// - Parameters:
  ///   - step: The number of completed steps.
  ///   - shape: The extents of a sample, `[C, H, W]`.
  func memory(after step: Int, shape: [Int]) -> [String: [Int]]
}

extension Sampler {
  /// Whether steps add noise.
  package var isStochastic: Bool { drawCount > 0 }

  /// The number of predictions that one sample asks for; nil if it depends on them.
  package var evaluations: Int? { predictionTimes?.count }

  /// Returns how often one sample evaluates the network; nil if it depends on the predictions. A
  /// guided prediction may take two evaluations.
  package func networkEvaluations(_ guidance: Guidance) -> Int? {
    predictionTimes?.reduce(0) { $0 + guidance.predictions(at: $1.process).count }
  }

  /// Computes a sample by running all steps.
  ///
  /// - Parameters:
  ///   - start: x_T, `[C, H, W]`.
  ///   - noise: Returns a draw of noise, as for ``advance(_:noise:predict:)``.
  ///   - predict: The network.
  /// - Returns: The sample, `[C, H, W]`, nominally in [-1, 1].
  /// - Throws: The error thrown by `predict`.
  package func sample(
    from start: Tensor, noise: (Int) -> [Float], predict: Predictor
  ) rethrows -> Tensor {
    var state = self.start(start)
    while !isFinished(state) { try advance(&state, noise: noise, predict: predict) }
    return state.x
  }

  package func isFinished(_ state: SamplingState) -> Bool { state.step == stepCount }

  package func memory(after step: Int, shape: [Int]) -> [String: [Int]] { [:] }
}
