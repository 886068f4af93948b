import Backbones

/// The cost of a forward pass of one image in billions of operations, with a multiply-add counted
/// as two.
public struct ForwardCompute: Codable, Sendable {
  /// The mixers' matrix products.
  public var projections: Double
  /// The linear layers of the long skips.
  public var skips: Double
  /// Embeddings, modulation and head.
  public var ends: Double
  /// The mixers' convolutions.
  public var convolutions: Double
  /// The selective scans.
  public var scans: Double
  /// The total.
  public var total: Double
  /// The operations counted by the DiS paper's counter, which omits the mixers.
  public var thop: Double
  /// The cost of the same network on images of other sizes, and of one with transformer blocks.
  public var byLength: [Length]

  /// The cost for one size of images.
  public struct Length: Codable, Sendable {
    /// The side of the image or latent in pixels.
    public var imageSide: Int
    /// The number of tokens, L.
    public var tokens: Int
    /// The total, proportional to L.
    public var gflops: Double
    /// The matrix products with transformer blocks of the same width and number instead of the
    /// mixers; a part of them is proportional to L².
    public var transformerGflops: Double
  }

  init(_ configuration: DiSConfiguration) {
    func billions(_ count: Double) -> Double { count / 1e9 }
    let cost = configuration.cost
    projections = billions(cost.projections)
    skips = billions(cost.skips)
    ends = billions(cost.ends)
    convolutions = billions(cost.convolutions)
    scans = billions(cost.scans)
    total = billions(cost.total)
    thop = billions(cost.thop)
    byLength = [1, 2, 4, 8, 16].map { factor in
      let patches = configuration.patchCount * factor * factor
      return Length(
        imageSide: configuration.imageSide * factor, tokens: patches + configuration.extraTokens,
        gflops: billions(configuration.cost(patches: patches).total),
        transformerGflops: billions(configuration.transformerProducts(patches: patches)))
    }
  }
}

extension ForwardCompute {
  /// Returns the operations of a forward pass of DiS-S/2 on an image, and those in the matrix
  /// products of the same network with transformer blocks instead of its mixers.
  ///
  /// - Parameter tokens: The number of tokens, L, greater than the number of extra tokens.
  /// - Returns: Numbers of operations, with a multiply-add counted as two.
  public static func ofSmall(tokens: Int) -> (operations: Double, transformerOperations: Double) {
    let model = DiSConfiguration.small
    let patches = tokens - model.extraTokens
    return (model.cost(patches: patches).total, model.transformerProducts(patches: patches))
  }
}
