import Checkpoints
import Files
import Tensors

/// Builds the layers of ``InceptionV3`` from its weights.
///
/// After a name stand the input channels, the output channels and the kernel size.
struct InceptionLayers {
  /// Where the weights come from.
  var weights: WeightReader

  /// The first part, `[3, 299, 299]` to `[768, 17, 17]`. The comments give the shape after each line.
  mutating func throughMixed6d() -> [Layer] {
    [
      unit("Conv2d_1a_3x3", 3, 32, 3, stride: 2),  // [32, 149, 149]
      unit("Conv2d_2a_3x3", 32, 32, 3),  // [32, 147, 147]
      unit("Conv2d_2b_3x3", 32, 64, 3, padding: 1),  // [64, 147, 147]
      .maxPool(Window(3, stride: 2)),  // [64, 73, 73]
      unit("Conv2d_3b_1x1", 64, 80),  // [80, 73, 73]
      unit("Conv2d_4a_3x3", 80, 192, 3),  // [192, 71, 71]
      .maxPool(Window(3, stride: 2)),  // [192, 35, 35]
      mixedA("Mixed_5b", 192, pool: 32),  // [256, 35, 35]
      mixedA("Mixed_5c", 256, pool: 64),  // [288, 35, 35]
      mixedA("Mixed_5d", 288, pool: 64),  // [288, 35, 35]
      mixedB("Mixed_6a", 288),  // [768, 17, 17]
      mixedC("Mixed_6b", 768, inner: 128),  // [768, 17, 17]
      mixedC("Mixed_6c", 768, inner: 160),  // [768, 17, 17]
      mixedC("Mixed_6d", 768, inner: 160),  // [768, 17, 17]
    ]
  }

  /// The rest before the global mean, `[768, 17, 17]` to `[2048, 8, 8]`.
  mutating func afterMixed6d() -> [Layer] {
    [
      mixedC("Mixed_6e", 768, inner: 192),  // [768, 17, 17]
      mixedD("Mixed_7a", 768),  // [1280, 8, 8]
      mixedE("Mixed_7b", 1280, pool: .averagePool(Window(3, padding: 1))),  // [2048, 8, 8]
      mixedE("Mixed_7c", 2048, pool: .maxPool(Window(3, padding: 1))),  // [2048, 8, 8]
    ]
  }

  /// `[inputs, 35, 35]` to `[224 + pool, 35, 35]`.
  private mutating func mixedA(_ name: String, _ inputs: Int, pool: Int) -> Layer {
    .branches([
      [unit("\(name).branch1x1", inputs, 64)],
      [
        unit("\(name).branch5x5_1", inputs, 48),
        unit("\(name).branch5x5_2", 48, 64, 5, padding: 2),
      ],
      [
        unit("\(name).branch3x3dbl_1", inputs, 64),
        unit("\(name).branch3x3dbl_2", 64, 96, 3, padding: 1),
        unit("\(name).branch3x3dbl_3", 96, 96, 3, padding: 1),
      ],
      [.averagePool(Window(3, padding: 1)), unit("\(name).branch_pool", inputs, pool)],
    ])
  }

  /// `[inputs, 35, 35]` to `[480 + inputs, 17, 17]`.
  private mutating func mixedB(_ name: String, _ inputs: Int) -> Layer {
    .branches([
      [unit("\(name).branch3x3", inputs, 384, 3, stride: 2)],
      [
        unit("\(name).branch3x3dbl_1", inputs, 64),
        unit("\(name).branch3x3dbl_2", 64, 96, 3, padding: 1),
        unit("\(name).branch3x3dbl_3", 96, 96, 3, stride: 2),
      ],
      [.maxPool(Window(3, stride: 2))],
    ])
  }

  /// `[inputs, 17, 17]` to `[768, 17, 17]`, 7 x 7 kernels factored into rows and columns.
  private mutating func mixedC(_ name: String, _ inputs: Int, inner: Int) -> Layer {
    .branches([
      [unit("\(name).branch1x1", inputs, 192)],
      [
        unit("\(name).branch7x7_1", inputs, inner),
        row("\(name).branch7x7_2", inner, inner, 7),
        column("\(name).branch7x7_3", inner, 192, 7),
      ],
      [
        unit("\(name).branch7x7dbl_1", inputs, inner),
        column("\(name).branch7x7dbl_2", inner, inner, 7),
        row("\(name).branch7x7dbl_3", inner, inner, 7),
        column("\(name).branch7x7dbl_4", inner, inner, 7),
        row("\(name).branch7x7dbl_5", inner, 192, 7),
      ],
      [.averagePool(Window(3, padding: 1)), unit("\(name).branch_pool", inputs, 192)],
    ])
  }

  /// `[inputs, 17, 17]` to `[512 + inputs, 8, 8]`.
  private mutating func mixedD(_ name: String, _ inputs: Int) -> Layer {
    .branches([
      [
        unit("\(name).branch3x3_1", inputs, 192),
        unit("\(name).branch3x3_2", 192, 320, 3, stride: 2),
      ],
      [
        unit("\(name).branch7x7x3_1", inputs, 192),
        row("\(name).branch7x7x3_2", 192, 192, 7),
        column("\(name).branch7x7x3_3", 192, 192, 7),
        unit("\(name).branch7x7x3_4", 192, 192, 3, stride: 2),
      ],
      [.maxPool(Window(3, stride: 2))],
    ])
  }

  /// `[inputs, 8, 8]` to `[2048, 8, 8]`, two branches ending in a row beside a column.
  private mutating func mixedE(_ name: String, _ inputs: Int, pool: Layer) -> Layer {
    .branches([
      [unit("\(name).branch1x1", inputs, 320)],
      [
        unit("\(name).branch3x3_1", inputs, 384),
        .branches([
          [row("\(name).branch3x3_2a", 384, 384, 3)],
          [column("\(name).branch3x3_2b", 384, 384, 3)],
        ]),
      ],
      [
        unit("\(name).branch3x3dbl_1", inputs, 448),
        unit("\(name).branch3x3dbl_2", 448, 384, 3, padding: 1),
        .branches([
          [row("\(name).branch3x3dbl_3a", 384, 384, 3)],
          [column("\(name).branch3x3dbl_3b", 384, 384, 3)],
        ]),
      ],
      [pool, unit("\(name).branch_pool", inputs, 192)],
    ])
  }

  /// A unit with a square kernel.
  private mutating func unit(
    _ name: String, _ inputs: Int, _ outputs: Int, _ size: Int = 1, stride: Int = 1,
    padding: Int = 0
  ) -> Layer {
    unit(name, [outputs, inputs, size, size], stride: stride, padding: (padding, padding))
  }

  /// A unit with a kernel of one row that keeps the extents.
  private mutating func row(_ name: String, _ inputs: Int, _ outputs: Int, _ size: Int) -> Layer {
    unit(name, [outputs, inputs, 1, size], padding: (0, size / 2))
  }

  /// A unit with a kernel of one column that keeps the extents.
  private mutating func column(_ name: String, _ inputs: Int, _ outputs: Int, _ size: Int) -> Layer
  {
    unit(name, [outputs, inputs, size, 1], padding: (size / 2, 0))
  }

  /// Convolution, batch normalisation and ReLU as one convolution.
  ///
  /// `γ · (w · x - μ) / √(σ² + ε) + β` has the weights `g · w` and the bias `β - g · μ`, where
  /// `g = γ / √(σ² + ε)` and ε = 0.001. Computed in `Double`.
  private mutating func unit(
    _ name: String, _ shape: [Int], stride: Int = 1, padding: (height: Int, width: Int)
  ) -> Layer {
    let weight = weights.tensor("\(name).conv.weight", shape).values
    let gamma = weights.tensor("\(name).bn.weight", [shape[0]]).values
    let beta = weights.tensor("\(name).bn.bias", [shape[0]]).values
    let mean = weights.tensor("\(name).bn.running_mean", [shape[0]]).values
    let variance = weights.tensor("\(name).bn.running_var", [shape[0]]).values
    let gain = zip(gamma, variance).map { Double($0) / (Double($1) + 0.001).squareRoot() }
    let depth = weight.count / shape[0]
    return .convolution(
      Conv2d(
        weight: Tensor(
          shape: shape,
          values: weight.indices.map { Float(Double(weight[$0]) * gain[$0 / depth]) }),
        bias: Tensor(
          shape: [shape[0]],
          values: gain.indices.map { Float(Double(beta[$0]) - gain[$0] * Double(mean[$0])) }),
        stride: stride, padding: padding, relu: true))
  }
}
