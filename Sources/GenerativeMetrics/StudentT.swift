import Foundation

/// Returns the probability that Student's T is at most `t`, with an error of a few 1e-15.
///
/// - Parameters:
///   - t: The upper limit of T.
///   - degreesOfFreedom: ν, at least 1; below, the probability is NaN.
/// - SeeAlso: Abramowitz & Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4: for an
///   integer ν, `P(|T| <= √ν tan θ)` is a finite sum.
public func studentProbability(_ t: Double, degreesOfFreedom: Int) -> Double {
  guard degreesOfFreedom >= 1 else { return .nan }
  let angle = atan(abs(t) / Double(degreesOfFreedom).squareRoot())
  let (sine, cosine) = (sin(angle), cos(angle))
  let isOdd = !degreesOfFreedom.isMultiple(of: 2)
  var term = isOdd ? cosine : 1
  var sum = 0.0
  for k in stride(from: isOdd ? 3 : 2, through: degreesOfFreedom, by: 2) {
    sum += term
    term *= cosine * cosine * Double(k - 1) / Double(k)
  }
  let within = isOdd ? 2 / Double.pi * (angle + sine * sum) : sine * sum
  let outside = within > 1 ? 0 : (1 - within) / 2
  return t < 0 ? outside : 1 - outside
}

/// Returns the t with `P(T <= t) = p` for Student's T, by bisection of the angle atan(t / √ν).
///
/// - Parameters:
///   - p: The probability, 0 to 1.
///   - degreesOfFreedom: ν, at least 1.
/// - Returns: The quantile, infinite for a probability of 0 or 1; NaN for arguments outside of
///   these ranges.
public func studentQuantile(_ p: Double, degreesOfFreedom: Int) -> Double {
  guard degreesOfFreedom >= 1, (0...1).contains(p) else { return .nan }
  if p == 0 || p == 1 { return p == 0 ? -.infinity : .infinity }
  if p > 0.5 { return -studentQuantile(1 - p, degreesOfFreedom: degreesOfFreedom) }
  let scale = Double(degreesOfFreedom).squareRoot()
  var (low, high) = (-Double.pi / 2, 0.0)
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if studentProbability(scale * tan(middle), degreesOfFreedom: degreesOfFreedom) < p {
      low = middle
    } else {
      high = middle
    }
  }
  return scale * tan(high)
}
