import CKernels

/// Returns the largest value under each position of `window`, for each channel. Padding is ignored,
/// and the result is NaN if any value is NaN.
///
/// - Parameters:
///   - x: Shape `[C, H, W]`.
///   - window: The window, which determines H' and W'.
/// - Returns: Shape `[C, H', W']`.
package func maxPool2d(_ x: Tensor, _ window: Window) -> Tensor {
  let sliding = window.over(x.shape)
  return Tensor(shape: [x.shape[0], sliding.out_height, sliding.out_width]) {
    dis_max_pool($0, x.values, x.shape[0], sliding)
  }
}

/// Returns the mean under each position of `window`, for each channel. Padding is not counted, as
/// in PyTorch's `avg_pool2d` with `count_include_pad=False`.
///
/// - Parameters:
///   - x: Shape `[C, H, W]`.
///   - window: The window, which determines H' and W'.
/// - Returns: Shape `[C, H', W']`.
package func averagePool2d(_ x: Tensor, _ window: Window) -> Tensor {
  let sliding = window.over(x.shape)
  return Tensor(shape: [x.shape[0], sliding.out_height, sliding.out_width]) {
    dis_average_pool($0, x.values, x.shape[0], sliding)
  }
}

/// Returns the mean of each channel over all pixels, accumulated in `Double`.
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
