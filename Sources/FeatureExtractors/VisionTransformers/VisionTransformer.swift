import Backbones
import Checkpoints
import Files
import Tensors

/// A vision transformer: patches of an image become tokens, which pass through blocks of attention
/// and two linear layers.
///
/// Legend: S side, p patch size, P patches, T tokens before them, L = T + P tokens, D width, h hidden
/// width, O outputs of the projection.
///
/// - SeeAlso: Dosovitskiy et al., "An Image is Worth 16x16 Words", arXiv 2010.11929. The variants:
///   Oquab et al., "DINOv2", arXiv 2304.07193, and Darcet et al., "Vision Transformers Need
///   Registers", arXiv 2309.16588 (facebookresearch/dinov2 at b8931f7); Radford et al., arXiv
///   2103.00020 (openai/CLIP at d05afc4); He et al., arXiv 2111.06377, and Tschannen et al., "SigLIP
///   2", arXiv 2502.14786 (timm 1.0.31). Not ported: training, and features of patches.
package struct VisionTransformer: Sendable {
  /// The architecture.
  package let configuration: VisionTransformerConfiguration
  /// What tools do differently.
  package let form: VisionTransformerForm

  private let patches: PatchTokens
  private let patchEmbedding: PackedLinear  // 3 p p to D
  /// The class token with its position, then the registers, which have none.
  private let first: Tensor  // [T, D]
  private let positions: Tensor  // [P, D]
  private let firstNorm: VisionNorm?
  private let blocks: [VisionTransformerBlock]
  private let lastNorm: VisionNorm
  private let pool: AttentionPool?
  private let projection: PackedLinear?  // D to O

  /// Loads a network.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - form: What tools do differently.
  ///   - names: The names of the tensors.
  ///   - weights: The tensors.
  ///   - precision: The number format of the products in the blocks.
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(
    _ configuration: VisionTransformerConfiguration, _ form: VisionTransformerForm,
    _ names: VisionNames, _ weights: WeightReader, precision: Precision = .float32
  ) throws(Failure) {
    precondition(form.side.isMultiple(of: configuration.patch), "VisionTransformer: \(form.side)")
    (self.configuration, self.form) = (configuration, form)
    let (d, p, n) = (configuration.width, configuration.patch, configuration.grid)
    patches = PatchTokens(side: form.side, patch: p)
    var reader = weights
    patchEmbedding = reader.linear(
      [names.patches], from: 3 * p * p, to: d, shape: [d, 3, p, p],
      hasBias: configuration.family != .clip)
    func norm(_ name: TensorNames) -> VisionNorm {
      VisionNorm(&reader, name, width: d, epsilon: configuration.epsilon)
    }

    var first: [Float] = []
    let hasRow = configuration.hasClassToken && names.positionsIncludeClass(configuration)
    let rows = n * n + (hasRow ? 1 : 0)
    let stored = reader.tensor(names.positions, names.axes + [rows, d])
    let hasPositions = stored.count == rows * d
    if configuration.hasClassToken {
      let token = reader.tensor(names.classToken, names.classTokenAxes + [d]).values
      first = hasRow && hasPositions ? zip(token, stored.values).map { $0 + $1 } : token
    }
    if configuration.registers > 0 {
      first += reader.tensor(names.registers, [1, configuration.registers, d]).values
    }
    firstNorm = names.firstNorm.map(norm)
    blocks = (0..<configuration.depth).map { index in
      VisionTransformerBlock(
        &reader, names.block(index), configuration, activation: form.activation,
        precision: precision)
    }
    lastNorm = norm(names.lastNorm)
    pool =
      configuration.family == .siglip2
      ? AttentionPool(
        &reader, prefix: names.prefix, configuration, activation: form.activation) : nil
    projection = configuration.projection.map { outputs in
      reader.projection(names, from: d, to: outputs)
    }
    try reader.finish(ignoring: names.isBeside)
    self.first = Tensor(shape: [first.count / d, d], values: first)
    let grid = Tensor(shape: [n * n, d], values: Array(stored.values.suffix(n * n * d)))
    positions = form.positions(grid, to: form.side / p)
  }

  /// The number of features.
  package var featureDimension: Int {
    form.readout == .projection
      ? configuration.projection ?? configuration.width : configuration.width
  }

  /// Computes the features of one image.
  ///
  /// - Parameter x: The prepared image, `[3, S, S]`.
  /// - Returns: ``featureDimension`` values.
  package func callAsFunction(_ x: Tensor) -> [Float] {
    precondition(x.shape == [3, form.side, form.side], "VisionTransformer: \(x.shape)")
    let width = configuration.width
    var embedded = patchEmbedding(patches.cut(x))
    embedded.add(positions)
    var tokens = Tensor(
      shape: [first.rows + embedded.rows, width], values: first.values + embedded.values)
    if let firstNorm { tokens = firstNorm(tokens) }
    for block in blocks { block(&tokens) }
    switch form.readout {
    case .pool: return pool.map { $0(lastNorm(tokens)) } ?? []
    case .token: return lastNorm(tokens.firstRow).values
    case .projection: return projection.map { $0(lastNorm(tokens.firstRow)).values } ?? []
    }
  }
}

extension Tensor {
  /// The first row, `[1, D]`.
  fileprivate var firstRow: Tensor {
    Tensor(shape: [1, columns], values: Array(values.prefix(columns)))
  }
}

/// A layer norm with weights.
struct VisionNorm: Sendable {
  let weight: Tensor  // [D]
  let bias: Tensor  // [D]
  let epsilon: Float

  init(_ reader: inout WeightReader, _ names: TensorNames, width: Int, epsilon: Float) {
    weight = reader.tensor(names.weight, [width])
    bias = reader.tensor(names.bias, [width])
    self.epsilon = epsilon
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
  }
}
