/// Returns `sum_d (x[d] - y[d])²` in float64, accumulated in eight interleaved sums that are added
/// at the end.
///
/// Exchanging x and y does not change any bit. Neither the difference of two float32 values nor its
/// square overflows.
///
/// - Parameters:
///   - x: The values of the first vector, read from `start` on.
///   - start: The index of the first value of x.
///   - y: The values of the second vector, read from `otherStart` on.
///   - otherStart: The index of the first value of y.
///   - count: The number of values of each vector.
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
