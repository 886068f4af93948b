import Backbones
import Checkpoints
import Diffusion
import Files
import FoundationEssentials
import Testing
import _TestSupport

/// Every rule for what the shapes of a checkpoint do not show, both decided and refused.
@Suite("Recognition of backbones") struct RecognitionTests {
  /// A file of zeros, recognised by names and shapes alone.
  private func recognize(
    _ tensors: [String: [Int]], arguments: [String: String] = [:],
    _ choose: (inout BackboneChoices) -> Void = { _ in }
  ) throws -> RecognizedBackbone {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("model.safetensors")
    try writeSafetensors(
      tensors.sorted { $0.key < $1.key }.map { name, shape in
        SyntheticTensor(key: name, shape: shape) {
          [Float](repeating: 0, count: shape.reduce(1, *))
        }
      }, to: file)
    var choices = BackboneChoices()
    choose(&choices)
    return try RecognizedBackbone(
      CheckpointFile.open(file.path).stateDict(key: nil), arguments: arguments, choices: choices)
  }

  /// The tensors of a DiT from which its configuration follows.
  private func dit(
    width: Int = 64, channels: Int = 4, blocks: Int = 1, outputs: Int = 2
  ) -> [String: [Int]] {
    var tensors: [String: [Int]] = [
      "x_embedder.proj.weight": [width, channels, 2, 2], "pos_embed": [1, 16, width],
      "t_embedder.mlp.0.weight": [width, 4], "y_embedder.embedding_table.weight": [11, width],
      "blocks.0.mlp.fc1.weight": [4 * width, 1],
      "final_layer.linear.weight": [4 * outputs * channels, 1],
    ]
    for block in 0..<blocks { tensors["blocks.\(block).attn.qkv.weight"] = [1, 1] }
    return tensors
  }

  /// The tensors of a U-ViT from which its configuration follows.
  private func uvit(width: Int = 64, channels: Int = 3, rows: Int? = nil) -> [String: [Int]] {
    var tensors: [String: [Int]] = [
      "patch_embed.proj.weight": [width, channels, 2, 2],
      "pos_embed": [1, rows == nil ? 17 : 18, width], "decoder_pred.weight": [4 * channels, 1],
      "in_blocks.0.attn.qkv.weight": [1, 1], "mid_block.attn.qkv.weight": [1, 1],
      "mid_block.mlp.fc1.weight": [4 * width, 1],
    ]
    tensors["label_emb.weight"] = rows.map { [$0, width] }
    return tensors
  }

  private func refusal(_ body: () throws -> RecognizedBackbone) -> Failure? {
    #expect(throws: Failure.self) { _ = try body() }
  }

  private func expectAmbiguous(_ words: String, _ body: () throws -> RecognizedBackbone) {
    let failure = refusal(body)
    #expect(failure?.code == .ambiguousCheckpoint && failure?.status == .usage)
    #expect(failure?.detail.contains(words) == true, "\(failure?.detail ?? "")")
  }

  // MARK: DiT or SiT

  @Test func ditAndSiTHaveTheSameTensors() throws {
    expectAmbiguous("`backbone` dit or `backbone` sit") { try recognize(dit()) }
    for outputs in [1, 2] {
      for (choice, family) in [(BackboneFamily.dit, "DiT"), (.sit, "SiT"), (.repa, "REPA")] {
        let found = try recognize(dit(outputs: outputs)) { $0.family = choice }
        #expect(found.architecture.family.title == family)
        #expect(found.decidedBy["backbone"] == .option)
        // The variance of a SiT was never trained.
        #expect(found.architecture.learnsSigma == (choice == .dit && outputs == 2))
      }
    }
    for (arguments, family) in [
      (["model": "DiT-custom"], BackboneFamily.dit), (["model": "SiT-custom"], .sit),
      (["path_type": "Linear"], .sit), (["model": "DiT-custom", "path_type": "GVP"], .sit),
    ] {
      let found = try recognize(dit(), arguments: arguments)
      #expect(found.architecture.family == family && found.decidedBy["backbone"] == .arguments)
    }
    // An option is stronger than the file.
    let found = try recognize(dit(), arguments: ["model": "DiT-custom"]) { $0.family = .sit }
    #expect(found.architecture.family == .sit)
  }

  @Test func repaHasMarks() throws {
    for name in ["projectors.0.0.weight", "decoder_blocks.0.attn.qkv.weight"] {
      let tensors = dit(outputs: 1).merging([name: [1, 1]]) { $1 }
      let found = try recognize(tensors)
      #expect(found.architecture.family == .repa && found.decidedBy["backbone"] == .tensors)
      #expect(found.architecture.process == .flow(.repa))
      let failure = refusal { try recognize(tensors) { $0.family = .sit } }
      #expect(failure?.code == .backboneMismatch && failure?.status == .usage)
    }
  }

  @Test func theFamilyThatTheTensorsShowIsNotAsked() throws {
    #expect(try recognize(uvit()).decidedBy["backbone"] == .tensors)
    for choice in [BackboneFamily.dis, .dit] {
      let failure = refusal { try recognize(uvit()) { $0.family = choice } }
      #expect(failure?.code == .backboneMismatch)
    }
    let failure = refusal { try recognize(dit()) { $0.family = .uvit } }
    #expect(failure?.code == .backboneMismatch)
  }

  // MARK: Heads

  @Test func headsFollowFromTheWidthOrAreAsked() throws {
    for (width, heads) in [(1152, 16), (64, 1), (384, 6), (768, 12), (1024, 16)] {
      let found = try recognize(dit(width: width)) { $0.family = .dit }
      #expect(found.architecture.heads == heads && found.decidedBy["heads"] == .rule)
      let given = try recognize(uvit(width: width)) { $0.heads = heads }
      #expect(given.architecture.heads == heads && given.decidedBy["heads"] == .option)
    }
    expectAmbiguous("`heads`") { try recognize(dit(width: 72)) { $0.family = .dit } }
    expectAmbiguous("`heads`") { try recognize(uvit(width: 33)) }
    for heads in [0, -1, 5] {
      let failure = refusal { try recognize(uvit()) { $0.heads = heads } }
      #expect(failure?.code == .backboneMismatch)
    }
  }

  @Test func theSizeThatTheFileNamesMustAgree() throws {
    let failure = refusal { try recognize(dit(), arguments: ["model": "DiT-S/2"]) }
    #expect(failure?.code == .checkpointMismatch)
    let tensors = dit(width: 384, blocks: 12)
    #expect(
      try recognize(tensors, arguments: ["model": "DiT-S/2"]).architecture.variant == "DiT-S/2")
    #expect(
      try recognize(tensors, arguments: ["model": "SiT-S/2"]).architecture.variant == "SiT-S/2")
    let heads = refusal {
      try recognize(tensors, arguments: ["model": "DiT-S/2"]) { $0.heads = 12 }
    }
    #expect(heads?.code == .backboneMismatch)
  }

  // MARK: Process

  @Test func aFlowIsThatOfTheFileOrThePublishedOne() throws {
    func flow(_ found: RecognizedBackbone) -> Flow? {
      if case .flow(let flow) = found.architecture.process { flow } else { nil }
    }
    let plain = try recognize(dit()) { $0.family = .sit }
    #expect(flow(plain) == .sit)
    #expect(plain.decidedBy["path"] == .rule && plain.decidedBy["prediction"] == .rule)
    let named = try recognize(dit(), arguments: ["path_type": "GVP", "prediction": "noise"])
    #expect(flow(named)?.path == .gvp && flow(named)?.prediction == .noise)
    #expect(named.decidedBy["path"] == .arguments)
    let chosen = try recognize(dit(), arguments: ["path_type": "GVP", "prediction": "noise"]) {
      ($0.path, $0.flowPrediction) = (.vp, .score)
    }
    #expect(flow(chosen)?.path == .vp && flow(chosen)?.prediction == .score)
    #expect(chosen.decidedBy["prediction"] == .option)
    expectAmbiguous("path_type is 'Cubic'") {
      try recognize(dit(), arguments: ["path_type": "Cubic"])
    }
    let cosine = try recognize(
      dit(outputs: 1).merging(["projectors.0.0.weight": [1, 1]]) { $1 },
      arguments: ["path_type": "cosine", "prediction": "v", "model": "SiT-custom"])
    #expect(flow(cosine)?.path == .gvp && flow(cosine)?.direction == .dataAtZero)
  }

  @Test func theProcessOfAUViT() throws {
    for channels in [1, 3] {
      let found = try recognize(uvit(channels: channels))
      #expect(found.architecture.process == .continuousVP)
      #expect(found.decidedBy["objective"] == .rule)
    }
    expectAmbiguous("`objective` vp") { try recognize(uvit(channels: 4)) }
    let vp = try recognize(uvit(channels: 4)) { $0.objective = .vp }
    let sd = try recognize(uvit(channels: 4)) { $0.objective = .sd }
    #expect(vp.architecture.process == .continuousVP)
    #expect(sd.architecture.process == .stableDiffusion && sd.decidedBy["objective"] == .option)
  }

  // MARK: Null class

  @Test func theLabelOfNoClass() throws {
    let full = try recognize(uvit(rows: 1001)).architecture
    #expect(full.classCount == 1000 && full.nullClass == 1000)
    let without = try recognize(uvit(rows: 1000)).architecture
    #expect(without.classCount == 1000 && without.nullClass == nil)
    expectAmbiguous("`nullClass` 10") { try recognize(uvit(rows: 11)) }
    let last = try recognize(uvit(rows: 11)) { $0.nullClass = .label(10) }
    #expect(last.architecture.classCount == 10 && last.decidedBy["null_class"] == .option)
    let none = try recognize(uvit(rows: 11)) { $0.nullClass = BackboneChoices.NullClass.none }
    #expect(none.architecture.classCount == 11 && none.architecture.nullClass == nil)
    for (tensors, label) in [(uvit(rows: 11), 3), (uvit(), 10), (dit(), 3)] {
      let failure = refusal {
        try recognize(tensors) {
          $0.nullClass = .label(label)
          if tensors["pos_embed"] == [1, 16, 64] { $0.family = .dit }
        }
      }
      #expect(failure?.code == .backboneMismatch)
    }
    // What the tensors show may be said too, as a list of several backbones needs it.
    #expect(
      try recognize(dit()) { ($0.family, $0.nullClass) = (.dit, .label(10)) }
        .architecture.nullClass == 10)
  }

  // MARK: What does not apply

  @Test func choicesOfOtherFamiliesAreRefused() throws {
    let choices: [(inout BackboneChoices) -> Void] = [
      { ($0.family, $0.objective) = (.dit, .vp) }, { ($0.family, $0.path) = (.dit, .gvp) },
      { ($0.family, $0.flowPrediction) = (.dit, .noise) },
      { ($0.family, $0.objective) = (.sit, .sd) },
    ]
    for choose in choices {
      #expect(refusal { try recognize(dit(), choose) }?.code == .backboneMismatch)
    }
    #expect(refusal { try recognize(uvit()) { $0.path = .linear } }?.code == .backboneMismatch)
  }

  // MARK: Other families

  @Test("families that are not read are refused by their name")
  func unread() {
    let cases: [(String, [String: [Int]])] = [
      ("diffusers", ["transformer_blocks.0.attn1.to_q.weight": [1, 1]]),
      ("DiM", ["transformer_blocks.0.mamba.A_log": [1, 1]]),
      ("ZigMa", ["x_embedder.proj.weight": [1, 1], "blocks.0.mixer.A_log": [1, 1]]),
      ("PixArt", dit().merging(["blocks.0.cross_attn.proj.weight": [1, 1]]) { $1 }),
      ("LightningDiT", dit().merging(["blocks.0.norm1.weight": [1]]) { $1 }),
      ("LightningDiT", dit().merging(["feat_rope.freqs_cos": [1, 1]]) { $1 }),
      ("U-ViT for text", uvit().merging(["context_embed.weight": [1, 1]]) { $1 }),
      ("expected those of a DiS", ["conv.weight": [1, 1]]),
    ]
    for (name, tensors) in cases {
      let failure = refusal { try recognize(tensors) { $0.family = nil } }
      #expect(failure?.code == .notABackbone && failure?.status == .dataRefused, "\(name)")
      #expect(failure?.detail.contains(name) == true, "\(failure?.detail ?? "")")
    }
  }

  @Test func contradictingShapesAreRefused() {
    for (name, shape) in [
      ("pos_embed", [1, 15, 64]), ("pos_embed", [16, 64]),
      ("x_embedder.proj.weight", [64, 4, 2, 3]),
      ("final_layer.linear.weight", [5, 1]), ("y_embedder.embedding_table.weight", [11]),
    ] {
      let tensors = dit().merging([name: shape]) { $1 }
      let failure = refusal { try recognize(tensors) { $0.family = .dit } }
      #expect(failure?.code == .checkpointMismatch, "\(name) \(shape)")
    }
    let missing = #expect(throws: Failure.self) {
      _ = try recognize(dit()) { $0.family = .dit }.load(empty())
    }
    #expect(missing?.code == .checkpointMismatch)
  }

  private func empty() throws -> StateDict {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("empty.safetensors")
    try writeSafetensors([SyntheticTensor(key: "a", shape: [1]) { [0] }], to: file)
    return try CheckpointFile.open(file.path).stateDict(key: nil)
  }
}
