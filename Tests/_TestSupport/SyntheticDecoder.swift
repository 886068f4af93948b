import Foundation
import Tensors

/// A KL decoder with synthetic weights (Decoder of synthetic.py), under the names of diffusers.
package struct SyntheticDecoder: Sendable {
  package var seed: UInt64
  package var latentChannels: Int
  /// Channels, the smallest resolution first.
  package var blocks: [Int]
  package var resnets: Int
  package var imageChannels = 3
  package var latentConvolution = true

  package init(
    seed: UInt64, latentChannels: Int, blocks: [Int], resnets: Int, imageChannels: Int = 3,
    latentConvolution: Bool = true
  ) {
    (self.seed, self.latentChannels, self.blocks) = (seed, latentChannels, blocks)
    (self.resnets, self.imageChannels) = (resnets, imageChannels)
    self.latentConvolution = latentConvolution
  }

  /// The decoders of the fixtures (DECODERS of synthetic.py).
  package static let models: [String: SyntheticDecoder] = [
    "sd": .init(seed: 30, latentChannels: 4, blocks: [512, 512, 256, 128], resnets: 3),
    "tiny": .init(seed: 31, latentChannels: 4, blocks: [64, 32], resnets: 2),
    "tiny8": .init(seed: 32, latentChannels: 4, blocks: [64, 64, 32, 32], resnets: 1),
    "mono": .init(
      seed: 33, latentChannels: 16, blocks: [96, 32, 64], resnets: 1, imageChannels: 1,
      latentConvolution: false),
  ]

  /// What is decoded: `[L, height, width]`.
  package func latent(_ height: Int, _ width: Int) -> Tensor {
    let shape = [latentChannels, height, width]
    return Tensor(
      shape: shape,
      values: SyntheticWeights(seed: seed).values(
        key: "z\(height)x\(width)", count: shape.reduce(1, *), offset: 0, scale: 9.5))
  }

  package var tensors: [SyntheticTensor] {
    var result: [(String, [Int])] = []
    func affine(_ name: String, _ shape: Int...) {
      result += [("\(name).weight", shape), ("\(name).bias", [shape[0]])]
    }
    func resnet(_ name: String, _ from: Int, _ to: Int) {
      affine("\(name).norm1", from)
      affine("\(name).conv1", to, from, 3, 3)
      affine("\(name).norm2", to)
      affine("\(name).conv2", to, to, 3, 3)
      if from != to { affine("\(name).conv_shortcut", to, from, 1, 1) }
    }
    let middle = blocks[0]
    if latentConvolution { affine("post_quant_conv", latentChannels, latentChannels, 1, 1) }
    affine("decoder.conv_in", middle, latentChannels, 3, 3)
    for index in 0..<2 { resnet("decoder.mid_block.resnets.\(index)", middle, middle) }
    let attention = "decoder.mid_block.attentions.0"
    affine("\(attention).group_norm", middle)
    for name in ["to_q", "to_k", "to_v", "to_out.0"] {
      affine("\(attention).\(name)", middle, middle)
    }
    var channels = middle
    for (block, width) in blocks.enumerated() {
      for index in 0..<resnets {
        resnet("decoder.up_blocks.\(block).resnets.\(index)", channels, width)
        channels = width
      }
      if block < blocks.count - 1 {
        affine("decoder.up_blocks.\(block).upsamplers.0.conv", width, width, 3, 3)
      }
    }
    affine("decoder.conv_norm_out", channels)
    affine("decoder.conv_out", imageChannels, channels, 3, 3)
    let weights = SyntheticWeights(seed: seed)
    return result.map { key, shape in
      SyntheticTensor(key: key, shape: shape) { weights.values(key, shape, Self.rule(key)) }
    }
  }

  package func write(to path: String) throws {
    try writeSafetensors(tensors, to: URL(fileURLWithPath: path))
  }

  private static func rule(_ key: String) -> Rule {
    guard let rule = rules.first(where: { key.hasSuffix($0.0) })?.1 else {
      preconditionFailure("no rule for \(key)")
    }
    return rule
  }

  /// The first suffix that fits decides.
  private static let rules: [(String, Rule)] = [
    ("post_quant_conv.weight", .gain(0.25)), ("conv_out.weight", .gain(0.9)),
    ("conv_in.weight", .gain(1)), ("conv_shortcut.weight", .gain(1)),
    ("conv2.weight", .gain(0.65)), ("conv1.weight", .gain(1.3)), ("conv.weight", .gain(1.3)),
    ("to_q.weight", .gain(1.5)), ("to_k.weight", .gain(1.5)), ("to_v.weight", .gain(1)),
    ("to_out.0.weight", .gain(1)), (".weight", .uniform(1, 0.25)), (".bias", .uniform(0, 0.17)),
  ]
}

// MARK: Other names

extension [SyntheticTensor] {
  /// The tensors of diffusers under the names that it had before 0.15.
  package var withOldDiffusersNames: [SyntheticTensor] {
    renamed { key, shape in
      var key = key
      for (new, old) in [
        ("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn"),
      ] {
        key = key.replacingOccurrences(of: ".\(new).", with: ".\(old).")
      }
      return (key, shape)
    }
  }

  /// The tensors of diffusers under the names of CompVis, the attention as convolutions.
  package func withCompVisNames(blocks: Int, prefix: String) -> [SyntheticTensor] {
    renamed { key, shape in
      var key = key
      for index in 0..<2 {
        key = key.replacingOccurrences(
          of: "mid_block.resnets.\(index)", with: "mid.block_\(index + 1)")
      }
      for block in 0..<blocks {
        key = key.replacingOccurrences(
          of: "up_blocks.\(block).resnets", with: "up.\(blocks - 1 - block).block")
        key = key.replacingOccurrences(
          of: "up_blocks.\(block).upsamplers.0", with: "up.\(blocks - 1 - block).upsample")
      }
      for (new, old) in [
        ("mid_block.attentions.0.", "mid.attn_1."), (".group_norm.", ".norm."), (".to_q.", ".q."),
        (".to_k.", ".k."), (".to_v.", ".v."), (".to_out.0.", ".proj_out."),
        ("conv_norm_out", "norm_out"), ("conv_shortcut", "nin_shortcut"),
      ] {
        key = key.replacingOccurrences(of: new, with: old)
      }
      return (prefix + key, shape.count == 2 ? shape + [1, 1] : shape)
    }
  }

  private func renamed(_ rename: (String, [Int]) -> (String, [Int])) -> [SyntheticTensor] {
    map { tensor in
      let (key, shape) = rename(tensor.key, tensor.shape)
      return SyntheticTensor(key: key, shape: shape, values: tensor.values)
    }
  }
}
