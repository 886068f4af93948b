import FeatureExtractors
import Files
import GenerativeMetrics

/// The name of a feature extractor: the network, and for a vision network also the tool whose features it gives, such
/// as `dinov2-vit-l-14.edm2`.
public struct ExtractorName: Equatable, Sendable {
  /// The network, such as `inception-2015` or `dinov2-vit-l-14`.
  public let architecture: String
  /// The tool; nil for Inception, for which the dialect of the evaluation decides.
  public let dialect: VisionDialect?

  /// The family of a vision network; nil for Inception.
  public var family: VisionFamily? { Self.family(of: architecture) }

  /// The name as it is written in results and statistics.
  public var text: String {
    dialect.map { "\(architecture).\($0.rawValue)" } ?? architecture
  }

  /// The short names of extractors.
  private static let aliases = ["dinov2": "dinov2-vit-l-14.edm2"]

  /// Reads a name. The tool may be left out for a network that only one tool uses.
  ///
  /// - Parameter text: `inception-2015`; a network and a dialect, such as `clip-vit-l-14-336.cmmd`; or `dinov2` for
  ///   `dinov2-vit-l-14.edm2`, whose distance papers call FD-DINOv2.
  /// - Throws: ``Failure`` (64) `UnknownExtractor` if there is no such network or dialect, `AmbiguousExtractor` if
  ///   several tools use the network, `DialectUnsupported` if the tool does not use it.
  public init(_ text: String) throws(Failure) {
    guard !text.contains(",") else {
      throw Failure(
        .usage, .unknownExtractor, text,
        "one extractor is expected here; fid, evaluate, features and 'stats make' take several")
    }
    guard !text.isEmpty else { throw Failure(.usage, .unknownExtractor, text, "the name is empty") }
    let full = Self.aliases[text] ?? text
    if full == MetricTitle.inception {
      (architecture, dialect) = (full, nil)
      return
    }
    let parts = full.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let network = String(parts[0])
    guard let family = Self.family(of: network) else {
      throw Failure(
        .usage, .unknownExtractor, text,
        "expected \(MetricTitle.inception), or a network of 'weights list' and a dialect, such as "
          + "dinov2-vit-l-14.edm2; other extractors are known by their weights, without `extractor`"
      )
    }
    let dialects = VisionDialect.allCases.filter { $0.applies(to: family) }
    let names = dialects.map { "\(network).\($0.rawValue)" }.joined(separator: ", ")
    guard parts.count == 2 else {
      guard dialects.count == 1 else {
        throw Failure(
          .usage, .ambiguousExtractor, text,
          "tools compute different features of it; expected one of \(names)")
      }
      (architecture, dialect) = (network, dialects[0])
      return
    }
    guard let dialect = VisionDialect(rawValue: String(parts[1])) else {
      throw Failure(
        .usage, .unknownExtractor, text, "'\(parts[1])' is not a dialect; expected one of \(names)")
    }
    guard dialects.contains(dialect) else {
      throw Failure(
        .usage, .dialectUnsupported, text,
        "\(dialect.rawValue) does not use this network; expected one of \(names)")
    }
    (architecture, self.dialect) = (network, dialect)
  }

  /// The first of the names of a network that is known.
  init(ofNetwork architecture: String) {
    self.architecture = architecture
    dialect = VisionDialect.allCases.first { dialect in
      Self.family(of: architecture).map { dialect.applies(to: $0) } ?? false
    }
  }

  /// Reads the name in a record of statistics; nil if it is not the name of a vision network.
  init?(recorded name: String?) {
    guard let name, let parsed = try? ExtractorName(name), parsed.dialect != nil,
      parsed.text == name
    else { return nil }
    self = parsed
  }

  private static func family(of architecture: String) -> VisionFamily? {
    VisionFamily.allCases.first { architecture.hasPrefix("\($0.rawValue)-") }
  }
}
