import Backbones
import Checkpoints
import Files
import Tensors

/// The architecture of a ConvNeXt V2.
package struct ConvNeXtConfiguration: Equatable, Sendable {
  /// The number of blocks of each stage.
  package let depths: [Int]
  /// The number of channels of each stage.
  package let widths: [Int]

  /// The name of the architecture, such as `convnextv2-b`.
  package var name: String {
    self == Self.base
      ? "convnextv2-b"
      : "convnextv2-\(widths[0])x" + depths.map(String.init).joined(separator: "-")
  }

  /// ConvNeXt V2-B.
  package static let base = ConvNeXtConfiguration(
    depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024])
}

/// The convolutional network ConvNeXt V2, without its classifier.
///
/// The features are means over all positions after the last stage. The layer norm of the classifier
/// is not applied to them.
///
/// Legend: S side, C channels.
///
/// - SeeAlso: Woo et al., "ConvNeXt V2", arXiv 2301.00808; timm 1.0.31, models/convnext.py.
package struct ConvNeXt: Sendable {
  /// The architecture.
  package let configuration: ConvNeXtConfiguration

  private let stem: PackedConvolution  // 3 to C, 4 x 4 with stride 4
  private let stemNorm: VisionNorm
  private let stages: [Stage]

  /// A stage: a reduction of the image's sides by half, except in the first stage; and blocks.
  private struct Stage: Sendable {
    let reduction: (norm: VisionNorm, convolution: PackedConvolution)?
    let blocks: [ConvNeXtBlock]
  }

  /// Loads a network.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - names: The names of the tensors.
  ///   - weights: The tensors.
  ///   - precision: The number format of the products in the linear layers of the blocks.
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(
    _ configuration: ConvNeXtConfiguration, _ names: ConvNeXtNames, _ weights: WeightReader,
    precision: Precision = .float32
  ) throws(Failure) {
    self.configuration = configuration
    var reader = weights
    func norm(_ name: String, width: Int) -> VisionNorm {
      VisionNorm(&reader, TensorNames(name), width: width, epsilon: 1e-6)
    }
    func convolution(_ name: String, from inputs: Int, to outputs: Int, side: Int)
      -> PackedConvolution
    {
      let weight = reader.tensor("\(name).weight", [outputs, inputs, side, side])
      let bias = reader.tensor("\(name).bias", [outputs]).values.map(Double.init)
      // A placeholder for weights that could not be read may be empty.
      guard weight.shape == [outputs, inputs, side, side] else {
        return PackedConvolution(weight: Tensor(zeros: [1, 1, side, side]), stride: side)
      }
      return PackedConvolution(weight: weight, bias: bias, stride: side)
    }
    let widths = configuration.widths
    stem = convolution(names.reduction(0).convolution, from: 3, to: widths[0], side: 4)
    stemNorm = norm(names.reduction(0).norm, width: widths[0])
    stages = widths.indices.map { stage in
      let reduction: (norm: VisionNorm, convolution: PackedConvolution)? =
        stage == 0
        ? nil
        : (
          norm: norm(names.reduction(stage).norm, width: widths[stage - 1]),
          convolution: convolution(
            names.reduction(stage).convolution, from: widths[stage - 1], to: widths[stage], side: 2)
        )
      let blocks = (0..<configuration.depths[stage]).map { index in
        ConvNeXtBlock(
          &reader, names.block(index, ofStage: stage), names, width: widths[stage],
          precision: precision)
      }
      return Stage(reduction: reduction, blocks: blocks)
    }
    try reader.finish(ignoring: names.isBeside)
  }

  /// The number of features.
  package var featureDimension: Int { configuration.widths.last ?? 0 }

  /// Computes the features of one image.
  ///
  /// - Parameter x: The prepared image, `[3, S, S]`, where S is a multiple of 32.
  /// - Returns: ``featureDimension`` values.
  package func callAsFunction(_ x: Tensor) -> [Float] {
    var x = stemNorm(stem(channelsLast(x)))  // [S / 4, S / 4, C]
    for stage in stages {
      if let (norm, convolution) = stage.reduction { x = convolution(norm(x)) }
      for block in stage.blocks { block(&x) }
    }
    return globalMean(x).values
  }
}

/// A block: a convolution of each channel, and two linear layers with a GELU and a global response
/// normalisation between them, added to its input.
struct ConvNeXtBlock: Sendable {
  let convolution: DepthwiseConv2d  // 7 x 7
  let norm: VisionNorm
  let first: PackedLinear  // C to 4C
  let gain: Tensor  // [4C]
  let shift: Tensor  // [4C]
  let second: PackedLinear  // 4C to C

  init(
    _ reader: inout WeightReader, _ block: ConvNeXtNames.Block, _ names: ConvNeXtNames, width: Int,
    precision: Precision
  ) {
    let weight = reader.tensor("\(block.convolution).weight", [width, 1, 7, 7])
    let bias = reader.tensor("\(block.convolution).bias", [width])
    // A placeholder for weights that could not be read may be empty.
    convolution =
      weight.shape == [width, 1, 7, 7]
      ? DepthwiseConv2d(weight: weight, bias: bias)
      : DepthwiseConv2d(weight: Tensor(zeros: [1, 1, 7, 7]), bias: Tensor(zeros: [1]))
    norm = VisionNorm(&reader, TensorNames(block.norm), width: width, epsilon: 1e-6)
    let hidden = 4 * width
    first = reader.linear(
      [TensorNames(block.first)], from: width, to: hidden, precision: precision)
    gain = reader.tensor(block.gain, names.normalizationAxes + [hidden])
    shift = reader.tensor(block.shift, names.normalizationAxes + [hidden])
    second = reader.linear(
      [TensorNames(block.second)], from: hidden, to: width, precision: precision)
  }

  /// Applies the block.
  ///
  /// - Parameter x: `[H, W, C]`.
  func callAsFunction(_ x: inout Tensor) {
    var hidden = gelu(first(norm(convolution(x))), .erf)  // [H W, 4C]
    normalizeResponses(&hidden)
    x.add(second(hidden).reshaped(x.shape))
  }

  /// Adds to each channel the channel itself, scaled by its norm relative to those of the others.
  ///
  /// ```
  /// g[c] = ‖x[·, c]‖₂        n[c] = g[c] / (mean(g) + 1e-6)
  /// y[p, c] = x[p, c] + shift[c] + gain[c] · x[p, c] · n[c]
  /// ```
  /// The norms are summed in `Double`.
  private func normalizeResponses(_ x: inout Tensor) {
    let (pixels, channels) = (x.rows, x.columns)
    x.values.withUnsafeMutableBufferPointer { x in
      var squares = [Double](repeating: 0, count: channels)
      for pixel in 0..<pixels {
        for channel in 0..<channels {
          let value = Double(x[pixel * channels + channel])
          squares[channel] += value * value
        }
      }
      let norms = squares.map { $0.squareRoot() }
      let mean = norms.reduce(0, +) / Double(channels) + 1e-6
      let factors = zip(norms, gain.values).map { Float(1 + Double($1) * $0 / mean) }
      shift.values.withUnsafeBufferPointer { shift in
        for pixel in 0..<pixels {
          for channel in 0..<channels {
            let index = pixel * channels + channel
            x[index] = x[index] * factors[channel] + shift[channel]
          }
        }
      }
    }
  }
}
