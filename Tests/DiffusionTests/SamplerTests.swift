import Foundation
import Testing

import Diffusion
import Files
import Tensors
import _TestSupport

@Suite("Respacing") struct RespacingTests {
  @Test(
    "is refused",
    arguments: [
      "", "0", "1", "-5", "1001", "ddim1", "ddim60", "ddim", "3,", "1,1001", "3.5", "+3", "ten",
      "dpm", "dpm0", "dpm1001", "dpm-2",
    ])
  func refused(text: String) {
    #expect(throws: Failure.self) { try Respacing(text) }
  }

  @Test func halvesRoundToEven() throws {
    #expect(try Respacing("3").timesteps == [0, 500, 999])
    #expect(try Respacing("7").timesteps == [0, 166, 333, 500, 666, 832, 999])
  }

  @Test func stridesStartAtZero() throws {
    #expect(try Respacing("ddim50").timesteps == Array(stride(from: 0, to: 1000, by: 20)))
    #expect(try Respacing("1000").timesteps == Array(0..<1000))
  }
}

@Suite("Sampler") struct SamplerTests {
  static let methods: [SamplingMethod] = [.ddim(eta: 0), .heun, .dpmSolver2M]

  /// For data that are one point, the perfect predictor is epsilon = (x - alpha x0) / sigma, and
  /// every deterministic method must arrive at the point.
  @Test("recovers a single point exactly", arguments: methods)
  func singlePoint(method: SamplingMethod) throws {
    let schedule = Schedule(try Respacing("10"))
    let target: [Float] = [-1, -0.25, 0, 0.8]
    let stream = RandomStream(seed: 0, index: 0)
    let start = Tensor(shape: [1, 2, 2], values: stream.normals(.initialNoise, count: 4))
    let result = TimestepSampler(schedule: schedule, method: method).sample(
      from: start, noise: { stream.normals(.stepNoise($0), count: 4) }
    ) { x, time in
      let timestep = Int(time.input)
      let t = schedule.timesteps.firstIndex(of: timestep) ?? 0
      let alpha = Float(schedule.alphaBar[t].squareRoot())
      let sigma = Float((1 - schedule.alphaBar[t]).squareRoot())
      return Tensor(
        shape: x.shape, values: zip(x.values, target).map { ($0 - alpha * $1) / sigma })
    }
    #expect(worst(result.values, target).difference <= 1e-5)
  }

  /// A single step starts at the noisiest timestep and ends at the predicted image.
  ///
  /// (x - sigma epsilon) / alpha loses the digits that alpha = 0.0064 takes: a few units of rounding of
  /// |x| <= 4, divided by alpha.
  @Test("takes a single step", arguments: methods)
  func oneStep(method: SamplingMethod) throws {
    let schedule = Schedule(try Respacing("dpm1"))
    #expect(schedule.timesteps == [999])
    let (alpha, sigma) = (
      Float(schedule.alphaBar[0].squareRoot()), Float((1 - schedule.alphaBar[0]).squareRoot())
    )
    let target: [Float] = [-1, -0.25, 0, 0.8]
    let stream = RandomStream(seed: 1, index: 0)
    let start = Tensor(shape: [1, 2, 2], values: stream.normals(.initialNoise, count: 4))
    var timesteps: [Int] = []
    let result = TimestepSampler(schedule: schedule, method: method).sample(
      from: start, noise: { stream.normals(.stepNoise($0), count: 4) }
    ) { x, time in
      let timestep = Int(time.input)
      timesteps.append(timestep)
      return Tensor(
        shape: x.shape, values: zip(x.values, target).map { ($0 - alpha * $1) / sigma })
    }
    #expect(timesteps == [999])
    #expect(worst(result.values, target).difference <= Double(16 * 4 * Float.ulpOfOne / alpha))
  }

  @Test func clippingBoundsThePredictedImage() throws {
    let schedule = Schedule(try Respacing("2"))
    let start = Tensor(shape: [2], values: [3, -3])
    let result = TimestepSampler(schedule: schedule, method: .dpmSolver2M, clips: true).sample(
      from: start, noise: { _ in [] }
    ) { x, _ in Tensor(zeros: x.shape) }
    #expect(result.values == [1, -1])
  }

  @Test func theVarianceChannelsDecideTheNoise() throws {
    let schedule = Schedule(try Respacing("2"))
    // Logits of -1 select the posterior variance, of 1 beta.
    for (logit, variance) in [(-1, schedule.posteriorVariance[1]), (1, schedule.betas[1])] {
      let result = TimestepSampler(schedule: schedule, method: .ddpm, clips: true).sample(
        from: Tensor(shape: [1], values: [0]), noise: { step in [step == 0 ? 2 : .nan] }
      ) { x, time in
        let timestep = Int(time.input)
        // At the last step the prediction is chosen so that x passes through.
        let t = timestep == 0 ? 0 : 1
        let scale = Float((1 / schedule.alphaBar[t]).squareRoot())
        let noiseScale = Float((1 / schedule.alphaBar[t] - 1).squareRoot())
        let epsilon = t == 1 ? 0 : (scale - 1) / noiseScale * x.values[0]
        return Tensor(shape: [2], values: [epsilon, Float(logit)])
      }
      let expected = min(1, 2 * variance.squareRoot())
      #expect(abs(Double(result.values[0]) - expected) <= 1e-6)
    }
  }
}

@Suite("Guidance") struct GuidanceTests {
  /// What is asked for at timestep 500, and what comes of it, with the predictions below.
  func asked(_ guidance: Guidance) -> (calls: [Bool], values: [Float]) {
    var calls: [Bool] = []
    let result = guidance(at: 500, imageChannels: 2) { isConditional in
      calls.append(isConditional)
      return isConditional ? conditional : unconditional
    }
    return (calls, result.values)
  }

  @Test func asksForNoMoreThanItUses() {
    #expect(asked(Guidance(scale: 1)) == ([true], [1, 2, 3, 4]))
    #expect(asked(Guidance(scale: 0)) == ([false], [0, 1, 1, 0]))
    #expect(asked(Guidance(scale: 2)) == ([false, true], [2, 3, 3, 4]))
    // The original guides the first three channels, and takes the fourth from the class even then.
    #expect(asked(Guidance(scale: 0, channels: .first3)) == ([false, true], [0, 1, 1, 4]))
  }

  @Test("acts at both ends of its interval and nowhere else")
  func interval() {
    let intervals: [(ClosedRange<Double>, Bool)] = [
      (500...500, true), (0...500, true), (500...999, true), (0...499, false), (501...999, false),
    ]
    for (interval, isInside) in intervals {
      let expected: ([Bool], [Float]) =
        isInside ? ([false, true], [2, 3, 3, 4]) : ([true], [1, 2, 3, 4])
      #expect(asked(Guidance(scale: 2, interval: interval)) == expected, "\(interval)")
      let calls = asked(Guidance(scale: 0, interval: interval)).calls
      #expect(calls == [!isInside], "\(interval)")
    }
  }

  let conditional = Tensor(shape: [4, 1, 1], values: [1, 2, 3, 4])
  let unconditional = Tensor(shape: [4, 1, 1], values: [0, 1, 1, 0])

  @Test func guidesTheLeadingChannelsOnly() {
    let result = guided(
      conditional: conditional, unconditional: unconditional, scale: 2, guidedChannels: 3)
    #expect(result.values == [2, 3, 5, 4])
  }

  @Test func aScaleOfOneIsTheConditionalPrediction() {
    let result = guided(
      conditional: conditional, unconditional: unconditional, scale: 1, guidedChannels: 4)
    #expect(result == conditional)
  }

  @Test func theOriginalGuidesVarianceOfFewChannels() {
    #expect(GuidedChannels.first3.count(channels: 1, outputChannels: 2) == 2)
    #expect(GuidedChannels.first3.count(channels: 4, outputChannels: 8) == 3)
    #expect(GuidedChannels.all.count(channels: 4, outputChannels: 8) == 4)
  }
}

@Suite("Network evaluations") struct NetworkEvaluationTests {
  static let methods: [SamplingMethod] = [
    .ddpm, .ddim(eta: 0), .ddim(eta: 1), .heun, .dpmSolver2M, .dpmSolver2MSDE,
  ]
  static let guidances = [Float(0), 1, 2].flatMap { scale in
    [0...999, 0...499, 500...999, 111...111, 112...115].flatMap { interval in
      GuidedChannels.allCases.map { Guidance(scale: scale, channels: $0, interval: interval) }
    }
  }

  /// The number that results record is that of the closure's calls.
  @Test(arguments: methods, ["2", "10", "dpm7"])
  func areThoseThatAreMade(method: SamplingMethod, respacing: String) throws {
    let sampler = TimestepSampler(schedule: Schedule(try Respacing(respacing)), method: method)
    for guidance in Self.guidances {
      var (calls, timesteps) = (0, [Int]())
      _ = sampler.sample(
        from: Tensor(shape: [1, 1, 2], values: [0.5, -1]), noise: { _ in [0.1, 0.2] }
      ) { x, time in
        let timestep = Int(time.input)
        timesteps.append(timestep)
        return guidance(at: Double(timestep), imageChannels: 1) { _ in
          calls += 1
          return Tensor(shape: [2, 1, 2], values: x.values + [0, 0])
        }
      }
      #expect(calls == sampler.networkEvaluations(guidance), "\(guidance)")
      #expect(timesteps == sampler.predictionTimes?.map { Int($0.input) })
    }
  }

  /// By hand: timesteps 0, 500 and 999.
  @Test func byHand() throws {
    let schedule = Schedule(try Respacing("3"))
    let (ddim, heun) = (
      TimestepSampler(schedule: schedule, method: .ddim(eta: 0)),
      TimestepSampler(schedule: schedule, method: .heun)
    )
    for (guidance, once, twice) in [
      (Guidance(scale: 1), 3, 5), (Guidance(scale: 2), 6, 10), (Guidance(scale: 0), 3, 5),
      (Guidance(scale: 0, channels: .first3), 6, 10),
      (Guidance(scale: 2, interval: 400...600), 4, 7),
      (Guidance(scale: 0, interval: 400...600), 3, 5), (Guidance(scale: 2, interval: 0...0), 4, 7),
    ] {
      #expect(ddim.networkEvaluations(guidance) == once)
      #expect(heun.networkEvaluations(guidance) == twice)
    }
  }
}

@Suite("Quantizer") struct QuantizerTests {
  @Test func endsAndMiddle() {
    #expect([-2, -1, 0, 1, 2].map { Quantizer.dit($0) } == [0, 0, 128, 255, 255])
    #expect([-2, -1, 0, 1, 2].map { Quantizer.adm($0) } == [0, 0, 127, 255, 255])
  }

  @Test func roundsHalfUpOrTruncates() {
    // 127.5 x + 127.5 = 10.75
    let x = Float(10.75 / 127.5 - 1)
    #expect(Quantizer.dit(x) == 11 && Quantizer.adm(x) == 10)
  }
}
