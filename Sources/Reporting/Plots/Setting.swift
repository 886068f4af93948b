import Results

/// A setting that the evaluations of a drawing share, or that distinguishes families.
public enum Setting: String, CaseIterable, Sendable {
  /// The rows that belong together.
  case family
  /// The family of the backbone, such as `uvit`.
  case backbone
  /// The named size, such as `DiS-S/2`.
  case variant
  /// The name of the row.
  case name
  /// The data of training.
  case data
  /// The side of a patch, in pixels.
  case patchSize = "patch-size"
  /// Whether there are long skip connections.
  case skip
  /// How the network is told the class and the time.
  case conditioning
  /// The number of blocks.
  case depth
  /// The width of a token.
  case width
  /// The channels and the side of an image or latent.
  case imageSide = "image-side"
  /// The number of images scored.
  case num
  /// The tool whose conventions are followed.
  case dialect
  /// The feature extractor.
  case extractor
  /// What the images were compared with.
  case reference
  /// The name of the sampler.
  case sampler
  /// The steps of the sampler.
  case steps
  /// The scale of guidance.
  case guidance
  /// The noise of DDIM.
  case eta
  /// The number format of the products.
  case precision

  /// Returns the value as shown to users; nil if it is unknown.
  public func value(of entry: LedgerEntry) -> String? {
    func count(_ value: Int?, _ unit: String) -> String? { value.map { "\($0) \(unit)" } }
    return switch self {
    case .family: entry.family
    case .backbone: entry.model.map { $0.backbone ?? "dis" }
    case .variant: entry.model?.variant
    case .name: entry.name
    case .data: entry.training?.data
    case .patchSize: entry.model.map { "patch size \($0.patchSize)" }
    case .skip: entry.model.map { $0.skip ? "long skips" : "no long skips" }
    case .conditioning:
      entry.model?.conditioning.map { $0 == "none" ? "unconditional" : "conditional: \($0)" }
    case .depth: count(entry.model?.depth, "blocks")
    case .width: count(entry.model?.embedDim, "channels")
    case .imageSide: entry.model.map { "\($0.channels) x \($0.imageSide) x \($0.imageSide)" }
    case .num: count(entry.num, "samples")
    case .dialect: entry.dialect.map { "dialect \($0)" }
    case .extractor: Self.named(entry.extractor)
    case .reference: Self.named(entry.reference).map { "against \($0)" }
    case .sampler: entry.sampler?.name
    case .steps: count(entry.sampler?.steps, "steps")
    case .guidance: entry.sampler.map { "guidance \($0.cfgScale)" }
    case .eta: entry.sampler.flatMap { $0.eta == 0 ? nil : "eta \($0.eta)" }
    case .precision: entry.sampler?.precision
    }
  }

  private static func named(_ file: LedgerEntry.Named?) -> String? {
    file.map { $0.name + ($0.sha256.map { " (\($0.prefix(8)))" } ?? "") }
  }

  /// The settings that are expected to differ if this one does.
  var freed: Set<Setting> {
    switch self {
    case .family, .name:
      [
        .family, .name, .backbone, .variant, .data, .width, .depth, .patchSize, .skip,
        .conditioning,
      ]
    case .backbone: [.backbone, .variant, .width, .depth, .patchSize, .skip, .conditioning]
    case .variant: [.backbone, .variant, .width, .depth, .patchSize, .skip]
    default: [self]
    }
  }

  /// The settings that are compared, which excludes names.
  static let compared = allCases.filter { ![.family, .variant, .name].contains($0) }
}
