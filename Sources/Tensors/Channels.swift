/// Concatenates images along the channels.
///
/// - Parameter images: At least one image, shapes `[C₁, H, W]`, `[C₂, H, W]`, ….
/// - Returns: Shape `[C₁ + C₂ + …, H, W]`.
package func concatenateChannels(_ images: [Tensor]) -> Tensor {
  let extents = images[0].shape.dropFirst()
  precondition(images.allSatisfy { $0.shape.dropFirst() == extents }, "images differ in size")
  var values: [Float] = []
  values.reserveCapacity(images.reduce(0) { $0 + $1.count })
  for image in images { values += image.values }
  return Tensor(shape: [images.reduce(0) { $0 + $1.shape[0] }] + extents, values: values)
}

/// Returns an image with the channels of each pixel adjacent in memory.
///
/// - Parameter x: Shape `[C, H, W]`.
/// - Returns: Shape `[H, W, C]`.
package func channelsLast(_ x: Tensor) -> Tensor {
  let (channels, pixels) = (x.shape[0], x.count / x.shape[0])
  return Tensor(shape: [x.shape[1], x.shape[2], channels]) { out in
    x.values.withUnsafeBufferPointer { values in
      for channel in 0..<channels {
        for pixel in 0..<pixels {
          out[pixel * channels + channel] = values[channel * pixels + pixel]
        }
      }
    }
  }
}

/// Returns an image with the pixels of each channel adjacent in memory.
///
/// - Parameter x: Shape `[H, W, C]`.
/// - Returns: Shape `[C, H, W]`.
package func channelsFirst(_ x: Tensor) -> Tensor {
  let (pixels, channels) = (x.rows, x.columns)
  return Tensor(shape: [channels, x.shape[0], x.shape[1]]) { out in
    x.values.withUnsafeBufferPointer { values in
      for pixel in 0..<pixels {
        for channel in 0..<channels {
          out[channel * pixels + pixel] = values[pixel * channels + channel]
        }
      }
    }
  }
}
