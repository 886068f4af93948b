import Tensors

/// A resampling method whose result is floats, one for each family of published scores.
///
/// All methods read an image as floats in 0...255 and do not round the result.
package enum Resampling: CaseIterable, Sendable {
  /// TensorFlow 1's bilinear interpolation, used by the original FID, guided-diffusion's evaluator
  /// and torch-fidelity. It has no half-pixel centres, so the result is shifted up and to the left.
  ///
  /// ```
  /// s = i · (in / out)      position of output row or column i in the input
  /// y = x[⌊s⌋] + (x[min(⌊s⌋ + 1, in - 1)] - x[⌊s⌋]) · (s - ⌊s⌋)
  /// ```
  /// Computed along columns, then along rows, in `Float`, and equal to the original bit for bit.
  ///
  /// - SeeAlso: `interpolate_bilinear_2d_like_tensorflow1x` in torch-fidelity,
  ///   torch_fidelity/interpolate_compat_tensorflow.py.
  case legacyBilinear

  /// PyTorch's `F.interpolate(mode="bilinear", align_corners=False)`, used by clean-fid's
  /// `legacy_pytorch`, within 1e-4. pytorch-fid applies the same to x / 255:
  /// ``Image/bilinearlyResized(width:height:)``.
  ///
  /// - SeeAlso: `compute_source_index_and_lambda` in PyTorch, aten/src/ATen/native/UpSample.h.
  case bilinear

  /// PyTorch's `F.interpolate(mode="bilinear", align_corners=False, antialias=True)`, used by
  /// torchmetrics, within 1e-4. The filter is a triangle that extends max(in / out, 1) pixels to
  /// either side. Weights and sums are in `Float`, along columns, then along rows. PyTorch 2.15 is
  /// wrong for results of one column and several rows, which is not reproduced.
  ///
  /// - SeeAlso: `upsample_bilinear2d_aa_kernel_impl` in PyTorch,
  ///   aten/src/ATen/native/cpu/UpSampleKernel.cpp.
  case antialiasedBilinear

  /// PyTorch's `F.interpolate(mode="bicubic", align_corners=False, antialias=True)`, used by EDM2 and
  /// FD-loss for their networks other than Inception, within 5e-4. The filter is Keys' cubic with
  /// a = -1/2, stretched by max(in / out, 1). Weights and sums are in `Float`, along columns, then
  /// along rows. The result is not clipped: at edges it extends beyond 0...255.
  ///
  /// - SeeAlso: `upsample_bicubic2d_aa_kernel_impl` in PyTorch,
  ///   aten/src/ATen/native/cpu/UpSampleKernel.cpp.
  case antialiasedBicubic

  /// Pillow's `Image.resize(size, BICUBIC)` of each channel in mode `F`, clipped to 0...255, used
  /// by clean-fid's `clean`. The filter is Keys' cubic with a = -1/2, stretched by max(in / out,
  /// 1). Weights and sums are in `Double`, the image between the two passes in `Float`, columns
  /// first. The result equals that of Pillow 11 bit for bit. (Pillow 13 processes the rows of some
  /// tall images first, which changes the result by 3e-5 of 255.)
  ///
  /// - SeeAlso: `make_resizer` in clean-fid, cleanfid/resize.py, and
  ///   `ImagingResampleHorizontal_32bpc` in Pillow, src/libImaging/Resample.c.
  case bicubic
}

extension Image {
  /// Resizes the image by `resampling`.
  ///
  /// - Parameters:
  ///   - width: The width of the result in pixels.
  ///   - height: The height of the result in pixels.
  ///   - resampling: The method.
  /// - Returns: Shape `[C, height, width]`, values in 0...255.
  package func resized(width: Int, height: Int, by resampling: Resampling) -> Tensor {
    checkExtents(width, height)
    switch resampling {
    case .legacyBilinear:
      return interpolated(
        levels: (0...255).map(Float.init), rows: .corner(from: self.height, to: height),
        columns: .corner(from: self.width, to: width)
      ) { fraction, low, high in low + (high - low) * fraction }
    case .bilinear:
      return bilinearlyResized(
        levels: (0...255).map(Float.init), width: width, height: height)
    case .antialiasedBilinear:
      return resampled(
        columns: Taps<Float>(.triangle, from: self.width, to: width),
        rows: Taps<Float>(.triangle, from: self.height, to: height)
      ) { $0 }
    case .antialiasedBicubic:
      return resampled(
        columns: Taps<Float>(.cubic, from: self.width, to: width),
        rows: Taps<Float>(.cubic, from: self.height, to: height)
      ) { $0 }
    case .bicubic:
      return resampled(
        columns: Taps<Double>(.cubic, from: self.width, to: width),
        rows: Taps<Double>(.cubic, from: self.height, to: height)
      ) { min(max(Float($0), 0), 255) }
    }
  }

  /// Resamples the image as floats along both axes, columns first.
  private func resampled<Weight: BinaryFloatingPoint>(
    columns: Taps<Weight>, rows: Taps<Weight>, finish: (Weight) -> Float
  ) -> Tensor {
    let (width, height) = (columns.outputs.count, rows.outputs.count)
    let narrow = columns.applied(
      to: pixels, inner: channels, read: { Weight($0) }, write: { Float($0) })
    let interleaved = rows.applied(
      to: narrow, inner: width * channels, read: { Weight($0) }, write: finish)
    var values: [Float] = []
    values.reserveCapacity(interleaved.count)
    for channel in 0..<channels {
      for pixel in 0..<height * width { values.append(interleaved[pixel * channels + channel]) }
    }
    return Tensor(shape: [channels, height, width], values: values)
  }

  func checkExtents(_ width: Int, _ height: Int) {
    precondition(self.width > 0 && self.height > 0, "an image without pixels has no resized form")
    precondition(width > 0 && height > 0, "resized to no pixels")
  }
}
