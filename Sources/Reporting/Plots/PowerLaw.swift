import Foundation
import GenerativeMetrics

/// The law `y = asymptote + factor x^exponent`, fitted to points.
///
/// Without an asymptote, the fit is least squares in logarithms, and the 95 % band is that of the
/// mean of a linear regression: Student's t with `n - 2` degrees of freedom. With one, it is least
/// squares of relative residuals: the exponent is searched, and for each exponent the other two are
/// linear; there is no band.
public struct PowerLaw: Equatable, Sendable {
  /// The value that `y` approaches; 0 if it was not fitted.
  public var asymptote = 0.0
  /// The value of `y - asymptote` at `x = 1`.
  public let factor: Double
  /// The exponent, negative if `y` falls.
  public let exponent: Double
  /// The 95 % interval of ``exponent``; nil with an asymptote.
  public private(set) var exponentInterval: ClosedRange<Double>?
  /// The fraction of the variance that the law explains: of `log y`, or of `y` with an asymptote.
  public let rSquared: Double
  /// The number of points.
  public let count: Int
  /// The range of `x` of the points.
  public let domain: ClosedRange<Double>

  /// The mean and sum of squares of `log x`, the residual standard error, and Student's quantile.
  private struct Regression: Equatable {
    let mean, squares, error, quantile: Double
  }
  private var regression: Regression?

  /// The reason there is no law.
  public struct NotFitted: Error, Equatable, CustomStringConvertible {
    /// The reason, as a clause.
    public let description: String
  }

  /// Fits `y = factor x^exponent`.
  ///
  /// - Parameter points: Points at three or more different `x`, over at least a decade, all
  ///   positive.
  /// - Throws: ``NotFitted`` if the points do not satisfy these conditions.
  public init(_ points: [(x: Double, y: Double)]) throws(NotFitted) {
    domain = try Self.domain(points, least: 3)
    let (u, v) = (points.map { log($0.x) }, points.map { log($0.y) })
    let n = Double(points.count)
    let (meanU, meanV) = (u.reduce(0, +) / n, v.reduce(0, +) / n)
    let squares = u.reduce(0) { $0 + ($1 - meanU) * ($1 - meanU) }
    let slope = zip(u, v).reduce(0) { $0 + ($1.0 - meanU) * ($1.1 - meanV) } / squares
    let intercept = meanV - slope * meanU
    let residual = zip(u, v).reduce(0) { sum, point in
      let miss = point.1 - intercept - slope * point.0
      return sum + miss * miss
    }
    let total = v.reduce(0) { $0 + ($1 - meanV) * ($1 - meanV) }
    (exponent, factor, count) = (slope, exp(intercept), points.count)
    rSquared = total == 0 ? 1 : 1 - residual / total
    let error = (residual / (n - 2)).squareRoot()
    let quantile = studentQuantile(0.975, degreesOfFreedom: points.count - 2)
    regression = Regression(mean: meanU, squares: squares, error: error, quantile: quantile)
    let half = quantile * error / squares.squareRoot()
    exponentInterval = slope - half...slope + half
  }

  /// Fits `y = asymptote + factor x^exponent` with an asymptote of at least 0.
  ///
  /// - Parameter points: Points at five or more different `x`, over at least a decade, all
  ///   positive.
  /// - Throws: ``NotFitted`` if the points do not satisfy these conditions or the factor is not
  ///   positive.
  public init(saturating points: [(x: Double, y: Double)]) throws(NotFitted) {
    let domain = try Self.domain(points, least: 5)
    let first = domain.lowerBound
    /// Returns the best asymptote and factor for an exponent, and the sum of squares.
    func solve(_ b: Double) -> (asymptote: Double, factor: Double, sum: Double) {
      // Columns 1/y and x^b/y, right-hand side 1. Powers relative to the smallest x keep them in
      // range.
      var (pp, pq, qq, p1, q1) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for point in points {
        let (p, q) = (1 / point.y, pow(point.x / first, b) / point.y)
        (pp, pq, qq, p1, q1) = (pp + p * p, pq + p * q, qq + q * q, p1 + p, q1 + q)
      }
      let determinant = pp * qq - pq * pq
      var c = determinant > 1e-12 * pp * qq ? (p1 * qq - q1 * pq) / determinant : 0
      if c < 0 { c = 0 }
      let a = (q1 - c * pq) / qq
      let sum = points.reduce(0) { sum, point in
        let miss = 1 - (c + a * pow(point.x / first, b)) / point.y
        return sum + miss * miss
      }
      return (c, a, sum)
    }
    // The best exponent of a grid, then golden-section search between its neighbours.
    let grid = stride(from: -4, through: 4, by: 0.05).filter { abs($0) > 0.01 }
    let start = grid.min { solve($0).sum < solve($1).sum } ?? -1
    let ratio = (5.0.squareRoot() - 1) / 2
    var (low, high) = (start - 0.05, start + 0.05)
    for _ in 0..<80 {
      let (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
      if solve(left).sum <= solve(right).sum { high = right } else { low = left }
    }
    let b = (low + high) / 2
    let best = solve(b)
    guard best.factor > 0 else { throw NotFitted(description: "no falling or rising law fits") }
    self.domain = domain
    (asymptote, exponent, count) = (best.asymptote, b, points.count)
    factor = best.factor * pow(first, -b)
    let mean = points.reduce(0) { $0 + $1.y } / Double(points.count)
    let total = points.reduce(0) { $0 + ($1.y - mean) * ($1.y - mean) }
    let (c, a) = (best.asymptote, best.factor)
    let residual = points.reduce(0) { sum, point in
      let miss = point.y - c - a * pow(point.x / first, b)
      return sum + miss * miss
    }
    rSquared = total == 0 ? 1 : 1 - residual / total
  }

  /// Returns the value of the law at one place.
  ///
  /// - Parameter x: A positive number, in the unit of the points.
  public func value(at x: Double) -> Double { asymptote + factor * pow(x, exponent) }

  /// Returns the 95 % band at `x`; nil with an asymptote, or if the numbers are too large.
  public func band(at x: Double) -> ClosedRange<Double>? {
    guard let regression else { return nil }
    let distance = log(x) - regression.mean
    let half =
      regression.quantile * regression.error
      * (1 / Double(count) + distance * distance / regression.squares).squareRoot()
    let middle = value(at: x)
    let (low, high) = (middle * exp(-half), middle * exp(half))
    return low <= high ? low...high : nil
  }

  /// Returns the range of `x`, if there are enough points for a law.
  private static func domain(
    _ points: [(x: Double, y: Double)], least: Int
  ) throws(NotFitted) -> ClosedRange<Double> {
    let places = Set(points.map(\.x))
    guard places.count >= least else {
      throw NotFitted(
        description:
          "\(places.count) place\(places.count == 1 ? "" : "s"), at least \(least) are needed")
    }
    guard points.allSatisfy({ $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite }),
      let low = places.min(), let high = places.max()
    else { throw NotFitted(description: "values that are not above 0") }
    guard high >= 10 * low else { throw NotFitted(description: "less than a decade") }
    return low...high
  }
}
