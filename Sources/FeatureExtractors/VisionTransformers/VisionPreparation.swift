import Images
import Tensors

/// The conversion of an image to the input of a vision network. Tools differ in each of its steps,
/// and therefore in their scores.
package struct VisionPreparation: Hashable, Sendable {
  /// The methods for resizing images to a square.
  package enum Resize: String, CaseIterable, Sendable {
    /// PyTorch's bicubic interpolation of floats with smoothing before shrinking, neither clipped nor
    /// rounded.
    case torchBicubic = "PyTorch bicubic, antialiased and not clipped,"
    /// Pillow's bicubic filter, whose result is bytes.
    case pillowBicubic = "Pillow bicubic in bytes"
    /// The same of the central square.
    case pillowBicubicOfSquare = "central square, Pillow bicubic in bytes"
    /// TensorFlow 1's bilinear interpolation, without half-pixel centres.
    case tensorFlow = "TensorFlow 1 bilinear"
  }

  /// The order of operations in which bytes are mapped to numbers around zero, which affects the last
  /// bits.
  package enum Scale: String, CaseIterable, Sendable {
    /// `(x / 255 - mean) / deviation`.
    case unit = "(x/255-m)/s"
    /// `(x - 255 mean) / (255 deviation)`.
    case bytes = "(x-255m)/(255s)"
  }

  /// The mean and the deviation of each channel, with which the network was trained.
  package enum Normalization: String, CaseIterable, Sendable {
    /// Those of ImageNet.
    case imageNet = "ImageNet"
    /// Those of OpenAI's images.
    case openAI = "OpenAI"
    /// One half.
    case half = "1/2"

    /// The mean of each channel in 0...1.
    package var mean: [Double] {
      switch self {
      case .imageNet: [0.485, 0.456, 0.406]
      case .openAI: [0.48145466, 0.4578275, 0.40821073]
      case .half: [0.5, 0.5, 0.5]
      }
    }

    /// The deviation of each channel.
    package var deviation: [Double] {
      switch self {
      case .imageNet: [0.229, 0.224, 0.225]
      case .openAI: [0.26862954, 0.26130258, 0.27577711]
      case .half: [0.5, 0.5, 0.5]
      }
    }
  }

  /// The method of resizing.
  package let resize: Resize
  /// The side of the resized image in pixels.
  package let side: Int
  /// The mapping of bytes to numbers.
  package let scale: Scale
  /// The mean and the deviation of each channel.
  package let normalization: Normalization
  /// The side of the network's input. If it is larger than ``side``, zeros are added on the right and
  /// below, after the normalisation.
  package let paddedSide: Int

  /// Creates a preparation from its steps.
  ///
  /// - Parameters:
  ///   - resize: The method of resizing.
  ///   - side: The side of the resized image in pixels.
  ///   - scale: The mapping of bytes to numbers.
  ///   - normalization: The mean and the deviation of each channel.
  ///   - multiple: A number of pixels to multiples of which the image is padded.
  package init(
    _ resize: Resize, side: Int, _ scale: Scale, _ normalization: Normalization,
    paddedToMultipleOf multiple: Int = 1
  ) {
    (self.resize, self.side, self.scale) = (resize, side, scale)
    self.normalization = normalization
    paddedSide = (side + multiple - 1) / multiple * multiple
  }

  /// A one-line description for provenance.
  package var description: String {
    "\(resize.rawValue) to \(side)x\(side), \(scale.rawValue) of \(normalization.rawValue)"
      + (paddedSide > side ? ", zeros right and below to \(paddedSide)x\(paddedSide)" : "")
  }

  /// Converts an image to the network's input. Grey is repeated in all channels.
  ///
  /// - Parameter image: An image of any size, `[H, W, 1]` or `[H, W, 3]`.
  /// - Returns: Shape `[3, S, S]`, where S is ``paddedSide``.
  package func callAsFunction(_ image: Image) -> Tensor {
    padded(normalized(resized(image)))
  }

  /// Resizes an image.
  ///
  /// - Parameter image: An image of any size, `[H, W, 1]` or `[H, W, 3]`.
  /// - Returns: Shape `[3, side, side]`, bytes as floats, or floats that may lie beyond 0...255.
  package func resized(_ image: Image) -> Tensor {
    let x =
      switch resize {
      case .torchBicubic: image.resized(width: side, height: side, by: .antialiasedBicubic)
      case .tensorFlow: image.resized(width: side, height: side, by: .legacyBilinear)
      case .pillowBicubic: image.resizedToBytes(width: side, height: side, by: .bicubic).floats
      case .pillowBicubicOfSquare:
        image.centralSquare.resizedToBytes(width: side, height: side, by: .bicubic).floats
      }
    return x.shape[0] == 3 ? x : concatenateChannels([x, x, x])
  }

  /// Maps values in 0...255 to numbers around zero, in `Float`.
  ///
  /// - Parameter x: Shape `[3, H, W]`.
  package func normalized(_ x: Tensor) -> Tensor {
    var y = x
    let pixels = x.count / 3
    let (means, deviations) = (normalization.mean, normalization.deviation)
    for channel in 0..<3 {
      let range = channel * pixels..<(channel + 1) * pixels
      switch scale {
      case .unit:
        let (mean, deviation) = (Float(means[channel]), Float(deviations[channel]))
        for index in range { y.values[index] = (y.values[index] / 255 - mean) / deviation }
      case .bytes:
        let (mean, deviation) = (Float(255 * means[channel]), Float(255 * deviations[channel]))
        for index in range { y.values[index] = (y.values[index] - mean) / deviation }
      }
    }
    return y
  }

  private func padded(_ x: Tensor) -> Tensor {
    guard paddedSide > side else { return x }
    var y = Tensor(zeros: [3, paddedSide, paddedSide])
    for row in 0..<3 * side {
      let to = (row / side * paddedSide + row % side) * paddedSide
      y.values.replaceSubrange(to..<to + side, with: x.values[row * side..<(row + 1) * side])
    }
    return y
  }
}

extension Image {
  /// The bytes as floats, `[C, H, W]`.
  fileprivate var floats: Tensor {
    channelsFirst(Tensor(shape: [height, width, channels], values: pixels.map(Float.init)))
  }

  /// The square in the middle, as large as the shorter side.
  fileprivate var centralSquare: Image {
    let side = min(width, height)
    let (left, top) = ((width - side) / 2, (height - side) / 2)
    var square: [UInt8] = []
    square.reserveCapacity(side * side * channels)
    for row in top..<top + side {
      let start = (row * width + left) * channels
      square += pixels[start..<start + side * channels]
    }
    return Image(width: side, height: side, channels: channels, pixels: square)
  }
}
