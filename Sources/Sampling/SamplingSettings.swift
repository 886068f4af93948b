import Checkpoints
import Crypto
import Diffusion
import Files

/// The sampler's name on the command line and in results.
public enum SamplerName: String, CaseIterable, Codable, Sendable {
  /// Ancestral sampling.
  case ddpm
  /// DDIM with `eta`.
  case ddim
  /// Heun's second-order method, two predictions a step.
  case heun
  /// DPM-Solver++(2M).
  case dpmSolver = "dpm-solver++"
  /// DPM-Solver++(2M) of the stochastic equation.
  case dpmSolverSDE = "dpm-solver++-sde"

  /// The respacing of `steps` steps as the method's other implementations space them: DPM-Solver's
  /// leave out timestep 0, because they step onto zero noise from the timestep before.
  public func respacing(steps: Int) -> String {
    switch self {
    // A single step begins at the noisiest timestep. DDPM needs the variance of two.
    case .ddim, .heun: steps == 1 ? "dpm1" : "\(steps)"
    case .ddpm: "\(steps)"
    case .dpmSolver, .dpmSolverSDE: "dpm\(steps)"
    }
  }
}

/// What the network's first channels mean, on the command line and in results.
public enum PredictionName: String, CaseIterable, Codable, Sendable {
  /// The noise, as in the original.
  case epsilon
  /// The image.
  case x0
  /// The velocity.
  case v
}

/// Everything that decides what a checkpoint's samples look like.
public struct SamplingSettings: Sendable {
  /// How a step is made.
  public var sampler = SamplerName.ddpm
  /// What the network predicts.
  public var prediction = PredictionName.epsilon
  /// Which timesteps are visited, as the original's strings say it; ``SamplerName/respacing(steps:)``
  /// for a number of steps.
  public var respacing = "250"
  /// Noise of DDIM, 0 to 1.
  public var eta = 0.0
  /// Scale of classifier-free guidance; at 1 a prediction takes one evaluation of the network.
  public var guidanceScale = 1.0
  /// Original timesteps at which there is guidance; at others the scale is 1.
  public var guidanceInterval = 0...999
  /// Which channels are guided.
  public var guidedChannels = GuidedChannels.all
  /// Whether predicted images are clamped to [-1, 1] at every step.
  public var clips = false
  /// Key of the random streams.
  public var seed: UInt64 = 0
  /// Which class each sample is asked for.
  public var labels = LabelPolicy.uniform
  /// How floats become bytes.
  public var quantizer = Quantizer.dit

  /// The defaults: DDPM, 250 steps, no guidance, seed 0.
  public init() {}

  var method: SamplingMethod {
    switch sampler {
    case .ddpm: .ddpm
    case .ddim: .ddim(eta: eta)
    case .heun: .heun
    case .dpmSolver: .dpmSolver2M
    case .dpmSolverSDE: .dpmSolver2MSDE
    }
  }
  /// The sampler over the steps of `schedule`.
  ///
  /// - Throws: `Failure` `GuidanceNowhere` (64) when guidance is asked for at none of them,
  ///   `InvalidRespacing` (64) for a single step of DDPM.
  func sampler(_ schedule: Schedule) throws(Failure) -> Sampler {
    guard schedule.count > 1 || sampler != .ddpm else {
      throw Failure(
        .usage, .invalidRespacing, respacing,
        "DDPM takes the variance of its last step from the one before; expected at least 2 steps, or "
          + "a sampler other than ddpm")
    }
    guard guidanceScale == 1 || schedule.timesteps.contains(where: guidanceInterval.contains) else {
      throw Failure(
        .usage, .guidanceNowhere,
        "--cfg-interval \(guidanceInterval.lowerBound),\(guidanceInterval.upperBound)",
        "none of the \(schedule.count) timesteps of respacing '\(respacing)' is in it; widen it, "
          + "or use --cfg-scale 1")
    }
    let prediction: Prediction =
      switch self.prediction {
      case .epsilon: .epsilon
      case .x0: .x0
      case .v: .v
      }
    return Sampler(schedule: schedule, method: method, prediction: prediction, clips: clips)
  }
  var guidance: Guidance {
    Guidance(
      scale: Float(guidanceScale), channels: guidedChannels,
      interval: guidanceInterval)
  }
}
