import Foundation

/// The error of a Fréchet distance, summarised from the influence of its samples.
///
/// Influences are skewed and have heavy tails where features do, and a jackknife over groups does not see
/// that. The interval of this type accounts for the skewness by the acceleration a, for the curvature of the
/// distance along the influences h by c (Efron's ABC method), and for few samples that carry the error by
/// Student's t with ν degrees of freedom:
/// ```
/// σ = √(Σ hᵢ²) / N                     a = Σ hᵢ³ / (6 (Σ hᵢ²)^1.5)
/// κ = N Σ hᵢ⁴ / (Σ hᵢ²)²                ν = 2N / (κ - 1), at least 1
/// w = a + c + q                        l = w / (1 - a w)²        end(q) = value + σ (l + c l²)
/// ```
/// The interval extends from `end(-t)` to `end(t)`.
///
/// - SeeAlso: DiCiccio & Efron, "More accurate confidence intervals in exponential families", Biometrika
///   79 (1992).
public struct InfluenceSummary: Equatable, Sendable {
  /// σ, the standard deviation of the distance to first order.
  public let standardError: Double
  /// a, a sixth of the skewness of the distance.
  public let acceleration: Double
  /// c, the curvature of the distance along h in units of σ.
  public let curvature: Double
  /// ν, the degrees of freedom of Student's t: the larger, the more samples the error comes from.
  public let degreesOfFreedom: Int

  /// Creates a summary from its numbers.
  ///
  /// - Parameters:
  ///   - standardError: σ, at least 0.
  ///   - acceleration: a.
  ///   - curvature: c.
  ///   - degreesOfFreedom: ν, of which the whole part is taken, from 1 to 100,000. Beyond that, Student's t
  ///     is the normal distribution to four digits.
  public init(
    standardError: Double, acceleration: Double, curvature: Double, degreesOfFreedom: Double
  ) {
    self.standardError = standardError
    self.acceleration = acceleration
    self.curvature = curvature
    self.degreesOfFreedom = wholeDegrees(degreesOfFreedom)
  }

  /// The summary of samples that are all alike.
  static let withoutVariation = InfluenceSummary(
    standardError: 0, acceleration: 0, curvature: 0, degreesOfFreedom: .infinity)

  /// ν below which few samples carry the error, so that intervals contain the expectation less often than
  /// they say.
  public static let fewDegreesOfFreedom = 100

  /// Whether few samples carry the error.
  public var dependsOnFewSamples: Bool { degreesOfFreedom < Self.fewDegreesOfFreedom }

  /// Returns the end of an interval.
  ///
  /// - Parameters:
  ///   - value: The distance of all samples.
  ///   - q: The quantile of Student's t: negative for the lower end.
  func end(of value: Double, at q: Double) -> Double {
    guard standardError > 0 else { return value }
    let w = acceleration + curvature + q
    let denominator = 1 - acceleration * w
    // The formula has a pole, which quantiles of skewed samples can reach.
    var l = denominator > 0 ? w / (denominator * denominator) : w < 0 ? -.infinity : .infinity
    // Where a w is below -1, and beyond the vertex of the parabola, the formulas would turn back.
    if acceleration * w < -1 { l = -1 / (4 * acceleration) }
    if curvature > 0 { l = max(l, -1 / (2 * curvature)) }
    if curvature < 0 { l = min(l, -1 / (2 * curvature)) }
    return l.isFinite ? value + standardError * (l + curvature * l * l) : l
  }

  /// Returns the summary of the mean of distances of independent sets of samples, such as those of several
  /// seeds. The third cumulants add as the variances do, and ν follows Welch and Satterthwaite.
  ///
  /// - Parameter sets: The summary of each set, at least one.
  public static func mean(of sets: [InfluenceSummary]) -> InfluenceSummary {
    let (largest, count) = (sets.map(\.standardError).max() ?? 0, Double(sets.count))
    guard largest > 0 else { return .withoutVariation }
    func sum(_ power: Int, _ weight: (InfluenceSummary) -> Double) -> Double {
      sets.reduce(0) { sum, set in
        let relative = set.standardError / largest
        return sum + (0..<power).reduce(weight(set)) { value, _ in value * relative }
      }
    }
    let variance = sum(2) { _ in 1 }
    let cube = variance * variance.squareRoot()
    return InfluenceSummary(
      standardError: largest * variance.squareRoot() / count,
      acceleration: sum(3, \.acceleration) / cube, curvature: sum(3, \.curvature) / cube,
      degreesOfFreedom: variance * variance / sum(4) { 1 / Double($0.degreesOfFreedom) })
  }
}

/// Returns degrees of freedom as a whole number from 1 to 100,000.
func wholeDegrees(_ degrees: Double) -> Int { Int(max(1, min(degrees, 100_000))) }
