/// A resampling method whose result is bytes: Pillow's, for images of modes `L` and `RGB`.
///
/// When shrinking, both filters grow by the factor in / out, so that every input pixel contributes.
package enum ByteResampling: CaseIterable, Sendable {
  /// The mean of the pixels covered by an output pixel: Pillow's `BOX`.
  case box
  /// Keys' cubic with a = -1/2: Pillow's `BICUBIC`.
  case bicubic

  fileprivate var filter: ResamplingFilter {
    switch self {
    case .box: .box
    case .bicubic: .cubic
    }
  }
}

extension Image {
  /// Resizes the image as `Image.resize((width, height), filter)` of Pillow 11 does, byte for byte.
  ///
  /// ```
  /// y = clip(⌊(Σ_j W[j] · x[j] + 2²¹) / 2²²⌋, 0, 255)      W: the weights times 2²², rounded
  /// ```
  /// This is done along columns, with bytes as the result, and then along rows, as in Pillow 11.
  /// Pillow 13 processes the rows of some tall images first, which changes bytes: by up to 24 in
  /// noise of 401 x 298 resized to 299 x 299.
  ///
  /// - Parameters:
  ///   - width: The width of the result in pixels.
  ///   - height: The height of the result in pixels.
  ///   - resampling: The filter.
  /// - Returns: An image of the same number of channels.
  /// - SeeAlso: `ImagingResampleHorizontal_8bpc` in Pillow, src/libImaging/Resample.c.
  package func resizedToBytes(width: Int, height: Int, by resampling: ByteResampling) -> Image {
    checkExtents(width, height)
    return resampled(
      columns: Taps(resampling.filter, from: self.width, to: width),
      rows: Taps(resampling.filter, from: self.height, to: height))
  }

  /// Returns the central square of the image after resizing its shorter side to `side` pixels.
  ///
  /// The image is halved by ``ByteResampling/box`` while its shorter side is at least 2 · `side`,
  /// and then resized by ``ByteResampling/bicubic``. This is guided-diffusion's preparation of
  /// training images, byte for byte. Only the square is computed, so a long, narrow image does not
  /// take more memory.
  ///
  /// - Parameter side: The side of the result in pixels.
  /// - SeeAlso: `center_crop_arr` in guided-diffusion, guided_diffusion/image_datasets.py.
  package func centreCropped(side: Int) -> Image {
    checkExtents(side, side)
    var image = self
    while min(image.width, image.height) >= 2 * side {
      image = image.resizedToBytes(width: image.width / 2, height: image.height / 2, by: .box)
    }
    let scale = Double(side) / Double(min(image.width, image.height))
    func taps(_ inputs: Int) -> Taps<Double> {
      // Python's `round` rounds half to even.
      let size = Int((Double(inputs) * scale).rounded(.toNearestOrEven))
      let start = (size - side) / 2
      return Taps(.cubic, from: inputs, to: size, window: start..<start + side)
    }
    return image.resampled(columns: taps(image.width), rows: taps(image.height))
  }

  private func resampled(columns: Taps<Double>, rows: Taps<Double>) -> Image {
    let (width, height) = (columns.outputs.count, rows.outputs.count)
    func byte(_ sum: Int) -> UInt8 { UInt8(clamping: (sum + (1 << 21)) >> 22) }
    let narrow = columns.fixedPoint.applied(
      to: pixels, inner: channels, read: { Int($0) }, write: byte)
    let both = rows.fixedPoint.applied(
      to: narrow, inner: width * channels, read: { Int($0) }, write: byte)
    return Image(width: width, height: height, channels: channels, pixels: both)
  }
}
