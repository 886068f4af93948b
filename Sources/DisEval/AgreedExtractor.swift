import FeatureExtractors
import Files

/// The extractor that both sides of a comparison were or will be scored with.
struct AgreedExtractor {
  /// The network, nil when both sides are statistics already.
  let network: LoadedExtractor?
  /// What the result says of it.
  let provenance: ExtractorProvenance

  /// Finds the extractor and refuses statistics that were made with another.
  ///
  /// - Parameters:
  ///   - statistics: The sides that are statistics already.
  ///   - needsNetwork: Whether any side is images.
  /// - Throws: ``Failure`` `DimensionMismatch` or `ExtractorMismatch`, naming both sides.
  init(
    statistics: [ReferenceStatistics], weights: String?, needsNetwork: Bool,
    warn: (String) -> Void
  ) throws {
    network =
      needsNetwork
      ? try LoadedExtractor.choose(weights: weights, reference: statistics.first) : nil
    let dimension = network?.provenance.dimension ?? statistics.first?.dimension ?? 0
    var agreed = network?.provenance ?? statistics.first?.record?.extractor
    for side in statistics {
      guard side.dimension == dimension else {
        throw Failure(
          .dataRefused, "DimensionMismatch", side.path,
          "\(side.dimension) dimensions, but "
            + (network.map { "the extractor \($0.network.name) has \(dimension)" }
              ?? "\(statistics[0].path) has \(dimension)"))
      }
      guard let record = side.record else {
        warn(
          "'\(lastComponent(side.path))' has no .json beside it, so the extractor that made it is "
            + "unknown; the result is called fd, and is only right if it was the same")
        agreed = nil
        continue
      }
      if let other = agreed, record.extractor.sha256 != other.sha256 {
        throw Failure(
          .dataRefused, "ExtractorMismatch", side.path,
          "made with \(record.extractor.name) (SHA-256 \(record.extractor.sha256 ?? "unknown")), "
            + "the other side with \(other.name) (SHA-256 \(other.sha256 ?? "unknown")); "
            + "features of different networks cannot be compared")
      }
    }
    if agreed?.published == false {
      warn(
        "the Inception weights '\(agreed?.file ?? "")' have no published SHA-256: the number is not "
          + "comparable with published FIDs")
    }
    provenance =
      agreed
      ?? ExtractorProvenance(
        name: "unknown", file: network?.provenance.file, sha256: network?.provenance.sha256,
        published: nil, preprocessing: network?.provenance.preprocessing, dimension: dimension)
  }
}
