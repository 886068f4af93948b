import GenerativeMetrics

extension EvaluationResult {
  /// The value of one metric, and how much it would vary between draws of samples.
  public struct Metric: Codable, Sendable {
    /// The plug-in value for this number of samples.
    public var value: Double
    /// The interval for the expected value; nil if there is none.
    @EncodedNull public var interval: ClosedRange<Double>?
    /// The reason there is no interval.
    public var intervalReason: String?
    /// The probability with which such an interval contains the expected value, such as 0.95; nil if
    /// there is no interval.
    public var confidence: Double?
    /// The method that computed the interval.
    public var intervalMethod: String?
    /// The estimated excess of the value over its limit for infinitely many images.
    public var bias: Double?
    /// Whether the bias is an estimate to rely on; false for a score of too few images for its classes, and
    /// otherwise nil.
    public var biasReliable: Bool?
    /// The value minus the bias, which estimates the limit for infinitely many images; nil if there is none.
    public var debiased: Double?
    /// The interval for that limit.
    public var debiasedInterval: ClosedRange<Double>?
    /// The reason that a distance has no debiased value.
    public var debiasedReason: String?
    /// The part of a distance's bias that the reference causes, because it is a sample itself; nil if unknown.
    /// ``bias`` is the part of the images alone.
    public var referenceBias: Double?
    /// The error of a distance, from the influence of each image; the interval is computed from it.
    public var influence: Influence?
    /// The values with groups of images left out, from which the bias is computed, and the interval of
    /// metrics without ``influence``.
    public var jackknife: LeftOut?
    /// The tool whose definition is used, if tools define the metric differently.
    public var definition: String?
    /// The standard deviation over splits (Inception Score) or subsets (KID).
    public var standardDeviation: Double?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool
    /// The squared distance of the means, a term of a Fréchet distance.
    public var meanTerm: Double?
    /// How the covariances of the images and of the reference were factored.
    public var factorizations: [Factorization]?
    /// The trace term of a Fréchet distance before it was set to 0, if rounding made it negative;
    /// otherwise 0. Nil for other metrics.
    public var negativeRounding: Double?
    /// The distance of held-out real data from the reference, for comparison.
    public var floor: Floor?
    /// The number of reference images compared with; nil for all.
    public var referenceCount: Int?
    /// The same quantity of the reference itself, for comparison; nil if it has none or is not known.
    public var referenceValue: Double?
    /// The standard deviation of the mean over drawn subsets, given the images (KID); nil for other metrics.
    public var subsetError: Double?
    /// The width σ of a Gaussian kernel, in the unit of the features.
    public var kernelWidth: Double?
    /// The images that resemble one of the reference most, the nearest copy first (AuthPct); nil for other metrics.
    public var nearestCopies: [Copy]?
    /// The images that resemble another image most, the nearest pair first (near duplicates); nil for other metrics.
    public var nearestPairs: [Pair]?
    /// The classes that are surely farthest from the reference, the farthest first (KID by class); nil for other
    /// metrics.
    public var worstClasses: [ClassValue]?

    /// Creates a metric from its properties.
    ///
    /// - Parameters:
    ///   - value: The plug-in value for this number of samples.
    ///   - interval: The ends of the interval for the expected value, the lower first; nil if there
    ///     is none.
    ///   - intervalReason: The reason there is no interval; nil if there is one.
    ///   - confidence: The probability with which such an interval contains the expected value, such
    ///     as 0.95; nil if there is no interval.
    ///   - intervalMethod: The method that computed the interval; nil if there is none.
    ///   - bias: The estimated excess of the value over its limit for infinitely many images; nil if
    ///     unknown.
    ///   - jackknife: The values from which the interval and the bias are computed, and differences
    ///     of two results can be.
    ///   - definition: The tool whose definition is used, if tools define the metric differently.
    ///   - standardDeviation: The standard deviation over splits (Inception Score) or subsets (KID).
    ///   - higherIsBetter: Whether a higher value is better.
    ///   - meanTerm: The squared distance of the means, a term of a Fréchet distance.
    ///   - factorizations: How the covariances of the images and of the reference were factored.
    ///   - negativeRounding: The trace term of a Fréchet distance before it was set to 0, if rounding
    ///     made it negative; otherwise 0. Nil for other metrics.
    ///   - floor: The distance of held-out real data from the reference, for comparison.
    ///   - referenceCount: The number of reference images compared with; nil for all.
    package init(
      value: Double, interval: ClosedRange<Double>? = nil, intervalReason: String? = nil,
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

  /// The distance of held-out real data from the reference set, which a perfect model would reach.
  public struct Floor: Codable, Sendable {
    /// The distance.
    public var value: Double
    /// The name of the data.
    public var data: String
    /// The number of images.
    public var count: Int

    /// Creates a floor from its properties.
    ///
    /// - Parameters:
    ///   - value: The distance.
    ///   - data: The name of the data.
    ///   - count: The number of images.
    package init(
      value: Double, data: String, count: Int
    ) {
      self.value = value
      self.data = data
      self.count = count
    }
  }
}

extension EvaluationResult.Metric {
  /// The values of a metric with each group of images left out.
  public struct LeftOut: Codable, Sendable {
    /// The number of groups; `Jackknife.groups(count:)` defines the images in each.
    public var groups: Int
    /// The value with each group left out, in group order.
    public var values: [Double]
    /// The value of the images of the first ten groups, and of the others, from which the bias follows to second
    /// order; nil if they are not known.
    public var halves: [Double]?

    /// Creates the record of a jackknife.
    package init(_ jackknife: Jackknife) {
      (groups, values) = (jackknife.leftOut.count, jackknife.leftOut)
      halves = jackknife.halves.isEmpty ? nil : jackknife.halves
    }

    /// Returns the jackknife of a metric.
    ///
    /// - Parameters:
    ///   - value: The value of all images.
    ///   - count: The number of images, at least `Jackknife.minimumCount`.
    package func jackknife(of value: Double, count: Int) -> Jackknife {
      Jackknife(value: value, leftOut: values, count: count, halves: halves ?? [])
    }
  }

  /// An image and the one of the reference that it resembles most.
  public struct Copy: Codable, Sendable {
    /// The index of the image, from 0.
    public var sample: Int
    /// The index of the nearest image of the reference, from 0.
    public var training: Int
    /// The Euclidean distance of their features.
    public var distance: Double
    /// That distance divided by the distance of the reference's image to its own nearest one: near 0 for a copy. Nil
    /// if that image occurs twice in the reference.
    public var ratio: Double?
    /// The first bytes of the SHA-256 of the two images in base64, in this order, so that a report shows no others; nil
    /// where it is not known.
    public var digests: [String?]?

    /// Creates the record of a pair.
    package init(
      sample: Int, training: Int, distance: Double, ratio: Double?, digests: [String?]
    ) {
      (self.sample, self.training, self.distance, self.ratio) = (sample, training, distance, ratio)
      self.digests = digests
    }
  }

  /// Two images that resemble each other.
  public struct Pair: Codable, Sendable {
    /// The index of an image, from 0.
    public var first: Int
    /// The index of the other image, from 0.
    public var second: Int
    /// The Euclidean distance of their features.
    public var distance: Double
    /// That distance divided by the one below which images count as near duplicates; nil if that one is 0.
    public var ratio: Double?
    /// The first bytes of the SHA-256 of the two images in base64, in this order; nil where it is not known.
    public var digests: [String?]?

    /// Creates the record of a pair.
    package init(first: Int, second: Int, distance: Double, ratio: Double?, digests: [String?]) {
      (self.first, self.second, self.distance, self.ratio) = (first, second, distance, ratio)
      self.digests = digests
    }
  }

  /// The value of the images of one class.
  public struct ClassValue: Codable, Sendable {
    /// The index of the class, from 0.
    public var index: Int
    /// The value.
    public var value: Double
    /// The interval for its expectation, of this class alone.
    public var interval: ClosedRange<Double>
    /// The number of images.
    public var count: Int
    /// The number of reference images.
    public var referenceCount: Int

    /// Creates the record of a class.
    package init(
      index: Int, value: Double, interval: ClosedRange<Double>, count: Int, referenceCount: Int
    ) {
      (self.index, self.value, self.interval) = (index, value, interval)
      (self.count, self.referenceCount) = (count, referenceCount)
    }
  }

  /// How one covariance of a Fréchet distance was factored.
  public struct Factorization: Codable, Sendable {
    /// `cholesky`, `eigen` or `lowRank`.
    public var method: String
    /// The number of independent directions of the covariance in float64.
    public var rank: Int
    /// The sum of the absolute values of the negative eigenvalues that were set to zero.
    public var clampedMass: Double

    /// Creates a record of a factorisation from its properties.
    ///
    /// - Parameters:
    ///   - method: `cholesky`, `eigen` or `lowRank`.
    ///   - rank: The number of independent directions of the covariance in float64.
    ///   - clampedMass: The sum of the absolute values of the negative eigenvalues that were set to
    ///     zero.
    package init(
      method: String, rank: Int, clampedMass: Double
    ) {
      self.method = method
      self.rank = rank
      self.clampedMass = clampedMass
    }
  }
}
