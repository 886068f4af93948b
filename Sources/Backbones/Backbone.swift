import Diffusion
import Tensors

/// A network that predicts, from a noisy image or latent, a time and a class, what a sampler needs to
/// remove the noise.
///
/// A backbone is immutable after loading, so all threads can share it. It processes one image at a
/// time, so that no result depends on other images. Legend: C channels, Co output channels, H = W side
/// of the image or latent, L tokens, D width of a token.
package protocol Backbone: Sendable {
  /// The architecture, with the extents of what it takes and returns.
  var architecture: Architecture { get }
  /// The number format of the products in the linear layers of the blocks.
  var precision: Precision { get }

  /// Returns the prediction for a noisy image.
  ///
  /// - Parameters:
  ///   - x: A noisy image or latent, `[C, H, W]`.
  ///   - time: The time in the unit of the process for which the network was trained.
  ///   - label: The class or the null class; nil exactly if the network has no classes.
  /// - Returns: `[Co, H, W]`: C channels of the prediction, followed by C channels of variance logits
  ///   if they are learned.
  func callAsFunction(_ x: Tensor, time: Double, label: Int?) -> Tensor
}

/// The families of backbones.
public enum BackboneFamily: String, CaseIterable, Sendable {
  /// State-space blocks: Fei et al., arXiv 2402.05608.
  case dis
  /// Transformer blocks with adaptive normalisation: Peebles & Xie, arXiv 2212.09748.
  case dit
  /// The network of DiT for flows: Ma et al., arXiv 2401.08740.
  case sit
  /// SiT trained with aligned representations, whose time runs from data to noise: Yu et al., arXiv
  /// 2410.06940.
  case repa
  /// A transformer with long skips and tokens for time and class: Bao et al., arXiv 2209.12152.
  case uvit

  /// The name for users.
  package var title: String {
    switch self {
    case .dis: "DiS"
    case .dit: "DiT"
    case .sit: "SiT"
    case .repa: "REPA"
    case .uvit: "U-ViT"
    }
  }
}

/// What the architecture of a backbone is, whatever its family.
package struct Architecture: Equatable, Sendable {
  /// The family.
  package var family: BackboneFamily
  /// The name of the size in the paper, such as `DiT-XL/2`; nil if it has none.
  package var variant: String?
  /// The width of a token, D.
  package var width: Int
  /// The depth as the paper counts it.
  package var depth: Int
  /// The side of a patch, p.
  package var patchSize: Int
  /// The number of attention heads, H; nil for a network without attention.
  package var heads: Int?
  /// The number of channels of an image or latent, C.
  package var channels: Int
  /// The side of the image or latent in pixels.
  package var imageSide: Int
  /// The number of output channels, Co.
  package var outputChannels: Int
  /// The number of classes; nil for an unconditional network.
  package var classCount: Int?
  /// The label that stands for no class; nil if there is none, so that nothing can be guided.
  package var nullClass: Int?
  /// Whether the second half of the blocks receives the outputs of the first half.
  package var hasSkips: Bool
  /// Whether a DiS has a token for the label; if not, the label is added to the time. True for
  /// networks without classes and of other families.
  package var labelIsToken = true
  /// The number of tokens, L.
  package var tokenCount: Int
  /// The number of parameters that a forward pass uses.
  package var parameterCount: Int
  /// The operations of a forward pass, with a multiply-add counted as two.
  package var operations: Double
  /// The figure of the paper for the same: the operations that thop counts for DiS, and the
  /// multiply-adds for the transformers.
  package var paperOperations: Double
  /// The process that the network was trained for.
  package var process: DiffusionProcess

  /// Whether the variance of a step is learned.
  package var learnsSigma: Bool { outputChannels == 2 * channels }
  /// The extents of an input, `[C, H, W]`.
  package var inputShape: [Int] { [channels, imageSide, imageSide] }
  /// The extents of an output, `[Co, H, W]`.
  package var outputShape: [Int] { [outputChannels, imageSide, imageSide] }
}
