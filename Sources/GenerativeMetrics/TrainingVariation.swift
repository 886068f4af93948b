/// A metric of several trainings of one recipe that differ only in their training seed, as a model of random effects.
///
/// The value of training i is `y_i = μ + b_i + e_i`: the mean of the recipe, what the seed of the training adds, and
/// the error of sampling, whose standard deviation s_i is known from the samples. With k trainings,
/// ```
/// S²      = Σ (y_i - ȳ)² / (k - 1)         the variance of the values
/// c       = the mean covariance of e_i and e_j, i ≠ j
/// τ²      = S² - mean s_i² + c             the variance of b, or 0 if that is negative
/// Var(ȳ)  = S² / k + c
/// ```
/// Trainings that are sampled with the same noise have errors of sampling that move together, which S² does not show;
/// c adds it. With different seeds of sampling, c is 0. The variance of the mean does not depend on whether τ² is
/// negative.
///
/// - SeeAlso: Laird and Ware, "Random-effects models for longitudinal data", Biometrics 38 (1982). Degrees of freedom
///   follow Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2
///   (1946).
public struct TrainingVariation: Equatable, Sendable {
  /// y, the value of each training, `[k]`.
  public let values: [Double]
  /// s, the standard error of sampling of each value, `[k]`.
  public let standardErrors: [Double]
  /// c, the mean covariance of the sampling errors of two trainings.
  public let covariance: Double

  /// Creates the model of at least two trainings.
  ///
  /// - Parameters:
  ///   - values: The value of each training, `[k]`.
  ///   - standardErrors: The standard error of sampling of each value, `[k]`.
  ///   - covariance: The mean covariance of the sampling errors of two trainings; 0 if they were sampled with different
  ///     seeds.
  /// - Throws: ``MetricError`` `CountMismatch` if there are fewer than 2 values or not as many errors, or `NotFinite`.
  public init(
    _ values: [Double], standardErrors: [Double], covariance: Double
  ) throws(MetricError) {
    guard values.count >= 2, standardErrors.count == values.count else {
      throw MetricError(
        .countMismatch,
        "\(values.count) values and \(standardErrors.count) standard errors; 2 or more trainings need one each"
      )
    }
    guard (values + standardErrors + [covariance]).allSatisfy(\.isFinite) else {
      throw MetricError(.nonFinite, "a value or a standard error of a training")
    }
    (self.values, self.standardErrors, self.covariance) = (values, standardErrors, covariance)
  }

  /// ȳ, the mean of the values.
  public var mean: Double { values.reduce(0, +) / Double(values.count) }

  /// S, the standard deviation of the values, of training and sampling together.
  public var deviation: Double { variance.squareRoot() }

  /// The root of the mean of s², the standard deviation that sampling alone gives a value.
  public var samplingDeviation: Double { samplingVariance.squareRoot() }

  /// τ, the standard deviation that the seed of the training gives a value; 0 if the values differ by no more than
  /// sampling explains.
  public var trainingDeviation: Double {
    max(0, variance - samplingVariance + covariance).squareRoot()
  }

  /// The standard error of ``mean``.
  public var standardError: Double { MeanError(self).variance.squareRoot() }

  /// The range that contains the mean of the recipe with the probability ``Jackknife/confidence``, over trainings and
  /// samples.
  public var interval: ClosedRange<Double> { MeanError(self).interval(around: mean) }

  private var variance: Double {
    let mean = mean
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
  }

  private var samplingVariance: Double {
    standardErrors.reduce(0) { $0 + $1 * $1 } / Double(values.count)
  }

  /// The variance of a mean or of a difference of means, with its degrees of freedom.
  fileprivate struct MeanError {
    let variance: Double
    let degreesOfFreedom: Int

    init(_ recipe: TrainingVariation) {
      self.init([recipe], covariance: max(0, recipe.covariance))
    }

    /// - Parameter covariance: What the covariances of sampling errors add to the variance, at least 0. Thousands of
    ///   samples determine it, so that it has no degrees of freedom of its own.
    init(_ recipes: [TrainingVariation], covariance: Double) {
      let parts = recipes.map {
        (variance: $0.variance / Double($0.values.count), $0.values.count - 1)
      }
      variance = parts.reduce(covariance) { $0 + $1.variance }
      let fourth = parts.reduce(0) { $0 + $1.variance * $1.variance / Double($1.1) }
      degreesOfFreedom = wholeDegrees(fourth > 0 ? variance * variance / fourth : .infinity)
    }

    func interval(around value: Double) -> ClosedRange<Double> {
      let quantile = studentQuantile(
        (1 + Jackknife.confidence) / 2, degreesOfFreedom: degreesOfFreedom)
      let half = quantile * variance.squareRoot()
      return value - half...value + half
    }
  }

  /// The difference of the means of two recipes.
  public struct Difference: Equatable, Sendable {
    /// The mean of the second recipe minus that of the first.
    public let value: Double
    /// The standard error of ``value``, over trainings and samples.
    public let standardError: Double
    /// The degrees of freedom of Student's t.
    public let degreesOfFreedom: Int
    /// The range that contains the difference of the recipes with the probability ``Jackknife/confidence``.
    public let interval: ClosedRange<Double>

    /// Compares two recipes.
    ///
    /// The variance is `S₁²/k₁ + c₁ + S₂²/k₂ + c₂ - 2 c₁₂`, where the part of the covariances is at least 0.
    ///
    /// - Parameters:
    ///   - first: The trainings of the first recipe.
    ///   - second: The trainings of the second recipe.
    ///   - covariance: c₁₂, the mean covariance of the sampling errors of a training of one and a training of the
    ///     other; 0 if they were sampled with different seeds.
    public init(
      _ first: TrainingVariation, _ second: TrainingVariation, covariance: Double
    ) {
      let error = MeanError(
        [first, second],
        covariance: max(0, first.covariance + second.covariance - 2 * covariance))
      value = second.mean - first.mean
      standardError = error.variance.squareRoot()
      degreesOfFreedom = error.degreesOfFreedom
      interval = error.interval(around: value)
    }
  }
}
