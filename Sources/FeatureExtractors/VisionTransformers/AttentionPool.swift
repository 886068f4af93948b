import Backbones
import Checkpoints
import Foundation
import Tensors

/// Attention of one learned query to all tokens, followed by two linear layers: the pooling of
/// SigLIP, as timm's `AttentionPoolLatent`.
///
/// - SeeAlso: Zhai et al., "Scaling Vision Transformers", arXiv 2106.04560, section 3.2; timm,
///   layers/attention_pool.py.
struct AttentionPool: Sendable {
  let heads: Int
  /// The query of each head, already multiplied by 1 / √d.
  let query: [Float]  // D
  let keysAndValues: PackedLinear  // D to 2D
  let output: PackedLinear  // D to D
  let norm: VisionNorm
  let layers: FeedForward

  init(
    _ reader: inout WeightReader, prefix: String, _ configuration: VisionTransformerConfiguration,
    activation: GELU
  ) {
    let (d, h) = (configuration.width, configuration.hidden)
    heads = configuration.heads
    let latent = reader.tensor("\(prefix)attn_pool.latent", [1, 1, d])
    let weight = reader.tensor("\(prefix)attn_pool.q.weight", [d, d])
    let bias = reader.tensor("\(prefix)attn_pool.q.bias", [d])
    keysAndValues = reader.linear([TensorNames("\(prefix)attn_pool.kv")], from: d, to: 2 * d)
    output = reader.linear([TensorNames("\(prefix)attn_pool.proj")], from: d, to: d)
    norm = VisionNorm(
      &reader, TensorNames("\(prefix)attn_pool.norm"), width: d, epsilon: configuration.epsilon)
    layers = FeedForward(
      first: reader.linear([TensorNames("\(prefix)attn_pool.mlp.fc1")], from: d, to: h),
      second: reader.linear([TensorNames("\(prefix)attn_pool.mlp.fc2")], from: h, to: d),
      activation: activation)
    let scale = 1 / Float(d / heads).squareRoot()
    // A placeholder for weights that could not be read may be empty.
    query =
      weight.shape == [d, d] && latent.count == d
      ? linear(latent.reshaped([1, d]), weight, bias: bias).values.map { $0 * scale } : []
  }

  /// Returns one vector for all tokens.
  ///
  /// - Parameter tokens: `[L, D]`.
  /// - Returns: D values.
  func callAsFunction(_ tokens: Tensor) -> [Float] {
    let (count, width) = (tokens.rows, tokens.columns)
    let channels = width / heads
    let projected = keysAndValues(tokens).values  // [L, 2D]
    var pooled = [Float](repeating: 0, count: width)
    for head in 0..<heads {
      let range = head * channels..<(head + 1) * channels
      let scores = (0..<count).map { token in
        range.reduce(0.0) { sum, channel in
          sum + Double(query[channel]) * Double(projected[token * 2 * width + channel])
        }
      }
      let largest = scores.max() ?? 0
      let weights = scores.map { exp($0 - largest) }
      let total = weights.reduce(0, +)
      for channel in range {
        let sum = (0..<count).reduce(0.0) { sum, token in
          sum + weights[token] * Double(projected[(2 * token + 1) * width + channel])
        }
        pooled[channel] = Float(sum / total)
      }
    }
    var result = output(Tensor(shape: [1, width], values: pooled))
    result.add(layers(norm(result)))
    return result.values
  }
}
