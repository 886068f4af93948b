import CKernels

/// The largest value under each position of `window`, per channel. Padding never is the largest;
/// NaN always.
///
/// - Parameter x: Shape `[C, H, W]`.
/// - Returns: Shape `[C, H', W']`.
package func maxPool2d(_ x: Tensor, _ window: Window) -> Tensor {
  let sliding = window.over(x.shape)
  return Tensor(shape: [x.shape[0], sliding.out_height, sliding.out_width]) {
    dis_max_pool($0, x.values, x.shape[0], sliding)
  }
}

/// The mean under each position of `window`, per channel. Padding is not counted: PyTorch's
/// `avg_pool2d` with `count_include_pad=False`.
///
/// - Parameter x: Shape `[C, H, W]`.
/// - Returns: Shape `[C, H', W']`.
package func averagePool2d(_ x: Tensor, _ window: Window) -> Tensor {
  let sliding = window.over(x.shape)
  return Tensor(shape: [x.shape[0], sliding.out_height, sliding.out_width]) {
    dis_average_pool($0, x.values, x.shape[0], sliding)
  }
}

/// The mean of each channel over all pixels, accumulated in `Double`.
///
/// - Parameter x: Shape `[H, W, C]`.
/// - Returns: Shape `[1, C]`.
package func globalMean(_ x: Tensor) -> Tensor {
  let (pixels, channels) = (x.rows, x.columns)
  var sums = [Double](repeating: 0, count: channels)
  for pixel in 0..<pixels {
    for channel in 0..<channels { sums[channel] += Double(x.values[pixel * channels + channel]) }
  }
  return Tensor(shape: [1, channels], values: sums.map { Float($0 / Double(pixels)) })
}
