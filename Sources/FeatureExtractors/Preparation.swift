import Images
import Tensors

/// How an image becomes the input of the Inception graph, `[3, 299, 299]`. The families of tools
/// differ in both steps, and so do their scores.
public struct Preparation: Hashable, Sendable {
  /// How images of any size become 299 x 299.
  public enum Resize: String, CaseIterable, Sendable {
    /// TensorFlow 1's bilinear interpolation, without half-pixel centres.
    case tensorFlow = "TensorFlow 1 bilinear"
    /// PyTorch's bilinear interpolation with half-pixel centres and no smoothing.
    case torch = "PyTorch bilinear"
    /// PyTorch's bilinear interpolation that smooths before shrinking.
    case torchAntialiased = "PyTorch bilinear, antialiased"
    /// Pillow's bicubic filter on float channels, clipped.
    case pillowBicubic = "Pillow bicubic on floats"
  }

  /// How bytes become numbers around zero.
  public enum Scale: String, CaseIterable, Sendable {
    /// `2 (x / 255) - 1`, in [-1, 1].
    case symmetric = "2x/255-1"
    /// `(x - 128) / 128`, in [-1, 0.9921875], as the graph itself has it.
    case offset = "(x-128)/128"
  }

  /// The resize.
  public let resize: Resize
  /// The scale.
  public let scale: Scale
  /// Whether the resized image is rounded to bytes, as when it is saved. No tool does; it shows what
  /// saving costs.
  public let roundsToBytes: Bool

  /// Combines the steps.
  public init(_ resize: Resize, _ scale: Scale, roundsToBytes: Bool = false) {
    self.resize = resize
    self.scale = scale
    self.roundsToBytes = roundsToBytes
  }

  /// pytorch-fid, DiS, U-ViT, dgm-eval, and clean-fid's `legacy_pytorch`.
  public static let pytorch = Preparation(.torch, .symmetric)
  /// TTUR, guided-diffusion, torch-fidelity, EDM, and clean-fid's `legacy_tensorflow`.
  public static let tensorFlow = Preparation(.tensorFlow, .offset)
  /// clean-fid's `clean`.
  public static let clean = Preparation(.pillowBicubic, .offset)
  /// torchmetrics.
  public static let torchmetrics = Preparation(.torchAntialiased, .offset)

  /// In one line, for provenance.
  public var description: String {
    "\(resize.rawValue) to 299x299, \(roundsToBytes ? "rounded to bytes, " : "")\(scale.rawValue)"
  }

  /// `image` as the network's input: `[3, 299, 299]`, grey repeated.
  package func callAsFunction(_ image: Image) -> Tensor {
    var x: Tensor
    if self == .pytorch {
      // pytorch-fid divides by 255 before it resizes; that decides the last bits.
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
