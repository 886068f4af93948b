import Foundation
import Testing

import Diffusion
import Tensors
import _TestSupport

/// For normal data with standard deviation s everything is known: the exact noise of x_t is
/// sigma x / (alpha^2 s^2 + sigma^2), the probability flow keeps x / sqrt(alpha^2 s^2 + sigma^2),
/// and the stochastic equations keep that x_t has this variance.
@Suite("Normal data") struct NormalDataTests {
  static let s = 0.5

  /// The standard deviation of x_t.
  static func deviation(_ alphaBar: Double) -> Double {
    (alphaBar * s * s + 1 - alphaBar).squareRoot()
  }

  /// What the network says of these data.
  static func predictor(
    _ schedule: Schedule, _ prediction: Prediction = .epsilon
  ) -> Sampler.Predictor {
    { x, time in
      let timestep = Int(time.input)
      let t = try #require(schedule.timesteps.firstIndex(of: timestep))
      let (a, variance) = (schedule.alphaBar[t], pow(deviation(schedule.alphaBar[t]), 2))
      let noise = (1 - a).squareRoot() / variance
      let image = a.squareRoot() * s * s / variance
      let slope =
        switch prediction {
        case .epsilon: noise
        case .x0: image
        case .v: a.squareRoot() * noise - (1 - a).squareRoot() * image
        }
      return Tensor(shape: x.shape, values: x.values.map { Float(slope * Double($0)) })
    }
  }

  /// How far a sample that started at 1 is from where the flow leads, at timestep 200 on the way.
  static func error(_ respacing: String, _ method: SamplingMethod) throws -> Double {
    let schedule = Schedule(try Respacing(respacing))
    let sampler = TimestepSampler(schedule: schedule, method: method)
    let target = try #require(schedule.timesteps.firstIndex(of: 200))
    var state = sampler.start(Tensor(shape: [1], values: [1]))
    while state.step < schedule.count - 1 - target {
      try sampler.advance(&state, noise: { _ in [] }, predict: predictor(schedule))
    }
    let first = schedule.alphaBar[schedule.count - 1]
    let exact = deviation(schedule.alphaBar[target]) / deviation(first)
    return abs(Double(state.x.values[0]) - exact)
  }

  @Test(
    "half the step gives half the error to first order, a quarter to second",
    arguments: [(SamplingMethod.ddim(eta: 0), 2.0), (.heun, 4), (.dpmSolver2M, 4)])
  func order(method: SamplingMethod, ratio: Double) throws {
    for (coarse, fine) in [("ddim25", "ddim50"), ("ddim50", "ddim100"), ("ddim100", "ddim200")] {
      let found = try Self.error(coarse, method) / Self.error(fine, method)
      #expect((0.8...1.25).contains(found / ratio), "\(method), \(fine): \(found)")
    }
  }

  @Test func secondOrderIsBetterFromFewSteps() throws {
    let first = try Self.error("ddim25", .ddim(eta: 0))
    #expect(try first > 2.5 * Self.error("ddim25", .dpmSolver2M))
    #expect(try first > 2.5 * Self.error("ddim25", .heun))
  }

  /// A sample of normal data is linear in the start and in every noise. Element i of this one starts
  /// from the i-th unit vector of them all, so that the sum of squares is the sample's variance.
  @Test(
    "keeps the variance",
    arguments: [
      (SamplingMethod.dpmSolver2MSDE, "dpm20", 0.02), (.dpmSolver2MSDE, "dpm100", 0.01),
      (.dpmSolver2MSDE, "dpm1000", 1e-4), (.dpmSolver2MSDE, "1000", 1e-4), (.ddpm, "1000", 1e-3),
    ])
  func variance(method: SamplingMethod, respacing: String, bound: Double) throws {
    let schedule = Schedule(try Respacing(respacing))
    func unit(_ index: Int) -> [Float] {
      (0...schedule.count).map { $0 == index ? 1 : 0 }
    }
    let result = try TimestepSampler(schedule: schedule, method: method).sample(
      from: Tensor(shape: [schedule.count + 1], values: unit(0)), noise: { unit($0 + 1) },
      predict: Self.predictor(schedule))
    let variance = result.values.reduce(0) { $0 + Double($1) * Double($1) }
    #expect(abs(variance - Self.s * Self.s) <= bound, "\(variance)")
  }

  /// The exact predictor under another name.
  @Test("is sampled alike from every prediction", arguments: SamplingStateTests.methods)
  func predictions(method: SamplingMethod) throws {
    for respacing in ["dpm5", "50", "1000"] {
      let schedule = Schedule(try Respacing(respacing))
      let samples = try Prediction.allCases.map { prediction in
        try TimestepSampler(schedule: schedule, method: method, prediction: prediction).sample(
          from: SamplingStateTests.first, noise: SamplingStateTests.noise,
          predict: Self.predictor(schedule, prediction)
        ).values
      }
      for sample in samples[1...] {
        let worst = worst(sample, samples[0])
        #expect(worst.relative <= 2e-5, "\(respacing): \(worst)")
      }
    }
  }
}
