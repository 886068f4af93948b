import Checkpoints
import Tensors

/// Attention with several heads and its two linear layers, as in timm's `Attention`.
package struct SelfAttention: Sendable {
  /// The number of heads, H; each has d = D / H channels.
  let heads: Int
  let projection: PackedLinear  // D to 3D: queries, keys and values, each with its heads in order
  let norms: HeadNorms?
  let output: PackedLinear  // D to D
  let precision: Precision

  /// Creates attention from its packed layers.
  ///
  /// - Parameters:
  ///   - projection: D to 3D: queries, keys and values, each with its heads in order.
  ///   - output: D to D.
  ///   - heads: The number of heads.
  ///   - precision: The number format of the products between tokens.
  package init(
    projection: PackedLinear, output: PackedLinear, heads: Int, precision: Precision
  ) {
    (self.projection, self.output, self.heads) = (projection, output, heads)
    (norms, self.precision) = (nil, precision)
  }

  init(
    _ reader: inout WeightReader, prefix: String, width: Int, heads: Int, hasBias: Bool,
    normalizesHeads: Bool = false, precision: Precision
  ) {
    self.heads = heads
    self.precision = precision
    projection = reader.linear(
      "\(prefix).qkv", from: width, to: 3 * width, hasBias: hasBias, precision: precision)
    norms =
      normalizesHeads
      ? HeadNorms(&reader, prefix: prefix, heads: heads, size: width / heads) : nil
    output = reader.linear("\(prefix).proj", from: width, to: width, precision: precision)
  }

  /// Returns the attention of tokens to each other.
  ///
  /// - Parameter x: `[L, D]`.
  /// - Returns: `[L, D]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    var projected = projection(x)  // [L, 3D]
    if let norms { projected = norms(projected) }
    return output(multiHeadAttention(projected, heads: heads, precision: precision))
  }
}

/// The layer norms of queries and keys, over the channels of each head, as `qk_norm` of timm's
/// `Attention` adds them.
struct HeadNorms: Sendable {
  /// The number of heads, H.
  let heads: Int
  let query: (weight: Tensor, bias: Tensor)  // [d] each
  let key: (weight: Tensor, bias: Tensor)  // [d] each

  init(_ reader: inout WeightReader, prefix: String, heads: Int, size: Int) {
    self.heads = heads
    query = (
      reader.tensor("\(prefix).q_norm.weight", [size]),
      reader.tensor("\(prefix).q_norm.bias", [size])
    )
    key = (
      reader.tensor("\(prefix).k_norm.weight", [size]),
      reader.tensor("\(prefix).k_norm.bias", [size])
    )
  }

  /// Returns `[L, 3D]` with normalised queries and keys.
  func callAsFunction(_ projected: Tensor) -> Tensor {
    let (size, width) = (query.weight.count, projected.columns / 3)
    var result = projected
    for (part, norm) in [query, key].enumerated() {
      var values: [Float] = []
      values.reserveCapacity(projected.rows * width)
      for row in 0..<projected.rows {
        let start = row * 3 * width + part * width
        values += projected.values[start..<start + width]
      }
      let normalized = layerNorm(
        Tensor(shape: [projected.rows * heads, size], values: values), weight: norm.weight,
        bias: norm.bias, epsilon: 1e-5)
      for row in 0..<projected.rows {
        let start = row * 3 * width + part * width
        result.values.replaceSubrange(
          start..<start + width, with: normalized.values[row * width..<(row + 1) * width])
      }
    }
    return result
  }
}

/// Two linear layers with a GELU between them.
package struct FeedForward: Sendable {
  let first: PackedLinear  // D to h
  let second: PackedLinear  // h to D
  let activation: GELU

  /// Creates the layers from their packed weights.
  ///
  /// - Parameters:
  ///   - first: D to h.
  ///   - second: h to D.
  ///   - activation: The GELU between them.
  package init(first: PackedLinear, second: PackedLinear, activation: GELU) {
    (self.first, self.second, self.activation) = (first, second, activation)
  }

  init(
    _ reader: inout WeightReader, prefix: String, width: Int, hidden: Int, activation: GELU,
    precision: Precision
  ) {
    first = reader.linear("\(prefix).fc1", from: width, to: hidden, precision: precision)
    second = reader.linear("\(prefix).fc2", from: hidden, to: width, precision: precision)
    self.activation = activation
  }

  /// Applies both layers to every token.
  ///
  /// - Parameter x: `[L, D]`.
  /// - Returns: `[L, D]`.
  package func callAsFunction(_ x: Tensor) -> Tensor { second(gelu(first(x), activation)) }
}
