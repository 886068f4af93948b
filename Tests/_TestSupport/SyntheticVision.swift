import Foundation

/// Weights, pixels and images from the integer hash of scripts/fixtures/make_vision_transformers.py.
///
/// Value i of the tensor `key` is a + b (2u - 1) rounded to float, with u the i-th number of a SplitMix64
/// stream seeded with FNV-1a 64 of the key, in 53 bits.
package enum SyntheticVision {
  /// `count` numbers in [0, 1).
  package static func uniform(_ key: String, _ count: Int) -> [Double] {
    var generator = SeededGenerator(seed: SyntheticWeights.hash(key.utf8))
    return (0..<count).map { _ in Double(generator.next() >> 11) * 0x1p-53 }
  }

  /// `count` floats in [-2, 2), which stand for prepared pixels.
  package static func pixels(_ key: String, _ count: Int) -> [Float] {
    uniform(key, count).map { Float(4 * $0 - 2) }
  }

  /// The tensor of that name in the naming of the rules: DINOv2's own, OpenAI's, timm's for the rest.
  package static func tensor(_ key: String, _ shape: [Int]) -> SyntheticTensor {
    SyntheticTensor(key: key, shape: shape) {
      let (a, b) = rule(key, shape)
      return uniform(key, shape.reduce(1, *)).map { Float(a + b * (2 * $0 - 1)) }
    }
  }

  private static let tokens: Set<Substring> = [
    "pos_embed", "cls_token", "register_tokens", "mask_token", "class_embedding",
    "positional_embedding", "latent",
  ]

  /// The offset and the scale of a tensor's values.
  private static func rule(_ key: String, _ shape: [Int]) -> (Double, Double) {
    let parts = key.split(separator: ".")
    let (leaf, parent) = (parts[parts.count - 1], parts.dropLast().last ?? "")
    if parent == "grn" { return (0, 0.3) }
    if leaf == "weight" && shape.count == 1 { return (1, 0.3) }
    if leaf == "gamma" { return (0.5, 0.4) }
    if tokens.contains(leaf) { return (0, 0.5) }
    if key.hasSuffix("visual.proj") { return (0, (3 / Double(shape[0])).squareRoot()) }
    if shape.count == 1 { return (0, 0.1) }
    let gain = ["qkv", "q", "kv"].contains(parent) || leaf == "in_proj_weight" ? 1.6 : 1
    return (0, gain * (3 / Double(shape.dropFirst().reduce(1, *))).squareRoot())
  }
}

// MARK: - The small networks

extension SyntheticVision {
  /// DINOv2 of width 128 with three blocks, under its own names.
  package static func dinov2(
    width: Int = 128, depth: Int = 3, registers: Int = 0, isGated: Bool = false
  ) -> [SyntheticTensor] {
    var shapes: [(String, [Int])] = [
      ("cls_token", [1, 1, width]), ("pos_embed", [1, 1370, width]), ("mask_token", [1, width]),
    ]
    if registers > 0 { shapes.append(("register_tokens", [1, registers, width])) }
    shapes += [
      ("patch_embed.proj.weight", [width, 3, 14, 14]), ("patch_embed.proj.bias", [width]),
    ]
    let hidden = (4 * width * 2 / 3 + 7) / 8 * 8
    for block in 0..<depth {
      let layers: [(String, [Int])] =
        isGated
        ? [("mlp.w12", [2 * hidden, width]), ("mlp.w3", [width, hidden])]
        : [("mlp.fc1", [4 * width, width]), ("mlp.fc2", [width, 4 * width])]
      shapes += transformerBlock("blocks.\(block)", width, layers)
      shapes += [("blocks.\(block).ls1.gamma", [width]), ("blocks.\(block).ls2.gamma", [width])]
    }
    return made(shapes + norm("norm", width))
  }

  /// A tower of CLIP under OpenAI's names.
  package static func clip(
    width: Int = 128, depth: Int = 3, patch: Int = 14, side: Int = 112, outputs: Int = 64
  ) -> [SyntheticTensor] {
    let positions = side / patch * (side / patch) + 1
    var shapes: [(String, [Int])] = [
      ("class_embedding", [width]), ("positional_embedding", [positions, width]),
      ("proj", [width, outputs]), ("conv1.weight", [width, 3, patch, patch]),
    ]
    shapes += norm("ln_pre", width)
    for index in 0..<depth {
      let block = "transformer.resblocks.\(index)"
      shapes += [
        ("\(block).attn.in_proj_weight", [3 * width, width]),
        ("\(block).attn.in_proj_bias", [3 * width]),
      ]
      shapes += linear("\(block).attn.out_proj", [width, width])
      shapes += norm("\(block).ln_1", width) + norm("\(block).ln_2", width)
      shapes += linear("\(block).mlp.c_fc", [4 * width, width])
      shapes += linear("\(block).mlp.c_proj", [width, 4 * width])
    }
    return made((shapes + norm("ln_post", width)).map { ("visual.\($0.0)", $0.1) })
  }

  /// The encoder of a masked autoencoder under timm's names.
  package static func mae(width: Int = 128, depth: Int = 3) -> [SyntheticTensor] {
    var shapes: [(String, [Int])] = [
      ("cls_token", [1, 1, width]), ("pos_embed", [1, 197, width]),
    ]
    shapes += linear("patch_embed.proj", [width, 3, 16, 16])
    for block in 0..<depth {
      shapes += transformerBlock(
        "blocks.\(block)", width,
        [("mlp.fc1", [4 * width, width]), ("mlp.fc2", [width, 4 * width])])
    }
    return made(shapes + norm("norm", width))
  }

  /// SigLIP2 with two heads of 72 under timm's names.
  package static func siglip2(
    width: Int = 144, depth: Int = 3, hidden: Int = 538
  ) -> [SyntheticTensor] {
    var shapes: [(String, [Int])] = [("pos_embed", [1, 256, width])]
    shapes += linear("patch_embed.proj", [width, 3, 16, 16])
    for block in 0..<depth {
      shapes += transformerBlock(
        "blocks.\(block)", width, [("mlp.fc1", [hidden, width]), ("mlp.fc2", [width, hidden])])
    }
    shapes += norm("norm", width) + [("attn_pool.latent", [1, 1, width])]
    shapes += linear("attn_pool.q", [width, width]) + linear("attn_pool.kv", [2 * width, width])
    shapes += linear("attn_pool.proj", [width, width]) + norm("attn_pool.norm", width)
    shapes += linear("attn_pool.mlp.fc1", [hidden, width])
    return made(shapes + linear("attn_pool.mlp.fc2", [width, hidden]))
  }

  /// ConvNeXt V2 under timm's names.
  package static func convNeXt(
    depths: [Int] = [1, 1, 2, 1], widths: [Int] = [16, 24, 32, 48]
  ) -> [SyntheticTensor] {
    var shapes = linear("stem.0", [widths[0], 3, 4, 4]) + norm("stem.1", widths[0])
    for (stage, width) in widths.enumerated() {
      if stage > 0 {
        shapes += norm("stages.\(stage).downsample.0", widths[stage - 1])
        shapes += linear("stages.\(stage).downsample.1", [width, widths[stage - 1], 2, 2])
      }
      for index in 0..<depths[stage] {
        let block = "stages.\(stage).blocks.\(index)"
        shapes += linear("\(block).conv_dw", [width, 1, 7, 7]) + norm("\(block).norm", width)
        shapes += linear("\(block).mlp.fc1", [4 * width, width])
        shapes += norm("\(block).mlp.grn", 4 * width)
        shapes += linear("\(block).mlp.fc2", [width, 4 * width])
      }
    }
    return made(shapes + norm("head.norm", widths[widths.count - 1]))
  }

  private static func transformerBlock(
    _ block: String, _ width: Int, _ layers: [(String, [Int])]
  ) -> [(String, [Int])] {
    norm("\(block).norm1", width) + linear("\(block).attn.qkv", [3 * width, width])
      + linear("\(block).attn.proj", [width, width]) + norm("\(block).norm2", width)
      + layers.flatMap { linear("\(block).\($0.0)", $0.1) }
  }

  private static func linear(_ name: String, _ shape: [Int]) -> [(String, [Int])] {
    [("\(name).weight", shape), ("\(name).bias", [shape[0]])]
  }

  private static func norm(_ name: String, _ width: Int) -> [(String, [Int])] {
    [("\(name).weight", [width]), ("\(name).bias", [width])]
  }

  private static func made(_ shapes: [(String, [Int])]) -> [SyntheticTensor] {
    shapes.map { tensor($0.0, $0.1) }
  }
}

// MARK: - Other namings

extension SyntheticTensor {
  /// The tensor under a different name.
  package func named(_ name: String) -> SyntheticTensor {
    SyntheticTensor(key: name, shape: shape, values: values)
  }

  /// The tensor with a different shape of as many values.
  package func reshaped(_ shape: [Int]) -> SyntheticTensor {
    SyntheticTensor(key: key, shape: shape, values: values)
  }

  /// The parts of equal size along the first axis.
  package func split(_ names: [String]) -> [SyntheticTensor] {
    let (rows, values) = (shape[0] / names.count, values)
    let size = shape.dropFirst().reduce(rows, *)
    return names.enumerated().map { index, name in
      SyntheticTensor(key: name, shape: [rows] + shape.dropFirst()) {
        Array(values()[index * size..<(index + 1) * size])
      }
    }
  }

  /// The transpose of a matrix.
  package var transposed: SyntheticTensor {
    let (shape, values) = (shape, values)
    return SyntheticTensor(key: key, shape: [shape[1], shape[0]]) {
      let values = values()
      return (0..<shape[1]).flatMap { column in
        (0..<shape[0]).map { values[$0 * shape[1] + column] }
      }
    }
  }

  /// The tensor with different values.
  package func changed(_ change: @escaping ([Float]) -> [Float]) -> SyntheticTensor {
    let values = values
    return SyntheticTensor(key: key, shape: shape) { change(values()) }
  }
}

extension [SyntheticTensor] {
  /// DINOv2 under the names of timm.
  package func dinov2NamedByTimm() -> [SyntheticTensor] {
    let positions = first { $0.key == "pos_embed" }
    let hasRegisters = contains { $0.key == "register_tokens" }
    let width = positions?.shape[2] ?? 0
    return filter { $0.key != "mask_token" }.map { tensor in
      switch tensor.key {
      case "register_tokens": return tensor.named("reg_token")
      case "cls_token" where hasRegisters:
        return tensor.changed { token in
          zip(token, positions?.values() ?? []).map { $0 + $1 }
        }
      case "pos_embed" where hasRegisters:
        return SyntheticTensor(key: tensor.key, shape: [1, tensor.shape[1] - 1, width]) {
          Array<Float>(tensor.values().dropFirst(width))
        }
      default:
        return tensor.named(
          tensor.key.replacing("mlp.w12", with: "mlp.fc1").replacing("mlp.w3", with: "mlp.fc2"))
      }
    }
  }

  /// DINOv2 under the names of transformers.
  package func dinov2NamedByTransformers() -> [SyntheticTensor] {
    let renames = [
      ("pos_embed", "embeddings.position_embeddings"), ("cls_token", "embeddings.cls_token"),
      ("mask_token", "embeddings.mask_token"), ("register_tokens", "embeddings.register_tokens"),
      ("patch_embed.proj", "embeddings.patch_embeddings.projection"), ("blocks.", "encoder.layer."),
      ("attn.proj", "attention.output.dense"), ("ls1.gamma", "layer_scale1.lambda1"),
      ("ls2.gamma", "layer_scale2.lambda1"), ("mlp.w12", "mlp.weights_in"),
      ("mlp.w3", "mlp.weights_out"),
    ]
    return flatMap { tensor in
      var name = renames.reduce(tensor.key) { $0.replacing($1.0, with: $1.1) }
      if name.hasPrefix("norm.") { name = "layer" + name }
      guard name.contains("attn.qkv") else { return [tensor.named(name)] }
      return tensor.split(
        ["query", "key", "value"].map {
          name.replacing("attn.qkv", with: "attention.attention.\($0)")
        })
    }
  }

  /// CLIP under the names of transformers.
  package func clipNamedByTransformers() -> [SyntheticTensor] {
    let renames = [
      ("visual.", ""), ("class_embedding", "embeddings.class_embedding"),
      ("positional_embedding", "embeddings.position_embedding.weight"),
      ("conv1", "embeddings.patch_embedding"), ("ln_pre", "pre_layrnorm"),
      ("ln_post", "post_layernorm"), ("transformer.resblocks.", "encoder.layers."),
      ("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"),
      ("mlp.c_proj", "mlp.fc2"), ("attn.out_proj", "self_attn.out_proj"),
    ]
    return flatMap { tensor in
      if tensor.key == "visual.proj" {
        return [tensor.transposed.named("visual_projection.weight")]
      }
      let name = "vision_model." + renames.reduce(tensor.key) { $0.replacing($1.0, with: $1.1) }
      guard name.contains("attn.in_proj_") else { return [tensor.named(name)] }
      return tensor.split(
        ["q", "k", "v"].map { name.replacing("attn.in_proj_", with: "self_attn.\($0)_proj.") })
    }
  }

  /// CLIP under the names of timm, with its projection as the head.
  package func clipNamedByTimm() -> [SyntheticTensor] {
    let renames = [
      ("visual.", ""), ("conv1", "patch_embed.proj"), ("ln_pre", "norm_pre"), ("ln_post", "norm"),
      ("transformer.resblocks.", "blocks."), ("ln_1", "norm1"), ("ln_2", "norm2"),
      ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"), ("attn.out_proj", "attn.proj"),
      ("attn.in_proj_", "attn.qkv."),
    ]
    return map { tensor in
      switch tensor.key {
      case "visual.proj": return tensor.transposed.named("head.weight")
      case "visual.class_embedding":
        return tensor.named("cls_token").reshaped([1, 1] + tensor.shape)
      case "visual.positional_embedding":
        return tensor.named("pos_embed").reshaped([1] + tensor.shape)
      default: return tensor.named(renames.reduce(tensor.key) { $0.replacing($1.0, with: $1.1) })
      }
    }
  }

  /// ConvNeXt V2 under its original names.
  package func convNeXtNamedByOriginal() -> [SyntheticTensor] {
    map { tensor in
      var name = tensor.key
      if name.hasPrefix("stem.") {
        name = name.replacing("stem.", with: "downsample_layers.0.")
      } else if name.contains(".downsample.") {
        name = name.replacing("stages.", with: "downsample_layers.")
          .replacing(".downsample.", with: ".")
      }
      name = name.replacing(".blocks.", with: ".").replacing("conv_dw", with: "dwconv")
        .replacing("mlp.fc", with: "pwconv").replacing("head.norm", with: "norm")
      guard name.contains("grn") else { return tensor.named(name) }
      return tensor.named(
        name.replacing("mlp.grn.weight", with: "grn.gamma")
          .replacing("mlp.grn.bias", with: "grn.beta")
      ).reshaped([1, 1, 1] + tensor.shape)
    }
  }
}
