import Files
import Tensors

/// The method of a step of fixed size.
package enum FlowMethod: String, CaseIterable, Sendable {
  /// Euler's method, of first order: one prediction per step.
  case euler
  /// Heun's method, of second order: two predictions per step.
  case heun
}

/// Follows the probability flow of a network in steps of equal size.
///
/// With the velocity v, a step from a to b is
///
/// x <- x + (b - a) v(x, a) for Euler, and
/// x <- x + (b - a) (v(x, a) + v(x', b)) / 2 with x' = x + (b - a) v(x, a) for Heun.
///
/// The result is x at the end of ``Flow/interval``, with no further denoising. If the data are at time
/// 0, Heun's last step is one of Euler, and the second prediction of a step is guided if the first is.
/// - SeeAlso: Ma et al., arXiv 2401.08740, section 2; `transport/integrators.py`, willisma/SiT
///   947f95b, with `Euler` and `Heun2` of torchdiffeq 0.2.5; `euler_sampler` in `samplers.py`,
///   sihyun-yu/REPA 67f7145, which keeps x in float64.
package struct FlowODESampler: Sampler {
  /// What the network was trained on.
  package let flow: Flow
  /// The method of a step.
  package let method: FlowMethod
  /// The ends of the steps, from noise to data.
  package let times: [Double]

  /// Creates a sampler from the number of points, which is SiT's number of steps and one more than
  /// the steps that are made.
  ///
  /// - Parameters:
  ///   - flow: What the network was trained on.
  ///   - method: The method of a step.
  ///   - points: The number of points, both ends included, from 2.
  /// - Throws: ``Failure`` `SettingOutOfRange` (64).
  package init(_ flow: Flow, method: FlowMethod, points: Int) throws(Failure) {
    try TimeGrid.check(points, "points", minimum: 2)
    self.init(flow, method, points)
  }

  /// Creates a sampler from the number of intervals between points, which is REPA's number of steps.
  ///
  /// - Parameters:
  ///   - flow: What the network was trained on.
  ///   - method: The method of a step.
  ///   - intervals: The number of steps that are made, from 1.
  /// - Throws: ``Failure`` `SettingOutOfRange` (64).
  package init(_ flow: Flow, method: FlowMethod, intervals: Int) throws(Failure) {
    try TimeGrid.check(intervals, "intervals", minimum: 1)
    self.init(flow, method, intervals + 1)
  }

  private init(_ flow: Flow, _ method: FlowMethod, _ points: Int) {
    self.flow = flow
    self.method = method
    times = TimeGrid.linspace(flow.interval.start, flow.interval.end, points)
  }

  package var stepCount: Int? { times.count - 1 }

  package var predictionTimes: [PredictionTime]? {
    (0..<times.count - 1).flatMap { step in
      isOfSecondOrder(step) ? [start(step), end(step)] : [start(step)]
    }
  }

  package var drawCount: Int { 0 }

  private func isOfSecondOrder(_ step: Int) -> Bool {
    method == .heun && (flow.direction == .dataAtOne || step < times.count - 2)
  }

  private func start(_ step: Int) -> PredictionTime { PredictionTime(times[step]) }

  private func end(_ step: Int) -> PredictionTime {
    PredictionTime(
      times[step + 1], process: flow.direction == .dataAtZero ? times[step] : nil)
  }

  package func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows {
    precondition(!isFinished(state))
    let (x, step) = (state.x, state.step)
    let (a, b) = (times[step], times[step + 1])
    let h = b - a
    let first = flow.velocity(at: a)
    let output = try predict(x, start(step))
    let reached = combination((1 + h * first.x, x), (h * first.output, output))
    if isOfSecondOrder(step) {
      let second = flow.velocity(at: b)
      let next = try predict(reached, end(step))
      state.x = combination(
        (1 + h / 2 * first.x, x), (h / 2 * first.output, output), (h / 2 * second.x, reached),
        (h / 2 * second.output, next))
    } else {
      state.x = reached
    }
    state.step += 1
  }
}
