import Files
import GenerativeMetrics
import References
import Results

/// What a published evaluation demands of the images and of their scoring, so that images made
/// elsewhere can be scored in the same way with one option.
///
/// A ``Preset`` also fixes how a checkpoint is sampled. Every preset has a card, and some cards have no
/// preset, because their models cannot be sampled here. The settings that a card demands and that
/// images cannot show are in ``unseen``, and a result lists them as not checked.
public struct ProtocolCard: Sendable {
  /// The name, as given on the command line.
  public let name: String
  /// The number of images scored.
  public var count: Int { 50_000 }
  /// The side of the images in pixels.
  public let side: Int
  /// The number of classes; nil if the images have none.
  public let classes: Int?
  /// How the classes of the images are chosen.
  public let labels: Labels
  /// The name of the reference in the registry.
  public let reference: String
  /// The name of the feature extractor.
  public var extractor: String { MetricTitle.inception }
  /// The dialect of the features.
  public let dialect: Dialect
  /// The dialect of the statistics. Some publications mix two.
  public let referenceDialect: Dialect
  /// The published numbers; empty if there are none.
  public let published: [PublishedMetric]
  /// The source of the settings.
  public let source: String
  /// The settings that images cannot show, such as the sampler.
  public let unseen: [(name: String, value: String)]

  /// How the classes of the images of a protocol are chosen.
  public enum Labels: Equatable, Sendable {
    /// The images have no classes.
    case none
    /// Each image has a uniformly random class.
    case drawn
    /// Each image has a random class, by the frequency of the classes in the training set.
    case drawnByFrequency
    /// There are as many images of each class as of any other.
    case balanced
  }

  /// Finds the card with the given name.
  ///
  /// - Throws: `Failure` `UnknownPreset` (64), which lists all cards, if there is none.
  public init(named name: String) throws(Failure) {
    guard let card = Self.all.first(where: { $0.name == name }) else {
      throw Failure(
        .usage, .unknownPreset, name,
        "the presets are \(Self.all.map(\.name).joined(separator: ", "))")
    }
    self = card
  }

  /// Creates a card of 50,000 images that are scored with Inception.
  ///
  /// - Parameters:
  ///   - name: The name.
  ///   - side: The side of the images in pixels.
  ///   - classes: The number of classes; nil if the images have none.
  ///   - labels: How the classes are chosen.
  ///   - reference: The name of the reference in the registry.
  ///   - dialect: The dialect of the features.
  ///   - referenceDialect: The dialect of the statistics; nil for that of the features.
  ///   - published: The published numbers.
  ///   - source: The source of the settings.
  ///   - unseen: The settings that images cannot show.
  package init(
    name: String, side: Int, classes: Int?, labels: Labels, reference: String, dialect: Dialect,
    referenceDialect: Dialect? = nil, published: [PublishedMetric], source: String,
    unseen: [(name: String, value: String)]
  ) {
    self.name = name
    self.side = side
    self.classes = classes
    self.labels = labels
    self.reference = reference
    self.dialect = dialect
    self.referenceDialect = referenceDialect ?? dialect
    self.published = published
    self.source = source
    self.unseen = unseen
  }

  /// Creates the card of the images that a preset scores.
  public init(_ preset: Preset) {
    self.init(
      name: preset.name, side: preset.imageSide, classes: preset.model.classes,
      labels: preset.labels, reference: preset.reference, dialect: preset.dialect,
      referenceDialect: preset.referenceDialect, published: preset.published?.metrics ?? [],
      source: preset.source, unseen: preset.unseen)
  }

  /// The demanded settings, one per line.
  public var lines: [(name: String, value: String)] {
    let registered = (try? StatisticsRegistry())?[reference]?.sha256
    let figures = published.map { "\($0.metric) \($0.value) (\($0.source))" }
    return [
      ("for", "images made elsewhere"),
      ("images", "\(count) of \(sizeText) pixels"),
      ("labels", labelText),
      ("reference", reference + (registered.map { ", SHA-256 \($0)" } ?? "")),
      ("extractor", extractor),
      ("dialect", dialectText),
    ] + unseen + [
      ("published", figures.isEmpty ? "none" : figures.joined(separator: "; ")),
      ("after", source),
    ]
  }

  /// The size of the images in words.
  var sizeText: String { "\(side) x \(side)" }

  /// The dialects in words.
  var dialectText: String { Self.text(dialect, referenceDialect) }

  /// The rule for the classes in words.
  var labelText: String {
    let classes = classes ?? 1
    return switch labels {
    case .none: "none"
    case .drawn: "drawn uniformly from \(classes) classes"
    case .drawnByFrequency: "drawn from \(classes) classes by their frequency in the training set"
    case .balanced: "\(classes) classes with \(count / classes) images each"
    }
  }

  /// Returns the dialects of features and statistics in words.
  static func text(_ features: Dialect, _ reference: Dialect) -> String {
    features.rawValue + (reference == features ? "" : ", statistics \(reference.rawValue)")
  }
}

extension Preset {
  /// The side of the images in pixels: that of the latents times 8 for a latent model.
  var imageSide: Int { isLatent ? 8 * model.side : model.side }

  /// The settings that its images cannot show.
  fileprivate var unseen: [(name: String, value: String)] {
    let sampled = lines.filter { ["model", "sampler", "guidance", "quantizer"].contains($0.name) }
    return sampled + [("weights", "averaged during training (EMA)")]
  }
}
