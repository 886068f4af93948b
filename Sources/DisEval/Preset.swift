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
/// Papers and code do not specify everything that a number depends on; ``source`` states what each
/// preset follows. A preset fixes model, sampler, steps, guidance, labels, quantiser, number of
/// samples, dialects and statistics, but not files, seed and workload.
public struct Preset: Sendable {
  /// The name, as given on the command line.
  public let name: String
  /// The required model.
  public let model: Model
  /// The settings for sampling.
  public let settings: SamplingSettings
  /// The number of samples scored.
  public var count: Int { 50_000 }
  /// The dialect of the features.
  public let dialect: Dialect
  /// The dialect of the statistics. Some publications mix two.
  public let referenceDialect: Dialect
  /// The name of the reference in the registry.
  public let reference: String
  /// The source of the settings.
  public let source: String
  /// What the checkpoint is, as far as its content does not decide.
  public let backbone: BackboneChoices
  /// The published number; nil if there is none.
  public let published: Published?
  /// How the published evaluation chose the classes.
  let labels: ProtocolCard.Labels

  /// A published number.
  public struct Published: Equatable, Sendable {
    /// The Fréchet distance.
    public let fid: Double
    /// The Inception Score; nil if it was not published with the distance.
    public let inceptionScore: Double?
    /// Where it was published.
    public let source: String

    init(fid: Double, inceptionScore: Double? = nil, source: String) {
      (self.fid, self.inceptionScore, self.source) = (fid, inceptionScore, source)
    }
  }

  /// A model, as far as a checkpoint identifies it.
  public struct Model: Equatable, Sendable, CustomStringConvertible {
    /// The family of the backbone.
    public let family: BackboneFamily
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
      (family == .repa ? "REPA's " : "")
        + "\(variant), \(side)x\(side)x\(channels), "
        + (classes.map { "\($0) classes" } ?? "unconditional")
    }

    /// The architecture with its cost.
    ///
    /// - Parameter backbone: What is said about the process.
    func architecture(_ backbone: BackboneChoices) -> Architecture {
      let size = String(variant.split(separator: "-").last ?? "")
      switch family {
      case .dis:
        if let configuration = DiSConfiguration.variant(
          variant, side: side, channels: channels, classes: classes)
        {
          return Architecture(configuration)
        }
      case .dit, .sit, .repa:
        if let configuration = DiTConfiguration.size(
          size, side: side, channels: channels, classes: classes ?? 0, learnsSigma: family != .repa)
        {
          let process: DiffusionProcess =
            switch family {
            case .dit: .timesteps
            case .sit: .flow(.sit)
            default: .flow(.repa)
            }
          return Architecture(configuration, family: family, process: process)
        }
      case .uvit:
        let rows = classes.map { channels == 4 ? $0 + 1 : $0 }
        if let configuration = UViTConfiguration.size(
          size, side: side, channels: channels, labelRows: rows)
        {
          return Architecture(
            configuration,
            process: backbone.objective == .sd ? .stableDiffusion : .continuousVP)
        }
      }
      preconditionFailure("a preset has a variant of its paper")
    }
  }

  /// Whether the model generates latents, which need a decoder.
  public var isLatent: Bool { model.channels == 4 }

  /// Finds the preset with the given name.
  ///
  /// - Throws: `Failure` `UnknownPreset` (64), which lists all presets, if there is none, or only a
  ///   ``ProtocolCard``.
  public init(named name: String) throws(Failure) {
    guard let preset = Self.all.first(where: { $0.name == name }) else {
      let isForImages = ProtocolCard.elsewhere.contains { $0.name == name }
      throw Failure(
        .usage, .unknownPreset, name,
        (isForImages ? "it is for images made elsewhere, given as `images`; " : "")
          + "the presets \(isForImages ? "of checkpoints " : "")are "
          + "\(Self.all.map(\.name).joined(separator: ", "))")
    }
    self = preset
  }

  init(
    name: String, model: Model, settings: SamplingSettings, dialect: Dialect,
    referenceDialect: Dialect? = nil, reference: String, source: String,
    backbone: BackboneChoices = BackboneChoices(), published: Published? = nil,
    labels: ProtocolCard.Labels? = nil
  ) {
    self.name = name
    self.model = model
    self.settings = settings
    self.dialect = dialect
    self.referenceDialect = referenceDialect ?? dialect
    self.reference = reference
    self.source = source
    var backbone = backbone
    // The tensors of a DiS and a REPA decide; those of the others may be another's too.
    if model.family == .dit || model.family == .sit { backbone.family = model.family }
    self.backbone = backbone
    self.published = published
    self.labels = labels ?? (model.classes == nil ? .none : .drawn)
  }

  /// Checks that a generator matches the preset.
  ///
  /// - Throws: `Failure` `PresetMismatch` (65) if the checkpoint has a different model, or (64) if
  ///   latents are decoded differently.
  public func check(_ generator: Generator) throws(Failure) {
    let architecture = generator.model.architecture
    let model = Model(
      family: architecture.family, variant: architecture.variant ?? "custom",
      side: architecture.imageSide, channels: architecture.channels,
      classes: architecture.classCount)
    guard model == self.model else {
      throw Failure(
        .dataRefused, .presetMismatch, generator.checkpoint.file,
        "the checkpoint is \(model), the preset \(name) is for \(self.model)")
    }
    if let decoder = generator.decoder?.provenance {
      guard decoder.scale == LoadedDecoder.stableDiffusionScale, decoder.tile == nil,
        decoder.shift == nil, decoder.channelMeans == nil
      else {
        throw Failure(
          .usage, .presetMismatch, "`decoder`",
          "the preset \(name) decodes latents as a whole, only divided by "
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
    let architecture = model.architecture(backbone)
    guard let sampler = try? settings.sampler(for: architecture),
      let evaluations = sampler.networkEvaluations(settings.guidance)
    else { preconditionFailure("a preset has a sampler that fits its model") }
    return Double(count * evaluations) * architecture.operations / (gflops * 1e9) / 3600
  }

  /// The speed of a core for ``lines``, in billions of operations per second.
  static let usualSpeed = 40.0

  /// The guidance in words.
  private var guidance: String {
    guard settings.guidanceScale != 1 else { return "none" }
    let channels = settings.guidedChannels == .first3 ? "first 3 channels" : "all noise"
    let interval = settings.guidanceInterval
    let times =
      interval == Guidance.everywhere
      ? "" : ", t from \(interval.lowerBound) to \(interval.upperBound)"
    return "\(settings.guidanceScale), \(channels)\(times)"
  }

  /// The fixed settings, one per line.
  public var lines: [(name: String, value: String)] {
    [
      ("model", "\(model)\(isLatent ? ", with a decoder" : "")"),
      ("sampler", "\(settings.sampler.rawValue), \(settings.respacing) steps"),
      (
        "guidance",
        guidance
      ),
      ("labels", model.classes == nil ? "none" : "\(settings.labels)"),
      ("quantizer", settings.quantizer.rawValue),
      ("samples", "\(count)"),
      (
        "dialect",
        dialect.rawValue
          + (referenceDialect == dialect ? "" : ", statistics \(referenceDialect.rawValue)")
      ),
      ("reference", reference),
      ("published", published.map { "\($0.fid) (\($0.source))" } ?? "none"),
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
