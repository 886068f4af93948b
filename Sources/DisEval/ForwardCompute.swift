import Backbones

/// What a forward pass of one image takes, in billions of operations, a multiply-add counted as two.
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
  /// Everything.
  public var total: Double
  /// What the DiS paper's counter sees: the mixers go uncounted.
  public var thop: Double
  /// The same network on images of other sizes, beside one of transformer blocks.
  public var byLength: [Length]

  /// One size of images.
  public struct Length: Codable, Sendable {
    /// Side of the image or latent in pixels.
    public var imageSide: Int
    /// Tokens.
    public var tokens: Int
    /// Everything: proportional to the tokens.
    public var gflops: Double
    /// Matrix products with transformer blocks of the same width and number in place of the mixers:
    /// a part of them is proportional to the square of the tokens.
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
  /// The operations of a forward pass of DiS-S/2 on an image of that many tokens, and the matrix products
  /// of the same network with transformer blocks in place of its mixers.
  ///
  /// - Parameter tokens: More than the tokens that are not of the image.
  public static func ofSmall(tokens: Int) -> (operations: Double, transformerOperations: Double) {
    let model = DiSConfiguration.small
    let patches = tokens - model.extraTokens
    return (model.cost(patches: patches).total, model.transformerProducts(patches: patches))
  }
}
