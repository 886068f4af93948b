import Checkpoints
import Tensors

/// The names of the weights and the bias of a layer.
package struct TensorNames: Equatable, Sendable {
  let weight: String
  let bias: String

  init(weight: String, bias: String) { (self.weight, self.bias) = (weight, bias) }

  /// The names `LAYER.weight` and `LAYER.bias`.
  init(_ layer: String) { self.init(weight: "\(layer).weight", bias: "\(layer).bias") }
}

/// The names of the tensors of a block.
struct VisionBlockNames {
  let attentionNorm: TensorNames
  /// The layer of queries, keys and values, or one of each.
  let projection: [TensorNames]
  let output: TensorNames
  let layersNorm: TensorNames
  let first: TensorNames
  let second: TensorNames
  /// The factors of LayerScale.
  let scales: (attention: String, layers: String)?
}

/// The names of the tensors of a vision transformer in one of the published namings.
package struct VisionNames: Equatable, Sendable {
  /// The code that named the tensors.
  package enum Origin: String, CaseIterable, Sendable {
    /// facebookresearch/dinov2, as torch.hub loads it.
    case hub = "dinov2-hub"
    /// timm, and the original files of MAE, whose names timm has kept.
    case timm
    /// transformers' `Dinov2Model`.
    case transformersDINOv2 = "transformers-dinov2"
    /// openai/CLIP and open_clip.
    case openAI = "openai-clip"
    /// transformers' `CLIPModel` and `CLIPVisionModelWithProjection`.
    case transformersCLIP = "transformers-clip"
  }

  /// The code that named the tensors.
  package let origin: Origin
  /// What precedes all names of the network, such as `visual.`.
  let prefix: String
  /// Whether the layers after attention have the names of gated ones.
  private let isGated: Bool
  /// Whether there is a layer norm before the blocks, which only CLIP has.
  let hasFirstNorm: Bool

  /// The names of the published files of DINOv2 without gated layers.
  static let dinov2 = VisionNames()

  private init() {
    (origin, prefix, isGated, hasFirstNorm) = (.hub, "", false, false)
  }

  /// Recognises the naming of a state dict, or returns nil if it is that of no vision transformer.
  init?(_ state: StateDict) {
    func has(_ name: String) -> Bool { state.info(name) != nil }
    // The towers of larger models in open_clip, and networks by themselves.
    if let prefix = ["visual.trunk.", ""].first(where: {
      has("\($0)blocks.0.attn.qkv.weight") && has("\($0)patch_embed.proj.weight")
    }) {
      let isHub = has("\(prefix)mask_token") && has("\(prefix)blocks.0.ls1.gamma")
      (origin, self.prefix) = (isHub ? .hub : .timm, prefix)
    } else if has("encoder.layer.0.layer_scale1.lambda1") {
      (origin, prefix) = (.transformersDINOv2, "")
    } else if has("vision_model.pre_layrnorm.weight") {
      (origin, prefix) = (.transformersCLIP, "vision_model.")
    } else if let prefix = ["visual.", ""].first(where: {
      has("\($0)class_embedding") && has("\($0)transformer.resblocks.0.attn.in_proj_weight")
    }) {
      (origin, self.prefix) = (.openAI, prefix)
    } else {
      return nil
    }
    isGated =
      has("\(prefix)blocks.0.mlp.w12.weight") || has("encoder.layer.0.mlp.weights_in.weight")
    hasFirstNorm =
      origin == .openAI || origin == .transformersCLIP || has("\(prefix)norm_pre.weight")
  }

  /// The name of the class token.
  var classToken: String {
    switch origin {
    case .hub, .timm: "\(prefix)cls_token"
    case .transformersDINOv2: "embeddings.cls_token"
    case .openAI: "\(prefix)class_embedding"
    case .transformersCLIP: "\(prefix)embeddings.class_embedding"
    }
  }

  /// The name of the position embeddings.
  var positions: String {
    switch origin {
    case .hub, .timm: "\(prefix)pos_embed"
    case .transformersDINOv2: "embeddings.position_embeddings"
    case .openAI: "\(prefix)positional_embedding"
    case .transformersCLIP: "\(prefix)embeddings.position_embedding.weight"
    }
  }

  /// The extents of 1 before `[n, D]` in the shape of ``positions``.
  var axes: [Int] { origin == .openAI || origin == .transformersCLIP ? [] : [1] }

  /// The extents of 1 before `[D]` in the shape of ``classToken``.
  var classTokenAxes: [Int] { axes + axes }

  /// Whether the first of the position embeddings is that of the class token. timm adds it to the
  /// token in networks with registers.
  func positionsIncludeClass(_ configuration: VisionTransformerConfiguration) -> Bool {
    !(origin == .timm && configuration.registers > 0)
  }

  /// The name of the registers.
  var registers: String {
    switch origin {
    case .timm: "\(prefix)reg_token"
    case .transformersDINOv2: "embeddings.register_tokens"
    default: "\(prefix)register_tokens"
    }
  }

  /// The convolution that makes tokens of patches.
  var patches: TensorNames {
    switch origin {
    case .hub, .timm: TensorNames("\(prefix)patch_embed.proj")
    case .transformersDINOv2: TensorNames("embeddings.patch_embeddings.projection")
    case .openAI: TensorNames("\(prefix)conv1")
    case .transformersCLIP: TensorNames("\(prefix)embeddings.patch_embedding")
    }
  }

  /// The layer norm before the blocks, which CLIP has.
  var firstNorm: TensorNames? {
    switch origin {
    case .hub, .transformersDINOv2: nil
    case .timm: hasFirstNorm ? TensorNames("\(prefix)norm_pre") : nil
    case .openAI: TensorNames("\(prefix)ln_pre")
    case .transformersCLIP: TensorNames("\(prefix)pre_layrnorm")
    }
  }

  /// The layer norm after the blocks.
  var lastNorm: TensorNames {
    switch origin {
    case .hub, .timm: TensorNames("\(prefix)norm")
    case .transformersDINOv2: TensorNames("layernorm")
    case .openAI: TensorNames("\(prefix)ln_post")
    case .transformersCLIP: TensorNames("\(prefix)post_layernorm")
    }
  }

  /// The projection after the network, and whether it is stored as `[O, D]` and not as `[D, O]`.
  var projection: (name: String, isTransposed: Bool)? {
    switch origin {
    case .hub, .transformersDINOv2: nil
    case .timm: hasFirstNorm ? ("\(prefix)head.weight", true) : nil
    case .openAI: ("\(prefix)proj", false)
    case .transformersCLIP: ("visual_projection.weight", true)
    }
  }

  /// Returns the names of a block.
  func block(_ index: Int) -> VisionBlockNames {
    func names(
      _ block: String, norms: (String, String), projection: [TensorNames], output: String,
      layers: (String, String), scales: (String, String)? = nil
    ) -> VisionBlockNames {
      VisionBlockNames(
        attentionNorm: TensorNames("\(block).\(norms.0)"), projection: projection,
        output: TensorNames("\(block).\(output)"), layersNorm: TensorNames("\(block).\(norms.1)"),
        first: TensorNames("\(block).\(layers.0)"), second: TensorNames("\(block).\(layers.1)"),
        scales: scales.map { (attention: "\(block).\($0.0)", layers: "\(block).\($0.1)") })
    }
    switch origin {
    case .hub, .timm:
      let block = "\(prefix)blocks.\(index)"
      return names(
        block, norms: ("norm1", "norm2"), projection: [TensorNames("\(block).attn.qkv")],
        output: "attn.proj",
        layers: origin == .hub && isGated ? ("mlp.w12", "mlp.w3") : ("mlp.fc1", "mlp.fc2"),
        scales: ("ls1.gamma", "ls2.gamma"))
    case .transformersDINOv2:
      let block = "encoder.layer.\(index)"
      return names(
        block, norms: ("norm1", "norm2"),
        projection: ["query", "key", "value"].map {
          TensorNames("\(block).attention.attention.\($0)")
        },
        output: "attention.output.dense",
        layers: isGated ? ("mlp.weights_in", "mlp.weights_out") : ("mlp.fc1", "mlp.fc2"),
        scales: ("layer_scale1.lambda1", "layer_scale2.lambda1"))
    case .openAI:
      let block = "\(prefix)transformer.resblocks.\(index)"
      return names(
        block, norms: ("ln_1", "ln_2"),
        projection: [
          TensorNames(weight: "\(block).attn.in_proj_weight", bias: "\(block).attn.in_proj_bias")
        ],
        output: "attn.out_proj", layers: ("mlp.c_fc", "mlp.c_proj"))
    case .transformersCLIP:
      let block = "\(prefix)encoder.layers.\(index)"
      return names(
        block, norms: ("layer_norm1", "layer_norm2"),
        projection: ["q_proj", "k_proj", "v_proj"].map { TensorNames("\(block).self_attn.\($0)") },
        output: "self_attn.out_proj", layers: ("mlp.fc1", "mlp.fc2"))
    }
  }

  /// Returns whether a tensor is not of the network but of what is published with it: the tower of
  /// texts, the token of masked patches, or settings.
  func isBeside(_ name: String) -> Bool {
    switch origin {
    case .hub: return name == "\(prefix)mask_token"
    case .transformersDINOv2: return name == "embeddings.mask_token"
    case .timm where prefix.isEmpty: return false
    case .openAI where prefix.isEmpty: return false
    case .openAI, .timm: return Self.isOfText(name)
    case .transformersCLIP:
      return Self.isOfText(name) || name == "vision_model.embeddings.position_ids"
    }
  }

  /// Returns whether a tensor is of CLIP's tower of texts, or of what compares both towers.
  private static func isOfText(_ name: String) -> Bool {
    [
      "positional_embedding", "text_projection", "text_projection.weight", "logit_scale",
      "logit_bias", "input_resolution", "context_length", "vocab_size", "attn_mask",
    ].contains(name)
      || ["transformer.", "token_embedding.", "ln_final.", "text.", "text_model."]
        .contains { name.hasPrefix($0) }
  }
}
