import ArgumentParser
import DisEval
import Files
import Foundation

extension Dialect: ExpressibleByArgument {}
extension MetricName: ExpressibleByArgument {}
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
      Number of steps, evenly spaced; short for --respacing N, with DPM-Solver++ for dpmN. A step \
      of heun evaluates the network twice. (default: 250)
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
    if let steps, steps < 2 {
      throw ValidationError("--steps \(steps): at least 2 steps are needed.")
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

  func settings() throws -> SamplingSettings {
    var settings = SamplingSettings()
    settings.sampler = sampler
    settings.prediction = prediction
    settings.respacing = respacing ?? sampler.respacing(steps: steps ?? 250)
    settings.eta = eta
    settings.guidanceScale = cfgScale
    if let cfgInterval { settings.guidanceInterval = cfgInterval }
    settings.guidesFirst3 = cfgChannels == .first3
    settings.clips = clip
    settings.seed = seed
    settings.labels = try LabelPolicy(labels)
    settings.quantizesLikeADM = quantizer == .adm
    return settings
  }
}

/// What makes images of the latents of a latent model.
struct DecoderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Decoder for a checkpoint that makes latents: Stable Diffusion's autoencoder.",
      valueName: "file"))
  var decoder: String?

  @Option(
    help: ArgumentHelp(
      "What latents are divided by before they are decoded. (default: 0.18215)",
      valueName: "number"))
  var latentScale: Double?

  @Option(
    help: ArgumentHelp(
      "Decode in overlapping tiles of this side in the latent: less memory, but another image.",
      valueName: "pixels"))
  var decoderTile: Int?

  func validate() throws {
    if decoder == nil, latentScale != nil || decoderTile != nil {
      throw ValidationError("--latent-scale and --decoder-tile need --decoder.")
    }
  }

  func loaded() throws -> LoadedDecoder? {
    try decoder.map {
      try LoadedDecoder(
        path: $0, scale: latentScale ?? LoadedDecoder.stableDiffusionScale, tile: decoderTile)
    }
  }
}

/// How much runs at once, and what is said meanwhile.
struct RunOptions: ParsableArguments {
  @Option(help: "Workers. (default: all processors)")
  var threads: Int?

  @Option(help: "Images in flight. Like --threads, it never changes a result.")
  var batch = 32

  @Option(
    help: "Instructions of all matrix products and kernels. (default: the processor's best)")
  var kernels: KernelOption?

  @Flag(help: "No progress and no warnings on standard error.")
  var quiet = false

  func validate() throws {

    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024.")
    }
    guard (1...65536).contains(batch) else {
      throw ValidationError("--batch \(batch): expected 1 to 65536.")
    }
  }

  /// How much runs at once, on the kernels asked for. To be asked first: it may begin the process
  /// again.
  func workload() throws -> Workload {
    try kernels?.pin()
    return Workload(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, batch: batch)
  }

  var reporter: Reporter { Terminal.reporter(quiet: quiet) }
}
