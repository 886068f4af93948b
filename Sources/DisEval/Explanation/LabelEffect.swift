import GenerativeMetrics
import Results
import Sampling

extension Explanation {
  /// What the classes of the images do to the distance, and what balanced classes are worth.
  ///
  /// The distance of a class-conditional model depends on how its classes were chosen. Some publications
  /// draw the class of every sample, others make equally many of each class. From labelled images, both
  /// distances are computed by giving the images of each class a common weight: for balanced labels
  /// such that all classes have the same weight; for drawn labels such that a class has the weight
  /// that uniform draws of as many labels give it, averaged over ``draws`` seeds. Their difference is
  /// ``worth``, whichever of the two the images have.
  ///
  /// Within a class, the images are those that exist. The weights therefore do not show a change of the
  /// images themselves, and the distances keep the bias of the number of images.
  public struct LabelEffect: Codable, Equatable, Sendable {
    /// The classes of the images.
    public var counts: LabelCounts
    /// The distance of the images as they are.
    public var observed: Double
    /// The distance of balanced labels: every class has the same weight.
    public var balanced: Double
    /// The mean distance of labels that are drawn uniformly.
    public var drawn: Double
    /// The standard deviation of this distance from draw to draw.
    public var drawnDeviation: Double
    /// The number of draws.
    public var draws: Int
    /// ``drawn`` minus ``balanced``: by how much balanced labels make the distance smaller.
    public var worth: Double
    /// The distance of labels with the shares of the classes in the reference; nil if the reference has no
    /// labels, or images of other classes.
    public var reference: Double?
  }
}

extension Explanation.LabelEffect {
  /// The number of draws, of the seeds from 0.
  static let usualDraws = 8

  /// Computes the effect of labels.
  ///
  /// - Parameters:
  ///   - rows: The features of the images, `[N, D]`.
  ///   - labels: The class of each image, `[N]`, from 0.
  ///   - classes: The number of classes, each of which has an image.
  ///   - other: The Gaussian of the reference.
  ///   - shares: The share of each class in the reference, `[classes]`; nil if unknown.
  /// - Throws: `MetricError` `TooFewSamples` if fewer than two images have a class that is drawn; as
  ///   `frechetDistance(between:and:)` does.
  package init(
    rows: FeatureRows, labels: [Int], classes: Int, against other: FactoredGaussian,
    shares: [Double]? = nil
  ) throws(MetricError) {
    var tally = LabelTally(classes: classes)
    for label in labels { tally.append(label) }
    let counts = tally.counts
    precondition(tally.unlabelled == 0 && counts.allSatisfy { $0 > 0 }, "every class has an image")
    func distance(_ shares: [Double]) throws(MetricError) -> Double {
      // A class without a draw takes no part.
      let weights = labels.map { shares[$0] / Double(counts[$0]) }
      let own = try FactoredGaussian(GaussianStatistics(rows, weights: weights))
      return try frechetDistance(between: own, and: other).value
    }
    func fractions(_ counts: [Int]) -> [Double] { counts.map { Double($0) / Double(labels.count) } }
    var distances: [Double] = []
    for seed in 0..<Self.usualDraws {
      let drawn = LabelPolicy.uniform.counts(
        first: labels.count, of: classes, seed: UInt64(seed))
      distances.append(try distance(fractions(drawn.counts)))
    }
    self.counts = tally.summary
    observed = try distance(fractions(counts))
    balanced = try distance([Double](repeating: 1 / Double(classes), count: classes))
    draws = distances.count
    let mean = distances.reduce(0, +) / Double(draws)
    drawn = mean
    let squares = distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    drawnDeviation = (squares / Double(draws - 1)).squareRoot()
    worth = mean - balanced
    reference = if let shares { try distance(shares) } else { nil }
  }
}
