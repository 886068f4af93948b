import Checkpoints
import FeatureExtractors
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

/// The published namings of one network's tensors.
@Suite struct VisionNamingTests {
  /// A network, a naming, its layout, and the tensors.
  typealias Naming = (network: String, origin: String, layout: String, tensors: [SyntheticTensor])

  static var namings: [Naming] {
    var result: [Naming] = []
    for network in ["dinov2", "dinov2_reg", "dinov2_swiglu", "dinov2_swiglu_reg"] {
      let tensors = VisionNetworks.tensors[network] ?? []
      result += [
        (network, "hub", "dinov2-hub", tensors),
        (network, "timm", "timm", tensors.dinov2NamedByTimm()),
        (network, "transformers", "transformers-dinov2", tensors.dinov2NamedByTransformers()),
      ]
    }
    let (clip, convNeXt) = (SyntheticVision.clip(), SyntheticVision.convNeXt())
    return result + [
      ("clip", "openai", "openai-clip", clip),
      ("clip", "transformers", "transformers-clip", clip.clipNamedByTransformers()),
      ("clip", "timm", "timm", clip.clipNamedByTimm().filter { $0.key != "head.weight" }),
      ("mae", "timm", "timm", SyntheticVision.mae()),
      ("siglip2", "timm", "timm", SyntheticVision.siglip2()),
      ("convnextv2", "timm", "timm", convNeXt),
      ("convnextv2", "original", "convnextv2", convNeXt.convNeXtNamedByOriginal()),
    ]
  }

  private static func weights(_ tensors: [SyntheticTensor]) throws -> RecognizedWeights {
    try withStateDict(tensors) { (_, path) throws in try RecognizedWeights(path: path, family: nil)
    }
  }

  @Test("names and shapes are those of the originals", arguments: namings.indices)
  func names(index: Int) throws {
    let (network, origin, _, tensors) = Self.namings[index]
    let all = try JSONDecoder().decode(
      [String: [String: [Int]]].self,
      from: Data(contentsOf: URL(filePath: fixture("vision_keys.json"))))
    let expected = try #require(all["\(network).\(origin)"])
    #expect(Dictionary(uniqueKeysWithValues: tensors.map { ($0.key, $0.shape) }) == expected)
  }

  @Test("every naming is recognised and gives the same features", arguments: namings.indices)
  func features(index: Int) throws {
    let (network, origin, layout, tensors) = Self.namings[index]
    let isMAE = network == "mae"
    try withStateDict(tensors) { (_, path) throws in
      let weights = try RecognizedWeights(path: path, family: isMAE ? .mae : nil)
      #expect(weights.layout.rawValue == layout && weights.tensorNames == nil)
      let extractor = try #require(
        try weights.extractor(dialect: .fdr) as? VisionExtractor)
      #expect(extractor.name == "\(weights.architecture).fdr")
      let images = VisionGoldens.images(256)
      let got = extractor(images, .pytorch).map(\.features)
      let reference = try VisionNetworks.load(network, .fdr)
      #expect(reference(images, .pytorch).map(\.features) == got, "\(network) \(origin)")
    }
  }

  @Test(
    "modules around the network are taken off", arguments: ["module.", "visual.trunk.", "trunk."])
  func prefixes(prefix: String) throws {
    let tensors = SyntheticVision.siglip2().map { $0.named(prefix + $0.key) }
    try withStateDict(tensors) { (_, path) throws in
      #expect(try loadExtractor(path: path).name == "siglip2-vit-144x3-16.fdr")
    }
  }

  @Test("a dictionary around the weights is taken off") func model() throws {
    let tensors = SyntheticVision.convNeXt().convNeXtNamedByOriginal()
    let value = TorchValue.named([
      "model": .dictionary(tensors.map { (.text($0.key), .tensor($0.values(), $0.shape)) })
    ])
    try withFile(torchFile(value)) { (path) throws in
      #expect(try RecognizedWeights(path: path).layout == .convNeXtV2)
      #expect(try loadExtractor(path: path).name == "convnextv2-16x1-1-2-1.fdr")
    }
  }

  @Test("towers of texts and classifiers are left out") func beside() throws {
    let text = [
      "positional_embedding", "text_projection", "token_embedding.weight", "ln_final.weight",
      "transformer.resblocks.0.attn.in_proj_weight",
    ].map { SyntheticVision.tensor($0, [4, 4]) }
    let scale = SyntheticVision.tensor("logit_scale", [])
    try withStateDict(SyntheticVision.clip() + text + [scale]) { (_, path) throws in
      #expect(
        try loadExtractor(path: path, dialect: .torchFidelity).name
          == "clip-vit-128x3-14-112.torch-fidelity")
    }
    let other = [
      "text_model.embeddings.token_embedding.weight", "text_projection.weight",
      "vision_model.embeddings.position_ids",
    ].map { SyntheticVision.tensor($0, [4, 4]) }
    let clip = SyntheticVision.clip().clipNamedByTransformers()
    try withStateDict(clip + other + [scale]) { (_, path) throws in
      _ = try loadExtractor(path: path, dialect: .torchFidelity)
    }
    let head = ["head.fc.weight", "head.fc.bias"].map { SyntheticVision.tensor($0, [4]) }
    try withStateDict(SyntheticVision.convNeXt() + head) { (_, path) throws in
      _ = try loadExtractor(path: path)
    }
  }

  @Test("timm's head is the projection") func timmHead() throws {
    let images = VisionGoldens.images(64)
    let expected = try VisionNetworks.load(SyntheticVision.clip(), .torchFidelity)(images, .pytorch)
    let tensors = SyntheticVision.clip().clipNamedByTimm()
    let got = try VisionNetworks.load(tensors, .torchFidelity)(images, .pytorch)
    #expect(got == expected)
  }

  @Test("a tensor missing, unexpected or of a different shape is named", arguments: namings.indices)
  func mismatches(index: Int) throws {
    let (network, _, _, tensors) = Self.namings[index]
    func refusal(_ change: (inout [SyntheticTensor]) -> Void) throws -> Failure? {
      var changed = tensors
      change(&changed)
      return try withStateDict(changed) { (_, path) throws in
        failure {
          try loadExtractor(path: path, dialect: .fdr, family: network == "mae" ? .mae : nil)
        }
      }
    }
    let bias = try #require(
      tensors.lastIndex {
        $0.key.hasSuffix("bias") && !$0.key.contains("head") && $0.key != "norm.bias"
      })
    let key = tensors[bias].key
    let missing = try refusal { $0.remove(at: bias) }
    #expect(missing?.code == .checkpointMismatch)
    #expect(missing?.detail == "1 missing: \(key) \(tensors[bias].shape)")
    let unexpected = try refusal { $0.append(SyntheticVision.tensor("visual.blocks.9.gain", [1])) }
    #expect(unexpected?.code == .checkpointMismatch)
    #expect(unexpected?.detail == "1 unexpected: visual.blocks.9.gain")
    let misshaped = try refusal { $0[bias] = SyntheticVision.tensor(key, [7]) }
    #expect(
      misshaped?.detail == "1 of a different shape: \(key) [7], expected \(tensors[bias].shape)")
  }

  @Test("what only the caller can know is refused until it is said") func mae() throws {
    try withStateDict(SyntheticVision.mae()) { (_, path) throws in
      let refusal = failure { try RecognizedWeights(path: path) }
      #expect(refusal?.code == .ambiguousExtractor && refusal?.status == .usage)
      #expect(refusal?.detail.contains("197 positions and without LayerScale") == true)
      #expect(try RecognizedWeights(path: path, family: .mae).architecture == "mae-vit-128x3-16")
      let other = failure { try RecognizedWeights(path: path, family: .clip) }
      #expect(other?.code == .notAnExtractor)
    }
    try withStateDict(SyntheticVision.dinov2()) { (_, path) throws in
      let refusal = failure { try RecognizedWeights(path: path, family: .mae) }
      #expect(refusal?.code == .notAnExtractor)
      #expect(refusal?.detail == "the tensors are those of DINOv2, not of MAE")
    }
  }

  @Test("a dialect is needed where tools differ, and must be the network's") func dialects() throws
  {
    try withStateDict(SyntheticVision.dinov2()) { (_, path) throws in
      let missing = failure { try loadExtractor(path: path) }
      #expect(missing?.code == .ambiguousExtractor && missing?.status == .usage)
      #expect(missing?.detail.hasSuffix("one of edm2, dgm-eval, torch-fidelity, fdr") == true)
      let wrong = failure { try loadExtractor(path: path, dialect: .cmmd) }
      #expect(wrong?.code == .dialectUnsupported)
    }
    try withStateDict(SyntheticVision.clip()) { (_, path) throws in
      let wrong = failure { try loadExtractor(path: path, dialect: .cmmd) }
      #expect(wrong?.code == .dialectUnsupported)
      #expect(wrong?.detail.contains("112 x 112") == true)
    }
    let fashion = repositoryFile("reference_stats/fashion-mnist-extractor.safetensors")
    #expect(
      failure { try loadExtractor(path: fashion, dialect: .edm2) }?.code == .dialectUnsupported)
    #expect(failure { try loadExtractor(path: fashion, family: .dinov2) }?.code == .notAnExtractor)
  }

  @Test("a diffusion transformer, whose blocks have the same names, is none of them") func dit()
    throws
  {
    let tensors = SyntheticVision.dinov2(depth: 1).map {
      $0.named($0.key.replacing("patch_embed", with: "x_embedder"))
    }
    try withStateDict(tensors) { (_, path) throws in
      #expect(failure { try RecognizedWeights(path: path) }?.code == .notAnExtractor)
    }
  }

  @Test("shapes that make no network are refused") func shapes() throws {
    func refusal(_ key: String, _ shape: [Int]) throws -> Failure? {
      let tensors = SyntheticVision.dinov2(depth: 1).map {
        $0.key == key ? SyntheticVision.tensor(key, shape) : $0
      }
      return try withStateDict(tensors) { (_, path) throws in
        failure { try RecognizedWeights(path: path) }
      }
    }
    let square = try refusal("pos_embed", [1, 1371, 128])
    #expect(square?.code == .checkpointMismatch && square?.detail.contains("square") == true)
    let width = try refusal("pos_embed", [1, 1370, 100])
    #expect(width?.detail.contains("no multiple of 64") == true)
    let hidden = try refusal("blocks.0.mlp.fc2.weight", [128, 500])
    #expect(hidden?.detail.contains("takes 500") == true)
    let rank = try refusal("patch_embed.proj.weight", [128, 588])
    #expect(rank?.code == .checkpointMismatch)
  }

  @Test("published sizes have their names and parameters")
  func publishedSizes() throws {
    let expected: [(String, Int, [SyntheticTensor])] = [
      ("dinov2-vit-s-14", 22_056_576, SyntheticVision.dinov2(width: 384, depth: 12)),
      (
        "dinov2-vit-b-14-reg4", 86_583_552,
        SyntheticVision.dinov2(width: 768, depth: 12, registers: 4)
      ),
      ("dinov2-vit-l-14", 304_368_640, SyntheticVision.dinov2(width: 1024, depth: 24)),
      (
        "dinov2-vit-g-14", 1_136_480_768,
        SyntheticVision.dinov2(width: 1536, depth: 40, isGated: true)
      ),
      (
        "clip-vit-b-32", 87_849_216,
        SyntheticVision.clip(width: 768, depth: 12, patch: 32, side: 224, outputs: 512)
      ),
      (
        "clip-vit-l-14-336", 304_293_888,
        SyntheticVision.clip(width: 1024, depth: 24, side: 336, outputs: 768)
      ),
      ("mae-vit-l-16", 303_301_632, SyntheticVision.mae(width: 1024, depth: 24)),
      (
        "siglip2-so400m-16", 427_888_064,
        SyntheticVision.siglip2(width: 1152, depth: 27, hidden: 4304)
      ),
      (
        "convnextv2-b", 87_692_800,
        SyntheticVision.convNeXt(depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024])
      ),
    ]
    for (name, parameters, tensors) in expected {
      #expect(tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } == parameters, "\(name)")
      // A file without the values: only the header is read.
      try withHeader(tensors) { (path) throws in
        let family: VisionFamily? = name.hasPrefix("mae") ? .mae : nil
        #expect(try RecognizedWeights(path: path, family: family).architecture == name)
      }
    }
  }

  /// Calls `body` with a safetensors file that has these tensors, and a hole for their values.
  private func withHeader(
    _ tensors: [SyntheticTensor], _ body: (String) throws -> Void
  ) throws {
    var offset = 0
    let entries = tensors.map { tensor in
      let end = offset + 4 * tensor.shape.reduce(1, *)
      defer { offset = end }
      return
        "\"\(tensor.key)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(offset),\(end)]}"
    }
    let header = Data("{\(entries.joined(separator: ","))}".utf8)
    let size = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    try withFile(Array(size + header)) { (path) throws in
      let file = try FileHandle(forWritingTo: URL(filePath: path))
      try file.truncate(atOffset: UInt64(8 + header.count + offset))
      try file.close()
      try body(path)
    }
  }
}
