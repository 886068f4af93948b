import Foundation

/// Weights from an integer hash, computed bit for bit alike here and in scripts/fixtures/synthetic.py, so that the
/// original code's outputs for a large network can be committed without its weights.
///
/// Element i of the tensor `key` is `offset + scale * u`, with u the i-th uniform float of a
/// SplitMix64 stream seeded with FNV-1a 64 of the key, xor the model's seed.
package struct SyntheticWeights: Sendable {
  package let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  package func values(key: String, count: Int, offset: Float, scale: Float) -> [Float] {
    var generator = SeededGenerator(seed: seed ^ Self.hash(key.utf8))
    // One product and one sum, each rounded, as in numpy: Swift never fuses them.
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count {
        buffer[index] = offset + scale * (Float(generator.next() >> 40) * 0x1p-23 - 1)
      }
      initialized = count
    }
  }

  /// FNV-1a 64.
  package static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// The offset and scale of a rule for a tensor of this shape.
  func values(_ key: String, _ shape: [Int], _ rule: Rule) -> [Float] {
    let count = shape.reduce(1, *)
    switch rule {
    case .uniform(let offset, let scale):
      return values(key: key, count: count, offset: offset, scale: scale)
    case .gain(let gain):
      let fanIn = shape.dropFirst().reduce(1, *)
      let scale = Float(gain * (3 / Double(fanIn)).squareRoot())
      return values(key: key, count: count, offset: 0, scale: scale)
    }
  }
}

/// How the values of one kind of tensor are drawn.
enum Rule {
  /// Uniform in offset ± scale.
  case uniform(Float, Float)
  /// Uniform around zero, so that inputs of rms 1 give outputs of rms `gain`.
  case gain(Double)
}

/// One named tensor whose values are made when asked for.
package struct SyntheticTensor {
  package let key: String
  package let shape: [Int]
  package let values: () -> [Float]

  package init(key: String, shape: [Int], values: @escaping () -> [Float]) {
    (self.key, self.shape, self.values) = (key, shape, values)
  }
}

// MARK: DiS

/// A DiS network with synthetic weights.
package struct SyntheticDiS: Sendable {
  package var seed: UInt64
  package var embedDim: Int
  /// The original constructor's argument: the network has depth + 1 blocks.
  package var depth: Int
  package var patch: Int
  package var channels: Int
  package var side: Int
  package var classes: Int?
  package var learnSigma = true
  package var skip = true
  /// Whether the weights are stored as bfloat16 (the goldens are computed from the rounded ones).
  package var bfloat16 = false

  package init(
    seed: UInt64, embedDim: Int, depth: Int, patch: Int, channels: Int, side: Int,
    classes: Int? = nil, learnSigma: Bool = true, skip: Bool = true, bfloat16: Bool = false
  ) {
    (self.seed, self.embedDim, self.depth, self.patch) = (seed, embedDim, depth, patch)
    (self.channels, self.side, self.classes) = (channels, side, classes)
    (self.learnSigma, self.skip, self.bfloat16) = (learnSigma, skip, bfloat16)
  }

  /// The models of the fixtures, by the name their files begin with (MODELS of synthetic.py).
  package static let models: [String: SyntheticDiS] = [
    "s2_px32": .init(seed: 1, embedDim: 368, depth: 24, patch: 2, channels: 3, side: 32),
    "s2_lat32_c1000": .init(
      seed: 2, embedDim: 368, depth: 24, patch: 2, channels: 4, side: 32, classes: 1000),
    "no_skip": .init(
      seed: 3, embedDim: 64, depth: 4, patch: 2, channels: 3, side: 16, classes: 7, skip: false),
    "no_sigma": .init(
      seed: 4, embedDim: 33, depth: 2, patch: 2, channels: 1, side: 6, learnSigma: false),
    "patch4": .init(
      seed: 5, embedDim: 100, depth: 2, patch: 4, channels: 3, side: 32, classes: 5),
    "bfloat16": .init(
      seed: 6, embedDim: 50, depth: 4, patch: 2, channels: 4, side: 8, classes: 10, bfloat16: true),
    "width50": .init(
      seed: 7, embedDim: 50, depth: 6, patch: 2, channels: 4, side: 8, classes: 10),
    "width768": .init(seed: 8, embedDim: 768, depth: 2, patch: 4, channels: 3, side: 32),
    "small": .init(seed: 9, embedDim: 48, depth: 4, patch: 2, channels: 3, side: 8),
  ]

  package var outChannels: Int { learnSigma ? 2 * channels : channels }

  /// All tensors in the order of the original's state_dict.
  package var tensors: [SyntheticTensor] {
    let (width, inner, rank) = (embedDim, 2 * embedDim, (embedDim + 15) / 16)
    let tokens = (side / patch) * (side / patch) + (classes == nil ? 1 : 2)
    let head = patch * patch * outChannels
    var result: [(String, [Int])] = [
      ("pos_embed", [1, tokens, width]),
      ("patch_embed.proj.weight", [width, channels, patch, patch]),
      ("patch_embed.proj.bias", [width]),
      ("time_embed.0.weight", [4 * width, width]), ("time_embed.0.bias", [4 * width]),
      ("time_embed.2.weight", [width, 4 * width]), ("time_embed.2.bias", [width]),
    ]
    if let classes { result.append(("label_emb.embedding_table.weight", [classes + 1, width])) }
    let half = 0..<depth / 2
    let blocks = half.map { "in_blocks.\($0)" } + ["mid_block"] + half.map { "out_blocks.\($0)" }
    for block in blocks {
      result += [
        ("\(block).mixer.A_log", [inner, 16]), ("\(block).mixer.D", [inner]),
        ("\(block).mixer.A_b_log", [inner, 16]), ("\(block).mixer.D_b", [inner]),
        ("\(block).mixer.in_proj.weight", [2 * inner, width]),
      ]
      for suffix in ["", "_b"] {
        result += [
          ("\(block).mixer.conv1d\(suffix).weight", [inner, 1, 4]),
          ("\(block).mixer.conv1d\(suffix).bias", [inner]),
          ("\(block).mixer.x_proj\(suffix).weight", [rank + 32, inner]),
          ("\(block).mixer.dt_proj\(suffix).weight", [inner, rank]),
          ("\(block).mixer.dt_proj\(suffix).bias", [inner]),
        ]
      }
      result += [
        ("\(block).mixer.out_proj.weight", [width, inner]), ("\(block).norm.weight", [width]),
      ]
      if skip && block.hasPrefix("out") {
        result += [
          ("\(block).skip_linear.weight", [width, 2 * width]),
          ("\(block).skip_linear.bias", [width]),
        ]
      }
    }
    result += [
      ("norm_f.weight", [width]),
      ("final_layer.linear.weight", [head, width]), ("final_layer.linear.bias", [head]),
    ]
    if classes != nil {
      result += [
        ("final_layer.adaLN_modulation.1.weight", [2 * width, width]),
        ("final_layer.adaLN_modulation.1.bias", [2 * width]),
      ]
    }
    return result.map { key, shape in
      SyntheticTensor(key: key, shape: shape) { values(key, shape) }
    }
  }

  private func values(_ key: String, _ shape: [Int]) -> [Float] {
    guard let rule = Self.rules.first(where: { key.hasSuffix($0.0) })?.1 else {
      preconditionFailure("no rule for \(key)")
    }
    var result = SyntheticWeights(seed: seed).values(key, shape, rule)
    let columns = shape.last ?? 1
    // The first features of every patch token carry its pixels, and little else is written to them, so that the
    // head can predict "the noise is the image": that keeps sampling bounded.
    let area = patch * patch
    let pixels = channels * area
    if key == "patch_embed.proj.weight" {
      // Row `feature` has one weight per pixel, and feature = (channel, row, column) is its own.
      for feature in 0..<pixels { result[feature * pixels + feature] += 1 }
    } else if key == "final_layer.linear.weight" {
      // The head's rows are (row, column, channel).
      for feature in 0..<pixels {
        let (channel, position) = feature.quotientAndRemainder(dividingBy: area)
        result[(position * outChannels + channel) * columns + feature] += 1.5
      }
    } else if key == "pos_embed" {
      for index in result.indices where index % columns < pixels { result[index] *= 0.25 }
    } else if key.hasSuffix("skip_linear.bias") {
      for index in 0..<pixels { result[index] *= 0.25 }
    } else if key.hasSuffix("out_proj.weight") || key.hasSuffix("skip_linear.weight") {
      for index in 0..<pixels * columns { result[index] *= 0.25 }
    }
    // In every mixer channel 1 sits around the threshold of softplus, without drowning the other channels.
    if key.hasSuffix("dt_proj.bias") || key.hasSuffix("dt_proj_b.bias") {
      result[1] = 20.5
    } else if key.hasSuffix("out_proj.weight") {
      for row in 0..<shape[0] { result[row * columns + 1] *= 0.0625 }
    }
    return result
  }

  /// The first suffix that fits decides.
  private static let rules: [(String, Rule)] = [
    ("pos_embed", .uniform(0, 0.5)),
    ("patch_embed.proj.weight", .gain(0.5)), ("patch_embed.proj.bias", .uniform(0, 0.1)),
    ("time_embed.0.weight", .gain(1.5)), ("time_embed.2.weight", .gain(1.5)),
    ("time_embed.0.bias", .uniform(0, 0.1)), ("time_embed.2.bias", .uniform(0, 0.1)),
    ("embedding_table.weight", .uniform(0, 1.5)),
    ("A_log", .uniform(1.35, 1.35)), ("A_b_log", .uniform(1.35, 1.35)),
    ("mixer.D", .uniform(1, 0.5)), ("mixer.D_b", .uniform(1, 0.5)),
    ("in_proj.weight", .gain(1)),
    ("conv1d.weight", .gain(1)), ("conv1d_b.weight", .gain(1)),
    ("conv1d.bias", .uniform(0, 0.2)), ("conv1d_b.bias", .uniform(0, 0.2)),
    ("x_proj.weight", .gain(1.25)), ("x_proj_b.weight", .gain(1.25)),
    ("dt_proj.weight", .gain(0.6)), ("dt_proj_b.weight", .gain(0.6)),
    ("dt_proj.bias", .uniform(-2, 4)), ("dt_proj_b.bias", .uniform(-2, 4)),
    ("out_proj.weight", .gain(0.2)),
    ("norm.weight", .uniform(1, 0.2)), ("norm_f.weight", .uniform(1, 0.2)),
    ("skip_linear.weight", .gain(1)), ("skip_linear.bias", .uniform(0, 0.02)),
    ("final_layer.linear.weight", .gain(0.2)), ("final_layer.linear.bias", .uniform(0, 0.02)),
    ("adaLN_modulation.1.weight", .gain(0.3)), ("adaLN_modulation.1.bias", .uniform(0, 0.1)),
  ]
}

// MARK: Inception

/// pytorch-fid's Inception with synthetic weights (inception_state of synthetic.py).
package enum SyntheticInception {
  package static let seed: UInt64 = 20

  /// All tensors in the order of the original's state_dict, without num_batches_tracked.
  ///
  /// `statistics` are the numbers of the fixture inception_bn.npy: the running means of all units, then their
  /// running variances.
  package static func tensors(statistics: [Float]) -> [SyntheticTensor] {
    let weights = SyntheticWeights(seed: seed)
    let units = units
    let channels = units.reduce(0) { $0 + $1.outputs }
    precondition(statistics.count == 2 * channels, "not the statistics of these units")
    var result: [SyntheticTensor] = []
    func add(_ key: String, _ shape: [Int], _ rule: Rule) {
      result.append(SyntheticTensor(key: key, shape: shape) { weights.values(key, shape, rule) })
    }
    var start = 0
    for unit in units {
      let range = start..<start + unit.outputs
      add(
        unit.name + ".conv.weight", [unit.outputs, unit.inputs, unit.height, unit.width],
        .gain(0.35))
      add(unit.name + ".bn.weight", [unit.outputs], .uniform(1, 0.2))
      add(unit.name + ".bn.bias", [unit.outputs], .uniform(0.1, 0.6))
      result.append(
        SyntheticTensor(key: unit.name + ".bn.running_mean", shape: [unit.outputs]) {
          Array(statistics[range])
        })
      result.append(
        SyntheticTensor(key: unit.name + ".bn.running_var", shape: [unit.outputs]) {
          range.map { statistics[channels + $0] }
        })
      start += unit.outputs
    }
    add("fc.weight", [1008, 2048], .gain(3))
    add("fc.bias", [1008], .uniform(0, 0.3))
    return result
  }

  private struct Unit {
    let name: String
    let inputs, outputs, height, width: Int
  }

  /// The 94 convolutions in file order.
  private static var units: [Unit] {
    var result: [Unit] = []
    func unit(_ name: String, _ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int) {
      result.append(
        Unit(name: name, inputs: inputs, outputs: outputs, height: height, width: width))
    }
    unit("Conv2d_1a_3x3", 3, 32, 3, 3)
    unit("Conv2d_2a_3x3", 32, 32, 3, 3)
    unit("Conv2d_2b_3x3", 32, 64, 3, 3)
    unit("Conv2d_3b_1x1", 64, 80, 1, 1)
    unit("Conv2d_4a_3x3", 80, 192, 3, 3)
    for (letter, inputs, pool) in [("b", 192, 32), ("c", 256, 64), ("d", 288, 64)] {
      let block = "Mixed_5" + letter
      unit("\(block).branch1x1", inputs, 64, 1, 1)
      unit("\(block).branch5x5_1", inputs, 48, 1, 1)
      unit("\(block).branch5x5_2", 48, 64, 5, 5)
      unit("\(block).branch3x3dbl_1", inputs, 64, 1, 1)
      unit("\(block).branch3x3dbl_2", 64, 96, 3, 3)
      unit("\(block).branch3x3dbl_3", 96, 96, 3, 3)
      unit("\(block).branch_pool", inputs, pool, 1, 1)
    }
    unit("Mixed_6a.branch3x3", 288, 384, 3, 3)
    unit("Mixed_6a.branch3x3dbl_1", 288, 64, 1, 1)
    unit("Mixed_6a.branch3x3dbl_2", 64, 96, 3, 3)
    unit("Mixed_6a.branch3x3dbl_3", 96, 96, 3, 3)
    for (block, inner) in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)] {
      unit("Mixed_\(block).branch1x1", 768, 192, 1, 1)
      unit("Mixed_\(block).branch7x7_1", 768, inner, 1, 1)
      unit("Mixed_\(block).branch7x7_2", inner, inner, 1, 7)
      unit("Mixed_\(block).branch7x7_3", inner, 192, 7, 1)
      unit("Mixed_\(block).branch7x7dbl_1", 768, inner, 1, 1)
      unit("Mixed_\(block).branch7x7dbl_2", inner, inner, 7, 1)
      unit("Mixed_\(block).branch7x7dbl_3", inner, inner, 1, 7)
      unit("Mixed_\(block).branch7x7dbl_4", inner, inner, 7, 1)
      unit("Mixed_\(block).branch7x7dbl_5", inner, 192, 1, 7)
      unit("Mixed_\(block).branch_pool", 768, 192, 1, 1)
    }
    unit("Mixed_7a.branch3x3_1", 768, 192, 1, 1)
    unit("Mixed_7a.branch3x3_2", 192, 320, 3, 3)
    unit("Mixed_7a.branch7x7x3_1", 768, 192, 1, 1)
    unit("Mixed_7a.branch7x7x3_2", 192, 192, 1, 7)
    unit("Mixed_7a.branch7x7x3_3", 192, 192, 7, 1)
    unit("Mixed_7a.branch7x7x3_4", 192, 192, 3, 3)
    for (block, inputs) in [("Mixed_7b", 1280), ("Mixed_7c", 2048)] {
      unit("\(block).branch1x1", inputs, 320, 1, 1)
      unit("\(block).branch3x3_1", inputs, 384, 1, 1)
      unit("\(block).branch3x3_2a", 384, 384, 1, 3)
      unit("\(block).branch3x3_2b", 384, 384, 3, 1)
      unit("\(block).branch3x3dbl_1", inputs, 448, 1, 1)
      unit("\(block).branch3x3dbl_2", 448, 384, 3, 3)
      unit("\(block).branch3x3dbl_3a", 384, 384, 1, 3)
      unit("\(block).branch3x3dbl_3b", 384, 384, 3, 1)
      unit("\(block).branch_pool", inputs, 192, 1, 1)
    }
    return result
  }
}

// MARK: Files

/// Writes a .safetensors file, one tensor at a time.
package func writeSafetensors(
  _ tensors: [SyntheticTensor], to url: URL, bfloat16: Bool = false
) throws {
  let size = bfloat16 ? 2 : 4
  var offset = 0
  let entries = tensors.map { tensor in
    let start = offset
    offset += size * tensor.shape.reduce(1, *)
    // Keys have no characters that JSON would escape.
    return """
      "\(tensor.key)":{"dtype":"\(bfloat16 ? "BF16" : "F32")","shape":\(tensor.shape),\
      "data_offsets":[\(start),\(offset)]}
      """
  }
  var header = Data("{\(entries.joined(separator: ","))}".utf8)
  header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))

  try Data().write(to: url)
  let file = try FileHandle(forWritingTo: url)
  defer { try? file.close() }
  try file.write(contentsOf: withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) })
  try file.write(contentsOf: header)
  for tensor in tensors {
    let values = tensor.values()
    let data =
      bfloat16
      ? values.map(bfloat16Bits).withUnsafeBytes { Data($0) } : values.withUnsafeBytes { Data($0) }
    try file.write(contentsOf: data)
  }
}

/// The bits of the nearest bfloat16 of a finite value, ties to even.
package func bfloat16Bits(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
}

extension SyntheticDiS {
  package func write(to url: URL) throws {
    try writeSafetensors(tensors, to: url, bfloat16: bfloat16)
  }
}
