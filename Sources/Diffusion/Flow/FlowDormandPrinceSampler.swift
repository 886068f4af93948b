import Files
import Foundation
import Tensors

/// Follows the probability flow of a network with Dormand and Prince's method, which chooses the size
/// of its steps so that the estimated error is within a tolerance.
///
/// A step of size h gives x' of fifth order and an estimate e of its error, and is accepted if
///
/// r = rms(e / (atol + rtol max(|x|, |x'|))) <= 1.
///
/// Then h is multiplied by min(10, max(0.9 / r^(1/5), c)), where c is 1 if r < 1 and 0.2 otherwise.
/// No step is shortened to end where the data are. The network is therefore asked at times beyond the
/// end (1.68 has been seen), and the sample is read off a polynomial of fourth degree through the
/// last step.
///
/// In the original, the root mean square is over all samples of a batch, and with guidance also over
/// their unconditional halves, so that a sample depends on those it is drawn with. Here it is over
/// one sample. Both agree for a batch of one without guidance.
///
/// A step of the sampler is one attempt, accepted or not. The first also chooses the first size.
/// Besides x, a state holds the slope at x and the clock: time and size of the next step, each as the
/// exact sum of three float32 numbers.
///
/// A sample whose equation cannot be solved becomes NaN: if the estimate of the error is not finite,
/// if the step becomes too small to change the time, or after ``maximumAttempts``.
/// - SeeAlso: Hairer, Nørsett & Wanner, "Solving Ordinary Differential Equations I", section II.4;
///   `rk_common.py`, `misc.py` and `interp.py`, rtqichen/torchdiffeq 0.2.5; `transport/integrators.py`,
///   willisma/SiT 947f95b.
package struct FlowDormandPrinceSampler: Sampler {
  /// What the network was trained on.
  package let flow: Flow
  /// The accepted error relative to x.
  package let relativeTolerance: Double
  /// The accepted error where x is 0.
  package let absoluteTolerance: Double

  /// The number of attempts after which a sample is given up.
  package static let maximumAttempts = 10_000
  /// The smallest size of a step. All sizes above it are sums of three float32 numbers.
  private static let minimumSize = 0x1p-60

  /// Creates a sampler, by default with SiT's tolerances.
  ///
  /// - Parameters:
  ///   - flow: What the network was trained on, with the data at time 1.
  ///   - relativeTolerance: The accepted error relative to x, above 0.
  ///   - absoluteTolerance: The accepted error where x is 0, above 0.
  /// - Throws: ``Failure`` (64) `SettingOutOfRange`, or `SamplerSettings` if the data are at time 0.
  package init(
    _ flow: Flow, relativeTolerance: Double = 1e-3, absoluteTolerance: Double = 1e-6
  ) throws(Failure) {
    guard flow.direction == .dataAtOne else {
      throw Failure(
        .usage, .samplerSettings, "dopri5",
        "a flow with data at time 0 was found; expected euler or heun, or data at time 1")
    }
    for (name, value) in [
      ("relativeTolerance", relativeTolerance), ("absoluteTolerance", absoluteTolerance),
    ] {
      guard value > 0, value.isFinite else { throw .outOfRange(name, value, "a number above 0") }
    }
    self.flow = flow
    self.relativeTolerance = relativeTolerance
    self.absoluteTolerance = absoluteTolerance
  }

  package var stepCount: Int? { nil }
  package var predictionTimes: [PredictionTime]? { nil }
  package var drawCount: Int { 0 }

  package func memory(after step: Int, shape: [Int]) -> [String: [Int]] {
    step == 0 ? [:] : ["slope": shape, "clock": [6]]
  }

  package func isFinished(_ state: SamplingState) -> Bool {
    state.memory["clock"].map { Clock($0).time >= flow.interval.end } ?? false
  }

  package func advance(
    _ state: inout SamplingState, noise: (Int) -> [Float], predict: Predictor
  ) rethrows {
    precondition(!isFinished(state))
    let x = state.x
    var (slope, clock): (Tensor, Clock)
    if let saved = state.memory["slope"], let times = state.memory["clock"] {
      (slope, clock) = (saved, Clock(times))
    } else {
      slope = try velocity(x, flow.interval.start, predict)
      clock = Clock(
        time: flow.interval.start, size: try firstSize(x, slope, flow.interval.start, predict))
    }
    let (t, h) = (clock.time, clock.size)
    guard state.step < Self.maximumAttempts, h.isFinite, h >= Self.minimumSize, t + h > t else {
      return giveUp(&state)
    }

    var (slopes, reached) = ([slope], x)
    for (fraction, weights) in zip(DormandPrince.times, DormandPrince.stages) {
      reached = moved(x, along: slopes, weights.map { $0 * h })
      slopes.append(try velocity(reached, t + fraction * h, predict))
    }
    let error = errorRatio(x, reached, slopes, h)
    guard error.isFinite else { return giveUp(&state) }
    if error <= 1 {
      let end = flow.interval.end
      state.x =
        t + h >= end ? interpolated(x, reached, slopes, h, at: (end - t) / h) : reached
      (slope, clock.time) = (slopes[6], t + h)
    }
    clock.size = h * Self.factor(error)
    state.step += 1
    state.memory = ["slope": slope, "clock": clock.tensor]
  }

  /// Ends with NaN in place of a sample.
  private func giveUp(_ state: inout SamplingState) {
    let lost = Tensor(
      shape: state.x.shape, values: [Float](repeating: .nan, count: state.x.count))
    state.x = lost
    state.step += 1
    state.memory = [
      "slope": Tensor(zeros: lost.shape), "clock": Clock(time: flow.interval.end, size: 0).tensor,
    ]
  }

  private func velocity(_ x: Tensor, _ t: Double, _ predict: Predictor) rethrows -> Tensor {
    let (weights, output) = (flow.velocity(at: t), try predict(x, PredictionTime(t)))
    return flow.prediction == .velocity
      ? output : combination((weights.x, x), (weights.output, output))
  }

  /// Returns x + sum_k weight_k slope_k. The sum is small where x is large, so x comes last.
  private func moved(_ x: Tensor, along slopes: [Tensor], _ weights: [Double]) -> Tensor {
    var sum = [Float](repeating: 0, count: x.count)
    for (slope, weight) in zip(slopes, weights) {
      let (weight, values) = (Float(weight), slope.values)
      for i in sum.indices { sum[i] += weight * values[i] }
    }
    for i in sum.indices { sum[i] += x.values[i] }
    return Tensor(shape: x.shape, values: sum)
  }

  /// Returns the size of the first step: the largest of which the first and second derivative let
  /// expect an error of 0.01, compared with the tolerance, and at most a hundred times a trial step.
  private func firstSize(
    _ x: Tensor, _ slope: Tensor, _ t: Double, _ predict: Predictor
  ) rethrows -> Double {
    func norm(_ value: (Int) -> Double) -> Double {
      rootMeanSquare(x.count) {
        value($0) / (absoluteTolerance + abs(Double(x.values[$0])) * relativeTolerance)
      }
    }
    let size = norm { Double(x.values[$0]) }
    let speed = norm { Double(slope.values[$0]) }
    let trial = size < 1e-5 || speed < 1e-5 ? 1e-6 : 0.01 * size / speed
    let next = try velocity(moved(x, along: [slope], [trial]), t + trial, predict)
    let change = norm { Double(next.values[$0]) - Double(slope.values[$0]) } / trial
    let expected =
      speed <= 1e-15 && change <= 1e-15
      ? max(1e-6, trial * 1e-3) : pow(0.01 / max(speed, change), 1.0 / 5)
    return min(100 * trial, expected)
  }

  /// Returns the estimated error of a step compared with the tolerance.
  private func errorRatio(_ x: Tensor, _ reached: Tensor, _ slopes: [Tensor], _ h: Double) -> Double
  {
    let error = sums(slopes, DormandPrince.error.map { $0 * h })
    return rootMeanSquare(x.count) {
      let largest = max(abs(x.values[$0]), abs(reached.values[$0]))
      return error[$0] / (absoluteTolerance + relativeTolerance * Double(largest))
    }
  }

  /// Returns the factor of the size of the next step.
  private static func factor(_ error: Double) -> Double {
    error == 0 ? 10 : min(10, max(0.9 / pow(error, 1.0 / 5), error < 1 ? 1 : 0.2))
  }

  /// Returns the polynomial of fourth degree through the ends and the middle of a step, with the
  /// slopes at both ends. Its coefficients cancel, and are therefore computed in `Double`.
  ///
  /// - Parameter u: Where, 0 for the beginning of the step and 1 for its end.
  private func interpolated(
    _ x: Tensor, _ reached: Tensor, _ slopes: [Tensor], _ h: Double, at u: Double
  ) -> Tensor {
    let step = sums(slopes, DormandPrince.middle.map { $0 * h })
    var result = x
    for i in result.values.indices {
      let (x0, x1) = (Double(x.values[i]), Double(reached.values[i]))
      let (f0, f1) = (h * Double(slopes[0].values[i]), h * Double(slopes[6].values[i]))
      let middle = x0 + step[i]
      let a = 2 * (f1 - f0) - 8 * (x1 + x0) + 16 * middle
      let b = 5 * f0 - 3 * f1 + 18 * x0 + 14 * x1 - 32 * middle
      let c = f1 - 4 * f0 - 11 * x0 - 5 * x1 + 16 * middle
      result.values[i] = Float(x0 + u * (f0 + u * (c + u * (b + u * a))))
    }
    return result
  }

  /// Returns sum_k weight_k slope_k.
  private func sums(_ slopes: [Tensor], _ weights: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: slopes[0].count)
    for (slope, weight) in zip(slopes, weights) {
      let values = slope.values
      for i in sum.indices { sum[i] += weight * Double(values[i]) }
    }
    return sum
  }

  private func rootMeanSquare(_ count: Int, _ value: (Int) -> Double) -> Double {
    var sum = 0.0
    for i in 0..<count {
      let value = value(i)
      sum += value * value
    }
    return (sum / Double(count)).squareRoot()
  }
}

/// The time and the size of the next step, which survive being stored as float32 without a change.
private struct Clock {
  var time: Double
  var size: Double

  init(time: Double, size: Double) { (self.time, self.size) = (time, size) }

  init(_ tensor: Tensor) {
    let parts = tensor.values.map { Double($0) }
    time = parts[0] + parts[1] + parts[2]
    size = parts[3] + parts[4] + parts[5]
  }

  /// Six values: three parts of the time and three of the size, the largest first.
  ///
  /// A part is what the parts before it leave, rounded to 24 bits. Three hold the 53 bits of a
  /// `Double`.
  var tensor: Tensor {
    Tensor(
      shape: [6],
      values: [time, size].flatMap { value in
        let first = Float(value)
        let second = Float(value - Double(first))
        return [first, second, Float(value - Double(first) - Double(second))]
      })
  }
}
