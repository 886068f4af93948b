import Tensors

extension Image {
  /// Scales the image to [0, 1] and resizes it by bilinear interpolation, as PyTorch's
  /// `F.interpolate(x / 255, (height, width), mode="bilinear", align_corners=False)` does.
  ///
  /// Pixels are squares with half-pixel centres, and nothing is smoothed before shrinking: an
  /// output pixel is interpolated from the four input pixels around its centre.
  ///
  /// ```
  /// s = max((i + 1/2) · in / out - 1/2, 0)     position of output row or column i in the input
  /// y = (1 - s + ⌊s⌋) · x[⌊s⌋] + (s - ⌊s⌋) · x[min(⌊s⌋ + 1, in - 1)]
  /// ```
  /// This is done along columns, then along rows, in `Float`. The result is within 1e-6 of
  /// PyTorch's.
  ///
  /// - Parameters:
  ///   - width: The width of the result in pixels.
  ///   - height: The height of the result in pixels.
  /// - Returns: Shape `[C, height, width]`.
  /// - SeeAlso: `compute_source_index_and_lambda` in PyTorch, aten/src/ATen/native/UpSample.h.
  package func bilinearlyResized(width: Int, height: Int) -> Tensor {
    bilinearlyResized(levels: (0...255).map { Float($0) / 255 }, width: width, height: height)
  }

  /// Resizes the image in the same way, with byte b read as `levels[b]`.
  func bilinearlyResized(levels: [Float], width: Int, height: Int) -> Tensor {
    // PyTorch uses a different kernel for small results, in which its compiler fuses the product
    // and the difference in s: `_use_vectorized_kernel_cond_2d` in
    // aten/src/ATen/native/cpu/UpSampleKernel.cpp.
    let fused = width + height <= 128
    return interpolated(
      levels: levels, rows: .halfPixel(from: self.height, to: height, fused: fused),
      columns: .halfPixel(from: self.width, to: width, fused: fused)
    ) { fraction, low, high in (1 - fraction) * low + fraction * high }
  }

  /// Interpolates each output pixel from the four input pixels around it, along columns first and
  /// then along rows, with byte b read as `levels[b]`.
  ///
  /// - Returns: Shape `[C, rows, columns]`.
  func interpolated(
    levels: [Float], rows: [Neighbours], columns: [Neighbours],
    mix: (_ fraction: Float, _ low: Float, _ high: Float) -> Float
  ) -> Tensor {
    let (width, channels, count) = (width, channels, columns.count)
    let places = columns.map { (left: $0.low * channels, right: $0.high * channels) }
    let fractions = columns.map(\.fraction)
    /// Interpolates a row of the input along its columns.
    func interpolate(_ line: Int, _ channel: Int, into result: inout [Float]) {
      let start = line * width * channels + channel
      result.withUnsafeMutableBufferPointer { result in
        pixels[start...].withUnsafeBufferPointer { pixels in
          levels.withUnsafeBufferPointer { levels in
            for index in 0..<count {
              let (left, right) = places[index]
              result[index] = mix(
                fractions[index], levels[Int(pixels[left])], levels[Int(pixels[right])])
            }
          }
        }
      }
    }
    let values = [Float](unsafeUninitializedCapacity: channels * rows.count * count) {
      values, initialized in
      initialized = values.count
      for channel in 0..<channels {
        // The two rows of the input, which are those of several rows of the result in turn.
        var low = (line: -1, values: [Float](repeating: 0, count: count))
        var high = low
        for (index, row) in rows.enumerated() {
          if row.low == high.line { swap(&low, &high) }
          if row.low != low.line {
            interpolate(row.low, channel, into: &low.values)
            low.line = row.low
          }
          if row.high != high.line {
            interpolate(row.high, channel, into: &high.values)
            high.line = row.high
          }
          let start = (channel * rows.count + index) * count
          low.values.withUnsafeBufferPointer { low in
            high.values.withUnsafeBufferPointer { high in
              for place in 0..<count {
                values[start &+ place] = mix(row.fraction, low[place], high[place])
              }
            }
          }
        }
      }
    }
    return Tensor(shape: [channels, rows.count, columns.count], values: values)
  }
}

/// The two input positions between which an output position lies.
struct Neighbours {
  let low: Int
  let high: Int
  /// The distance from ``low``, in [0, 1).
  let fraction: Float

  /// Finds the neighbours of position `source` among `inputs` positions.
  init(of source: Float, inputs: Int) {
    low = min(Int(source), inputs - 1)
    high = min(low + 1, inputs - 1)
    fraction = min(source - Float(low), 1)
  }
}

extension [Neighbours] {
  /// Returns the neighbours for square pixels: the centre of output i is at (i + 1/2) · in / out -
  /// 1/2, but at least 0.
  ///
  /// - Parameter fused: Whether the product and the difference are rounded once instead of twice.
  static func halfPixel(from inputs: Int, to outputs: Int, fused: Bool) -> Self {
    let scale = Float(inputs) / Float(outputs)
    return (0..<outputs).map { output in
      let centre = Float(output) + 0.5
      let source = fused ? (-0.5 as Float).addingProduct(scale, centre) : scale * centre - 0.5
      return Neighbours(of: Swift.max(source, 0), inputs: inputs)
    }
  }

  /// Returns the neighbours for pixels that are points at their upper left corners: output i is at
  /// i · in / out.
  static func corner(from inputs: Int, to outputs: Int) -> Self {
    let scale = Float(inputs) / Float(outputs)
    return (0..<outputs).map { Neighbours(of: Float($0) * scale, inputs: inputs) }
  }
}
