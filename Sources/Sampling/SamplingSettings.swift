import Backbones
import Checkpoints
import Crypto
import Diffusion
import Files

/// The name of a sampler on the command line and in results.
public enum SamplerName: String, CaseIterable, Codable, Sendable {
  /// Ancestral sampling.
  case ddpm
  /// DDIM with `eta`.
  case ddim
  /// Heun's second-order method, with two predictions per step.
  case heun
  /// DPM-Solver++(2M).
  case dpmSolver = "dpm-solver++"
  /// DPM-Solver++(2M) for the stochastic differential equation.
  case dpmSolverSDE = "dpm-solver++-sde"
  /// Euler's method for the ordinary differential equation of a flow.
  case flowEuler = "flow-euler"
  /// Heun's method for the ordinary differential equation of a flow.
  case flowHeun = "flow-heun"
  /// Dormand and Prince's method for the ordinary differential equation of a flow, which chooses its
  /// steps.
  case flowDopri5 = "flow-dopri5"
  /// The method of Euler and Maruyama for the stochastic differential equation of a flow.
  case flowSDE = "flow-sde"
  /// Heun's method for the stochastic differential equation of a flow.
  case flowSDEHeun = "flow-sde-heun"
  /// The method of Euler and Maruyama for the variance-preserving process in continuous time.
  case vpSDE = "vp-sde"
  /// Euler's method for the ordinary differential equation of the same process.
  case vpODE = "vp-ode"
  /// DPM-Solver of order 3 in single steps, which predicts the noise.
  case dpmSolverFast = "dpm-solver-fast"
  /// DPM-Solver++ of order 3 in single steps, which predicts the image.
  case dpmSolverPlusPlusFast = "dpm-solver++-fast"

  /// The methods over timesteps of training.
  package static let ofTimesteps = [ddpm, ddim, heun, dpmSolver, dpmSolverSDE]
  /// The methods for flows.
  package static let ofFlows = [flowEuler, flowHeun, flowDopri5, flowSDE, flowSDEHeun]
  /// The methods for a process, those over its timesteps first.
  package static func fitting(_ process: DiffusionProcess) -> [SamplerName] {
    switch process {
    case .timesteps: ofTimesteps
    case .flow: ofFlows
    case .continuousVP: ofTimesteps + [vpSDE, vpODE, dpmSolverFast]
    case .stableDiffusion: ofTimesteps + [dpmSolverPlusPlusFast]
    }
  }

  /// Whether it solves the stochastic differential equation of a flow.
  package var isFlowSDE: Bool { self == .flowSDE || self == .flowSDEHeun }

  /// The number of steps if none is given: that of the original code.
  package var usualSteps: Int {
    switch self {
    case .vpSDE, .vpODE: 1000
    case .dpmSolverFast, .dpmSolverPlusPlusFast: 50
    default: 250
    }
  }

  /// Returns the respacing that other implementations of the method use for a number of steps.
  /// DPM-Solver's omit timestep 0, because the last step goes from the timestep before to zero
  /// noise.
  ///
  /// - Parameter steps: The number of steps, 1 to 1000; DDPM needs 2.
  /// - Throws: `Failure` `InvalidRespacing` (64) if there are no such timesteps.
  public func respacing(steps: Int) throws(Failure) -> Respacing {
    try Respacing(notation(steps: steps))
  }

  /// Returns the notation of ``respacing(steps:)``.
  package func notation(steps: Int) -> String {
    switch self {
    // A single step begins at the noisiest timestep. DDPM needs the variance of two.
    case .ddim, .heun: steps == 1 ? "dpm1" : "\(steps)"
    case .ddpm: "\(steps)"
    case .dpmSolver, .dpmSolverSDE: "dpm\(steps)"
    default: "\(steps)"
    }
  }
}

/// The name of what the network's first channels predict, on the command line and in results.
public enum PredictionName: String, CaseIterable, Codable, Sendable {
  /// The noise, as in the original.
  case epsilon
  /// The image.
  case x0
  /// The velocity.
  case v
}

/// All settings that determine a checkpoint's samples.
public struct SamplingSettings: Sendable {
  /// The sampling method.
  public var sampler = SamplerName.ddpm
  /// The quantity that the network predicts.
  public var prediction = PredictionName.epsilon
  /// The timesteps to visit; see ``SamplerName/respacing(steps:)`` for a number of steps. For a method
  /// that is not over timesteps, their number is what the original code calls the number of steps.
  public var respacing = Respacing.default
  /// The noise of DDIM, 0 to 1.
  public var eta = 0.0
  /// The scale of classifier-free guidance; at 1 a prediction takes one evaluation of the network.
  public var guidanceScale = 1.0
  /// The times with guidance: timesteps of training, 0 to 999, or t in [0, 1] for continuous time. At
  /// others the scale is 1.
  public var guidanceInterval = 0.0...999
  /// The guided channels.
  public var guidedChannels = GuidedChannels.all
  /// Whether predicted images are clamped to [-1, 1] at every step.
  public var clips = false
  /// The seed of the random streams.
  public var seed: UInt64 = 0
  /// The rule that assigns a class to each sample.
  public var labels = LabelPolicy.uniform
  /// How floats are converted to bytes.
  public var quantizer = Quantizer.dit
  /// How much noise the stochastic differential equation of a flow adds.
  public var diffusion = DiffusionForm.sigma
  /// The factor of that noise.
  public var diffusionNorm = 1.0
  /// The last step of the stochastic differential equation of a flow.
  public var lastStep = LastStep.mean
  /// The length of that last step.
  public var lastStepSize = 0.04

  /// Creates the default settings: DDPM, 250 steps, no guidance, seed 0.
  public init() {}

  /// The method over timesteps; nil for other methods.
  private var method: SamplingMethod? {
    switch sampler {
    case .ddpm: .ddpm
    case .ddim: .ddim(eta: eta)
    case .heun: .heun
    case .dpmSolver: .dpmSolver2M
    case .dpmSolverSDE: .dpmSolver2MSDE
    default: nil
    }
  }

  /// Checks that every number is in its range.
  ///
  /// - Throws: `Failure` `SettingOutOfRange` (64) with what was found and what is possible.
  func check() throws(Failure) {
    guard (0...1).contains(eta) else { throw .outOfRange("eta", eta, "0 to 1") }
    guard guidanceScale.isFinite, guidanceScale >= 0 else {
      throw .outOfRange("guidanceScale", guidanceScale, "a number of at least 0")
    }
    guard guidanceInterval.clamped(to: Guidance.everywhere) == guidanceInterval else {
      throw .outOfRange(
        "guidanceInterval", guidanceInterval.ends, "times from \(Guidance.everywhere.ends)")
    }
  }

  /// Returns the sampler for a backbone.
  ///
  /// - Throws: `Failure` (64) `SamplerMismatch` if the sampler is not one for the backbone's process,
  ///   `GuidanceNowhere` when guidance is asked for at none of its times, `InvalidRespacing` for a
  ///   single step of DDPM or for timesteps where a number of steps is expected, `SettingOutOfRange`
  ///   or `SamplerSettings` if a setting is not one of the sampler's.
  package func sampler(for architecture: Architecture) throws(Failure) -> any Sampler {
    let process = architecture.process
    let fitting = SamplerName.fitting(process)
    guard fitting.contains(sampler) else {
      throw Failure(
        .usage, .samplerMismatch, "`sampler` \(sampler.rawValue)",
        "the checkpoint is a \(architecture.family.title), trained for \(process.title); its samplers "
          + "are \(fitting.map(\.rawValue).joined(separator: ", "))")
    }
    let sampler: any Sampler
    if let method {
      sampler = try timestepSampler(method, process)
    } else {
      sampler = try continuousSampler(process)
    }
    try checkGuidance(sampler.predictionTimes)
    return sampler
  }

  private func timestepSampler(
    _ method: SamplingMethod, _ process: DiffusionProcess
  ) throws(Failure) -> any Sampler {
    let schedule = Schedule(respacing, of: process)
    guard schedule.count > 1 || sampler != .ddpm else {
      throw Failure(
        .usage, .invalidRespacing, "\(respacing)",
        "DDPM takes the variance of its last step from the one before; expected at least 2 steps, or "
          + "a sampler other than ddpm")
    }
    let prediction: Prediction =
      switch self.prediction {
      case .epsilon: .epsilon
      case .x0: .x0
      case .v: .v
      }
    return TimestepSampler(
      schedule: schedule, method: method, prediction: prediction, clips: clips)
  }

  /// Returns a sampler of continuous time.
  private func continuousSampler(_ process: DiffusionProcess) throws(Failure) -> any Sampler {
    let name = sampler.rawValue
    guard let steps = Int(respacing.description) else {
      throw Failure(
        .usage, .invalidRespacing, "\(respacing)",
        "\(name) is not over timesteps; expected a number of steps such as 250")
    }
    guard prediction == .epsilon else {
      throw .outOfRange(
        "prediction", prediction.rawValue,
        "epsilon for \(name); what the network of a flow predicts is `flowPrediction`")
    }
    guard !clips else { throw .outOfRange("clips", true, "false for \(name)") }
    switch (sampler, process) {
    case (.flowEuler, .flow(let flow)): return try flowODE(flow, .euler, steps)
    case (.flowHeun, .flow(let flow)): return try flowODE(flow, .heun, steps)
    case (.flowDopri5, .flow(let flow)): return try FlowDormandPrinceSampler(flow)
    case (.flowSDE, .flow(let flow)): return try flowSDE(flow, .euler, steps)
    case (.flowSDEHeun, .flow(let flow)): return try flowSDE(flow, .heun, steps)
    case (.vpSDE, _): return try VPSampler(.sde, steps: steps)
    case (.vpODE, _): return try VPSampler(.ode, steps: steps)
    case (.dpmSolverFast, _): return try DPMSolverFast(.continuous, predictions: steps)
    default: return try DPMSolverFast(.stableDiffusion, predictions: steps)
    }
  }

  /// Returns the sampler of the ordinary differential equation. The steps of SiT are points, and those
  /// of REPA are intervals.
  private func flowODE(
    _ flow: Flow, _ method: FlowMethod, _ steps: Int
  ) throws(Failure) -> any Sampler {
    flow.direction == .dataAtOne
      ? try FlowODESampler(flow, method: method, points: steps)
      : try FlowODESampler(flow, method: method, intervals: steps)
  }

  private func flowSDE(
    _ flow: Flow, _ method: FlowMethod, _ steps: Int
  ) throws(Failure) -> any Sampler {
    try FlowSDESampler(
      flow, method: method, points: steps, form: diffusion, norm: diffusionNorm,
      lastStep: lastStep, lastStepSize: lastStepSize)
  }

  /// Checks that guidance, if it is asked for, applies at one of the times of a sampler.
  private func checkGuidance(_ times: [PredictionTime]?) throws(Failure) {
    guard let times, guidanceScale != 1,
      !times.contains(where: { guidanceInterval.contains($0.process) })
    else { return }
    throw Failure(
      .usage, .guidanceNowhere, "`guidanceInterval` \(guidanceInterval.ends)",
      "none of the \(times.count) times of the sampler is in it; widen it, or use `guidanceScale` 1"
    )
  }

  /// How predictions are guided.
  package var guidance: Guidance {
    Guidance(
      scale: Float(guidanceScale), channels: guidedChannels,
      interval: guidanceInterval)
  }
}

extension ClosedRange<Double> {
  /// Both ends in words.
  var words: String { "\(shortest(lowerBound)) to \(shortest(upperBound))" }

  /// Both ends, as the command line takes them.
  var ends: String { "\(shortest(lowerBound)),\(shortest(upperBound))" }

  private func shortest(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }
}
