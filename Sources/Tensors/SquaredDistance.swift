/// `sum_c (x[c] - y[c])²` in float64, in eight interleaved sums that are added at the end.
///
/// Swapping x and y changes no bit. No difference of two float32 overflows, nor does its square.
///
/// - Parameters:
///   - x: Values, read from `start` on.
///   - y: Values, read from `otherStart` on.
///   - count: How many of each.
package func squaredDistance(
  _ x: [Float], at start: Int, _ y: [Float], at otherStart: Int, count: Int
) -> Double {
  x[start..<start + count].withUnsafeBufferPointer { x in
    y[otherStart..<otherStart + count].withUnsafeBufferPointer { y in
      var sums = SIMD8<Double>.zero
      var index = 0
      while index + 8 <= count {
        var difference = SIMD8<Double>.zero
        for lane in 0..<8 { difference[lane] = Double(x[index + lane]) - Double(y[index + lane]) }
        sums += difference * difference
        index += 8
      }
      var sum = sums.sum()
      while index < count {
        let difference = Double(x[index]) - Double(y[index])
        sum += difference * difference
        index += 1
      }
      return sum
    }
  }
}
