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
  /// The timesteps to visit; see ``SamplerName/respacing(steps:)`` for a number of steps.
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

  /// Creates the default settings: DDPM, 250 steps, no guidance, seed 0.
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

  /// Returns the sampler over the steps of `schedule`.
  ///
  /// - Throws: `Failure` `GuidanceNowhere` (64) when guidance is asked for at none of them,
  ///   `InvalidRespacing` (64) for a single step of DDPM.
  package func sampler(_ schedule: Schedule) throws(Failure) -> any Sampler {
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
    let sampler = TimestepSampler(
      schedule: schedule, method: method, prediction: prediction, clips: clips)
    try checkGuidance(sampler.predictionTimes)
    return sampler
  }

  /// Checks that guidance, if it is asked for, applies at one of the times of a sampler.
  private func checkGuidance(_ times: [PredictionTime]?) throws(Failure) {
    guard let times, guidanceScale != 1,
      !times.contains(where: { guidanceInterval.contains($0.process) })
    else { return }
    throw Failure(
      .usage, .guidanceNowhere, "`guidanceInterval` \(guidanceInterval.ends)",
      "none of the \(times.count) times of the sampler is in it; widen it, or use `guidanceScale` 1")
  }

  /// How predictions are guided.
  package var guidance: Guidance {
    Guidance(
      scale: Float(guidanceScale), channels: guidedChannels,
      interval: guidanceInterval)
  }
}

extension ClosedRange<Double> {
  /// Both ends, as the command line takes them.
  var ends: String { "\(shortest(lowerBound)),\(shortest(upperBound))" }

  private func shortest(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }
}
