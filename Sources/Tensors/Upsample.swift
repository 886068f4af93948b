import CKernels

/// An image of twice the height and width, each pixel four times: PyTorch's `interpolate` with
/// `scale_factor=2, mode="nearest"`.
///
/// - Parameter x: Shape `[C, H, W]`.
/// - Returns: Shape `[C, 2H, 2W]`.
package func upsampleNearest(_ x: Tensor) -> Tensor {
  precondition(x.shape.count == 3, "upsampleNearest: \(x.shape) is not [C, H, W]")
  return Tensor(shape: [x.shape[0], 2 * x.shape[1], 2 * x.shape[2]]) {
    dis_upsample_nearest($0, x.values, x.shape[0], x.shape[1], x.shape[2])
  }
}
