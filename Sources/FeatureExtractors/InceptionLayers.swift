import Checkpoints
import Files
import Tensors

/// Builds the layers of ``InceptionV3`` from its weights.
///
/// The arguments after a name are the input channels, the output channels and the kernel size.
struct InceptionLayers {
  /// The source of the weights.
  var weights: WeightReader
  /// The number format of the products in units whose method supports it.
  let precision: Precision

  /// Builds the first part, `[299, 299, 3]` to `[17, 17, 768]`. The comments give the shape after
  /// each line.
  mutating func throughMixed6a() -> [PackedLayer] {
    [
      unit("Conv2d_1a_3x3", 3, 32, 3, stride: 2),  // [149, 149, 32]
      unit("Conv2d_2a_3x3", 32, 32, 3),  // [147, 147, 32]
      unit("Conv2d_2b_3x3", 32, 64, 3, padding: 1),  // [147, 147, 64]
      .maxPool(Window(3, stride: 2)),  // [73, 73, 64]
      unit("Conv2d_3b_1x1", 64, 80),  // [73, 73, 80]
      unit("Conv2d_4a_3x3", 80, 192, 3),  // [71, 71, 192]
      .maxPool(Window(3, stride: 2)),  // [35, 35, 192]
      mixedA("Mixed_5b", 192, pool: 32),  // [35, 35, 256]
      mixedA("Mixed_5c", 256, pool: 64),  // [35, 35, 288]
      mixedA("Mixed_5d", 288, pool: 64),  // [35, 35, 288]
      mixedB("Mixed_6a", 288),  // [17, 17, 768]
    ]
  }

  /// Builds three blocks that keep the shape `[17, 17, 768]`.
  mutating func throughMixed6d() -> [PackedLayer] {
    [
      mixedC("Mixed_6b", 768, inner: 128),  // [17, 17, 768]
      mixedC("Mixed_6c", 768, inner: 160),  // [17, 17, 768]
      mixedC("Mixed_6d", 768, inner: 160),  // [17, 17, 768]
    ]
  }

  /// Builds the remaining layers before the global mean, `[17, 17, 768]` to `[8, 8, 2048]`.
  mutating func afterMixed6d() -> [PackedLayer] {
    [
      mixedC("Mixed_6e", 768, inner: 192),  // [17, 17, 768]
      mixedD("Mixed_7a", 768),  // [8, 8, 1280]
      mixedE("Mixed_7b", 1280, pool: .average),  // [8, 8, 2048]
      mixedE("Mixed_7c", 2048, pool: .max),  // [8, 8, 2048]
    ]
  }

  /// Builds a block from `[35, 35, inputs]` to `[35, 35, 224 + pool]`.
  private mutating func mixedA(_ name: String, _ inputs: Int, pool: Int) -> PackedLayer {
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
      averaged("\(name).branch_pool", inputs, pool),
    ])
  }

  /// Builds a block from `[35, 35, inputs]` to `[17, 17, 480 + inputs]`.
  private mutating func mixedB(_ name: String, _ inputs: Int) -> PackedLayer {
    .branches([
      [
        unit(
          "\(name).branch3x3", inputs, 384, 3, stride: 2,
          method: precision == .float32 ? .halvingWinograd : .direct)
      ],
      [
        unit("\(name).branch3x3dbl_1", inputs, 64),
        unit("\(name).branch3x3dbl_2", 64, 96, 3, padding: 1),
        unit("\(name).branch3x3dbl_3", 96, 96, 3, stride: 2),
      ],
      [.maxPool(Window(3, stride: 2))],
    ])
  }

  /// Builds a block from `[17, 17, inputs]` to `[17, 17, 768]`, with 7 x 7 kernels factored into
  /// rows and columns.
  private mutating func mixedC(_ name: String, _ inputs: Int, inner: Int) -> PackedLayer {
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
      averaged("\(name).branch_pool", inputs, 192),
    ])
  }

  /// Builds a block from `[17, 17, inputs]` to `[8, 8, 512 + inputs]`.
  private mutating func mixedD(_ name: String, _ inputs: Int) -> PackedLayer {
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

  /// Builds a block from `[8, 8, inputs]` to `[8, 8, 2048]`, with two branches that end in a row
  /// and a column side by side.
  private mutating func mixedE(_ name: String, _ inputs: Int, pool: Pool) -> PackedLayer {
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
        unit(
          "\(name).branch3x3dbl_2", 448, 384, 3, padding: 1,
          method: precision == .float32 ? .winograd2 : .direct),
        .branches([
          [row("\(name).branch3x3dbl_3a", 384, 384, 3)],
          [column("\(name).branch3x3dbl_3b", 384, 384, 3)],
        ]),
      ],
      pool == .average
        ? averaged("\(name).branch_pool", inputs, 192)
        : [.maxPool(Window(3, padding: 1)), unit("\(name).branch_pool", inputs, 192)],
    ])
  }

  /// The pool before the last unit of a block.
  private enum Pool { case average, max }

  /// Builds an average pool and a 1 x 1 unit. Both are linear, so the convolution is applied first,
  /// which leaves fewer channels to pool. Bias and ReLU remain last.
  private mutating func averaged(_ name: String, _ inputs: Int, _ outputs: Int) -> [PackedLayer] {
    let folded = fold(name, [outputs, inputs, 1, 1])
    return [
      .convolution(
        PackedConvolution(weight: folded.weight, gain: folded.gain, precision: precision)),
      .averagePool(Window(3, padding: 1), bias: folded.bias.map(Float.init)),
    ]
  }

  /// Builds a unit with a square kernel.
  private mutating func unit(
    _ name: String, _ inputs: Int, _ outputs: Int, _ size: Int = 1, stride: Int = 1,
    padding: Int = 0, method: PackedConvolution.Method? = nil
  ) -> PackedLayer {
    unit(
      name, [outputs, inputs, size, size], stride: stride, padding: (padding, padding),
      method: method)
  }

  /// Builds a unit with a kernel of one row that keeps the height and width.
  private mutating func row(_ name: String, _ inputs: Int, _ outputs: Int, _ size: Int)
    -> PackedLayer
  {
    unit(name, [outputs, inputs, 1, size], padding: (0, size / 2))
  }

  /// Builds a unit with a kernel of one column that keeps the height and width.
  private mutating func column(_ name: String, _ inputs: Int, _ outputs: Int, _ size: Int)
    -> PackedLayer
  {
    unit(name, [outputs, inputs, size, 1], padding: (size / 2, 0))
  }

  /// Builds a convolution, batch normalisation and ReLU, folded into one convolution.
  private mutating func unit(
    _ name: String, _ shape: [Int], stride: Int = 1, padding: (height: Int, width: Int),
    method: PackedConvolution.Method? = nil
  ) -> PackedLayer {
    let folded = fold(name, shape)
    let method = method ?? fastest(shape, stride: stride)
    return .convolution(
      PackedConvolution(
        weight: folded.weight, gain: folded.gain, bias: folded.bias, stride: stride,
        padding: padding, relu: true, method: method,
        precision: method == .winograd || method == .winograd2 || shape[1] == 3
          ? .float32 : precision))
  }

  /// Returns a unit's weights, and the gain and bias that replace its batch normalisation.
  ///
  /// `γ · (w · x - μ) / √(σ² + ε) + β` has the weights `g · w` and the bias `β - g · μ`, where
  /// `g = γ / √(σ² + ε)` and ε = 0.001.
  private mutating func fold(
    _ name: String, _ shape: [Int]
  ) -> (weight: Tensor, gain: [Double], bias: [Double]) {
    let weight = weights.tensor("\(name).conv.weight", shape)
    let gamma = weights.tensor("\(name).bn.weight", [shape[0]]).values
    let beta = weights.tensor("\(name).bn.bias", [shape[0]]).values
    let mean = weights.tensor("\(name).bn.running_mean", [shape[0]]).values
    let variance = weights.tensor("\(name).bn.running_var", [shape[0]]).values
    let gain = zip(gamma, variance).map { Double($0) / (Double($1) + 0.001).squareRoot() }
    return (weight, gain, gain.indices.map { Double(beta[$0]) - gain[$0] * Double(mean[$0]) })
  }

  /// Returns the fastest method for a unit with weights of `shape`, `[Cout, Cin, kh, kw]`. Times on
  /// one core of an AMD EPYC with AVX-512, with weights outside of its caches, in milliseconds:
  ///
  /// | unit | units | direct | other | |
  /// |---|---|---|---|---|
  /// | 3 x 3, 80 to 192 at 71 x 71 | 10 | 5.4 | Winograd 2.1 | 36 products instead of 144 |
  /// | 3 x 3, 448 to 384 at 8 x 8 | 2 | 0.87 | Winograd 0.88 | 25 MB of weights for 4 tiles |
  /// | | | 0.85 | two at a time 0.52 | 11 MB for 16 tiles |
  /// | 5 x 5, 48 to 64 at 35 x 35 | 3 | 0.83 | Winograd 0.26 | 64 products instead of 400 |
  /// | 1 x 3, 3 x 1, 384 at 8 x 8 | 8 | 0.26 | Winograd 0.21 | 6 products instead of 12 |
  /// | 1 x 7, 7 x 1, 160 at 17 x 17 | 26 | 0.41 | Fourier 0.22 | 29 products instead of 119 |
  ///
  /// Of the units with stride 2, only the largest is worth minimal filtering, with 49 products for
  /// 3 x 3 outputs instead of 81. With AVX2 on one core of an AMD EPYC (Zen 3), 288 to 384 at 35 x 35
  /// takes 7.6 ms by the direct method and 6.5 ms by the other. For 96 to 96 it saves 2 %, and for 192
  /// to 320 at 17 x 17 it takes a quarter longer, because all weights are read for only 9 tiles.
  ///
  /// The other units, 1 x 1, support only the direct method. One level of Strassen's product was
  /// measured to save 7 % in the last two blocks and nothing elsewhere, which is 0.3 of 31 ms for
  /// twice the rounding error, and was not adopted. In
  /// bfloat16, the direct and the Fourier method take half the time, with weights in the caches:
  ///
  /// | unit | units | float32 | bfloat16 |
  /// |---|---|---|---|
  /// | 1 x 1, 768 to 192 at 17 x 17 | 48 | 0.33 | 0.18 |
  /// | 3 x 3, 288 to 384, 35 x 35 to 17 x 17 | 5 | 2.24 | 1.16 |
  /// | 1 x 7, 7 x 1, 160 at 17 x 17 | 26 | Fourier 0.115 | Fourier 0.065 |
  /// | 3 x 3, 448 to 384 at 8 x 8 | 2 | 0.79 | 0.40 |
  /// | 1 x 3, 3 x 1, 384 at 8 x 8 | 8 | Winograd 0.13 | direct 0.12, a quarter of the weights |
  /// | 3 x 3, 80 to 192 at 71 x 71 | 10 | Winograd 1.6 | direct 2.7 |
  /// | 5 x 5, 48 to 64 at 35 x 35 | 3 | Winograd 0.19 | direct 0.48 |
  ///
  /// The units in the last two rows therefore stay in float32, and so does the first unit, which
  /// takes 1 % of the time and processes the pixels.
  private func fastest(_ shape: [Int], stride: Int) -> PackedConvolution.Method {
    switch (shape[2], shape[3], stride) {
    case (3, 3, 1), (5, 5, 1): .winograd
    case (1, 3, 1), (3, 1, 1): precision == .float32 ? .winograd : .direct
    case (1, 7, 1), (7, 1, 1): .fourier
    default: .direct
    }
  }
}
