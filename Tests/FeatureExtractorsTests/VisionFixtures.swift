import Checkpoints
import FeatureExtractors
import Files
import Images
import Tensors
import Testing
import _TestSupport

/// The goldens of scripts/fixtures/make_vision_transformers.py.
enum VisionGoldens {
  static let file = Result { try NPZ.read(fixture("vision.npz")) }

  /// The float64 features of both images, one after the other.
  static func features(_ name: String) throws -> [Double] {
    try file.get().array("\(name).features").doubles()
  }

  /// Every 8th pixel of the network's input for both images, and the number of them for one.
  static func pixels(_ name: String) throws -> (values: [Float], shape: [Int]) {
    let array = try file.get().array("\(name).pixels")
    return (array.floats(), Array(array.shape.dropFirst()))
  }

  /// The two images of that side: a coarse grid enlarged, plus fine noise in one half.
  static func images(_ side: Int) -> [Image] {
    (0..<2).map { index in
      let key = "image\(side).\(index)"
      let grid = SyntheticVision.uniform("\(key).grid", 12 * 12 * 3).map { UInt8($0 * 255) }
      let image = Image(width: 12, height: 12, channels: 3, pixels: grid)
        .resizedToBytes(width: side, height: side, by: .bicubic)
      let half = side - side / 2
      let noise = SyntheticVision.uniform("\(key).noise", side * half * 3)
      var pixels = image.pixels
      for row in 0..<side {
        for index in 0..<half * 3 {
          let position = (row * side + side / 2) * 3 + index
          let value = Double(pixels[position]) + 90 * (noise[row * half * 3 + index] - 0.5)
          pixels[position] = UInt8(min(max(value + 0.5, 0), 255))
        }
      }
      return Image(width: side, height: side, channels: 3, pixels: pixels)
    }
  }

  /// Two prepared images of numbers from a hash, `[3, 224, 224]`.
  static let noise: [Tensor] = {
    let (values, count) = (SyntheticVision.pixels("pixels224", 2 * 3 * 224 * 224), 3 * 224 * 224)
    return [0, count].map { Tensor(shape: [3, 224, 224], values: Array(values[$0..<$0 + count])) }
  }()
}

/// The small networks of the goldens.
enum VisionNetworks {
  static var tensors: [String: [SyntheticTensor]] {
    [
      "dinov2": SyntheticVision.dinov2(), "dinov2_reg": SyntheticVision.dinov2(registers: 4),
      "dinov2_swiglu": SyntheticVision.dinov2(isGated: true),
      "dinov2_swiglu_reg": SyntheticVision.dinov2(registers: 4, isGated: true),
      "clip": SyntheticVision.clip(), "clip_336": SyntheticVision.clip(side: 336),
      "mae": SyntheticVision.mae(), "siglip2": SyntheticVision.siglip2(),
      "convnextv2": SyntheticVision.convNeXt(),
    ]
  }

  /// The weights of torch-fidelity's CLIP, whose matrices are rounded to half precision.
  static var halved: [SyntheticTensor] {
    (tensors["clip"] ?? []).map { tensor in
      let isKept =
        tensor.key.contains("ln_") || tensor.key.hasSuffix("_embedding")
        || tensor.key.hasSuffix("proj")
      return isKept ? tensor : tensor.changed { $0.map { Float(Float16($0)) } }
    }
  }

  static func load(
    _ tensors: [SyntheticTensor], _ dialect: VisionDialect, precision: Precision = .float32
  ) throws -> VisionExtractor {
    try #require(prepareLinearAlgebra(callers: 2))
    let isMAE =
      tensors.contains { $0.key == "pos_embed" && $0.shape == [1, 197, $0.shape[2]] }
    return try withStateDict(tensors) { (_, path) throws in
      try #require(
        loadExtractor(
          path: path, dialect: dialect, family: isMAE ? .mae : nil, precision: precision)
          as? VisionExtractor)
    }
  }

  static func load(
    _ network: String, _ dialect: VisionDialect, precision: Precision = .float32
  ) throws -> VisionExtractor {
    let isHalved = network == "clip" && dialect == .torchFidelity
    return try load(
      isHalved ? halved : try #require(tensors[network]), dialect, precision: precision)
  }
}

extension VisionNetworks {
  /// A transformer with properties of its own, for inputs of 224 pixels unless a side is given.
  static func transformer(
    _ tensors: [SyntheticTensor], _ positions: PositionInterpolation, side: Int = 224,
    activation: GELU = .erf, readout: VisionTransformerForm.Readout = .token, epsilon: Float? = nil
  ) throws -> VisionTransformer {
    try #require(prepareLinearAlgebra(callers: 2))
    return try withStateDict(tensors) { (state, path) throws in
      let vision = try RecognizedWeights(path: path).vision
      guard case .transformer(var configuration, let names)? = vision else {
        throw Failure(.dataRefused, .notAnExtractor, path, "no transformer")
      }
      configuration.epsilon = epsilon ?? configuration.epsilon
      return try VisionTransformer(
        configuration,
        VisionTransformerForm(
          side: side, positions: positions, activation: activation, readout: readout),
        names, WeightReader(state))
    }
  }
}

/// Bounds relative to the largest feature of an image.
enum VisionBounds {
  /// For the same pixels.
  static let features = 1e-5
  /// From the image.
  static let image = 3e-5
}

extension [SyntheticTensor] {
  /// The network with a thousandth of the embeddings of tokens.
  func faint() -> [SyntheticTensor] {
    let names = [
      "pos_embed", "cls_token", "patch_embed.", "visual.class_embedding",
      "visual.positional_embedding", "visual.conv1.",
    ]
    return map { tensor in
      names.contains { tensor.key.hasPrefix($0) }
        ? tensor.changed { $0.map { $0 * 0.001 } } : tensor
    }
  }
}

/// The largest difference between features and those of the golden, relative to the largest feature
/// of each image.
func relativeError(_ got: [[Float]], _ expected: [Double]) -> Double {
  let size = expected.count / max(got.count, 1)
  return got.enumerated().map { index, features in
    worst(features, expected[index * size..<(index + 1) * size]).relative
  }.max() ?? .infinity
}
