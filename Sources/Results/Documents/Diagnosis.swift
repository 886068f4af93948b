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
    /// The interval for its expectation; nil if there is none.
    public var meanInterval: ClosedRange<Double>?
    /// How far its expectation exceeds that of infinitely many images; nil if it is not known.
    public var meanBias: Double?
    /// The part of the covariances.
    public var covariancePart: Double
    /// The interval for its expectation; nil if there is none.
    public var covarianceInterval: ClosedRange<Double>?
    /// How far its expectation exceeds that of infinitely many images; nil if it is not known.
    public var covarianceBias: Double?
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
      /// The difference of the means along it, images minus reference. Its sign is that of the direction, which is
      /// arbitrary. Nil in results of version 0.5.0 and earlier.
      public var shift: Double?
      /// The interval for that difference, given the direction; nil if there is none.
      public var shiftInterval: ClosedRange<Double>?
      /// The standard deviation of the images along it.
      public var deviation: Double
      /// The interval for that deviation, given the direction; nil if there is none.
      public var deviationInterval: ClosedRange<Double>?
      /// The standard deviation of the reference along it.
      public var referenceDeviation: Double
    }

    /// Creates the record of the directions of a distance.
    ///
    /// - Parameters:
    ///   - distance: The distance.
    ///   - directions: Its directions.
    ///   - terms: The errors of its two terms; nil if they are not known.
    ///   - bias: The bias of the distance; nil if it is not known.
    ///   - errors: The errors along each of the leading directions; empty if they are not known.
    package init(
      _ distance: FrechetDistance, _ directions: FrechetDirections, terms: FrechetTermErrors?,
      bias: Double?, errors: [DirectionErrors]
    ) {
      (meanPart, covariancePart) = (distance.meanTerm, distance.traceTerm)
      if let terms {
        meanInterval = terms.interval(of: meanPart, error: terms.meanError)
        covarianceInterval = terms.interval(of: covariancePart, error: terms.covarianceError)
        meanBias = terms.meanBias
        covarianceBias = bias.map { $0 - terms.meanBias }
      }
      directionsOfFourFifths = directions.count(carrying: 0.8)
      leading = directions.directions.enumerated().map { index, direction in
        let errors = errors.isEmpty ? nil : errors[index]
        return Direction(
          meanPart: direction.meanPart, covariancePart: direction.covariancePart,
          shift: direction.shift, shiftInterval: errors?.interval(ofShift: direction.shift),
          deviation: direction.deviation,
          deviationInterval: errors?.interval(ofDeviation: direction.deviation),
          referenceDeviation: direction.referenceDeviation)
      }
    }
  }
}
