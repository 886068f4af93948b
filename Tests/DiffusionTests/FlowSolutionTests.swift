import Diffusion
import Foundation
import Tensors
import Testing
import _TestSupport

/// Cases with a known solution.
@Suite("Solutions in continuous time") struct FlowSolutionTests {
  static let s = 0.5

  static func one(_ value: Float) -> Tensor { Tensor(shape: [1], values: [value]) }

  static func apply(_ x: Tensor, _ weight: Double, _ shift: Double = 0) -> Tensor {
    Tensor(shape: x.shape, values: x.values.map { Float(weight * Double($0) + shift) })
  }

  /// What the network says of normal data with standard deviation s: the output is a multiple of x.
  static func normal(_ flow: Flow) -> Sampler.Predictor {
    { x, time in
      let level = flow.level(at: time.input)
      let variance = level.alpha * level.alpha * s * s + level.sigma * level.sigma
      let noise = level.sigma / variance
      let weight =
        switch flow.prediction {
        case .noise: noise
        case .score: -1 / variance
        case .velocity:
          (level.alphaSlope * level.alpha * s * s + level.sigmaSlope * level.sigma) / variance
        }
      return apply(x, weight)
    }
  }

  static func normal(_ process: VPProcess) -> Sampler.Predictor {
    { x, time in
      let (alpha, sigma) = (exp(process.logAlpha(time.process)), process.sigma(time.process))
      return apply(x, sigma / (alpha * alpha * s * s + sigma * sigma))
    }
  }

  static func deviation(_ flow: Flow, _ t: Double) -> Double {
    let level = flow.level(at: t)
    return hypot(level.alpha * s, level.sigma)
  }

  /// How far a sample that started at 1 is from where the flow leads.
  static func error(_ flow: Flow, _ sampler: any Sampler) throws -> Double {
    let result = try sampler.sample(from: one(1), noise: { _ in [] }, predict: normal(flow))
    let exact = deviation(flow, flow.interval.end) / deviation(flow, flow.interval.start)
    return abs(Double(result.values[0]) - exact)
  }

  /// REPA's last step is of first order, with an error of second order in its size.
  @Test(
    "half the step gives half the error to first order, a quarter to second",
    arguments: [(FlowMethod.euler, 2.0), (.heun, 4)])
  func order(method: FlowMethod, ratio: Double) throws {
    for flow in [
      Flow.sit, try Flow(path: .gvp), try Flow(path: .vp),
      try Flow(path: .vp, prediction: .noise), .repa,
      try Flow(path: .gvp, direction: .dataAtZero),
    ] {
      for count in [20, 40] {
        let coarse = try Self.error(
          flow, FlowODESampler(flow, method: method, intervals: count))
        let fine = try Self.error(
          flow, FlowODESampler(flow, method: method, intervals: 2 * count))
        let found = coarse / fine / ratio
        #expect((0.75...1.3).contains(found), "\(flow), \(count): \(found)")
      }
    }
  }

  /// Steps that are equal in t are so long in lambda near the data that the order is not yet seen.
  @Test(
    "half the step gives an eighth of the error to third order",
    arguments: [(VPProcess.continuous, 47, 7.0...12.0), (.stableDiffusion, 95, 4.0...8.0)])
  func thirdOrder(process: VPProcess, count: Int, expected: ClosedRange<Double>) throws {
    func error(_ count: Int) throws -> Double {
      let result = try DPMSolverFast(process, predictions: count).sample(
        from: Self.one(1), noise: { _ in [] }, predict: Self.normal(process))
      func deviation(_ t: Double) -> Double {
        hypot(exp(process.logAlpha(t)) * Self.s, process.sigma(t))
      }
      let end = process == .continuous ? 1e-4 : 1e-3
      return abs(Double(result.values[0]) - deviation(end) / deviation(1))
    }
    let ratio = try error(count) / error(2 * count + 1)
    #expect(expected.contains(ratio), "\(ratio)")
  }

  /// The tolerance is that of a step.
  @Test func dormandPrinceKeepsItsTolerance() throws {
    for path in [FlowPath.linear, .gvp] {
      for tolerance in [1e-4, 1e-5, 1e-6] {
        let flow = try Flow(path: path)
        let sampler = try FlowDormandPrinceSampler(flow, relativeTolerance: tolerance)
        let error = try Self.error(flow, sampler)
        #expect(error <= 10 * tolerance, "\(path), \(tolerance): \(error)")
      }
    }
  }

  /// The method is exact for a velocity that is a polynomial of the fourth degree in time, and so is
  /// the polynomial at the end for one of the third.
  @Test func dormandPrinceIsExactForPolynomials() throws {
    let sampler = try FlowDormandPrinceSampler(.sit)
    var latest = 0.0
    let result = sampler.sample(from: Self.one(2), noise: { _ in [] }) { x, time in
      let t = time.input
      latest = max(latest, t)
      return Self.one(Float(1 - 6 * t * t + 8 * t * t * t))
    }
    #expect(abs(result.values[0] - 3) <= 1e-5)
    #expect(latest > 1, "nothing stops a step at the end")
  }

  /// Without an error, a step is ten times the one before. From 0 with velocity 0, the first is 1e-6.
  @Test func dormandPrinceWithoutAnError() throws {
    let sampler = try FlowDormandPrinceSampler(.sit)
    var times: [Double] = []
    let result = sampler.sample(from: Self.one(0), noise: { _ in [] }) { _, time in
      times.append(time.input)
      return Self.one(0)
    }
    #expect(result == Self.one(0))
    #expect(times[..<2] == [0, 1e-6])
    // Steps of 1e-6, 1e-5, ... 1 end at 1.111111.
    #expect(times.count == 2 + 6 * 7)
    #expect(abs(times[times.count - 1] - 1.111111) <= 1e-12)
  }

  @Test("a sample that cannot be computed becomes NaN") func givesUp() throws {
    let sampler = try FlowDormandPrinceSampler(.sit)
    // Not a number; then infinite; then a velocity that no step is small enough for.
    var calls = 0
    let networks: [(Sampler.Predictor, ClosedRange<Int>)] = [
      ({ _, _ in Self.one(.nan) }, 1...1),
      ({ _, _ in Self.one(.infinity) }, 1...1),
      ({ _, time in Self.one(time.input > 0.5 ? .nan : 1) }, 1...20),
      (
        { _, _ in
          calls += 1
          return Self.one(calls % 2 == 0 ? 1e30 : -1e30)
        }, 1...100
      ),
    ]
    for (index, (network, steps)) in networks.enumerated() {
      var state = sampler.start(Self.one(1))
      while !sampler.isFinished(state), state.step < 10_001 {
        try sampler.advance(&state, noise: { _ in [] }, predict: network)
      }
      #expect(sampler.isFinished(state), "\(index)")
      #expect(state.x.values[0].isNaN, "\(index)")
      #expect(steps.contains(state.step), "\(index): \(state.step)")
      #expect(
        state.tensors.mapValues(\.shape)
          == sampler.memory(after: state.step, shape: [1]).merging(["x": [1]]) { $1 })
    }
  }

  /// A state that was stored after the last attempt, and one whose time is NaN.
  @Test func givesUpFromAFile() throws {
    let sampler = try FlowDormandPrinceSampler(.sit)
    for (step, clock) in [
      (FlowDormandPrinceSampler.maximumAttempts, [0.25, 0, 0, 0.125, 0, 0] as [Float]),
      (3, [.nan, 0, 0, 0.125, 0, 0]), (3, [0.25, 0, 0, .nan, 0, 0]),
      (3, [0.25, 0, 0, 0, 0, 0]), (3, [0.25, 0, 0, -1, 0, 0]), (3, [0.25, 0, 0, .infinity, 0, 0]),
    ] {
      var state = try sampler.resume(
        step: step,
        tensors: [
          "x": Self.one(1), "slope": Self.one(1), "clock": Tensor(shape: [6], values: clock),
        ], shape: [1], source: "here")
      sampler.advance(&state, noise: { _ in [] }) { x, _ in x }
      #expect(sampler.isFinished(state) && state.x.values[0].isNaN, "\(step) \(clock)")
    }
  }

  /// The smallest number of steps, by hand.
  @Test func singleStepsByHand() throws {
    let (x, v, noise) = (2.0, 0.5, 0.25)
    func sample(_ sampler: any Sampler) -> Double {
      Double(
        sampler.sample(from: Self.one(Float(x)), noise: { _ in [Float(noise)] }) { _, time in
          Self.one(Float(v + time.process))
        }.values[0])
    }
    #expect(sample(try FlowODESampler(.sit, method: .euler, points: 2)) == x + v)
    #expect(sample(try FlowODESampler(.sit, method: .heun, points: 2)) == x + v + 0.5)
    // From 1 to 0, with no second evaluation in the last step.
    #expect(sample(try FlowODESampler(.repa, method: .euler, intervals: 1)) == x - v - 1)
    #expect(sample(try FlowODESampler(.repa, method: .heun, intervals: 1)) == x - v - 1)
    // At 0, sigma is 1 and the score -x; at 0.5, w s is t v - x, with v = 1 there.
    let y = x + 0.5 * (v - x) + sqrt(2 * 0.5) * noise
    let d = 1 + 0.5 * 1 - y
    for (last, expected) in [
      (LastStep.mean, y + 0.5 * d), (.euler, y + 0.5),
      (.tweedie, 2 * y + 0.5 * (0.5 - y) / 0.5),
    ] {
      let sampler = try FlowSDESampler(.sit, points: 2, lastStep: last, lastStepSize: 0.5)
      #expect(abs(sample(sampler) - expected) <= 1e-6, "\(last)")
    }
    let none = try FlowSDESampler(.sit, points: 2, lastStep: .none)
    #expect(abs(sample(none) - (v + sqrt(2) * noise)) <= 1e-6)
    let variance = 1 - exp(2 * (-0.25 * 19.9 - 0.05))
    let weight = 1 / sqrt(variance)
    let first = x + 0.999 * (10 * x - 20 * (v + 1) * weight) + sqrt(20 * 0.999) * noise
    let beta = 0.1 + 19.9e-3
    let sigma = sqrt(1 - exp(2 * (-0.25 * 19.9e-6 - 0.05e-3)))
    let second = first + 1e-3 * (beta / 2 * first - beta * (v + 1e-3) / sigma)
    #expect(abs(sample(try VPSampler(.sde, steps: 2)) / second - 1) <= 1e-6)
  }

  /// For data that are one point, Tweedie's formula gives the point, and Euler's last step too.
  @Test func recoversASinglePoint() throws {
    let target = 0.75
    let stream = RandomStream(seed: 3, index: 0)
    for direction in Flow.Direction.allCases {
      let flow = try Flow(path: .linear, direction: direction)
      func sample(_ sampler: any Sampler) -> Double {
        Double(
          sampler.sample(
            from: Self.one(stream.normals(.initialNoise, count: 1)[0]),
            noise: { stream.normals(.stepNoise($0), count: 1) }
          ) { x, time in
            // (target - x) / (1 - t), which is the velocity of the straight line.
            let rest = direction == .dataAtOne ? 1 - time.input : -time.input
            return Self.apply(x, -1 / rest, target / rest)
          }.values[0])
      }
      for last in [LastStep.tweedie, .euler] {
        for method in FlowMethod.allCases {
          let sampler = try FlowSDESampler(flow, method: method, points: 20, lastStep: last)
          #expect(abs(sample(sampler) - target) <= 1e-5, "\(direction) \(last) \(method)")
        }
      }
      let euler = try FlowODESampler(flow, method: .euler, intervals: 9)
      #expect(abs(sample(euler) - target) <= 1e-5, "\(direction)")
    }
  }

  /// A sample of normal data is linear in the start and in every noise. Element i of this one starts
  /// from the i-th unit vector of them all, so that the sum of squares is the sample's variance.
  @Test(
    "the stochastic equation keeps the variance",
    arguments: DiffusionForm.allCases, FlowMethod.allCases)
  func variance(form: DiffusionForm, method: FlowMethod) throws {
    for path in FlowPath.allCases {
      for prediction in FlowPrediction.allCases {
        for direction in Flow.Direction.allCases {
          guard
            let flow = try? Flow(path: path, prediction: prediction, direction: direction),
            let sampler = try? FlowSDESampler(
              flow, method: method, points: 400, form: form, lastStepSize: 0.01)
          else { continue }
          func unit(_ index: Int) -> [Float] {
            (0...sampler.drawCount).map { $0 == index ? 1 : 0 }
          }
          var state = sampler.start(
            Tensor(shape: [sampler.drawCount + 1], values: unit(0)))
          while state.step < sampler.drawCount {
            try sampler.advance(
              &state, noise: { unit($0 + 1) }, predict: Self.normal(flow))
          }
          let variance = state.x.values.reduce(0) { $0 + Double($1) * Double($1) }
          let end = try #require(sampler.times.last)
          let exact = pow(Self.deviation(flow, end), 2)
          #expect(
            abs(variance / exact - 1) <= 0.05,
            "\(path) \(prediction) \(direction): \(variance), expected \(exact)")
        }
      }
    }
  }

  @Test func theVarianceOfUViTIsKept() throws {
    let sampler = try VPSampler(.sde, steps: 1000)
    func unit(_ index: Int) -> [Float] { (0...sampler.drawCount).map { $0 == index ? 1 : 0 } }
    let result = try sampler.sample(
      from: Tensor(shape: [sampler.drawCount + 1], values: unit(0)), noise: { unit($0 + 1) },
      predict: Self.normal(.continuous))
    let variance = result.values.reduce(0) { $0 + Double($1) * Double($1) }
    #expect(abs(variance - Self.s * Self.s) <= 0.01, "\(variance)")
  }

  /// Time and velocity change their sign, the samples stay.
  @Test func directionsMirrorEachOther() throws {
    let stream = RandomStream(seed: 9, index: 4)
    let start = Tensor(shape: [6], values: stream.normals(.initialNoise, count: 6))
    for path in [FlowPath.linear, .gvp] {
      let (up, down) = (try Flow(path: path), try Flow(path: path, direction: .dataAtZero))
      func sample(_ flow: Flow, _ sampler: any Sampler) -> [Float] {
        sampler.sample(
          from: start, noise: { stream.normals(.stepNoise($0), count: 6) }
        ) { x, time in
          let forward = flow.direction == .dataAtOne
          let t = forward ? time.input : 1 - time.input
          return Self.apply(x, (forward ? 1 : -1) * (t - 0.75), (forward ? 1 : -1) * 0.25 * t)
        }.values
      }
      for method in FlowMethod.allCases {
        for form in [DiffusionForm.sigma, .linear, .decreasing] {
          for last in LastStep.allCases where method == .euler || last != .none {
            let samples = try [up, down].map {
              sample(
                $0,
                try FlowSDESampler($0, method: method, points: 9, form: form, lastStep: last))
            }
            let worst = worst(samples[0], samples[1])
            #expect(worst.relative <= 3e-6, "\(path) \(method) \(form) \(last): \(worst)")
          }
        }
      }
      let samples = try [up, down].map {
        sample($0, try FlowODESampler($0, method: .euler, intervals: 9))
      }
      #expect(worst(samples[0], samples[1]).relative <= 3e-6)
    }
  }
}
