import Backbones
import Checkpoints
import Tensors

/// A block: attention, then two linear layers, each after a layer norm and added to its input. The
/// sums may be scaled by channel (LayerScale).
struct VisionTransformerBlock: Sendable {
  let attentionNorm: VisionNorm
  let attention: SelfAttention
  let attentionScale: Tensor?  // [D]
  let layersNorm: VisionNorm
  let layers: Layers
  let layersScale: Tensor?  // [D]

  /// The two linear layers after attention.
  enum Layers: Sendable {
    case plain(FeedForward)
    case gated(GatedFeedForward)
  }

  init(
    _ reader: inout WeightReader, _ names: VisionBlockNames,
    _ configuration: VisionTransformerConfiguration, activation: GELU, precision: Precision
  ) {
    let (d, h) = (configuration.width, configuration.hidden)
    let epsilon = configuration.epsilon
    attentionNorm = VisionNorm(&reader, names.attentionNorm, width: d, epsilon: epsilon)
    attention = SelfAttention(
      projection: reader.linear(names.projection, from: d, to: 3 * d, precision: precision),
      output: reader.linear([names.output], from: d, to: d, precision: precision),
      heads: configuration.heads, precision: precision)
    layersNorm = VisionNorm(&reader, names.layersNorm, width: d, epsilon: epsilon)
    if configuration.isGated {
      layers = .gated(GatedFeedForward(&reader, names, width: d, hidden: h, precision: precision))
    } else {
      layers = .plain(
        FeedForward(
          first: reader.linear([names.first], from: d, to: h, precision: precision),
          second: reader.linear([names.second], from: h, to: d, precision: precision),
          activation: activation))
    }
    let scales = configuration.hasLayerScale ? names.scales : nil
    attentionScale = scales.map { reader.tensor($0.attention, [d]) }
    layersScale = scales.map { reader.tensor($0.layers, [d]) }
  }

  /// Applies the block.
  ///
  /// - Parameter tokens: `[L, D]`.
  func callAsFunction(_ tokens: inout Tensor) {
    tokens.add(attention(attentionNorm(tokens)), scale: attentionScale)
    let normalized = layersNorm(tokens)
    switch layers {
    case .plain(let layers): tokens.add(layers(normalized), scale: layersScale)
    case .gated(let layers): tokens.add(layers(normalized), scale: layersScale)
    }
  }
}

extension Tensor {
  fileprivate mutating func add(_ other: Tensor, scale: Tensor?) {
    if let scale { add(other, gate: scale) } else { add(other) }
  }
}

/// Linear layers with a gate: `second(silu(gate(x)) · value(x))`.
///
/// - SeeAlso: Shazeer, "GLU Variants Improve Transformer", arXiv 2002.05202.
struct GatedFeedForward: Sendable {
  let gate: PackedLinear  // D to h
  let value: PackedLinear  // D to h
  let second: PackedLinear  // h to D

  /// Reads the layers; the first h rows of the first layer are those of the gate.
  init(
    _ reader: inout WeightReader, _ names: VisionBlockNames, width: Int, hidden: Int,
    precision: Precision
  ) {
    let weight = reader.tensor(names.first.weight, [2 * hidden, width])
    let bias = reader.tensor(names.first.bias, [2 * hidden])
    func half(_ index: Int) -> PackedLinear {
      // A placeholder for weights that could not be read may be empty.
      guard weight.shape == [2 * hidden, width], bias.count == 2 * hidden else {
        return PackedLinear(Tensor(zeros: [0, 0]))
      }
      let size = hidden * width
      return PackedLinear(
        Tensor(
          shape: [hidden, width],
          values: Array(weight.values[index * size..<(index + 1) * size])),
        bias: Tensor(
          shape: [hidden], values: Array(bias.values[index * hidden..<(index + 1) * hidden])),
        precision: precision)
    }
    (gate, value) = (half(0), half(1))
    second = reader.linear([names.second], from: hidden, to: width, precision: precision)
  }

  /// Applies the layers to every token.
  ///
  /// - Parameter x: `[L, D]`.
  /// - Returns: `[L, D]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    var hidden = value(x)
    applySiLUGate(to: &hidden, z: gate(x))
    return second(hidden)
  }
}
