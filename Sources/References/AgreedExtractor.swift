import FeatureExtractors
import Files
import GenerativeMetrics
import Images
import Results
import Tensors

/// The extractor with which both sides of a comparison were or will be scored.
package struct AgreedExtractor {
  /// The network, or nil if both sides are statistics already.
  package let network: LoadedExtractor?
  /// The description of the extractor in the result.
  package let provenance: ExtractorProvenance

  /// Determines the extractor, and refuses statistics that were made with a different one.
  ///
  /// - Parameters:
  ///   - statistics: The sides that are statistics already.
  ///   - weights: The file of weights given by the user, or nil.
  ///   - name: The extractor that the user asks for, or nil.
  ///   - precision: The number format of the network's products, if it supports it.
  ///   - needsNetwork: Whether any side consists of images.
  ///   - loaded: The extractor that already scored the images; nil to choose one.
  ///   - guardian: Records warnings, and decides whether a mismatch is allowed.
  /// - Throws: `Failure` (65) `DimensionMismatch` if the dimensions of the sides differ,
  ///   `ExtractorMismatch` if their extractors are known to differ and mismatches are not allowed;
  ///   otherwise as ``LoadedExtractor/choose(weights:name:reference:precision:)``.
  package init(
    statistics: [ReferenceStatistics], weights: String?, name: String? = nil,
    precision: Precision, needsNetwork: Bool, loaded: LoadedExtractor? = nil,
    guardian: inout CompatibilityGuard
  ) throws {
    network =
      loaded != nil
      ? loaded
      : needsNetwork
        ? try LoadedExtractor.choose(
          weights: weights, name: name, reference: statistics.first, precision: precision) : nil
    if let network, network.network.precision != precision {
      guardian.warn(
        "the extractor \(network.network.name) has no form in \(precision.rawValue); its features are "
          + "float32")
    }
    let dimension = network?.provenance.dimension ?? statistics.first?.dimension ?? 0
    var agreed = network?.provenance ?? statistics.first?.extractor
    for side in statistics {
      guard side.dimension == dimension else {
        throw Failure(
          .dataRefused, .dimensionMismatch, side.path,
          "\(side.dimension) dimensions, but "
            + (network.map { "the extractor \($0.network.name) has \(dimension)" }
              ?? "\(statistics[0].path) has \(dimension)") + Self.otherParts(side))
      }
      agreed = try Self.agreed(side, with: agreed, &guardian)
    }
    if network == nil, let name {
      let asked = try ExtractorName(name)
      for side in statistics {
        guard let own = side.extractor, own.name != ExtractorProvenance.unknownName,
          own.name != asked.text
        else { continue }
        throw Failure(
          .dataRefused, .extractorMismatch, side.path,
          "statistics of \(own.name), but `extractor` is \(asked.text)")
      }
    }
    if agreed?.published == false {
      guardian.warn(
        "the Inception weights '\(agreed?.file ?? "")' have no published SHA-256: the number is not "
          + "comparable with published FIDs")
    }
    var unknown = ExtractorProvenance(
      name: ExtractorProvenance.unknownName, file: network?.provenance.file,
      sha256: network?.provenance.sha256,
      published: nil, preprocessing: network?.provenance.preprocessing, dimension: dimension)
    unknown.network = network?.provenance.requestedName
    provenance = agreed ?? unknown
  }

  /// Returns what else is in a file with the statistics of several extractors, as the end of a sentence; empty if there
  /// is nothing.
  private static func otherParts(_ side: ReferenceStatistics) -> String {
    let others = side.parts.filter { $0 != side.part }.map { part in
      StatisticsContent.extractors[part].map { "\(part), by `extractor` \($0)" } ?? part
    }
    return others.isEmpty
      ? ""
      : "; '\(side.part ?? "")' was read, and the file also has \(others.joined(separator: ", "))"
  }

  /// Compares the extractor of a side with that of the sides before it.
  ///
  /// - Returns: `other`, or nil if it is not known that both are the same.
  /// - Throws: `Failure` `ExtractorMismatch` (65), unless mismatches are allowed.
  private static func agreed(
    _ side: ReferenceStatistics, with other: ExtractorProvenance?,
    _ guardian: inout CompatibilityGuard
  ) throws -> ExtractorProvenance? {
    guard let own = side.extractor, own.name != ExtractorProvenance.unknownName else {
      guardian.warn(
        "'\(lastComponent(side.path))' has no .json beside it that names the extractor, so it is "
          + "unknown; the result is called fd, and is only right if it was the same")
      return nil
    }
    guard let other else { return nil }
    if own.precision != other.precision {
      guardian.warn(
        "'\(lastComponent(side.path))' was made in \((own.precision ?? .float32).rawValue), the "
          + "features of the other side are \((other.precision ?? .float32).rawValue): with synthetic "
          + "weights and 2,048 images that moved a FID of 9.67 by -1.2 and +2.5 %")
    }
    let difference =
      "made with \(own.name) (SHA-256 \(own.sha256 ?? "unknown")), the other side with "
      + "\(other.name) (SHA-256 \(other.sha256 ?? "unknown"))"
    switch own.isSame(as: other) {
    case true: break
    case false:
      try guardian.refuse(
        Failure(
          .dataRefused, .extractorMismatch, side.path,
          difference + "; features of different networks cannot be compared"))
    case nil:
      guardian.warn(
        "'\(lastComponent(side.path))': \(difference); whether they are the same is unknown")
    }
    return other
  }
}

extension ReferenceStatistics {
  /// The extractor according to the record; or that of the part, for EDM2's of DINOv2; or according to the registry,
  /// which otherwise contains only statistics of the published Inception network. Nil if it is unknown.
  var extractor: ExtractorProvenance? {
    record?.extractor
      ?? (part == "fd_dinov2"
        ? ExtractorProvenance(name: MetricTitle.dinov2, dimension: dimension) : nil)
      ?? entry.map { _ in
        ExtractorProvenance(name: MetricTitle.inception, published: true, dimension: dimension)
      }
  }
}
