import Backbones
import Checkpoints
import Files

/// The architecture of a vision network and the names of its tensors, found from the names and
/// shapes in a file.
package enum RecognizedVision: Equatable, Sendable {
  /// A vision transformer.
  case transformer(VisionTransformerConfiguration, VisionNames)
  /// A convolutional network.
  case convNeXt(ConvNeXtConfiguration, ConvNeXtNames)

  /// Recognises a network.
  ///
  /// - Parameters:
  ///   - state: The tensors.
  ///   - told: The family according to the caller, which decides where tensors do not.
  /// - Returns: Nil if the names are those of no vision network that is read.
  /// - Throws: ``Failure`` `AmbiguousExtractor` (64) if only the caller can know the family;
  ///   `NotAnExtractor` (65) if it is not what the caller says; `CheckpointMismatch` (65) if the
  ///   shapes are those of no network.
  init?(_ state: StateDict, told: VisionFamily?) throws(Failure) {
    if let names = ConvNeXtNames(state) {
      self = .convNeXt(try ConvNeXtConfiguration(state, names), names)
    } else if let names = VisionNames(state) {
      let family = try Self.family(of: names, state, told: told)
      self = .transformer(
        try VisionTransformerConfiguration(family, names, ShapeReader(state, family: family.title)),
        names)
    } else {
      return nil
    }
    if let told, told != family {
      throw Failure(
        .dataRefused, .notAnExtractor, state.path,
        "the tensors are those of \(family.title), not of \(told.title)")
    }
  }

  /// The family.
  package var family: VisionFamily {
    switch self {
    case .transformer(let configuration, _): configuration.family
    case .convNeXt: .convNeXtV2
    }
  }

  /// The name of the architecture, such as `dinov2-vit-l-14`.
  package var name: String {
    switch self {
    case .transformer(let configuration, _): configuration.name
    case .convNeXt(let configuration, _): configuration.name
    }
  }

  private static func family(
    of names: VisionNames, _ state: StateDict, told: VisionFamily?
  ) throws(Failure) -> VisionFamily {
    func has(_ name: String) -> Bool { state.info("\(names.prefix)\(name)") != nil }
    switch names.origin {
    case .hub, .transformersDINOv2: return .dinov2
    case .openAI, .transformersCLIP: return .clip
    case .timm: break
    }
    if has("attn_pool.latent") { return .siglip2 }
    if names.hasFirstNorm { return .clip }
    if has("blocks.0.ls1.gamma") { return .dinov2 }
    guard let told else {
      let rows = state.info(names.positions)?.shape.dropFirst().first ?? 0
      throw Failure(
        .usage, .ambiguousExtractor, state.path,
        "a vision transformer with \(rows) positions and without LayerScale; the encoder of a masked "
          + "autoencoder (MAE), classifiers and others have the same tensors, and only you can know "
          + "which it is: say `family` mae if it is MAE")
    }
    guard told == .mae else {
      throw Failure(
        .dataRefused, .notAnExtractor, state.path,
        "the tensors are those of a plain vision transformer, such as MAE, not of \(told.title)")
    }
    return .mae
  }
}

extension VisionTransformerConfiguration {
  /// The largest side of a patch in pixels. Larger ones would make the input of the network absurdly
  /// large.
  private static let largestPatch = 64

  /// Finds the architecture from the shapes of the tensors.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) if there is no network of these shapes.
  fileprivate init(
    _ family: VisionFamily, _ names: VisionNames, _ shape: ShapeReader
  ) throws(Failure) {
    let positions = try shape(names.positions, rank: names.axes.count + 2)
    let (rows, width) = (positions[positions.count - 2], positions[positions.count - 1])
    let patches = try shape(names.patches.weight, rank: 4)
    let block = names.block(0)
    let first = try shape(block.first.weight, rank: 2)
    let second = try shape(block.second.weight, rank: 2)
    let hasRegisters = shape.state.info(names.registers) != nil
    let registers = hasRegisters ? try shape(names.registers, rank: 3)[1] : 0
    let isTokenStored =
      family != .siglip2 && !(names.origin == .timm && registers > 0)
    let cells = rows - (isTokenStored ? 1 : 0)
    let grid = Int(Double(max(cells, 0)).squareRoot().rounded())
    guard cells > 0, grid * grid == cells else {
      throw shape.refusal(
        "'\(names.positions)' has \(rows) positions, which do not make a square of patches")
    }
    guard patches[3] <= Self.largestPatch else {
      throw shape.refusal(
        "patches of \(patches[3]) pixels, expected at most \(Self.largestPatch)")
    }
    let channels = family == .siglip2 ? 72 : 64
    guard width.isMultiple(of: channels) else {
      throw shape.refusal("the width of a token is \(width), no multiple of \(channels)")
    }
    guard first[0] == second[1] || first[0] == 2 * second[1] else {
      throw shape.refusal(
        "'\(block.first.weight)' has \(first[0]) outputs, and '\(block.second.weight)' takes "
          + "\(second[1])")
    }
    var projection: Int?
    if let (name, isTransposed) = names.projection, shape.state.info(name) != nil {
      projection = try shape(name, rank: 2)[isTransposed ? 0 : 1]
    }
    self.init(
      family: family, width: width,
      depth: shape.count { names.block($0).attentionNorm.weight }, patch: patches[3], grid: grid,
      hidden: second[1], registers: registers, isGated: first[0] == 2 * second[1],
      hasLayerScale: family == .dinov2, projection: projection,
      epsilon: family == .clip ? 1e-5 : 1e-6)
  }
}

extension ConvNeXtConfiguration {
  /// Finds the architecture from the shapes of the tensors.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) if there is no network of these shapes.
  fileprivate init(_ state: StateDict, _ names: ConvNeXtNames) throws(Failure) {
    let shape = ShapeReader(state, family: VisionFamily.convNeXtV2.title)
    let depths = (0..<4).map { stage in
      shape.count { "\(names.block($0, ofStage: stage).norm).weight" }
    }
    var widths: [Int] = []
    for stage in 0..<4 {
      widths += try shape("\(names.reduction(stage).convolution).weight", rank: 4).prefix(1)
    }
    self.init(depths: depths, widths: widths)
  }
}
