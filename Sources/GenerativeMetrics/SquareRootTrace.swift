import Tensors

/// Returns the trace of the square root of a positive definite matrix B that is nearly diagonal, in about the time of
/// one to three products in single precision; nil if it is too far from a diagonal one.
///
/// With S, the root of the diagonal of B, and E, the rest of B, the root is `S + Δ` where
/// ```
/// (sᵢ + sⱼ) Δᵢⱼ = (E - Δ²)ᵢⱼ
/// ```
/// which is solved by iteration from Δ = 0. For `X = S + Δ` with any Δ, and the error H of X,
/// ```
/// R = B - X²        tr B^½ = tr X + ½ tr(X⁻¹ R) - ½ tr(X⁻¹ H²)
/// ```
/// follows from `B = (X + H)²`. The last term is quadratic in H, which is about the next change H′ of Δ, so that
/// `e = ½ Σ H′ᵢⱼ² / sⱼ` is subtracted for it. What this leaves is smaller by about the changes after H′ relative to H′,
/// and by Δ relative to S, and both are of the order of q, the larger of the last two ratios of a change to the one
/// before. The iteration ends when `32 q e` is small and a change is at most half of the one before.
/// `SquareRootTraceTests` compares matrices of 24 rows with their eigenvalues.
///
/// With 8,000 random matrices of up to 60 rows (dense, with one direction or two elements off the diagonal, and with
/// elements of one sign), up to 26 q e was left. With up to 1,500 rows and one direction that stands out from noise, it
/// was up to 18 q e where `32 q e` was below 10⁻⁷ of the trace, but up to 106 q e with a larger tolerance and a
/// direction that loses nearly all of its variance. (Measured in double precision with small programs that are not
/// kept.)
///
/// Elements of E enter the trace only as products of two of them, so that their rounding is not seen: with
/// `Vᵢⱼ = Δᵢⱼ / √(sᵢ sⱼ)`, the trace changes by less than `2⁻²³ Σ sᵢ Vᵢⱼ²`.
///
/// - Parameters:
///   - diagonal: The diagonal of B, `[K]`, in a unit in which its elements are neither very large nor very small.
///   - offDiagonal: E, `[K, K]`, with zeros on the diagonal; only its lower triangle is read.
///   - tolerance: The error that the trace may have because the iteration ends.
package func squareRootTrace(
  diagonal: [Double], offDiagonal: [Float], within tolerance: Double
) -> Double? {
  let roots = diagonal.map { $0.squareRoot() }
  let singleRoots = roots.map { Float($0) }
  var delta = Tensor(zeros: [roots.count, roots.count])
  var (lastError, lastRatio) = (Double.infinity, 0.0)
  for step in 0..<12 {
    var change = offDiagonal
    if step > 0 { addLowerGram(delta, times: -1, to: &change) }
    let error = setChange(of: delta, &change, singleRoots)
    // Not true if it is not a number.
    guard error <= lastError else { return nil }
    let ratio = step > 0 ? (error / lastError).squareRoot() : 1
    if error == 0 || ratio <= 0.5 && 32 * max(ratio, lastRatio) * error <= tolerance {
      guard let rest = halfTrace(of: delta, change: change, singleRoots) else { return nil }
      let trace = roots.reduce(0, +) + rest - error
      return trace.isFinite ? trace : nil
    }
    add(change, to: &delta)
    lastError = error
    if step > 0 { lastRatio = ratio }
  }
  return nil
}

/// Replaces `E - Δ²` by the next change of Δ, and returns `½ Σ Hᵢⱼ² / sⱼ` for it; lower triangles.
private func setChange(of delta: Tensor, _ rest: inout [Float], _ roots: [Float]) -> Double {
  let count = roots.count
  let halves = roots.map { 0.5 / $0 }
  var error = 0.0
  rest.withUnsafeMutableBufferPointer { rest in
    delta.values.withUnsafeBufferPointer { delta in
      for row in 0..<count {
        let (start, root, half) = (row * count, roots[row], halves[row])
        for column in 0...row {
          let index = start + column
          rest[index] = rest[index] / (root + roots[column]) - delta[index]
        }
        var sum: Float = 0
        for column in 0..<row {
          let change = rest[start + column]
          sum += change * change * (half + halves[column])
        }
        let change = rest[start + row]
        error += Double(sum + change * change * half)
      }
    }
  }
  return error
}

/// Adds a lower triangle to a symmetric matrix.
private func add(_ change: [Float], to delta: inout Tensor) {
  let count = delta.columns
  delta.values.withUnsafeMutableBufferPointer { delta in
    change.withUnsafeBufferPointer { change in
      for row in 0..<count {
        for index in row * count...row * count + row { delta[index] += change[index] }
      }
    }
  }
  delta.mirrorLowerTriangle()
}

/// Returns `tr Δ + ½ tr(X⁻¹ R)`, where R is `(sᵢ + sⱼ)` times the next change; nil if X is not positive definite.
///
/// With `V = S^-½ Δ S^-½`, the inverse of X is `S^-½ (I + V)⁻¹ S^-½`.
private func halfTrace(of delta: Tensor, change: [Float], _ roots: [Float]) -> Double? {
  let count = roots.count
  let factors = roots.map { 1 / $0.squareRoot() }
  var inverse = delta.values
  inverse.withUnsafeMutableBufferPointer { inverse in
    for row in 0..<count {
      let factor = factors[row]
      for column in 0...row { inverse[row * count + column] *= factor * factors[column] }
      inverse[row * (count + 1)] += 1
    }
  }
  guard invertPositiveDefinite(&inverse, dimension: count) else { return nil }
  var result = 0.0
  delta.values.withUnsafeBufferPointer { delta in
    change.withUnsafeBufferPointer { change in
      inverse.withUnsafeBufferPointer { inverse in
        for row in 0..<count {
          let (start, root, factor) = (row * count, roots[row], factors[row])
          var sum: Float = 0
          for column in 0..<row {
            let index = start + column
            sum +=
              inverse[index] * change[index] * (factor * factors[column])
              * (root + roots[column])
          }
          let index = start + row
          result += Double(delta[index]) + Double(inverse[index] * change[index]) + Double(sum)
        }
      }
    }
  }
  return result
}
