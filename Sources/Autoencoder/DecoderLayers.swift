import Checkpoints
import Tensors

/// A group norm, followed by SiLU except in the attention.
struct Normalization: Sendable {
  let weight: Tensor  // [C]
  let bias: Tensor  // [C]

  init(_ reader: inout WeightReader, _ name: String, channels: Int) {
    weight = reader.tensor("\(name).weight", [channels])
    bias = reader.tensor("\(name).bias", [channels])
  }

  /// Normalises `x`, `[H, W, C]`.
  func callAsFunction(_ x: Tensor, silu: Bool = true) -> Tensor {
    x.normalizedGroups(
      weight: weight, bias: bias, groups: DecoderConfiguration.groups, epsilon: 1e-6, silu: silu)
  }

  /// Normalises `x` in place and applies SiLU.
  func callAsFunction(inPlace x: inout Tensor) {
    x.normalizeGroups(
      weight: weight, bias: bias, groups: DecoderConfiguration.groups, epsilon: 1e-6, silu: true)
  }
}

extension PackedConvolution {
  /// Loads a convolution that keeps the height and width: a `kernel` of 1 or 3 with matching
  /// padding.
  ///
  /// Minimal filtering transforms its weights on use. Transformed weights would be four times as
  /// large, 800 MB for Stable Diffusion's decoder, and at 512 channels this would be slower,
  /// because all of them would be read from memory for a few tiles at a time.
  init(_ reader: inout WeightReader, _ name: String, from: Int, to: Int, kernel: Int = 3) {
    let filters = kernel == 3 && from.isMultiple(of: Self.channelGroup)
    self.init(
      weight: reader.tensor("\(name).weight", [to, from, kernel, kernel]),
      bias: reader.tensor("\(name).bias", [to]).values.map(Double.init),
      padding: (kernel / 2, kernel / 2), method: filters ? .compactWinograd : .direct)
  }
}

/// `x + conv2(silu(norm2(conv1(silu(norm1(x))))))`, where `x` is projected if the number of
/// channels changes.
struct ResnetBlock: Sendable {
  private let norm1: Normalization
  private let conv1: PackedConvolution
  private let norm2: Normalization
  private let conv2: PackedConvolution
  private let shortcut: PackedConvolution?

  init(
    _ reader: inout WeightReader, _ name: String, _ names: DecoderNames, from: Int, to: Int
  ) {
    norm1 = Normalization(&reader, "\(name).norm1", channels: from)
    conv1 = PackedConvolution(&reader, "\(name).conv1", from: from, to: to)
    norm2 = Normalization(&reader, "\(name).norm2", channels: to)
    conv2 = PackedConvolution(&reader, "\(name).conv2", from: to, to: to)
    shortcut =
      from == to
      ? nil
      : PackedConvolution(
        &reader, "\(name).\(names.shortcut)", from: from, to: to, kernel: 1)
  }

  /// Applies the block.
  ///
  /// - Parameter x: `[H, W, from]` on entry, `[H, W, to]` on return. A projection is computed
  ///   first, so that the input need not be kept, and the first convolution writes over its input:
  ///   these are the largest images of a decode.
  func callAsFunction(_ x: inout Tensor) {
    var hidden: Tensor
    if let shortcut {
      hidden = x
      x = shortcut(hidden)
      norm1(inPlace: &hidden)
    } else {
      hidden = norm1(x)
    }
    conv1(inPlace: &hidden)
    norm2(inPlace: &hidden)
    conv2.add(hidden, to: &x)
  }
}

/// Single-head attention over all pixels, added to its input.
struct AttentionBlock: Sendable {
  private let norm: Normalization
  private let query: PackedConvolution
  private let key: PackedConvolution
  private let value: PackedConvolution
  private let output: PackedConvolution

  /// Loads the weights.
  ///
  /// - Parameter isMatrix: Returns whether a projection is stored as `[C, C]` instead of as the 1 x
  ///   1 convolution `[C, C, 1, 1]`.
  init(
    _ reader: inout WeightReader, _ names: DecoderNames, channels: Int, isMatrix: (String) -> Bool
  ) {
    func projection(_ name: String) -> PackedConvolution {
      let convolution = [channels, channels, 1, 1]
      let stored = isMatrix("\(name).weight") ? [channels, channels] : convolution
      return PackedConvolution(
        weight: reader.tensor("\(name).weight", stored).reshaped(convolution),
        bias: reader.tensor("\(name).bias", [channels]).values.map(Double.init))
    }
    let layers = names.attention
    norm = Normalization(&reader, layers.norm, channels: channels)
    query = projection(layers.query)
    key = projection(layers.key)
    value = projection(layers.value)
    output = projection(layers.output)
  }

  /// Applies the block.
  ///
  /// - Parameter x: `[H, W, C]`.
  func callAsFunction(_ x: inout Tensor) {
    let hidden = norm(x, silu: false)
    output.add(
      attention(query: query(hidden), key: key(hidden), value: value(hidden)), to: &x)
  }
}

/// Residual blocks at one resolution, followed by a doubling of the height and width in all blocks
/// but the last.
struct UpBlock: Sendable {
  private let resnets: [ResnetBlock]
  private let upsampler: PackedConvolution?

  init(
    _ reader: inout WeightReader, _ names: DecoderNames, _ configuration: DecoderConfiguration,
    index: Int
  ) {
    let channels = configuration.blockChannels
    let (from, to) = (channels[max(0, index - 1)], channels[index])
    resnets = (0..<configuration.resnetsPerBlock).map {
      ResnetBlock(&reader, names.resnet(index, $0), names, from: $0 == 0 ? from : to, to: to)
    }
    upsampler =
      index == channels.count - 1
      ? nil : PackedConvolution(&reader, names.upsampler(index), from: to, to: to)
  }

  /// Applies the block.
  ///
  /// - Parameter x: `[H, W, from]` on entry, `[2H, 2W, to]` on return, or `[H, W, to]` for the last
  ///   block.
  func callAsFunction(_ x: inout Tensor) {
    for resnet in resnets { resnet(&x) }
    if let upsampler { x = upsampler(x, doubled: true) }
  }
}
