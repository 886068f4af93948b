import Tensors

/// The architecture of a vision transformer, as far as its tensors show it.
package struct VisionTransformerConfiguration: Equatable, Sendable {
  /// The family.
  package let family: VisionFamily
  /// The number of channels of a token, D.
  package let width: Int
  /// The number of blocks.
  package let depth: Int
  /// The side of a patch in pixels.
  package let patch: Int
  /// The side of the stored grid of position embeddings in patches.
  package let grid: Int
  /// The number of channels between the two layers after attention.
  package let hidden: Int
  /// The number of register tokens.
  package let registers: Int
  /// Whether the layers after attention are gated (SwiGLU).
  package let isGated: Bool
  /// Whether each channel that a block adds has a factor (LayerScale).
  package let hasLayerScale: Bool
  /// The number of outputs of the projection after the network, or nil if there is none.
  package let projection: Int?
  /// The number that layer norms add to the variance.
  package var epsilon: Float

  /// The number of heads, each of 64 channels, or of 72 in SigLIP2.
  package var heads: Int { width / (family == .siglip2 ? 72 : 64) }

  /// Whether the first token stands for the class.
  package var hasClassToken: Bool { family != .siglip2 }

  /// The side of the images that the stored position embeddings are for, in pixels.
  package var side: Int { grid * patch }

  /// The name of the architecture, such as `dinov2-vit-l-14-reg4`.
  package var name: String {
    let size = Self.sizes.first { $0.width == width && $0.depth == depth }?.name
    let kind = size.map { "vit-\($0)" } ?? "vit-\(width)x\(depth)"
    switch family {
    case .siglip2 where size == "so400m": return "siglip2-so400m-\(patch)"
    case .clip where side != 224: return "clip-\(kind)-\(patch)-\(side)"
    default: break
    }
    return "\(family.rawValue)-\(kind)-\(patch)" + (registers > 0 ? "-reg\(registers)" : "")
  }

  /// The operations of a forward pass of a square image, those of the matrix products: of the patches, of the four
  /// layers of a block, and of attention.
  ///
  /// - Parameter side: The side of the image in pixels.
  package func operations(side: Int) -> Double {
    let patches = Double(side / patch * (side / patch))
    let tokens = patches + (hasClassToken ? 1 : 0) + Double(registers)
    let d = Double(width)
    let layers = 4 * d * d + (isGated ? 3 : 2) * d * Double(hidden)
    return 2 * patches * d * Double(3 * patch * patch)
      + Double(depth) * (2 * tokens * layers + 4 * tokens * tokens * d)
  }

  /// The network of DINOv2 of a size with a name, such as `l`, without registers; nil for another size or one with
  /// gated layers.
  static func dinov2(_ size: String) -> Self? {
    guard let found = sizes.first(where: { $0.name == size }), ["s", "b", "l"].contains(size)
    else { return nil }
    return Self(
      family: .dinov2, width: found.width, depth: found.depth, patch: 14, grid: 37,
      hidden: 4 * found.width, registers: 0, isGated: false, hasLayerScale: true, projection: nil,
      epsilon: 1e-6)
  }

  /// The sizes that have a name.
  private static let sizes: [(name: String, width: Int, depth: Int)] = [
    ("s", 384, 12), ("b", 768, 12), ("l", 1024, 24), ("so400m", 1152, 27), ("g", 1536, 40),
  ]
}

/// What tools do differently with the same weights of a vision transformer.
package struct VisionTransformerForm: Equatable, Sendable {
  /// The vector of an image that is its features.
  package enum Readout: Equatable, Sendable {
    /// The first token after the last layer norm, D channels.
    case token
    /// The same, multiplied by the projection into the space that is shared with texts.
    case projection
    /// The result of attention pooling, D channels.
    case pool
  }

  /// The side of the network's input in pixels, a multiple of the patch.
  package let side: Int
  /// The resampling of position embeddings for this side.
  package let positions: PositionInterpolation
  /// The activation of layers that are not gated.
  package let activation: GELU
  /// The features.
  package let readout: Readout

  /// Creates a form.
  ///
  /// - Parameters:
  ///   - side: The side of the network's input in pixels, a multiple of the patch.
  ///   - positions: The resampling of position embeddings for this side.
  ///   - activation: The activation of layers that are not gated.
  ///   - readout: The features.
  package init(
    side: Int, positions: PositionInterpolation, activation: GELU, readout: Readout
  ) {
    (self.side, self.positions) = (side, positions)
    (self.activation, self.readout) = (activation, readout)
  }
}
