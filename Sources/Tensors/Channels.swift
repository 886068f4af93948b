/// The channels of `images`, one image after the other.
///
/// - Parameter images: Shapes `[C₁, H, W]`, `[C₂, H, W]`, …, at least one.
/// - Returns: Shape `[C₁ + C₂ + …, H, W]`.
package func concatenateChannels(_ images: [Tensor]) -> Tensor {
  let extents = images[0].shape.dropFirst()
  precondition(images.allSatisfy { $0.shape.dropFirst() == extents }, "images differ in size")
  var values: [Float] = []
  values.reserveCapacity(images.reduce(0) { $0 + $1.count })
  for image in images { values += image.values }
  return Tensor(shape: [images.reduce(0) { $0 + $1.shape[0] }] + extents, values: values)
}
