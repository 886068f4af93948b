import Tensors

extension Image {
  /// The image scaled to [0, 1] and resized by bilinear interpolation, as PyTorch does:
  /// `F.interpolate(x / 255, (height, width), mode="bilinear", align_corners=False)`.
  ///
  /// Pixels are squares with half-pixel centres, and nothing is smoothed before shrinking: an output
  /// pixel takes its value from the four input pixels around its centre.
  ///
  /// ```
  /// s = max((i + 1/2) · in / out - 1/2, 0)     position of output row or column i in the input
  /// y = (1 - s + ⌊s⌋) · x[⌊s⌋] + (s - ⌊s⌋) · x[min(⌊s⌋ + 1, in - 1)]
  /// ```
  /// along columns, then along rows, in `Float`, within 1e-6 of PyTorch.
  ///
  /// - Returns: Shape `[channels, height, width]`.
  /// - SeeAlso: `compute_source_index_and_lambda` in PyTorch,
  ///   aten/src/ATen/native/UpSample.h.
  package func bilinearlyResized(width: Int, height: Int) -> Tensor {
    let rows = Neighbours.all(from: self.height, to: height)
    let columns = Neighbours.all(from: self.width, to: width)
    let unit = (0...255).map { Float($0) / 255 }
    var values: [Float] = []
    values.reserveCapacity(channels * height * width)
    for channel in 0..<channels {
      for row in rows {
        let low = row.low * self.width * channels + channel
        let high = row.high * self.width * channels + channel
        for column in columns {
          let (left, right) = (column.low * channels, column.high * channels)
          let top = column.mix(unit[Int(pixels[low + left])], unit[Int(pixels[low + right])])
          let bottom = column.mix(unit[Int(pixels[high + left])], unit[Int(pixels[high + right])])
          values.append(row.mix(top, bottom))
        }
      }
    }
    return Tensor(shape: [channels, height, width], values: values)
  }
}

/// The two input positions that one output position lies between.
private struct Neighbours {
  let low: Int
  let high: Int
  /// The distance from `low`, in [0, 1).
  let fraction: Float

  func mix(_ lowValue: Float, _ highValue: Float) -> Float {
    (1 - fraction) * lowValue + fraction * highValue
  }

  /// For each of `outputs` positions, its neighbours among `inputs`.
  static func all(from inputs: Int, to outputs: Int) -> [Neighbours] {
    let scale = Float(inputs) / Float(outputs)
    return (0..<outputs).map { output in
      let source = max(scale * (Float(output) + 0.5) - 0.5, 0)
      let low = min(Int(source), inputs - 1)
      return Neighbours(
        low: low, high: min(low + 1, inputs - 1), fraction: min(source - Float(low), 1))
    }
  }
}
