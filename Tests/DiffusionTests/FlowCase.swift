import Diffusion
import Foundation
import Tensors

/// A run of an original sampler of continuous time, with what does the same here; conventions in
/// Fixtures/MANIFEST.json.
struct FlowCase: Sendable {
  let name: String
  /// The predicted value of x at u, the network's time, divided by 1000 for U-ViT.
  var predictor: @Sendable (_ x: Double, _ u: Double) -> Double = velocity
  var timeScale = 1.0
  var guidance = Guidance(scale: 1)
  let sampler: @Sendable () throws -> any Sampler

  /// The prediction without a class is half of that with one.
  func network(_ x: Tensor, _ time: PredictionTime) -> Tensor {
    guidance(at: time.process, imageChannels: x.shape[0]) { isConditional in
      let u = time.input / timeScale
      return Tensor(
        shape: x.shape,
        values: x.values.map { Float((isConditional ? 1 : 0.5) * predictor(Double($0), u)) })
    }
  }

  @Sendable static func velocity(_ x: Double, _ u: Double) -> Double {
    (x * (1.2 - u) + 0.5 * cos(3 * u)) / (1 + 0.3 * x * x)
  }

  @Sendable static func flowNoise(_ x: Double, _ u: Double) -> Double {
    x * tanh(4 * (1 - u)) + 0.3 * sin(2 * x + 3 * u)
  }

  @Sendable static func flowScore(_ x: Double, _ u: Double) -> Double { -flowNoise(x, u) }

  @Sendable static func noise(_ x: Double, _ u: Double) -> Double {
    x * tanh(4 * u) + 0.3 * sin(2 * x + 3 * u)
  }

  static let all = fixedGrid + dormandPrince + stochastic + repa + variancePreserving

  static let fixedGrid = [
    FlowCase(name: "euler") { try FlowODESampler(.sit, method: .euler, points: 26) },
    FlowCase(name: "heun") { try FlowODESampler(.sit, method: .heun, points: 26) },
    FlowCase(name: "euler-2points") { try FlowODESampler(.sit, method: .euler, points: 2) },
    FlowCase(name: "euler-gvp") {
      try FlowODESampler(Flow(path: .gvp), method: .euler, points: 26)
    },
    FlowCase(name: "euler-vp") { try FlowODESampler(Flow(path: .vp), method: .euler, points: 26) },
    FlowCase(name: "euler-noise", predictor: flowNoise) {
      try FlowODESampler(Flow(path: .linear, prediction: .noise), method: .euler, points: 26)
    },
    FlowCase(name: "euler-gvp-score", predictor: flowScore) {
      try FlowODESampler(Flow(path: .gvp, prediction: .score), method: .euler, points: 26)
    },
    FlowCase(name: "heun-gvp-noise", predictor: flowNoise) {
      try FlowODESampler(Flow(path: .gvp, prediction: .noise), method: .heun, points: 26)
    },
    FlowCase(name: "heun-vp-noise", predictor: flowNoise) {
      try FlowODESampler(Flow(path: .vp, prediction: .noise), method: .heun, points: 26)
    },
    FlowCase(name: "heun-score", predictor: flowScore) {
      try FlowODESampler(Flow(path: .linear, prediction: .score), method: .heun, points: 26)
    },
  ]

  static let dormandPrince = [
    FlowCase(name: "dopri5") { try FlowDormandPrinceSampler(.sit) },
    FlowCase(name: "dopri5-gvp") { try FlowDormandPrinceSampler(Flow(path: .gvp)) },
    FlowCase(name: "dopri5-vp-score", predictor: flowScore) {
      try FlowDormandPrinceSampler(Flow(path: .vp, prediction: .score))
    },
    FlowCase(name: "dopri5-noise", predictor: flowNoise) {
      try FlowDormandPrinceSampler(
        Flow(path: .linear, prediction: .noise), relativeTolerance: 1e-4)
    },
    FlowCase(name: "dopri5-vp") {
      try FlowDormandPrinceSampler(
        Flow(path: .vp), relativeTolerance: 1e-4, absoluteTolerance: 1e-8)
    },
  ]

  static let stochastic = [
    FlowCase(name: "em") { try FlowSDESampler(.sit, points: 25) },
    FlowCase(name: "sde-heun") { try FlowSDESampler(.sit, method: .heun, points: 25) },
    FlowCase(name: "em-linear-tweedie") {
      try FlowSDESampler(.sit, points: 25, form: .linear, lastStep: .tweedie)
    },
    FlowCase(name: "em-decreasing-euler") {
      try FlowSDESampler(.sit, points: 25, form: .decreasing, norm: 0.8, lastStep: .euler)
    },
    FlowCase(name: "em-linear-none") {
      try FlowSDESampler(.sit, points: 25, form: .linear, norm: 0.3, lastStep: .none)
    },
    FlowCase(name: "em-gvp") {
      try FlowSDESampler(Flow(path: .gvp), points: 25, lastStepSize: 0.1)
    },
    FlowCase(name: "em-gvp-noise-sbdm", predictor: flowNoise) {
      try FlowSDESampler(Flow(path: .gvp, prediction: .noise), points: 25, form: .sbdm)
    },
    FlowCase(name: "em-vp-sbdm") {
      try FlowSDESampler(Flow(path: .vp), points: 25, form: .sbdm)
    },
    FlowCase(name: "em-vp-score-none", predictor: flowScore) {
      try FlowSDESampler(Flow(path: .vp, prediction: .score), points: 25, lastStep: .none)
    },
    FlowCase(name: "sde-heun-noise-tweedie", predictor: flowNoise) {
      try FlowSDESampler(
        Flow(path: .linear, prediction: .noise), method: .heun, points: 25, lastStep: .tweedie)
    },
    FlowCase(name: "sde-heun-vp-none") {
      try FlowSDESampler(Flow(path: .vp), method: .heun, points: 25, lastStep: .none)
    },
    FlowCase(name: "em-2points") { try FlowSDESampler(.sit, points: 2) },
  ]

  static let repa = [
    FlowCase(name: "repa-euler") { try FlowODESampler(.repa, method: .euler, intervals: 25) },
    FlowCase(name: "repa-euler-1") { try FlowODESampler(.repa, method: .euler, intervals: 1) },
    FlowCase(name: "repa-heun") { try FlowODESampler(.repa, method: .heun, intervals: 25) },
    FlowCase(name: "repa-heun-guided", guidance: Guidance(scale: 1.8, interval: 0...0.7)) {
      try FlowODESampler(.repa, method: .heun, intervals: 20)
    },
    FlowCase(name: "repa-sde") { try FlowSDESampler(.repa, points: 25, form: .linear) },
    FlowCase(name: "repa-sde-cosine") {
      try FlowSDESampler(Flow(path: .gvp, direction: .dataAtZero), points: 25, form: .linear)
    },
    FlowCase(name: "repa-sde-guided", guidance: Guidance(scale: 1.8, interval: 0.1...0.7)) {
      try FlowSDESampler(.repa, points: 25, form: .linear)
    },
  ]

  static let variancePreserving =
    [
      FlowCase(name: "vp-sde", predictor: noise, timeScale: 1000) {
        try VPSampler(.sde, steps: 25)
      },
      FlowCase(name: "vp-ode", predictor: noise, timeScale: 1000) {
        try VPSampler(.ode, steps: 25)
      },
      FlowCase(name: "vp-sde-2", predictor: noise, timeScale: 1000) {
        try VPSampler(.sde, steps: 2)
      },
    ]
    + [1, 2, 3, 4, 24, 25, 26, 50].flatMap { count in
      [
        FlowCase(name: "dpm-\(count)", predictor: noise, timeScale: 1000) {
          try DPMSolverFast(.continuous, predictions: count)
        },
        FlowCase(name: "dpm++-\(count)", predictor: noise, timeScale: 1000) {
          try DPMSolverFast(.stableDiffusion, predictions: count)
        },
      ]
    }
}
