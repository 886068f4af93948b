import GenerativeMetrics
import Images

/// A selection of the images behind a result: the first ones, and those whose features are nearest
/// to and farthest from the reference's.
public struct SampleReview: Sendable {
  /// An image that was scored, reduced if it is large.
  public struct Item: Sendable {
    /// The index of the image.
    public let index: Int
    /// The class of the image; nil if there are no classes.
    public let label: Int?
    /// The pixels, `[H, W, C]`.
    public let image: Image
  }

  /// An image and its nearest neighbours in the reference.
  public struct Ranked: Sendable {
    /// The image.
    public let item: Item
    /// The nearest rows of the reference, in ascending order of distance.
    public let neighbors: [Neighbor]
  }

  /// A row of the reference.
  public struct Neighbor: Sendable {
    /// The index in the reference's features.
    public let index: Int
    /// The Euclidean distance of the features.
    public let distance: Double
    /// The image of the row; nil if the reference's images are not available.
    public let image: Image?
  }

  /// Images ranked by their distance to the nearest row of the reference.
  public struct Ranking: Sendable {
    /// The nearest images, in ascending order of distance.
    public let best: [Ranked]
    /// The farthest images, in descending order of distance.
    public let worst: [Ranked]
    /// The number of images ranked.
    public let count: Int
    /// The number of rows of the reference.
    public let referenceCount: Int
  }

  /// Two images that resemble each other.
  public struct Likeness: Sendable {
    /// An image that was scored.
    public let item: Item
    /// The index of the other image, in the reference or among those that were scored.
    public let other: Int
    /// The Euclidean distance of the features.
    public let distance: Double
    /// The other image; nil if it is not available.
    public let image: Image?
  }

  /// The images that resemble one of the reference most, the nearest copy first.
  public internal(set) var copies: [Likeness] = []
  /// The images that resemble another one most, the nearest pair first.
  public internal(set) var duplicates: [Likeness] = []
  /// The first images.
  public internal(set) var items: [Item] = []
  /// The images that raise a distance most, by the name of the metric, beginning with the one that raises it
  /// most.
  public internal(set) var influential: [String: [Item]] = [:]
  /// The ranking; nil if no features of the reference are available.
  public internal(set) var ranking: Ranking?
  /// The reason there is no ranking.
  public internal(set) var unranked: String?
  /// The evidence that these are the images that were scored, or a note that there is none.
  public internal(set) var identity = ""
  /// Whether images were reduced.
  public internal(set) var isReduced = false
}
