import Backbones
import Diffusion
import Files
import Foundation
import Generators
import References
import Sampling

/// The settings of a published evaluation, so that a checkpoint of its model can be scored in the
/// same way with one option.
///
/// Neither the DiS paper nor its code specifies everything that a number depends on; ``source``
/// states what each preset follows. A preset fixes model, sampler, steps, guidance, labels,
/// quantiser, number of samples, dialect and statistics, but not files, seed and workload.
public struct Preset: Sendable {
  /// The name, as given on the command line.
  public let name: String
  /// The required model.
  public let model: Model
  /// The settings for sampling.
  public let settings: SamplingSettings
  /// The number of samples scored.
  public var count: Int { 50_000 }
  /// The dialect of features and statistics.
  public let dialect: Dialect
  /// The name of the reference in the registry.
  public let reference: String
  /// The source of the settings.
  public let source: String

  /// A model, as far as the shapes of a checkpoint identify it.
  public struct Model: Equatable, Sendable, CustomStringConvertible {
    /// The architecture, such as `DiS-S/2`.
    public let variant: String
    /// The side of the images or latents in pixels.
    public let side: Int
    /// The number of channels of the images or latents.
    public let channels: Int
    /// The number of classes; nil for an unconditional model.
    public let classes: Int?

    /// The architecture, size and classes in one line, for users.
    public var description: String {
      "\(variant), \(side)x\(side)x\(channels), "
        + (classes.map { "\($0) classes" } ?? "unconditional")
    }
  }

  /// Whether the model generates latents, which need a decoder.
  public var isLatent: Bool { model.channels == 4 }

  /// All presets.
  public static let all: [Preset] = {
    let unguided = SamplingSettings()
    // sample.py and train.py of feizc/DiS at 3da562e always guide the first three channels with
    // scale 1.5.
    var guided = SamplingSettings()
    guided.guidanceScale = 1.5
    guided.guidedChannels = .first3
    let code =
      "250 DDPM steps as in sample.py of feizc/DiS (3da562e); scored like U-ViT, whose fid_score.py "
      + "DiS has"
    let guidedCode =
      "250 DDPM steps and guidance 1.5 of the first three channels as in sample.py of feizc/DiS "
      + "(3da562e); scored by guided-diffusion's evaluator, which the field uses for ImageNet"
    return [
      Preset(
        name: "dis-s2-cifar10",
        model: Model(variant: "DiS-S/2", side: 32, channels: 3, classes: nil), settings: unguided,
        dialect: .pytorchFID, reference: "cifar10-uvit", source: code),
      Preset(
        name: "dis-s2-celeba64",
        model: Model(variant: "DiS-S/2", side: 64, channels: 3, classes: nil), settings: unguided,
        dialect: .pytorchFID, reference: "celeba-64-uvit", source: code),
      Preset(
        name: "dis-m2-imagenet64",
        model: Model(variant: "DiS-M/2", side: 64, channels: 3, classes: 1000), settings: guided,
        dialect: .tensorFlow, reference: "imagenet-64-adm", source: guidedCode),
      Preset(
        name: "dis-h2-imagenet256",
        model: Model(variant: "DiS-H/2", side: 32, channels: 4, classes: 1000), settings: guided,
        dialect: .tensorFlow, reference: "imagenet-256-adm", source: guidedCode),
      Preset(
        name: "dis-h2-imagenet512",
        model: Model(variant: "DiS-H/2", side: 64, channels: 4, classes: 1000), settings: guided,
        dialect: .tensorFlow, reference: "imagenet-512-adm", source: guidedCode),
    ]
  }()

  /// Finds the preset with the given name.
  ///
  /// - Throws: `Failure` `UnknownPreset` (64), which lists all presets, if there is none.
  public init(named name: String) throws(Failure) {
    guard let preset = Self.all.first(where: { $0.name == name }) else {
      throw Failure(
        .usage, .unknownPreset, name,
        "the presets are \(Self.all.map(\.name).joined(separator: ", "))")
    }
    self = preset
  }

  private init(
    name: String, model: Model, settings: SamplingSettings, dialect: Dialect, reference: String,
    source: String
  ) {
    self.name = name
    self.model = model
    self.settings = settings
    self.dialect = dialect
    self.reference = reference
    self.source = source
  }

  /// Checks that a generator matches the preset.
  ///
  /// - Throws: `Failure` `PresetMismatch` (65) if the checkpoint has a different model, or (64) if
  ///   latents are decoded differently.
  public func check(_ generator: Generator) throws(Failure) {
    let found = generator.checkpoint.model
    let model = Model(
      variant: found.variant, side: found.imageSide, channels: found.channels,
      classes: found.numClasses)
    guard model == self.model else {
      throw Failure(
        .dataRefused, .presetMismatch, generator.checkpoint.file,
        "the checkpoint is \(model), the preset \(name) is for \(self.model)")
    }
    if let decoder = generator.decoder?.provenance {
      guard decoder.scale == LoadedDecoder.stableDiffusionScale, decoder.tile == nil else {
        throw Failure(
          .usage, .presetMismatch, "`decoder`",
          "the preset \(name) decodes latents as a whole, divided by "
            + "\(LoadedDecoder.stableDiffusionScale)")
      }
    }
  }

  /// Checks that a program matches the preset, as far as it says what it is.
  ///
  /// - Throws: `Failure` `PresetMismatch` (65) if its images, latents or classes are different.
  package func check(_ program: GeneratorProgram) throws(Failure) {
    let found = program.provenance
    let extents =
      found.latent ?? found.image.map { [$0[2], $0[0], $0[1]] } ?? []
    guard extents == [model.channels, model.side, model.side], found.classes == model.classes
    else {
      throw Failure(
        .dataRefused, .presetMismatch, found.name,
        "the generator makes [C, H, W] = \(extents) with "
          + "\(found.classes.map(String.init) ?? "no") classes, the preset \(name) is for \(model)")
    }
  }

  /// The time in hours that a processor core needs for all samples, by the operations of the network
  /// alone.
  ///
  /// - Parameter gflops: The speed of the core, in billions of operations per second.
  public func coreHours(gflops: Double) -> Double {
    let configuration = DiSConfiguration.variant(
      model.variant, side: model.side, channels: model.channels, classes: model.classes)
    guard let configuration, let sampler = try? settings.sampler(Schedule(settings.respacing)),
      let evaluations = sampler.networkEvaluations(settings.guidance)
    else { preconditionFailure("a preset has a variant of the paper and a sampler") }
    return Double(count * evaluations) * configuration.cost.total / (gflops * 1e9) / 3600
  }

  /// The speed of a core for ``lines``, in billions of operations per second.
  static let usualSpeed = 40.0

  /// The fixed settings, one per line.
  public var lines: [(name: String, value: String)] {
    [
      ("model", "\(model)\(isLatent ? ", with a decoder" : "")"),
      ("sampler", "\(settings.sampler.rawValue), \(settings.respacing) steps"),
      (
        "guidance",
        settings.guidanceScale == 1
          ? "none"
          : "\(settings.guidanceScale), \(settings.guidedChannels == .first3 ? "first 3 channels" : "all noise")"
      ),
      ("labels", model.classes == nil ? "none" : "\(settings.labels)"),
      ("quantizer", settings.quantizer.rawValue),
      ("samples", "\(count)"), ("dialect", dialect.rawValue), ("reference", reference),
      (
        "time",
        "about \(rounded(coreHours(gflops: Self.usualSpeed))) hours of one processor core (at "
          + "\(Int(Self.usualSpeed)) GFLOP/s); for a GPU, see docs/generators.md"
      ),
      ("after", source),
    ]
  }
}

/// Returns a number with two significant digits.
private func rounded(_ value: Double) -> String {
  let unit = pow(10, (log10(max(value, 10)) - 1).rounded(.down))
  return String(Int((value / unit).rounded() * unit))
}
