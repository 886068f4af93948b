import CKernels
import CLAPACK

/// A two-dimensional convolution with bias, optionally followed by ReLU.
///
/// ```
/// y[o, i, j] = bias[o]
///   + Σ_{c, u, v} weight[o, c, u, v] · x[c, stride·i + u - padding, stride·j + v - padding]
/// ```
/// `x` is zero outside the image, and as in PyTorch's `conv2d`, the kernel is not flipped. One
/// image is processed at a time on the calling thread, so a result depends on its image only. All
/// arithmetic is in `Float`.
package struct Conv2d: Sendable {
  /// The weights, shape `[Cout, Cin, kh, kw]`.
  package let weight: Tensor
  /// The shift of each output channel, shape `[Cout]`.
  package let bias: Tensor
  /// The kernel, stride and padding.
  package let window: Window
  /// Whether negative results are set to zero.
  package let relu: Bool

  /// Creates a convolution from its weights and the way they slide.
  ///
  /// - Parameters:
  ///   - weight: Shape `[Cout, Cin, kh, kw]`.
  ///   - bias: Shape `[Cout]`.
  ///   - stride: The step in pixels along both axes.
  ///   - padding: The rows and columns of zeros added on each side.
  ///   - relu: Whether negative results are set to zero.
  package init(
    weight: Tensor, bias: Tensor, stride: Int = 1,
    padding: (height: Int, width: Int) = (height: 0, width: 0), relu: Bool = false
  ) {
    precondition(weight.shape.count == 4, "Conv2d: weight \(weight.shape)")
    precondition(bias.shape == [weight.shape[0]], "Conv2d: bias \(bias.shape), \(weight.shape)")
    self.weight = weight
    self.bias = bias
    self.window = Window(
      kernel: (height: weight.shape[2], width: weight.shape[3]), stride: stride, padding: padding)
    self.relu = relu
  }

  /// The approximate number of output pixels whose columns are unfolded at a time: few enough to
  /// stay in a second-level cache, and enough for the matrix product to run at full speed.
  package static let blockPixels = 512

  /// Convolves one image.
  ///
  /// Patches are unfolded into columns, some rows of output pixels at a time, and multiplied by the
  /// weights: `[Cout, K] · [K, pixels]`, `K = Cin · kh · kw`. A 1 x 1 convolution multiplies the
  /// image directly.
  ///
  /// - Parameter x: Shape `[Cin, H, W]`.
  /// - Returns: Shape `[Cout, H', W']`, with `H' = (H + 2 · padding - kh) / stride + 1` rounded
  ///   down, and `W'` likewise.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(x.shape.first == weight.shape[1], "Conv2d: \(x.shape), weight \(weight.shape)")
    let sliding = window.over(x.shape)
    let (height, width) = (sliding.out_height, sliding.out_width)
    let (channels, depth, pixels) = (bias.count, weight.count / bias.count, height * width)
    func multiply(_ y: UnsafeMutablePointer<Float>, columns: UnsafePointer<Float>?, count: Int) {
      withOneBLASThread {
        cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(channels), blasint(count),
          blasint(depth), 1, weight.values, blasint(depth), columns, blasint(count), 0, y,
          blasint(pixels))
      }
      dis_add_bias(y, bias.values, channels, count, pixels, relu)
    }

    return Tensor(shape: [channels, height, width]) { y in
      if depth == x.shape[0] && pixels == x.columns * x.shape[1] {
        multiply(y, columns: x.values, count: pixels)
        return
      }
      let blockRows = min(height, max(1, Self.blockPixels / width))
      withUnsafeTemporaryAllocation(of: Float.self, capacity: depth * blockRows * width) {
        columns in
        for row in stride(from: 0, to: height, by: blockRows) {
          let rows = min(blockRows, height - row)
          dis_im2col(columns.baseAddress, x.values, x.shape[0], sliding, row, rows)
          multiply(
            y + row * width, columns: UnsafePointer(columns.baseAddress), count: rows * width)
        }
      }
    }
  }
}
