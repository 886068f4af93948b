import Checkpoints
import Diffusion
import Files
import Tensors

/// The backbone of a checkpoint, recognised by the names and shapes of its tensors, by the arguments of
/// training in the file, and by what the user says, but never by the name of the file. A checkpoint for
/// which these do not decide is refused.
package struct RecognizedBackbone: Sendable {
  /// The architecture.
  package let architecture: Architecture
  /// What decided each property that is not a matter of shapes, by the name of the property:
  /// `backbone`, `heads`, `objective`, `path`, `prediction`, `null_class`.
  package let decidedBy: [String: BackboneEvidence]

  private let kind: Kind
  private enum Kind {
    case dis(DiSConfiguration)
    case dit(DiTConfiguration)
    case uvit(UViTConfiguration)
  }

  /// Recognises a backbone.
  ///
  /// - Parameters:
  ///   - state: The tensors.
  ///   - arguments: The texts among the arguments of training in the file, by name.
  ///   - choices: What the user says.
  /// - Throws: ``Failure`` `AmbiguousCheckpoint` (64) with the choices if nothing decides;
  ///   `BackboneMismatch` (64) if the user says what is not so; (65) `NotABackbone` if the names of the
  ///   tensors are of no family, or of one that is not read, `NotADiSCheckpoint` or
  ///   `CheckpointMismatch` if tensors contradict each other.
  package init(
    _ state: StateDict, arguments: [String: String] = [:], choices: BackboneChoices = .init()
  ) throws(Failure) {
    var rules = RecognitionRules(path: state.path, arguments: arguments, choices: choices)
    switch FamilyNames(state) {
    case nil: throw Self.unknown(state)
    case .unread(let family):
      throw Failure(
        .dataRefused, .notABackbone, state.path,
        "the tensors are those of \(family), which is not read; make its samples with a program of "
          + "your own and give it as `generator`")
    case .dis:
      let configuration = try DiSConfiguration(state)
      try rules.settle(.dis, by: .tensors)
      try rules.checkNullClass(configuration.nullClass)
      try rules.refuse(.objective, .path, .flowPrediction, .heads, for: "a DiS")
      kind = .dis(configuration)
      architecture = Architecture(configuration)
    case .dit(let isREPA):
      let family = try rules.family(isREPA: isREPA)
      let configuration = try DiTConfiguration(state) { width throws(Failure) in
        try rules.heads(width: width)
      }
      try rules.checkSize(configuration)
      try rules.checkNullClass(configuration.nullClass)
      try rules.refuse(.objective, for: "a \(family.title)")
      if family == .dit { try rules.refuse(.path, .flowPrediction, for: "a DiT") }
      let process = family == .dit ? DiffusionProcess.timesteps : .flow(try rules.flow(family))
      kind = .dit(configuration)
      architecture = Architecture(configuration, family: family, process: process)
    case .uvit:
      try rules.settle(.uvit, by: .tensors)
      let configuration = try UViTConfiguration(state) { width throws(Failure) in
        try rules.heads(width: width)
      } hasNullClass: { rows throws(Failure) in
        try rules.hasNullClass(rows: rows)
      }
      try rules.refuse(.path, .flowPrediction, for: "a U-ViT")
      if configuration.labelRows == nil { try rules.checkNullClass(nil) }
      let objective = try rules.objective(channels: configuration.channels)
      kind = .uvit(configuration)
      architecture = Architecture(
        configuration, process: objective == .vp ? .continuousVP : .stableDiffusion)
    }
    decidedBy = rules.decidedBy
  }

  /// Returns whether the names of tensors are those of a family of backbones, be it one that is read or
  /// not.
  package static func hasNames(_ state: StateDict) -> Bool { FamilyNames(state) != nil }

  private static func unknown(_ state: StateDict) -> Failure {
    let names = state.names.prefix(5).joined(separator: ", ")
    return Failure(
      .dataRefused, .notABackbone, state.path,
      "\(state.names.count) tensors, beginning with \(names); expected those of a DiS "
        + "(in_blocks.*.mixer), a DiT or SiT (x_embedder, blocks.*.attn, final_layer), or a U-ViT "
        + "(in_blocks.*.attn, decoder_pred)")
  }

  /// Loads the network.
  ///
  /// - Parameters:
  ///   - state: The tensors that were recognised.
  ///   - precision: The number format of the products in the linear layers of the blocks.
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package func load(
    _ state: StateDict, precision: Precision = .float32
  ) throws(Failure) -> any Backbone {
    let reader = WeightReader(state)
    return switch kind {
    case .dis(let configuration):
      try DiSModel(configuration, reader, precision: precision)
    case .dit(let configuration):
      try DiTModel(
        configuration, family: architecture.family, process: architecture.process, reader,
        precision: precision)
    case .uvit(let configuration):
      try UViTModel(configuration, process: architecture.process, reader, precision: precision)
    }
  }
}

/// The family that the names of tensors show, as far as they do.
private enum FamilyNames {
  case dis
  /// DiT or SiT, or REPA if it has the marks of its training.
  case dit(isREPA: Bool)
  case uvit
  /// A family that is known but not read.
  case unread(String)

  /// Recognises a family, or returns nil if the names are of none that is known.
  init?(_ state: StateDict) {
    func has(_ name: String) -> Bool { state.info(name) != nil }
    func hasPrefix(_ prefix: String) -> Bool { state.names.contains { $0.hasPrefix(prefix) } }
    func hasSuffix(_ suffix: String) -> Bool { state.names.contains { $0.hasSuffix(suffix) } }

    if has("in_blocks.0.mixer.A_log") || has("mid_block.mixer.A_log") {
      self = .dis
    } else if has("mid_block.attn.qkv.weight"), has("decoder_pred.weight") {
      self = hasPrefix("context_embed.") ? .unread("a U-ViT for text") : .uvit
    } else if hasPrefix("transformer_blocks.") {
      self = .unread(hasSuffix("A_log") ? "DiM" : "a model of diffusers")
    } else if has("x_embedder.proj.weight") {
      if hasSuffix("mixer.A_log") {
        self = .unread("ZigMa")
      } else if has("blocks.0.cross_attn.proj.weight") || hasPrefix("y_embedder.y_proj.")
        || has("y_embedder.y_embedding")
      {
        self = .unread("PixArt")
      } else if has("feat_rope.freqs_cos") || has("blocks.0.mlp.w12.weight")
        || has("blocks.0.norm1.weight")
      {
        self = .unread("LightningDiT")
      } else if has("blocks.0.attn.qkv.weight"), has("t_embedder.mlp.0.weight"),
        has("y_embedder.embedding_table.weight")
      {
        self = .dit(isREPA: hasPrefix("projectors.") || hasPrefix("decoder_blocks."))
      } else {
        return nil
      }
    } else {
      return nil
    }
  }
}
