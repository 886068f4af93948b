/// One metric.
public struct Metric: Codable, Sendable {
  /// The plug-in value at this number of samples.
  public var value: Double
  /// The interval for its expectation, nil when there is none.
  @EncodedNull public var interval: [Double]?
  /// Why there is no interval.
  public var intervalReason: String?
  /// The probability with which such an interval holds the expectation.
  public var confidence: Double?
  /// How the interval was made.
  public var intervalMethod: String?
  /// An estimate of how far the value lies above its limit for infinitely many images.
  public var bias: Double?
  /// What the interval and the bias are from, and differences of two results can be.
  public var jackknife: LeftOut?
  /// The tool whose definition this is, where tools differ in it.
  public var definition: String?
  /// Standard deviation over splits (Inception Score) or subsets (KID).
  public var standardDeviation: Double?
  /// Whether a higher value is better.
  public var higherIsBetter: Bool
  /// Squared distance of the means, a part of a Fréchet distance.
  public var meanTerm: Double?
  /// How the covariances of the images and of the reference were factored.
  public var factorizations: [Factorization]?
  /// What rounding left of a distance that was negative and set to 0.
  public var negativeRounding: Double?
  /// The distance of real data held out from the reference, to compare with.
  public var floor: Floor?
  /// Reference images compared with, where they are not all.
  public var referenceCount: Int?

  package init(
    value: Double, interval: [Double]? = nil, intervalReason: String? = nil,
    confidence: Double? = nil, intervalMethod: String? = nil, bias: Double? = nil,
    jackknife: LeftOut? = nil, definition: String? = nil, standardDeviation: Double? = nil,
    higherIsBetter: Bool, meanTerm: Double? = nil, factorizations: [Factorization]? = nil,
    negativeRounding: Double? = nil, floor: Floor? = nil, referenceCount: Int? = nil
  ) {
    self.value = value
    self.interval = interval
    self.intervalReason = intervalReason
    self.confidence = confidence
    self.intervalMethod = intervalMethod
    self.bias = bias
    self.jackknife = jackknife
    self.definition = definition
    self.standardDeviation = standardDeviation
    self.higherIsBetter = higherIsBetter
    self.meanTerm = meanTerm
    self.factorizations = factorizations
    self.negativeRounding = negativeRounding
    self.floor = floor
    self.referenceCount = referenceCount
  }
}

/// The values of a metric without each group of images.
public struct LeftOut: Codable, Sendable {
  /// The number of groups; `Jackknife.groups(count:)` says which images are in each.
  public var groups: Int
  /// The value without each group, in order.
  public var values: [Double]

  package init(
    groups: Int, values: [Double]
  ) {
    self.groups = groups
    self.values = values
  }
}

/// How one covariance of a Fréchet distance was factored.
public struct Factorization: Codable, Sendable {
  /// `cholesky`, `eigen` or `lowRank`.
  public var method: String
  /// Independent directions of the covariance in float64.
  public var rank: Int
  /// Sum of the negative eigenvalues that were set to zero.
  public var clampedMass: Double

  package init(
    method: String, rank: Int, clampedMass: Double
  ) {
    self.method = method
    self.rank = rank
    self.clampedMass = clampedMass
  }
}

/// The distance of held-out real data from the reference set: what a perfect model would get.
public struct Floor: Codable, Sendable {
  /// The distance.
  public var value: Double
  /// Which data.
  public var data: String
  /// How many images.
  public var count: Int

  package init(
    value: Double, data: String, count: Int
  ) {
    self.value = value
    self.data = data
    self.count = count
  }
}
