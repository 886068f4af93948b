import Diffusion
import Foundation
import Testing

@Suite("Flow") struct FlowPathTests {
  static let times = [0.001, 0.1, 0.25, 0.5, 0.7, 0.9, 0.999]

  @Test("has the slopes of its levels", arguments: FlowPath.allCases)
  func slopes(path: FlowPath) throws {
    for direction in Flow.Direction.allCases where path != .vp || direction == .dataAtOne {
      let flow = try Flow(path: path, direction: direction)
      for t in Self.times {
        let (level, h) = (flow.level(at: t), 1e-6)
        let (before, after) = (flow.level(at: t - h), flow.level(at: t + h))
        let alpha = (after.alpha - before.alpha) / (2 * h)
        let sigma = (after.sigma - before.sigma) / (2 * h)
        #expect(abs(level.alphaSlope - alpha) <= 1e-5 * max(1, abs(alpha)), "\(t)")
        #expect(abs(level.sigmaSlope - sigma) <= 1e-5 * max(1, abs(sigma)), "\(t)")
      }
    }
  }

  @Test func f() {
    for path in FlowPath.allCases {
      for t in Self.times {
        let level = path.level(at: t)
        #expect(abs(path.drift(at: t) * level.alpha / level.alphaSlope - 1) <= 1e-12)
        let g = path.drift(at: t) * level.sigma * level.sigma - level.sigma * level.sigmaSlope
        #expect(abs(path.diffusion(at: t) / g - 1) <= 1e-9)
      }
    }
  }

  /// x = alpha x1 + sigma epsilon has the velocity alpha' x1 + sigma' epsilon and the score
  /// -epsilon / sigma, whatever of the three is predicted.
  @Test func outputsOfEveryKindMeanTheSame() throws {
    let (x1, epsilon) = (0.7, -1.3)
    for path in FlowPath.allCases {
      for t in Self.times {
        let level = path.level(at: t)
        let x = level.alpha * x1 + level.sigma * epsilon
        let velocity = level.alphaSlope * x1 + level.sigmaSlope * epsilon
        let score = -epsilon / level.sigma
        for (prediction, output) in [
          (FlowPrediction.velocity, velocity), (.noise, epsilon), (.score, score),
        ] {
          let flow = try Flow(path: path, prediction: prediction)
          let (v, s) = (flow.velocity(at: t), flow.score(at: t))
          let scale = max(1, abs(v.x), abs(v.output * output))
          #expect(abs(v.x * x + v.output * output - velocity) <= 1e-11 * scale)
          #expect(abs(s.x * x + s.output * output - score) <= 1e-9 * abs(score) + 1e-9)
        }
      }
    }
  }

  @Test func endsBeforeADivisionByZero() throws {
    #expect(Flow.sit.interval == (0, 1))
    #expect(Flow.repa.interval == (1, 0))
    #expect(try Flow(path: .gvp).interval == (0, 1))
    #expect(try Flow(path: .gvp, prediction: .noise).interval == (0.001, 0.999))
    #expect(try Flow(path: .linear, prediction: .score).interval == (0.001, 0.999))
    for prediction in FlowPrediction.allCases {
      #expect(try Flow(path: .vp, prediction: prediction).interval == (0, 0.999))
    }
  }

  /// Points and intervals, and where the steps that add noise end.
  @Test func timesAreEvenlySpaced() throws {
    let points = try FlowODESampler(.sit, method: .euler, points: 250)
    #expect((points.times.count, points.stepCount, points.evaluations) == (250, 249, 249))
    #expect(points.times[0] == 0 && points.times[249] == 1)
    let intervals = try FlowODESampler(.repa, method: .euler, intervals: 50)
    #expect((intervals.times.count, intervals.stepCount, intervals.evaluations) == (51, 50, 50))
    #expect(intervals.times[0] == 1 && intervals.times[50] == 0 && intervals.times[15] == 0.7)
    let sit = try FlowSDESampler(.sit, points: 250)
    #expect((sit.stepCount, sit.evaluations, sit.drawCount) == (250, 250, 249))
    #expect(sit.times[0] == 0 && sit.times[249] == 0.96)
    let repa = try FlowSDESampler(.repa, points: 250, form: .linear)
    #expect((repa.stepCount, repa.evaluations, repa.drawCount) == (250, 250, 249))
    #expect(repa.times[0] == 1 && repa.times[249] == 0.04)
    let none = try FlowSDESampler(.sit, points: 25, lastStep: .none)
    #expect((none.stepCount, none.evaluations, none.drawCount) == (24, 24, 24))
    #expect(none.times[24] == 1)
    let heun = try FlowSDESampler(.sit, method: .heun, points: 25)
    #expect((heun.stepCount, heun.evaluations, heun.drawCount) == (25, 49, 24))
  }
}

@Suite("Variance-preserving process") struct VPProcessTests {
  @Test("is inverted", arguments: VPProcess.allCases)
  func inverse(process: VPProcess) {
    var last = Double.infinity
    for step in 1...1000 {
      let t = Double(step) / 1000 - 0.0003
      let lambda = process.lambda(t)
      #expect(lambda < last)
      last = lambda
      #expect(abs(process.time(lambda: lambda) / t - 1) <= 1e-11, "\(t)")
      let (alpha, sigma) = VPProcess.level(lambda: lambda)
      #expect(abs(alpha / exp(process.logAlpha(t)) - 1) <= 1e-11)
      #expect(abs(sigma / process.sigma(t) - 1) <= 1e-11)
      #expect(abs(alpha * alpha + sigma * sigma - 1) <= 1e-14)
    }
  }

  @Test func betasAreThoseOfTheirNames() {
    // The derivative of log alpha is -beta / 2.
    for t in [0.0, 0.3, 1] {
      let h = 1e-5
      let slope =
        (VPProcess.continuous.logAlpha(t + h) - VPProcess.continuous.logAlpha(t - h)) / (2 * h)
      #expect(abs(-2 * slope - VPProcess.beta(t)) <= 1e-8)
    }
    #expect(VPProcess.beta(0) == 0.1)
    #expect(VPProcess.beta(1) == 20)
    let process = VPProcess.stableDiffusion
    #expect(abs(process.logAlpha(0.001) - 0.5 * log(1 - 0.00085)) <= 1e-16)
    let last = process.logAlpha(1) - process.logAlpha(0.999)
    #expect(abs(last - 0.5 * log(1 - 0.012)) <= 1e-14)
    // The known alpha bar of the last step, and both ends extended.
    #expect(abs(exp(2 * process.logAlpha(1)) - 0.004660) <= 1e-6)
    #expect(abs(process.logAlpha(1.001) - process.logAlpha(1) - last) <= 1e-12)
    #expect(process.logAlpha(0) > process.logAlpha(0.001))
  }

  @Test func ordersAddUpToThePredictions() {
    #expect(DPMSolverFast.orders(1) == [1])
    #expect(DPMSolverFast.orders(2) == [2])
    #expect(DPMSolverFast.orders(3) == [2, 1])
    #expect(DPMSolverFast.orders(4) == [3, 1])
    #expect(DPMSolverFast.orders(5) == [3, 2])
    #expect(DPMSolverFast.orders(6) == [3, 2, 1])
    #expect(DPMSolverFast.orders(50) == [Int](repeating: 3, count: 16) + [2])
    for count in 1...200 {
      let orders = DPMSolverFast.orders(count)
      #expect(orders.reduce(0, +) == count)
      #expect(orders.count == count / 3 + 1)
    }
  }
}
