import Checkpoints
import Files
import Tensors

/// The architecture of a KL decoder, determined from the shapes of its tensors.
package struct DecoderConfiguration: Equatable, Sendable {
  /// The number of channels of a latent.
  package var latentChannels: Int
  /// The number of channels after an initial 1 x 1 convolution, or nil without that convolution.
  package var mixedChannels: Int?
  /// The number of channels of each block, the smallest resolution first. Each block but the last
  /// doubles the height and width.
  package var blockChannels: [Int]
  /// The number of residual blocks in each block.
  package var resnetsPerBlock: Int
  /// The number of channels of an image.
  package var imageChannels: Int

  /// The ratio of the side of an image to the side of its latent.
  package var scale: Int { 1 << (blockChannels.count - 1) }

  /// The number of groups of every group norm. Files do not contain it, but all KL autoencoders use
  /// the same number.
  static let groups = 32
  /// The limit keeps the placeholders of missing tensors within those that ``WeightReader`` makes.
  private static let maximumChannels = 1024
  private static let maximumBlocks = 6

  /// The decoder of Stable Diffusion 1 and 2, and of the DiS, DiT and U-ViT models trained on its
  /// latents.
  package static let stableDiffusion = DecoderConfiguration(
    latentChannels: 4, mixedChannels: 4, blockChannels: [512, 512, 256, 128], resnetsPerBlock: 3,
    imageChannels: 3)

  /// Creates an architecture from its properties.
  ///
  /// - Parameters:
  ///   - latentChannels: The number of channels of a latent.
  ///   - mixedChannels: The number of channels after an initial 1 x 1 convolution, or nil without
  ///     that convolution.
  ///   - blockChannels: The number of channels of each block, the smallest resolution first. Each
  ///     block but the last doubles the height and width.
  ///   - resnetsPerBlock: The number of residual blocks in each block.
  ///   - imageChannels: The number of channels of an image.
  package init(
    latentChannels: Int, mixedChannels: Int?, blockChannels: [Int], resnetsPerBlock: Int,
    imageChannels: Int
  ) {
    self.latentChannels = latentChannels
    self.mixedChannels = mixedChannels
    self.blockChannels = blockChannels
    self.resnetsPerBlock = resnetsPerBlock
    self.imageChannels = imageChannels
  }

  /// Determines the configuration from the shapes in `state`.
  ///
  /// - Throws: ``Failure`` `NotADecoder` (65) if it is a different network or an architecture that
  ///   no KL decoder has.
  package init(_ state: StateDict) throws(Failure) { try self.init(state, DecoderNames(state)) }

  init(_ state: StateDict, _ names: DecoderNames) throws(Failure) {
    func shape(_ module: String) throws(Failure) -> [Int] {
      guard let info = state.info("\(module).weight") else {
        throw DecoderNames.refusal(state, "a network without '\(module).weight'")
      }
      guard info.shape.count == 4, info.shape.allSatisfy({ (1...Self.maximumChannels) ~= $0 })
      else {
        throw DecoderNames.refusal(state, "'\(module).weight' of shape \(info.shape)")
      }
      return info.shape
    }
    guard (1...Self.maximumBlocks).contains(names.blockCount) else {
      throw DecoderNames.refusal(state, "a decoder of \(names.blockCount) blocks")
    }
    mixedChannels =
      state.info("\(names.latentConvolution).weight") == nil
      ? nil : try shape(names.latentConvolution)[0]
    latentChannels =
      mixedChannels == nil
      ? try shape(names.input)[1] : try shape(names.latentConvolution)[1]
    imageChannels = try shape(names.output)[0]
    guard [1, 3].contains(imageChannels) else {
      throw DecoderNames.refusal(state, "a decoder to images of \(imageChannels) channels")
    }
    blockChannels = []
    for block in 0..<names.blockCount {
      let channels = try shape("\(names.resnet(block, 0)).conv1")[0]
      guard channels.isMultiple(of: Self.groups) else {
        throw DecoderNames.refusal(
          state, "a block of \(channels) channels, which are not \(Self.groups) groups")
      }
      blockChannels.append(channels)
    }
    resnetsPerBlock = 1
    while state.info("\(names.resnet(0, resnetsPerBlock)).conv1.weight") != nil {
      resnetsPerBlock += 1
    }
  }
}

// MARK: - What a decode costs

extension DecoderConfiguration {
  /// A step of a decode. The side is that of the images that it produces.
  private enum Step {
    /// A convolution with kernels of `kernel * kernel`.
    case convolution(from: Int, to: Int, kernel: Int, side: Int)
    /// A residual block.
    case resnet(from: Int, to: Int, side: Int)
    /// The attention in the middle.
    case attention(Int, side: Int)
    /// The doubling of the height and width, and the convolution after it.
    case upsampling(Int, side: Int)
  }

  /// Returns the steps of the whole network for a latent of `latentSide * latentSide`.
  private func steps(_ latentSide: Int) -> [Step] {
    let (mixed, middle) = (mixedChannels ?? latentChannels, blockChannels[0])
    var steps: [Step] = []
    if mixedChannels != nil {
      steps.append(.convolution(from: latentChannels, to: mixed, kernel: 1, side: latentSide))
    }
    steps += [
      .convolution(from: mixed, to: middle, kernel: 3, side: latentSide),
      .resnet(from: middle, to: middle, side: latentSide), .attention(middle, side: latentSide),
      .resnet(from: middle, to: middle, side: latentSide),
    ]
    var (channels, side) = (middle, latentSide)
    for (index, width) in blockChannels.enumerated() {
      for _ in 0..<resnetsPerBlock {
        steps.append(.resnet(from: channels, to: width, side: side))
        channels = width
      }
      if index < blockChannels.count - 1 {
        side *= 2
        steps.append(.upsampling(channels, side: side))
      }
    }
    return steps + [.convolution(from: channels, to: imageChannels, kernel: 3, side: side)]
  }

  /// Returns the floating-point operations in the convolutions and matrix products of one decode,
  /// where a multiply-add counts as two. Norms, SiLU, softmax and biases (less than 1 %) are not
  /// counted.
  ///
  /// - Parameter latentSide: The height and width of the latent in latent pixels.
  package func operations(latentSide: Int) -> Int {
    func convolution(_ from: Int, _ to: Int, _ kernel: Int, _ side: Int) -> Int {
      2 * from * to * kernel * kernel * side * side
    }
    return steps(latentSide).reduce(0) { sum, step in
      switch step {
      case .convolution(let from, let to, let kernel, let side):
        sum + convolution(from, to, kernel, side)
      case .resnet(let from, let to, let side):
        sum + convolution(from, to, 3, side) + convolution(to, to, 3, side)
          + (from == to ? 0 : convolution(from, to, 1, side))
      case .attention(let channels, let side):
        sum + 4 * convolution(channels, channels, 1, side)
          + 2 * 2 * side * side * side * side * channels
      case .upsampling(let channels, let side): sum + convolution(channels, channels, 3, side)
      }
    }
  }

  /// The number of parameters.
  package var parameterCount: Int {
    func convolution(_ from: Int, _ to: Int, _ kernel: Int) -> Int {
      from * to * kernel * kernel + to
    }
    return steps(1).reduce(2 * blockChannels[blockChannels.count - 1]) { sum, step in
      switch step {
      case .convolution(let from, let to, let kernel, _): sum + convolution(from, to, kernel)
      case .resnet(let from, let to, _):
        sum + 2 * from + convolution(from, to, 3) + 2 * to + convolution(to, to, 3)
          + (from == to ? 0 : convolution(from, to, 1))
      case .attention(let channels, _): sum + 2 * channels + 4 * convolution(channels, channels, 1)
      case .upsampling(let channels, _): sum + convolution(channels, channels, 3)
      }
    }
  }

  /// Returns an upper bound of the memory in bytes that one decode needs in addition to the
  /// weights: the images that exist at the same time, the scratch memory of a convolution, and the
  /// memory kept by OpenBLAS and the allocator.
  ///
  /// - Parameter latentSide: The height and width of the latent in latent pixels.
  package func workingBytes(latentSide: Int) -> Int {
    let largest = steps(latentSide).map { step in
      switch step {
      // Outputs are written in whole groups, cut, and transposed.
      case .convolution(let from, let to, _, let side):
        (from + 3 * PackedConvolution.wholeGroups(to)) * side * side
          + PackedConvolution.scratch(inputs: from, side: side)
      // The hidden image and the input or its projection, and a band of the convolution in place.
      case .resnet(let from, let to, let side):
        (from + to) * side * side + PackedConvolution.band(inputs: from, outputs: to, side: side)
          + max(
            PackedConvolution.scratch(inputs: from, side: side),
            PackedConvolution.scratch(inputs: to, side: side))
      // The input, its normalisation, query, key and value, then the result; and a block of
      // weights.
      case .attention(let channels, let side):
        (6 * channels + min(side * side, attentionBlockPixels)) * side * side
      // The doubled image is not stored.
      case .upsampling(let channels, let side):
        (channels + (channels + 3) / 4) * side * side
          + PackedConvolution.scratch(inputs: channels, side: side)
      }
    }
    return 4 * (largest.max() ?? 0) + Self.reserve
  }

  private static let reserve = 160 << 20
}
