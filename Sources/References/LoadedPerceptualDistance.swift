import FeatureExtractors
import Files
import Foundation
import Results

/// LPIPS and the origin of its weights.
public struct LoadedPerceptualDistance: Sendable {
  /// The distance.
  public let distance: PerceptualDistance
  /// The description of the weights in results.
  public let provenance: PerceptualProvenance

  /// Loads both parts of the weights, each from a file, or else from the user's cache, where it must be the published
  /// file.
  ///
  /// - Parameters:
  ///   - network: The path of a file with VGG16; nil for the one in the cache.
  ///   - channelWeights: The path of a file with the weights of the channels; nil for the one in the cache.
  /// - Throws: `Failure` `WeightsUnavailable` (69), with what to do, if a part is neither given nor in the cache;
  ///   `HashMismatch` (65) if a file of the cache is not the published one; otherwise as
  ///   ``PerceptualDistance/init(network:channelWeights:)``.
  public init(network: String? = nil, channelWeights: String? = nil) throws {
    let given: [(PerceptualDistance.Part, String?)] = [
      (.network, network), (.channelWeights, channelWeights),
    ]
    let store = WeightStore.user
    let missing = given.filter { part, path in path == nil && !store.hasFile(of: .of(part)) }
    guard missing.isEmpty else { throw Self.unavailable(missing.map(\.0), in: store) }
    var (paths, files): ([String], [PerceptualProvenance.File]) = ([], [])
    for (part, path) in given {
      let published = PublishedWeights.of(part)
      let found = path ?? store.path(of: published)
      let hash = try sha256(ofFile: found)
      guard path != nil || hash == published.sha256 else {
        throw Failure(
          .dataRefused, .hashMismatch, found,
          "SHA-256 \(hash), the published file has \(published.sha256 ?? ""); run dis-eval weights fetch "
            + "\(published.name), or give other weights by \(Self.property(part))")
      }
      paths.append(found)
      files.append(
        PerceptualProvenance.File(
          file: lastComponent(found), sha256: hash, published: hash == published.sha256))
    }
    distance = try PerceptualDistance(network: paths[0], channelWeights: paths[1])
    provenance = PerceptualProvenance(network: files[0], channelWeights: files[1])
  }

  /// Wraps a distance whose weights do not come from these files.
  ///
  /// - Parameters:
  ///   - distance: The distance.
  ///   - provenance: The description of the weights in results.
  package init(_ distance: PerceptualDistance, provenance: PerceptualProvenance) {
    (self.distance, self.provenance) = (distance, provenance)
  }

  /// The name, in messages, of the property that gives a part.
  private static func property(_ part: PerceptualDistance.Part) -> String {
    part == .network ? "`vggWeights`" : "`lpipsWeights`"
  }

  private static func unavailable(
    _ parts: [PerceptualDistance.Part], in store: WeightStore
  ) -> Failure {
    let ways = parts.map { part in
      let file = PublishedWeights.of(part)
      return
        "run dis-eval weights fetch \(file.name), or get \(file.address) (SHA-256 \(file.sha256 ?? "")) and give "
        + "\(property(part)) FILE"
    }
    return Failure(
      .unavailable, .weightsUnavailable, store.path(of: .of(parts[0])),
      "the weights of LPIPS are not here: " + ways.joined(separator: "; ")
        + "; without lpips in `metrics`, they are not needed")
  }
}
