import Checkpoints
import Foundation
import Tensors

/// The largest number of tokens between convolution and scan. They take two arrays of `[l, Di]`,
/// one megabyte for the width of DiS-S.
private let tokensPerBlock = 192

/// The bidirectional Mamba mixer ("v2"): an input projection, a causal convolution and a selective
/// scan in each direction, and the gated sum of both projected back.
///
/// Legend: L tokens, D width, Di = 2D channels, R step rank, N = 16 states.
/// - SeeAlso: Zhu et al., "Vision Mamba", arXiv 2401.09417, Algorithm 1; `mamba_simple.py` with
///   `bimamba_type="v2"` in feizc/DiS at 3da562e.
struct MambaMixer: Sendable {
  /// The weights of one direction.
  struct Direction: Sendable {
    let convolutionWeight: Tensor  // [4, Di]
    let convolutionBias: Tensor  // [Di]
    let projection: PackedLinear  // Di to R + 2N
    let stepProjection: PackedLinear  // R to Di
    let stepBias: Tensor  // [Di]
    let scaledA: Tensor  // [N, Di], -exp(A_log) * log2(e)
    let skip: Tensor  // [Di]
  }

  let inputProjection: PackedLinear  // D to 2Di, of which the first half is x and the second z
  let outputProjection: PackedLinear  // Di to D
  let forward: Direction
  let backward: Direction

  /// Loads the weights.
  ///
  /// - Parameter precision: The number format of all projections except the small ones of the step
  ///   sizes, whose result is the argument of an exponential.
  init(
    _ reader: inout WeightReader, prefix: String, configuration: DiSConfiguration,
    precision: Precision
  ) {
    let (d, di) = (configuration.embeddingDimension, configuration.innerDimension)
    forward = Direction(
      &reader, prefix: prefix, suffix: "", configuration: configuration, precision: precision)
    backward = Direction(
      &reader, prefix: prefix, suffix: "_b", configuration: configuration, precision: precision)
    inputProjection = reader.linear(
      "\(prefix).in_proj", from: d, to: 2 * di, hasBias: false, precision: precision)
    outputProjection = reader.linear(
      "\(prefix).out_proj", from: di, to: d, hasBias: false, precision: precision)
  }

  /// Applies the mixer.
  ///
  /// - Parameter u: Normalised tokens, `[L, D]`.
  /// - Returns: `[L, D]`.
  func callAsFunction(_ u: Tensor) -> Tensor {
    let xz = inputProjection(u)  // [L, 2Di]
    var y = Tensor(zeros: [xz.rows, xz.columns / 2])  // [L, Di]
    forward.add(to: &y, xz, direction: .forward)
    backward.add(to: &y, xz, direction: .backward)
    applySiLUGate(to: &y, z: xz)
    return outputProjection(y)
  }
}

extension MambaMixer.Direction {
  init(
    _ reader: inout WeightReader, prefix: String, suffix: String, configuration: DiSConfiguration,
    precision: Precision
  ) {
    let (di, r, n) = (
      configuration.innerDimension, configuration.stepRank, statesPerChannel
    )
    convolutionWeight = reader.tensor(
      "\(prefix).conv1d\(suffix).weight", [di, 1, convolutionTaps]
    ).transposed(rows: di, columns: convolutionTaps)
    convolutionBias = reader.tensor("\(prefix).conv1d\(suffix).bias", [di])
    projection = reader.linear(
      "\(prefix).x_proj\(suffix)", from: di, to: r + 2 * n, hasBias: false, precision: precision)
    // The bias is added by the scan.
    stepProjection = reader.linear("\(prefix).dt_proj\(suffix)", from: r, to: di, hasBias: false)
    stepBias = reader.tensor("\(prefix).dt_proj\(suffix).bias", [di])
    // The keys are A_log and A_b_log, D and D_b.
    var a = reader.tensor("\(prefix).A\(suffix)_log", [di, n]).transposed(rows: di, columns: n)
    let log2e = 1 / log(2.0)
    for index in a.values.indices { a.values[index] = Float(-exp(Double(a.values[index])) * log2e) }
    scaledA = a
    skip = reader.tensor("\(prefix).D\(suffix)", [di])
  }

  /// Adds this direction's scan of `xz`, `[L, 2Di]`, to `y`, `[L, Di]`.
  ///
  /// The tokens are processed in blocks, so that the values between convolution and scan stay in
  /// the cache for any number of tokens. No value depends on the size of a block.
  func add(to y: inout Tensor, _ xz: Tensor, direction: ScanDirection) {
    var states = Tensor(zeros: scaledA.shape)
    let count = (xz.rows + tokensPerBlock - 1) / tokensPerBlock
    for step in 0..<count {
      let block = direction == .forward ? step : count - 1 - step
      let tokens = xz.rows * block / count..<xz.rows * (block + 1) / count
      let u = causalConvolutionSiLU(  // [l, Di]
        xz, weight: convolutionWeight, bias: convolutionBias, direction: direction, tokens: tokens)
      let projections = projection(u)  // [l, R + 2N]: step, B, C
      let deltaRaw = stepProjection(projections)  // [l, Di], from the first R columns
      addSelectiveScan(
        to: &y, firstToken: tokens.lowerBound, states: &states, u: u, deltaRaw: deltaRaw,
        scaledA: scaledA, projections: projections, skip: skip, deltaBias: stepBias,
        direction: direction)
    }
  }
}

extension Tensor {
  /// Returns the same values with a different shape. The placeholder of a tensor that could not be
  /// read is returned unchanged.
  func arranged(_ shape: [Int]) -> Tensor {
    count == shape.reduce(1, *) ? reshaped(shape) : self
  }

  /// Returns the transpose of a matrix stored in any shape. The placeholder of a tensor that could
  /// not be read is returned unchanged.
  func transposed(rows: Int, columns: Int) -> Tensor {
    guard count == rows * columns else { return self }
    var result = Tensor(zeros: [columns, rows])
    for row in 0..<rows {
      for column in 0..<columns {
        result.values[column * rows + row] = values[row * columns + column]
      }
    }
    return result
  }
}
