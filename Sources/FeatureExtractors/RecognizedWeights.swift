import Checkpoints
import Files
import Tensors

/// The weights of a feature extractor from any supported file, under the names that the network
/// reads.
package struct RecognizedWeights: Sendable {
  /// The supported kinds of files.
  package enum Layout: String, Sendable {
    /// The weights of pytorch-fid and torch-fidelity, optionally with a common prefix.
    case pytorchFID = "pytorch-fid"
    /// The graph of 2015, which TTUR and ADM read.
    case tensorFlow = "tensorflow-graph"
    /// NVIDIA's TorchScript program, which clean-fid, StyleGAN and EDM read.
    case nvidia = "nvidia-torchscript"
    /// The Fashion-MNIST classifier of the demonstration.
    case fashion = "fashion-classifier"
    /// A vision transformer with the names of facebookresearch/dinov2.
    case dinov2Hub = "dinov2-hub"
    /// A vision transformer or ConvNeXt V2 with the names of timm.
    case timm
    /// DINOv2 with the names of transformers.
    case transformersDINOv2 = "transformers-dinov2"
    /// CLIP with the names of OpenAI, which open_clip has kept.
    case openAI = "openai-clip"
    /// CLIP with the names of transformers.
    case transformersCLIP = "transformers-clip"
    /// ConvNeXt V2 with its original names.
    case convNeXtV2 = "convnextv2"
  }

  /// The kind of file.
  package let layout: Layout
  /// The tensors under the network's names or, for a vision network, under those of the file.
  package let state: StateDict
  /// The architecture of a vision network, or nil for the others.
  package let vision: RecognizedVision?
  /// The `__metadata__` of a safetensors file.
  package let metadata: [(String, String)]

  /// Recognises the file at `path` by its content.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - family: The family of a vision network according to the caller, which is needed only where
  ///     its tensors do not show it.
  /// - Throws: ``Failure`` (65) `NotAnExtractor` if it holds a different network or is compressed,
  ///   `GraphMismatch` if a TensorFlow graph describes a different network, `CheckpointMismatch` if
  ///   shapes of a vision network contradict each other; `AmbiguousExtractor` (64) if only the caller
  ///   can know the family; otherwise as ``CheckpointFile/open(_:)`` and
  ///   ``CheckpointFile/taken(_:option:)`` do.
  package init(path: String, family: VisionFamily? = nil) throws(Failure) {
    let file = try ReadableFile(path: path)
    let head = try file.bytes(at: 0, count: min(file.size, 16))
    guard !head.starts(with: [0x1F, 0x8B]) else {
      throw Failure(
        .dataRefused, .notAnExtractor, path,
        "a gzip archive; unpack it first with tar -xzf, and take classify_image_graph_def.pb")
    }
    if TensorFlowGraph.isPlausible(head) {
      metadata = []
      layout = .tensorFlow
      vision = nil
      state = try InceptionGraph.weights(of: try TensorFlowGraph(file))
      return
    }
    let checkpoint = try CheckpointFile.open(path)
    metadata = checkpoint.metadata
    // MAE and ConvNeXt V2 are published as {"model": weights}, with nothing else.
    let key = checkpoint.stateDictKeys == ["model"] ? "model" : nil
    let weights = try checkpoint.taken(key, option: nil).state
    let network = weights.unwrapped { VisionNames($0) != nil || ConvNeXtNames($0) != nil }
    vision = try RecognizedVision(network, told: family)
    if let vision {
      (layout, state) = (Self.layout(of: vision), network)
    } else {
      (layout, state) = try Self.recognize(weights, path: path)
      if let family {
        throw Failure(
          .dataRefused, .notAnExtractor, path, "the tensors are not those of \(family.title)")
      }
    }
  }

  private static func layout(of vision: RecognizedVision) -> Layout {
    switch vision {
    case .transformer(_, let names):
      switch names.origin {
      case .hub: .dinov2Hub
      case .timm: .timm
      case .transformersDINOv2: .transformersDINOv2
      case .openAI: .openAI
      case .transformersCLIP: .transformersCLIP
      }
    case .convNeXt(_, let names): names == .timm ? .timm : .convNeXtV2
    }
  }

  /// Returns whether the file at `path` is a TensorFlow graph, the only kind of file that is not a
  /// checkpoint.
  ///
  /// - Throws: ``Failure`` `NotFound` (66), `PermissionDenied` (77), `NotARegularFile` (65) or
  ///   `InputOutput` (74) if the file cannot be opened or read.
  package static func isGraph(path: String) throws(Failure) -> Bool {
    let file = try ReadableFile(path: path)
    return TensorFlowGraph.isPlausible(try file.bytes(at: 0, count: min(file.size, 16)))
  }

  private static func recognize(
    _ state: StateDict, path: String
  ) throws(Failure) -> (Layout, StateDict) {
    func refused(_ detail: String) -> Failure {
      Failure(.dataRefused, .notAnExtractor, path, detail)
    }
    let names = Set(state.names)
    if names.contains("layers.conv.weight") { return (.nvidia, try nvidia(state)) }
    if names.isSuperset(of: ["conv1.weight", "conv3.weight", "fc2.weight"]) {
      return (.fashion, state)
    }
    // A file with pytorch-fid's names, or of a larger module that has the network as an attribute.
    let last = "Mixed_7c.branch_pool.conv.weight"
    guard let prefix = state.names.first(where: { $0.hasSuffix(last) })?.dropLast(last.count) else {
      if names.contains("blocks.0.0.conv.weight") {
        throw refused(
          "pytorch-fid's module without its classifier, which the Inception Score needs; expected "
            + "the file that it was loaded from, pt_inception-2015-12-05-6726825d.pth")
      }
      let isDiS = names.contains { $0.hasSuffix("mixer.in_proj.weight") }
      throw refused(
        (isDiS ? "a diffusion model" : "an unknown network")
          + "; expected Inception of 2015 as pytorch-fid's .pth, TensorFlow's graph or NVIDIA's "
          + ".pt, DINOv2, CLIP, MAE, SigLIP2 or ConvNeXt V2, or the Fashion-MNIST classifier")
    }
    guard !names.contains(where: { $0.hasPrefix("\(prefix)AuxLogits.") }),
      state.info("\(prefix)fc.weight")?.shape != [1000, 2048]
    else {
      throw refused(
        "torchvision's inception_v3 for ImageNet, whose features give no FID; expected the weights "
          + "of 2015 (pt_inception-2015-12-05-6726825d.pth)")
    }
    guard !prefix.isEmpty else { return (.pytorchFID, state) }
    return (
      .pytorchFID,
      try state.rearranged(
        state.names.map { name in
          (name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name, .tensor(name))
        })
    )
  }

  /// Returns the tensors of NVIDIA's program: `weight`, `beta`, `mean` and `var` of each unit,
  /// whose normalisation has no gain, and those of `output`.
  private static func nvidia(_ state: StateDict) throws(Failure) -> StateDict {
    var tensors: [(name: String, source: TensorSource)] = []
    var used: Set<String> = []
    func take(_ old: String, as name: String) {
      used.insert(old)
      tensors.append((name, .tensor(old)))
    }
    for unit in InceptionPlan.units {
      take("\(unit.scriptName).weight", as: "\(unit.name).conv.weight")
      if let shape = state.info("\(unit.scriptName).beta")?.shape, shape.count == 1 {
        tensors.append(("\(unit.name).bn.weight", .ones(shape)))
      }
      take("\(unit.scriptName).beta", as: "\(unit.name).bn.bias")
      take("\(unit.scriptName).mean", as: "\(unit.name).bn.running_mean")
      take("\(unit.scriptName).var", as: "\(unit.name).bn.running_var")
    }
    take("output.weight", as: "fc.weight")
    take("output.bias", as: "fc.bias")
    // Unknown tensors are kept, so that the network's reader reports them.
    tensors += state.names.filter { !used.contains($0) }.map { ($0, .tensor($0)) }
    return try state.rearranged(tensors)
  }
}

extension RecognizedWeights {
  /// Creates the network with these weights.
  ///
  /// - Parameters:
  ///   - precision: The number format of its products. It does not apply to the small classifier of
  ///     the demonstration.
  ///   - dialect: The tool whose features a vision network computes. It may be left out for a network
  ///     that only one tool uses, and does not apply to other networks.
  /// - Throws: ``Failure`` `AmbiguousExtractor` (64) if a vision network needs a dialect,
  ///   `DialectUnsupported` (64) if the tool does not use the network; `CheckpointMismatch` (65) with
  ///   all tensors that are missing, unexpected or of a different shape, or the failure of reading a
  ///   tensor.
  package func extractor(
    precision: Precision = .float32, dialect: VisionDialect? = nil
  ) throws(Failure) -> any FeatureExtractor {
    if let vision {
      return try VisionExtractor(vision, dialect, WeightReader(state), precision: precision)
    }
    if let dialect {
      throw Failure(
        .usage, .dialectUnsupported, state.path,
        "\(dialect.rawValue) applies to vision networks, and this is \(architecture)")
    }
    if layout == .fashion { return try FashionClassifier(state) }
    return try InceptionV3(state, precision: precision)
  }

  /// The network's name, as given by its extractor. That of a vision network is followed by its
  /// dialect there.
  package var architecture: String {
    vision?.name ?? (layout == .fashion ? layout.rawValue : "inception-2015")
  }

  /// The names of all tensors of the network in the order of pytorch-fid's files, or nil for a
  /// network whose files are not converted.
  package var tensorNames: [String]? {
    layout == .fashion || vision != nil ? nil : InceptionPlan.tensorNames
  }
}
