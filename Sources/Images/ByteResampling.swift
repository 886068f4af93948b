/// A way to resize that gives bytes again: Pillow's on images of modes `L` and `RGB`.
///
/// Both filters grow with in / out when shrinking, so that every input pixel counts.
package enum ByteResampling: CaseIterable, Sendable {
  /// The mean of the pixels under an output pixel: Pillow's `BOX`.
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
  /// The image as Pillow 11's `Image.resize((width, height), filter)` makes it, byte for byte.
  ///
  /// ```
  /// y = clip(⌊(Σ_j W[j] · x[j] + 2²¹) / 2²²⌋, 0, 255)      W: the weights times 2²², rounded
  /// ```
  /// along columns to bytes, then along rows, as Pillow 11 does. Pillow 13 takes the rows
  /// of some tall images first, which changes bytes: by up to 24 in noise of 401 x 298 made
  /// 299 x 299.
  ///
  /// - SeeAlso: `ImagingResampleHorizontal_8bpc` in Pillow, src/libImaging/Resample.c.
  package func resizedToBytes(width: Int, height: Int, by resampling: ByteResampling) -> Image {
    checkExtents(width, height)
    return resampled(
      columns: Taps(resampling.filter, from: self.width, to: width),
      rows: Taps(resampling.filter, from: self.height, to: height))
  }

  /// The square of `side` pixels in the middle of the image, whose shorter side is first made `side`
  /// long: halved by ``ByteResampling/box`` while it is at least 2 · `side`, then resized by
  /// ``ByteResampling/bicubic``. Byte for byte guided-diffusion's preparation of training images.
  ///
  /// Of the resized image only the square is computed, so a long, narrow image costs no more memory.
  ///
  /// - SeeAlso: `center_crop_arr` in guided-diffusion, guided_diffusion/image_datasets.py.
  package func centreCropped(side: Int) -> Image {
    checkExtents(side, side)
    var image = self
    while min(image.width, image.height) >= 2 * side {
      image = image.resizedToBytes(width: image.width / 2, height: image.height / 2, by: .box)
    }
    let scale = Double(side) / Double(min(image.width, image.height))
    func taps(_ inputs: Int) -> Taps<Double> {
      // Python's round: half to even.
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
