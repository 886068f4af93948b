import CKernels

/// The way a kernel slides over the last two axes of an image `[C, H, W]`.
package struct Window: Sendable {
  /// The number of rows and columns of the kernel.
  package let kernel: (height: Int, width: Int)
  /// The number of pixels from one position to the next, along both axes.
  package let stride: Int
  /// The number of rows and columns added on each side of the image.
  package let padding: (height: Int, width: Int)

  /// Creates a window that may differ between the two axes.
  ///
  /// - Parameters:
  ///   - kernel: The number of rows and columns of the kernel.
  ///   - stride: The step in pixels along both axes.
  ///   - padding: The rows and columns added on each side. They must be fewer than those of the
  ///     kernel, so that each position covers at least one pixel.
  package init(
    kernel: (height: Int, width: Int), stride: Int = 1,
    padding: (height: Int, width: Int) = (height: 0, width: 0)
  ) {
    precondition(stride >= 1, "Window: stride \(stride)")
    precondition(
      0 <= padding.height && padding.height < kernel.height
        && 0 <= padding.width && padding.width < kernel.width,
      "Window: padding \(padding), kernel \(kernel)")
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  /// Creates a square window with the same padding along both axes.
  ///
  /// - Parameters:
  ///   - size: The number of rows and columns of the kernel.
  ///   - stride: The step in pixels along both axes.
  ///   - padding: The rows and columns added on each side.
  package init(_ size: Int, stride: Int = 1, padding: Int = 0) {
    self.init(
      kernel: (height: size, width: size), stride: stride,
      padding: (height: padding, width: padding))
  }

  /// Returns the window over an image of shape `[C, H, W]`, for the C kernels.
  func over(_ shape: [Int]) -> dis_window {
    precondition(shape.count == 3, "Window: \(shape) is not [C, H, W]")
    let padded = (height: shape[1] + 2 * padding.height, width: shape[2] + 2 * padding.width)
    precondition(
      padded.height >= kernel.height && padded.width >= kernel.width,
      "Window: \(shape) is smaller than the kernel \(kernel)")
    return dis_window(
      height: shape[1], width: shape[2], kernel_height: kernel.height, kernel_width: kernel.width,
      stride: stride, padding_height: padding.height, padding_width: padding.width,
      out_height: (padded.height - kernel.height) / stride + 1,
      out_width: (padded.width - kernel.width) / stride + 1)
  }
}
