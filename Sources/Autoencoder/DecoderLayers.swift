import Checkpoints
import Tensors

/// A group norm, and SiLU after it except in the attention.
struct Normalization: Sendable {
  let weight: Tensor  // [C]
  let bias: Tensor  // [C]

  init(_ reader: inout WeightReader, _ name: String, channels: Int) {
    weight = reader.tensor("\(name).weight", [channels])
    bias = reader.tensor("\(name).bias", [channels])
  }

  /// Normalises `x`, `[C, H, W]`.
  func callAsFunction(_ x: inout Tensor, silu: Bool = true) {
    x.normalizeGroups(
      weight: weight, bias: bias, groups: DecoderConfiguration.groups, epsilon: 1e-6, silu: silu)
  }
}

extension Conv2d {
  /// A convolution that keeps the side: a `kernel` of 1 or 3 with padding for it.
  init(_ reader: inout WeightReader, _ name: String, from: Int, to: Int, kernel: Int = 3) {
    self.init(
      weight: reader.tensor("\(name).weight", [to, from, kernel, kernel]),
      bias: reader.tensor("\(name).bias", [to]), padding: (kernel / 2, kernel / 2))
  }
}

/// `x + conv2(silu(norm2(conv1(silu(norm1(x))))))`, with `x` projected where the channels change.
struct ResnetBlock: Sendable {
  private let norm1: Normalization
  private let conv1: Conv2d
  private let norm2: Normalization
  private let conv2: Conv2d
  private let shortcut: Conv2d?

  init(
    _ reader: inout WeightReader, _ name: String, _ names: DecoderNames, from: Int, to: Int
  ) {
    norm1 = Normalization(&reader, "\(name).norm1", channels: from)
    conv1 = Conv2d(&reader, "\(name).conv1", from: from, to: to)
    norm2 = Normalization(&reader, "\(name).norm2", channels: to)
    conv2 = Conv2d(&reader, "\(name).conv2", from: to, to: to)
    shortcut =
      from == to
      ? nil : Conv2d(&reader, "\(name).\(names.shortcut)", from: from, to: to, kernel: 1)
  }

  /// - Parameter x: `[from, H, W]` in, `[to, H, W]` out. A projection is made first, so that the
  ///   input need not be kept: these are the largest images of a decode.
  func callAsFunction(_ x: inout Tensor) {
    var hidden = x
    if let shortcut { x = shortcut(x) }
    norm1(&hidden)
    hidden = conv1(hidden)
    norm2(&hidden)
    hidden = conv2(hidden)
    x.add(hidden)
  }
}

/// Attention with one head over all pixels, added to its input.
struct AttentionBlock: Sendable {
  private let norm: Normalization
  private let query: Conv2d
  private let key: Conv2d
  private let value: Conv2d
  private let output: Conv2d

  /// - Parameter isMatrix: Whether the projections are stored as `[C, C]` rather than as the 1 x 1
  ///   convolutions `[C, C, 1, 1]` that they are.
  init(
    _ reader: inout WeightReader, _ names: DecoderNames, channels: Int, isMatrix: (String) -> Bool
  ) {
    func projection(_ name: String) -> Conv2d {
      let convolution = [channels, channels, 1, 1]
      let stored = isMatrix("\(name).weight") ? [channels, channels] : convolution
      return Conv2d(
        weight: reader.tensor("\(name).weight", stored).reshaped(convolution),
        bias: reader.tensor("\(name).bias", [channels]))
    }
    let layers = names.attention
    norm = Normalization(&reader, layers.norm, channels: channels)
    query = projection(layers.query)
    key = projection(layers.key)
    value = projection(layers.value)
    output = projection(layers.output)
  }

  /// - Parameter x: `[C, H, W]`.
  func callAsFunction(_ x: inout Tensor) {
    var hidden = x
    norm(&hidden, silu: false)
    hidden = attention(query: query(hidden), key: key(hidden), value: value(hidden))
    x.add(output(hidden))
  }
}

/// Residual blocks at one resolution, and a doubling of the side unless it is the last one.
struct UpBlock: Sendable {
  private let resnets: [ResnetBlock]
  private let upsampler: Conv2d?

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
      ? nil : Conv2d(&reader, names.upsampler(index), from: to, to: to)
  }

  /// - Parameter x: `[from, H, W]` in, `[to, 2H, 2W]` out; of the last block `[to, H, W]`.
  func callAsFunction(_ x: inout Tensor) {
    for resnet in resnets { resnet(&x) }
    guard let upsampler else { return }
    x = upsampleNearest(x)
    x = upsampler(x)
  }
}
