import Images
import Tensors

/// The conversion of an image to the input of the Inception graph, `[3, 299, 299]`. Tools differ in
/// both of its steps, and therefore in their scores.
public struct Preparation: Hashable, Sendable {
  /// The methods for resizing images to 299 x 299.
  public enum Resize: String, CaseIterable, Sendable {
    /// TensorFlow 1's bilinear interpolation, without half-pixel centres.
    case tensorFlow = "TensorFlow 1 bilinear"
    /// PyTorch's bilinear interpolation, with half-pixel centres and without smoothing.
    case torch = "PyTorch bilinear"
    /// PyTorch's bilinear interpolation with smoothing before shrinking.
    case torchAntialiased = "PyTorch bilinear, antialiased"
    /// Pillow's bicubic filter on float channels, with clipping.
    case pillowBicubic = "Pillow bicubic on floats"
  }

  /// The mappings of bytes to numbers around zero.
  public enum Scale: String, CaseIterable, Sendable {
    /// `2 (x / 255) - 1`, in [-1, 1].
    case symmetric = "2x/255-1"
    /// `(x - 128) / 128`, in [-1, 0.9921875], as in the graph itself.
    case offset = "(x-128)/128"
  }

  /// The method of resizing.
  public let resize: Resize
  /// The mapping of bytes to numbers.
  public let scale: Scale
  /// Whether the resized image is rounded to bytes, as it would be if it were saved. No tool does
  /// this; it shows the effect of saving.
  public let roundsToBytes: Bool

  /// Creates a preparation from its steps.
  public init(_ resize: Resize, _ scale: Scale, roundsToBytes: Bool = false) {
    self.resize = resize
    self.scale = scale
    self.roundsToBytes = roundsToBytes
  }

  /// The preparation of pytorch-fid, DiS, U-ViT, dgm-eval, and clean-fid's `legacy_pytorch`.
  public static let pytorch = Preparation(.torch, .symmetric)
  /// The preparation of TTUR, guided-diffusion, torch-fidelity, EDM, and clean-fid's
  /// `legacy_tensorflow`.
  public static let tensorFlow = Preparation(.tensorFlow, .offset)
  /// The preparation of clean-fid's `clean`.
  public static let clean = Preparation(.pillowBicubic, .offset)
  /// The preparation of torchmetrics.
  public static let torchmetrics = Preparation(.torchAntialiased, .offset)

  /// A one-line description for provenance.
  public var description: String {
    "\(resize.rawValue) to 299x299, \(roundsToBytes ? "rounded to bytes, " : "")\(scale.rawValue)"
  }

  /// Converts an image to the network's input. Grey is repeated in all channels.
  ///
  /// - Parameter image: An image of any size, `[H, W, 1]` or `[H, W, 3]`.
  /// - Returns: Shape `[3, 299, 299]`.
  package func callAsFunction(_ image: Image) -> Tensor {
    var x: Tensor
    if self == .pytorch {
      // pytorch-fid divides by 255 before resizing, which affects the last bits.
      x = image.bilinearlyResized(width: 299, height: 299)
      for index in x.values.indices { x.values[index] = 2 * x.values[index] - 1 }
    } else {
      x = image.resized(width: 299, height: 299, by: resize.resampling)
      if roundsToBytes {
        for index in x.values.indices { x.values[index].round(.toNearestOrEven) }
      }
      switch scale {
      case .symmetric:
        for index in x.values.indices { x.values[index] = 2 * (x.values[index] / 255) - 1 }
      case .offset:
        for index in x.values.indices { x.values[index] = (x.values[index] - 128) / 128 }
      }
    }
    return image.channels == 3 ? x : concatenateChannels([x, x, x])
  }
}

extension Preparation.Resize {
  fileprivate var resampling: Resampling {
    switch self {
    case .tensorFlow: .legacyBilinear
    case .torch: .bilinear
    case .torchAntialiased: .antialiasedBilinear
    case .pillowBicubic: .bicubic
    }
  }
}
