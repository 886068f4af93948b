/// A convolution of each channel by itself, whose result is as large as the image.
///
/// ```
/// y[i, j, c] = bias[c] + Σ_{u, v} weight[u, v, c] · x[i + u - k / 2, j + v - k / 2, c]
/// ```
/// `x` is zero outside the image. All arithmetic is in `Float`.
package struct DepthwiseConv2d: Sendable {
  /// The weights, shape `[k, k, C]`.
  private let weight: Tensor
  /// The shift of each channel, shape `[C]`.
  private let bias: Tensor

  /// Creates a convolution from its weights.
  ///
  /// - Parameters:
  ///   - weight: Shape `[C, 1, k, k]` with an odd k, as PyTorch stores it.
  ///   - bias: Shape `[C]`.
  package init(weight: Tensor, bias: Tensor) {
    precondition(
      weight.shape.count == 4 && weight.shape[1] == 1 && weight.shape[2] == weight.shape[3]
        && weight.shape[2] % 2 == 1 && bias.shape == [weight.shape[0]],
      "DepthwiseConv2d: weight \(weight.shape), bias \(bias.shape)")
    self.weight = channelsLast(
      weight.reshaped([weight.shape[0], weight.shape[2], weight.shape[3]]))
    self.bias = bias
  }

  /// Convolves one image.
  ///
  /// - Parameter x: Shape `[H, W, C]`.
  /// - Returns: Shape `[H, W, C]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(
      x.shape.count == 3 && x.columns == weight.columns, "DepthwiseConv2d: \(x.shape)")
    let (height, width, channels) = (x.shape[0], x.shape[1], x.shape[2])
    let (size, half) = (weight.shape[0], weight.shape[0] / 2)
    return Tensor(shape: x.shape) { y in
      x.values.withUnsafeBufferPointer { x in
        weight.values.withUnsafeBufferPointer { weight in
          bias.values.withUnsafeBufferPointer { bias in
            guard let x = x.baseAddress, let weight = weight.baseAddress,
              let bias = bias.baseAddress
            else { return }
            for row in 0..<height {
              for column in 0..<width {
                let sums = y + (row * width + column) * channels
                sums.update(from: bias, count: channels)
                for u in max(0, half - row)..<min(size, height + half - row) {
                  for v in max(0, half - column)..<min(size, width + half - column) {
                    let pixel = x + ((row + u - half) * width + column + v - half) * channels
                    let factors = weight + (u * size + v) * channels
                    for channel in 0..<channels {
                      sums[channel] += factors[channel] * pixel[channel]
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}
