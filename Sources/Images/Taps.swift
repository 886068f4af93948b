/// A filter that weights input pixels by their distance from the output pixel.
///
/// - SeeAlso: `box_filter`, `bilinear_filter` and `bicubic_filter` in Pillow,
///   src/libImaging/Resample.c.
package enum ResamplingFilter {
  /// 1 on (-1/2, 1/2].
  case box
  /// 1 - |x| on (-1, 1).
  case triangle
  /// Keys' cubic convolution on (-2, 2) with a = -1/2.
  case cubic

  /// The distance beyond which the weight is zero.
  var support: Double {
    switch self {
    case .box: 0.5
    case .triangle: 1
    case .cubic: 2
    }
  }

  /// Returns the weight at the signed distance `x`, with the same operations as the originals.
  func weight<Real: BinaryFloatingPoint>(at x: Real) -> Real {
    let distance = abs(x)
    switch self {
    case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
    case .triangle: return distance < 1 ? 1 - distance : 0
    case .cubic:
      let a: Real = -0.5
      if distance < 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
      if distance < 2 { return (((distance - 5) * distance + 8) * distance - 4) * a }
      return 0
    }
  }
}

/// The weights with which the input positions of one axis contribute to each output position.
package struct Taps<Weight> {
  /// An output position: its first input position, and the range of its weights in ``weights``.
  package struct Output {
    /// The first input position.
    package let first: Int
    /// The range of its weights.
    package let weights: Range<Int>
  }

  /// The number of input positions.
  package let inputs: Int
  /// The output positions in order.
  package let outputs: [Output]
  /// The weights of all output positions, one after the other.
  package let weights: [Weight]
}

extension Taps where Weight: BinaryFloatingPoint {
  /// Computes the taps for resizing `inputs` positions to `size`.
  ///
  /// ```
  /// s = in / out       t = max(s, 1)      the filter grows with the step when shrinking
  /// c = (i + 1/2) · s                     centre of output i
  /// j from max(⌊c - t · support + 1/2⌋, 0) to min(⌊c + t · support + 1/2⌋, in) - 1
  /// w[j] = filter((j - c + 1/2) / t), divided by their sum
  /// ```
  ///
  /// `Weight` is `Double` for Pillow. It is `Float` for PyTorch, which computes the sum and the
  /// product inside the filter in double precision, between two roundings to float.
  ///
  /// - Parameters:
  ///   - filter: The filter.
  ///   - inputs: The number of input positions.
  ///   - size: The number of output positions.
  ///   - window: The output positions to compute, or nil for all.
  /// - SeeAlso: `precompute_coeffs` in Pillow, src/libImaging/Resample.c, and
  ///   `_compute_indices_min_size_weights_aa` in PyTorch,
  ///   aten/src/ATen/native/cpu/UpSampleKernel.cpp.
  package init(
    _ filter: ResamplingFilter, from inputs: Int, to size: Int, window: Range<Int>? = nil
  ) {
    let scale = Weight(inputs) / Weight(size)
    let stretch = max(scale, 1)
    let (support, inverse) = (Weight(filter.support) * stretch, 1 / stretch)
    var (outputs, weights): ([Output], [Weight]) = ([], [])
    for output in window ?? 0..<size {
      let centre = (Weight(output) + 0.5) * scale
      let first = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), inputs)
      let own = (first..<end).map { input in
        filter.weight(
          at: Weight((Double(Weight(input) - centre) + 0.5) * Double(inverse)))
      }
      let sum = own.reduce(0, +)
      outputs.append(Output(first: first, weights: weights.count..<weights.count + own.count))
      weights += sum == 0 ? own : own.map { $0 / sum }
    }
    self.init(inputs: inputs, outputs: outputs, weights: weights)
  }
}

extension Taps<Double> {
  /// The weights as integers with 22 fractional bits, rounded half away from zero.
  ///
  /// - SeeAlso: `normalize_coeffs_8bpc` and `PRECISION_BITS` in Pillow, src/libImaging/Resample.c.
  var fixedPoint: Taps<Int> {
    Taps<Int>(
      inputs: inputs, outputs: outputs.map { .init(first: $0.first, weights: $0.weights) },
      weights: weights.map { Int($0 * 0x1p22 + ($0 < 0 ? -0.5 : 0.5)) })
  }
}

extension Taps where Weight: Numeric {
  /// Resamples the middle axis of `samples`, shape `[outer, inputs, inner]`.
  ///
  /// ```
  /// y[o, i, k] = write(Σ_j w[i][j] · read(x[o, first[i] + j, k]))      summed in order of j
  /// ```
  ///
  /// - Returns: Shape `[outer, outputs, inner]`.
  func applied<Input, Output>(
    to samples: [Input], inner: Int, read: (Input) -> Weight, write: (Weight) -> Output
  ) -> [Output] {
    let outer = samples.count / (inputs * inner)
    var result: [Output] = []
    result.reserveCapacity(outer * outputs.count * inner)
    var sums = [Weight](repeating: 0, count: inner)
    for slice in 0..<outer {
      for output in outputs {
        for index in 0..<inner { sums[index] = 0 }
        var start = (slice * inputs + output.first) * inner
        for weight in weights[output.weights] {
          for index in 0..<inner { sums[index] += read(samples[start + index]) * weight }
          start += inner
        }
        for index in 0..<inner { result.append(write(sums[index])) }
      }
    }
    return result
  }
}
