import GenerativeMetrics
import Images

/// A look at the images behind a result: the first of them, and those nearest to the features of the
/// reference and farthest from them.
public struct SampleReview: Sendable {
  /// An image that was scored, reduced if it is large.
  public struct Item: Sendable {
    /// Its index.
    public let index: Int
    /// Its class, nil when there are none.
    public let label: Int?
    /// Its pixels.
    public let image: Image
  }

  /// An image with the nearest of the reference.
  public struct Ranked: Sendable {
    /// The image.
    public let item: Item
    /// The nearest rows of the reference, the nearest first.
    public let neighbors: [Neighbor]
  }

  /// A row of the reference.
  public struct Neighbor: Sendable {
    /// Its index in the reference's features.
    public let index: Int
    /// The Euclidean distance of the features.
    public let distance: Double
    /// What it is of, nil when the reference's images are not at hand.
    public let image: Image?
  }

  /// Images by their distance to the nearest row of the reference.
  public struct Ranking: Sendable {
    /// The nearest, the nearest first.
    public let best: [Ranked]
    /// The farthest, the farthest first.
    public let worst: [Ranked]
    /// Of how many images these are.
    public let count: Int
    /// To how many rows of the reference.
    public let referenceCount: Int
  }

  /// The first images.
  public internal(set) var items: [Item] = []
  /// Nil when no features of the reference are at hand.
  public internal(set) var ranking: Ranking?
  /// Why there is no ranking.
  public internal(set) var unranked: String?
  /// How it is known that these are the images that were scored, or that it is not.
  public internal(set) var identity = ""
  /// Whether images were reduced.
  public internal(set) var isReduced = false
}
