import ArgumentParser
import DisEval
import Files

extension PredictionName: ExpressibleByArgument {}
extension SamplerName: ExpressibleByArgument {}
extension DiffusionForm: ExpressibleByArgument {}
extension LastStep: ExpressibleByArgument {}

/// The channels that classifier-free guidance changes, as an option's value.
enum GuidedChannelsOption: String, CaseIterable, ExpressibleByArgument {
  case all, first3
}

/// How floats are converted to bytes, as an option's value.
enum QuantizerOption: String, CaseIterable, ExpressibleByArgument {
  case dit, adm
}

/// Parses two times, such as `100,700` or `0,0.7`.
private func timeInterval(_ text: String) throws -> ClosedRange<Double> {
  let ends = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
  guard ends.count == 2, let low = ends[0], let high = ends[1], 0 <= low, low <= high, high <= 999
  else {
    throw ValidationError("expected two times LOW,HIGH with 0 <= LOW <= HIGH <= 999")
  }
  return low...high
}

/// How a checkpoint is sampled.
struct SamplingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "State dict of the checkpoint file, such as model or ema.ema_model. (default: the averaged "
        + "one, or the only one)", valueName: "key"))
  var checkpointKey: String?

  @OptionGroup var backbone: BackboneOptions

  @Option(
    name: .customLong("sampler"), help: "The method of sampling. (default: ddpm)")
  var givenSampler: SamplerName?

  @Option(
    name: .customLong("prediction"),
    help: "What the network predicts: the noise, the image or the velocity. (default: epsilon)")
  var givenPrediction: PredictionName?

  @Option(
    help: ArgumentHelp(
      """
      Number of evenly spaced steps. Short for --respacing N or, with DPM-Solver++ or for a single \
      step, --respacing dpmN. ddpm needs at least 2 steps. A step of heun, except the last one, \
      makes two predictions. For flow-* and SiT, the number of points in time; for dpm-solver-fast \
      and dpm-solver++-fast, the number of predictions. (default: 250; 50 for the fast solvers, \
      1000 for vp-sde and vp-ode)
      """, valueName: "n"))
  var steps: Int?

  @Option(
    help: """
      Timesteps in the notation of the original code, such as 250, 10,15,20 or ddim50; or dpm50, \
      evenly spaced without timestep 0.
      """)
  var respacing: String?

  @Option(
    name: .customLong("eta"),
    help: ArgumentHelp(
      "Noise of DDIM, from 0, which is deterministic, to 1, which is that of DDPM. (default: 0)",
      valueName: "eta"))
  var givenEta: Double?

  @Option(
    name: .customLong("cfg-scale"),
    help: ArgumentHelp(
      "Scale of classifier-free guidance: 1 is no guidance, 0 samples without the class. "
        + "(default: 1)", valueName: "scale"))
  var givenScale: Double?

  @Option(
    help: ArgumentHelp(
      "Guide only at these times, including both: timesteps of training, 0 to 999, or t from 0 to 1 "
        + "for a model of continuous time. (default: all)",
      valueName: "low,high"),
    transform: timeInterval)
  var cfgInterval: ClosedRange<Double>?

  @Option(
    name: .customLong("cfg-channels"),
    help: ArgumentHelp(
      "Guide all noise channels, or the first 3 output channels as the original code does. "
        + "(default: all)", valueName: "channels"))
  var givenChannels: GuidedChannelsOption?

  @Option(
    name: .customLong("diffusion"),
    help: "How much noise flow-sde and flow-sde-heun add at a time. (default: sigma)")
  var givenDiffusion: DiffusionForm?

  @Option(
    name: .customLong("diffusion-norm"),
    help: ArgumentHelp("Factor of the noise of --diffusion. (default: 1)", valueName: "x"))
  var givenNorm: Double?

  @Option(
    name: .customLong("last-step"),
    help: "Last step of flow-sde and flow-sde-heun, without noise. (default: mean)")
  var givenLastStep: LastStep?

  @Option(
    name: .customLong("last-step-size"),
    help: ArgumentHelp("Length of --last-step in t. (default: 0.04)", valueName: "t"))
  var givenLastStepSize: Double?

  @Flag(help: "Clamp predicted images to [-1, 1] at every step.")
  var clip = false

  @Option(help: "Seed of the random streams.")
  var seed: UInt64 = 0

  @Option(
    help: "Class of each sample: uniform, balanced, a class number, or an .npy file of them.")
  var labels = "uniform"

  @Option(
    name: .customLong("quantizer"),
    help: "How floats are converted to bytes: by rounding (dit) or truncating (adm). (default: dit)"
  )
  var givenQuantizer: QuantizerOption?

  private var sampler: SamplerName { givenSampler ?? .ddpm }
  private var cfgScale: Double { givenScale ?? 1 }

  func validate() throws {
    if steps != nil, respacing != nil {
      throw ValidationError("--steps and --respacing both set the timesteps; give one of them.")
    }
    if let steps, steps < 1 || (steps == 1 && sampler == .ddpm) {
      throw ValidationError(
        "--steps \(steps): at least \(sampler == .ddpm ? "2 steps are" : "1 step is") needed.")
    }
    if let givenEta, givenEta != 0, sampler != .ddim {
      throw ValidationError("--eta needs --sampler ddim.")
    }
    if sampler == .flowDopri5, steps != nil {
      throw ValidationError("--steps: flow-dopri5 chooses its steps; leave it out.")
    }
    if !sampler.isFlowSDE, let option = givenNoiseOption {
      throw ValidationError("\(option) needs --sampler flow-sde or flow-sde-heun.")
    }
    if cfgInterval != nil, cfgScale == 1 {
      throw ValidationError(
        "--cfg-interval needs a --cfg-scale other than 1, which means no guidance.")
    }
  }

  /// Checks that no option is given that only a checkpoint has.
  func checkGenerator() throws {
    guard checkpointKey == nil else { throw ValidationError("--checkpoint-key needs --ckpt.") }
    guard backbone.request == nil else {
      throw ValidationError(
        "--backbone, and the other options about what a checkpoint is, need --ckpt.")
    }
  }

  /// Whether no option is given, as a command that samples nothing requires.
  var isUntouched: Bool {
    checkpointKey == nil && backbone.request == nil && seed == 0 && labels == "uniform"
      && givenQuantizer == nil
      && generatorSettings.isEmpty
  }

  /// The settings that are given and that a generator must confirm, by their names in results.
  var generatorSettings: [String: JSONValue] {
    var settings: [String: JSONValue] = [:]
    settings["sampler"] = givenSampler.map { .text($0.rawValue) }
    settings["prediction"] = givenPrediction.map { .text($0.rawValue) }
    settings["steps"] = steps.map { .integer(Int64($0)) }
    settings["respacing"] = respacing.map { .text($0) }
    settings["eta"] = givenEta.map { .number($0) }
    settings["cfg_scale"] = givenScale.map { .number($0) }
    settings["cfg_interval"] = cfgInterval.map {
      .array([$0.lowerBound, $0.upperBound].map(JSONValue.init))
    }
    settings["cfg_channels"] = givenChannels.map { .text($0.rawValue) }
    settings["diffusion"] = givenDiffusion.map { .text($0.rawValue) }
    settings["diffusion_norm"] = givenNorm.map { .number($0) }
    settings["last_step"] = givenLastStep.map { .text($0.rawValue) }
    settings["last_step_size"] = givenLastStepSize.map { .number($0) }
    settings["clip"] = clip ? .boolean(true) : nil
    return settings
  }

  /// Returns the settings that a generator must confirm: those that are given, or all of a preset.
  ///
  /// - Parameter hasDecoder: Whether latents are decoded and quantised here. Otherwise the generator
  ///   makes bytes, and must confirm how.
  func settings(hasDecoder: Bool, preset: SamplingSettings?) -> [String: JSONValue] {
    var settings = preset?.generatorSettings ?? generatorSettings
    let quantizer = givenQuantizer?.rawValue ?? preset?.quantizer.rawValue
    if !hasDecoder { settings["quantizer"] = quantizer.map { .text($0) } }
    return settings
  }

  /// The first option that is given for the noise of a flow.
  private var givenNoiseOption: String? {
    if givenDiffusion != nil { return "--diffusion" }
    if givenNorm != nil { return "--diffusion-norm" }
    if givenLastStep != nil { return "--last-step" }
    return givenLastStepSize == nil ? nil : "--last-step-size"
  }

  /// The request with these settings.
  var request: SamplingRequest {
    var request = SamplingRequest(
      sampler: sampler.rawValue, prediction: (givenPrediction ?? .epsilon).rawValue,
      respacing: respacing ?? sampler.notation(steps: steps ?? sampler.usualSteps),
      eta: givenEta ?? 0,
      cfgScale: cfgScale, cfgInterval: cfgInterval.map { [$0.lowerBound, $0.upperBound] },
      cfgChannels: (givenChannels ?? .all).rawValue, clip: clip, seed: seed, labels: labels,
      quantizer: (givenQuantizer ?? .dit).rawValue)
    if sampler.isFlowSDE {
      let usual = SamplingSettings()
      request.diffusion = (givenDiffusion ?? usual.diffusion).rawValue
      request.diffusionNorm = givenNorm ?? usual.diffusionNorm
      request.lastStep = (givenLastStep ?? usual.lastStep).rawValue
      request.lastStepSize = givenLastStepSize ?? usual.lastStepSize
    }
    return request
  }
}
