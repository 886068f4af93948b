import CKernels

/// How a kernel slides over the two last axes of an image `[C, H, W]`.
package struct Window: Sendable {
  /// Rows and columns of the kernel.
  package let kernel: (height: Int, width: Int)
  /// Pixels from one position to the next, along both axes.
  package let stride: Int
  /// Rows and columns around the image that count as there but empty.
  package let padding: (height: Int, width: Int)

  /// Padding must be smaller than the kernel, so that each position sees a pixel.
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

  /// A square kernel with the same padding along both axes.
  package init(_ size: Int, stride: Int = 1, padding: Int = 0) {
    self.init(
      kernel: (height: size, width: size), stride: stride,
      padding: (height: padding, width: padding))
  }

  /// The window over an image of shape `[C, H, W]`, for the C kernels.
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
