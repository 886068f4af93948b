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

/// Returns the largest value under each position of `window`, for each channel, as ``maxPool2d(_:_:)``
/// does for images whose channels come first.
///
/// - Parameters:
///   - x: Shape `[H, W, C]`, with C in whole groups of ``PackedConvolution/channelGroup``.
///   - window: The window, which determines H' and W'.
/// - Returns: Shape `[H', W', C]`.
package func maxPoolChannelsLast(_ x: Tensor, _ window: Window) -> Tensor {
  let channels = x.columns
  precondition(
    x.shape.count == 3 && channels.isMultiple(of: Int(DIS_CHANNELS)), "max pool of \(x.shape)")
  let sliding = window.over([channels, x.shape[0], x.shape[1]])
  return Tensor(shape: [sliding.out_height, sliding.out_width, channels]) {
    dis_max_pool_packed(
      dis_instructions_in_use(), $0, channels, x.values, channels, channels, sliding)
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
