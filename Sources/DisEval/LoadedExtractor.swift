import FeatureExtractors
import Files
import Foundation

/// A feature extractor and where its weights came from.
public struct LoadedExtractor: Sendable {
  /// The network.
  public let network: any FeatureExtractor
  /// For results and statistics.
  public let provenance: ExtractorProvenance

  /// The published weights of the Inception-2015 graph, by SHA-256.
  static let publishedSHA256: Set<String> = [
    // pt_inception-2015-12-05-6726825d.pth of pytorch-fid and torch-fidelity
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
  ]
  static let inceptionFileName = "pt_inception-2015-12-05-6726825d.pth"

  /// Loads weights, recognised by content.
  public init(path: String) throws {
    network = try loadExtractor(path: path)
    let hash = try sha256(ofFile: path)
    provenance = ExtractorProvenance(
      name: network.name, file: lastComponent(path), sha256: hash,
      published: network.isInception ? Self.publishedSHA256.contains(hash) : nil,
      preprocessing: network.preprocessing(.pytorch), dimension: network.featureDimension)
  }

  /// Finds the extractor that fits: the weights given, else the file that the reference names
  /// (relative to it, hash checked), else the Inception weights in the user's cache.
  ///
  /// - Throws: ``Failure`` `WeightsUnavailable` (69) with file name, SHA-256 and where to put it;
  ///   `HashMismatch` when the file that the reference names is not the one it was made with.
  static func choose(weights: String?, reference: ReferenceStatistics?) throws -> LoadedExtractor {
    if let weights { return try LoadedExtractor(path: weights) }
    if let reference, let record = reference.record, let file = record.extractor.file {
      let path = siblingPath(of: reference.path, file)
      if FileManager.default.fileExists(atPath: path) {
        let loaded = try LoadedExtractor(path: path)
        guard loaded.provenance.sha256 == record.extractor.sha256 else {
          throw Failure(
            .dataRefused, "HashMismatch", path,
            "SHA-256 \(loaded.provenance.sha256 ?? "none"), but the statistics were made with "
              + "\(record.extractor.sha256 ?? "none")")
        }
        return loaded
      }
      if record.extractor.name != inceptionName {
        throw unavailable(
          file: file, sha256: record.extractor.sha256, place: path)
      }
    }
    let cached = cacheFolder() + "/" + inceptionFileName
    guard FileManager.default.fileExists(atPath: cached) else {
      throw unavailable(file: inceptionFileName, sha256: publishedSHA256.first, place: cached)
    }
    return try LoadedExtractor(path: cached)
  }

  private static func unavailable(file: String, sha256: String?, place: String) -> Failure {
    Failure(
      .unavailable, "WeightsUnavailable", file,
      "the feature extractor's weights are not here; give --weights FILE, or put the file with "
        + "SHA-256 \(sha256 ?? "unknown") at \(place)")
  }

  /// `$XDG_CACHE_HOME/dis-eval`, or `~/.cache/dis-eval`.
  static func cacheFolder() -> String {
    let environment = ProcessInfo.processInfo.environment
    if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty { return "\(cache)/dis-eval" }
    return "\(environment["HOME"] ?? ".")/.cache/dis-eval"
  }
}

/// The name of the one architecture whose distance is called FID.
let inceptionName = "inception-2015"

extension FeatureExtractor {
  /// Whether this is the network whose distance is called FID.
  var isInception: Bool { name == inceptionName }
}

/// `name` in the folder of `path`.
func siblingPath(of path: String, _ name: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return name }
  return String(path[...slash]) + name
}
