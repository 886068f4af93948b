import ArgumentParser
import DisEval
import Files

extension PredictionName: ExpressibleByArgument {}
extension SamplerName: ExpressibleByArgument {}

/// Which channels classifier-free guidance changes, as a flag's value.
enum GuidedChannelsOption: String, CaseIterable, ExpressibleByArgument {
  case all, first3
}

/// How floats become bytes, as a flag's value.
enum QuantizerOption: String, CaseIterable, ExpressibleByArgument {
  case dit, adm
}

/// Two timesteps of training such as `100,700`.
private func timestepInterval(_ text: String) throws -> ClosedRange<Int> {
  let ends = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
  guard ends.count == 2, let low = ends[0], let high = ends[1], 0 <= low, low <= high, high <= 999
  else {
    throw ValidationError("expected two timesteps LOW,HIGH with 0 <= LOW <= HIGH <= 999")
  }
  return low...high
}

/// How a checkpoint is sampled.
struct SamplingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "State dict of the checkpoint file, such as model or ema.ema_model. (default: the averaged one)",
      valueName: "key"))
  var checkpointKey: String?

  @Option(help: "How a step is made.")
  var sampler = SamplerName.ddpm

  @Option(help: "What the network predicts: the noise, the image, or the velocity.")
  var prediction = PredictionName.epsilon

  @Option(
    help: """
      Number of steps, evenly spaced; short for --respacing N, and for dpmN with DPM-Solver++ or a \
      single step, which ddpm cannot take. A step of heun evaluates the network twice. \
      (default: 250)
      """)
  var steps: Int?

  @Option(
    help: """
      Timesteps as the original's strings say it: 250, or 10,15,20, or ddim50; or dpm50, evenly \
      spaced without timestep 0.
      """)
  var respacing: String?

  @Option(help: "Noise of DDIM: 0 is deterministic, 1 has that of DDPM.")
  var eta = 0.0

  @Option(help: "Scale of classifier-free guidance: 1 is none, 0 samples without the class.")
  var cfgScale = 1.0

  @Option(
    help: ArgumentHelp(
      "Guide at these timesteps of training only, 0 to 999, both ends included. (default: all)",
      valueName: "low,high"),
    transform: timestepInterval)
  var cfgInterval: ClosedRange<Int>?

  @Option(help: "Guide all noise channels, or the first 3 output channels as the original does.")
  var cfgChannels = GuidedChannelsOption.all

  @Flag(help: "Clamp predicted images to [-1, 1] at every step.")
  var clip = false

  @Option(help: "Key of the random streams.")
  var seed: UInt64 = 0

  @Option(
    help: "Class of each sample: uniform, balanced, a class number, or a .npy file of numbers.")
  var labels = "uniform"

  @Option(help: "How floats become bytes: rounding (dit) or truncating (adm).")
  var quantizer = QuantizerOption.dit

  func validate() throws {
    if steps != nil, respacing != nil {
      throw ValidationError("--steps and --respacing say the same thing; give one of them.")
    }
    if let steps, steps < 1 || (steps == 1 && sampler == .ddpm) {
      throw ValidationError(
        "--steps \(steps): at least \(sampler == .ddpm ? "2 steps are" : "1 step is") needed.")
    }
    guard eta.isFinite, (0...1).contains(eta) else {
      throw ValidationError("--eta \(eta): expected 0 to 1.")
    }
    if eta != 0, sampler != .ddim { throw ValidationError("--eta is for --sampler ddim.") }
    guard cfgScale.isFinite, cfgScale >= 0 else {
      throw ValidationError("--cfg-scale \(cfgScale): expected a number of at least 0.")
    }
    if cfgInterval != nil, cfgScale == 1 {
      throw ValidationError(
        "--cfg-interval needs a --cfg-scale other than 1, which is no guidance.")
    }
  }

  /// Whether nothing was asked for, so that a command that samples nothing may go on.
  var isUntouched: Bool {
    checkpointKey == nil && sampler == .ddpm && prediction == .epsilon && steps == nil
      && respacing == nil && eta == 0 && cfgScale == 1 && cfgInterval == nil && cfgChannels == .all
      && !clip && seed == 0 && labels == "uniform" && quantizer == .dit
  }

  /// The settings in plain values.
  var request: SamplingRequest {
    SamplingRequest(
      sampler: sampler.rawValue, prediction: prediction.rawValue,
      respacing: respacing ?? sampler.respacing(steps: steps ?? 250), eta: eta,
      cfgScale: cfgScale, cfgInterval: cfgInterval.map { [$0.lowerBound, $0.upperBound] },
      cfgChannels: cfgChannels.rawValue, clip: clip, seed: seed, labels: labels,
      quantizer: quantizer.rawValue)
  }
}
