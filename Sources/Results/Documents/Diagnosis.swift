import GenerativeMetrics

/// What an evaluation says beside its metrics: over which classes the images are spread, and in which
/// directions of feature space they differ from the reference.
public struct Diagnosis: Codable, Sendable {
  /// The predicted classes of the images beside those of the reference; nil if they are not known.
  public var classes: Classes?
  /// The reason the classes are not compared; nil if they are.
  public var classesReason: String?
  /// The parts of the Fréchet distance; nil if there is none.
  public var distance: Distance?

  /// Creates a diagnosis without findings.
  package init() {}

  /// Pearson's chi-squared test of whether images are spread over classes as the reference is.
  public struct Classes: Codable, Sendable {
    /// The statistic.
    public var chiSquared: Double
    /// The number of classes with images, minus 1.
    public var degreesOfFreedom: Int
    /// The probability of such a statistic for images that are spread as the reference is.
    public var pValue: Double
    /// Whether the counts are large enough for this probability, by Cochran's rule.
    public var dependable: Bool
    /// The classes that deviate most, the most deviating first.
    public var deviations: [Deviation]

    /// The images of a class beside the number that the reference lets expect.
    public struct Deviation: Codable, Sendable {
      /// The index of the class.
      public var index: Int
      /// The number of images.
      public var count: Int
      /// The expected number of images.
      public var expected: Double
      /// The difference in standard deviations.
      public var residual: Double
    }

    /// Creates the record of a test.
    ///
    /// - Parameters:
    ///   - balance: The test.
    ///   - limit: The number of classes to list.
    package init(_ balance: ClassBalance, limit: Int) {
      (chiSquared, degreesOfFreedom) = (balance.statistic, balance.degreesOfFreedom)
      (pValue, dependable) = (balance.pValue, balance.isDependable)
      deviations = balance.mostDeviating(limit).map {
        Deviation(
          index: $0.index, count: $0.count, expected: $0.expected, residual: $0.residual)
      }
    }
  }

  /// A Fréchet distance as a sum over orthogonal directions.
  public struct Distance: Codable, Sendable {
    /// The squared distance of the means.
    public var meanPart: Double
    /// The part of the covariances.
    public var covariancePart: Double
    /// The number of directions that carry 80 % of the distance.
    public var directionsOfFourFifths: Int
    /// The directions that carry most, the largest part first.
    public var leading: [Direction]

    /// One direction and what it contributes.
    public struct Direction: Codable, Sendable {
      /// The squared difference of the means along it.
      public var meanPart: Double
      /// The part of the covariances.
      public var covariancePart: Double
      /// The standard deviation of the images along it.
      public var deviation: Double
      /// The standard deviation of the reference along it.
      public var referenceDeviation: Double
    }

    /// Creates the record of the directions of a distance.
    package init(_ distance: FrechetDistance, _ directions: FrechetDirections) {
      (meanPart, covariancePart) = (distance.meanTerm, distance.traceTerm)
      directionsOfFourFifths = directions.count(carrying: 0.8)
      leading = directions.directions.map {
        Direction(
          meanPart: $0.meanPart, covariancePart: $0.covariancePart, deviation: $0.deviation,
          referenceDeviation: $0.referenceDeviation)
      }
    }
  }
}
