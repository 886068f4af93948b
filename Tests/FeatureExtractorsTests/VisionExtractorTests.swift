import Checkpoints
import FeatureExtractors
import Foundation
import Images
import Tensors
import Testing
import _TestSupport

/// Small networks of every family in every dialect, against the tools' own code.
@Suite struct VisionExtractorTests {
  /// The networks and dialects of the goldens, and the sides of the images.
  static let cases: [(String, VisionDialect, [Int])] = [
    ("dinov2", .edm2, [64, 256, 320]), ("dinov2", .dgmEval, [64, 256, 320]),
    ("dinov2", .torchFidelity, [64, 256, 320]), ("dinov2", .fdr, [64, 256, 320]),
    ("dinov2_reg", .edm2, [256]), ("dinov2_swiglu", .edm2, [256]),
    ("dinov2_swiglu_reg", .edm2, [256]), ("clip", .torchFidelity, [64, 256, 320]),
    ("clip", .fdr, [64, 256, 320]), ("clip_336", .cmmd, [64, 256, 320]),
    ("mae", .fdr, [64, 256, 320]), ("siglip2", .fdr, [64, 256, 320]),
    ("convnextv2", .fdr, [64, 256, 320]),
  ]

  @Test("the images are those of the goldens", arguments: [64, 256, 320])
  func images(side: Int) throws {
    let expected = try VisionGoldens.file.get().array("images.\(side).means").doubles()
    let means = VisionGoldens.images(side).flatMap { image in
      (0..<3).map { channel in
        let sum = stride(from: channel, to: image.pixels.count, by: 3).reduce(0) {
          $0 + Int(image.pixels[$1])
        }
        return Double(sum) / Double(side * side)
      }
    }
    #expect(worst(means, expected).difference <= 1e-9)
  }

  @Test("features and pixels are the tools'", arguments: cases)
  func tools(network: String, dialect: VisionDialect, sides: [Int]) throws {
    let extractor = try VisionNetworks.load(network, dialect)
    for side in sides {
      let golden = "\(network).\(dialect.rawValue).\(side)"
      let images = VisionGoldens.images(side)
      let got = extractor(images, .pytorch).map(\.features)
      #expect(got[0].count == extractor.featureDimension)
      let error = relativeError(got, try VisionGoldens.features(golden))
      #expect(error <= VisionBounds.image, "\(golden): \(error)")

      let (expected, shape) = try VisionGoldens.pixels(golden)
      let pixels = images.map { image in
        let preparation = extractor.preparation
        return preparation.normalized(preparation.resized(image)).every8th
      }
      #expect(pixels[0].shape == shape)
      let worst = worst(pixels.flatMap(\.values), expected)
      // Where the resized image is bytes, or floats that are repeated in the original's order, the
      // pixels are the same to the bit.
      let isExact = extractor.preparation.resize != .torchBicubic
      #expect(worst.difference <= (isExact ? 0 : 1e-5), "\(golden): \(worst)")
    }
  }

  @Test("zeros are added on the right and below") func padding() {
    let preparation = VisionDialect.fdr.preparation(of: .clip, side: 224, patch: 14)
    let white = Image(
      width: 256, height: 256, channels: 1, pixels: [UInt8](repeating: 255, count: 256 * 256))
    let x = preparation(white)
    #expect(x.shape == [3, 266, 266])
    let isRight = (0..<x.count).allSatisfy { index in
      let (row, column) = (index / 266 % 266, index % 266)
      return row < 256 && column < 256 ? x.values[index] > 1 : x.values[index] == 0
    }
    #expect(isRight)
  }

  @Test(
    "features of the same pixels in three codes",
    arguments: ["dinov2", "dinov2_reg", "dinov2_swiglu", "dinov2_swiglu_reg"])
  func samePixels(network: String) throws {
    let tensors = try #require(VisionNetworks.tensors[network])
    for (code, tensors) in [
      ("hub", tensors), ("timm", tensors.dinov2NamedByTimm()),
      ("hub", tensors.dinov2NamedByTransformers()),
    ] {
      let extractor = try VisionNetworks.load(tensors, code == "timm" ? .fdr : .edm2)
      // fdr's input is larger, so its rule is tried with a network for this one.
      let network224 =
        code == "timm" ? try VisionNetworks.transformer(tensors, .antialiased) : nil
      let got = VisionGoldens.noise.map {
        network224?.callAsFunction($0) ?? extractor.features(of: $0)
      }
      let error = relativeError(got, try VisionGoldens.features("\(network).noise.\(code)"))
      #expect(error <= VisionBounds.features, "\(network) \(code): \(error)")
    }
    let rule: PositionInterpolation = network.contains("reg") ? .antialiased : .cubic
    let transformers = try VisionNetworks.transformer(tensors, rule)
    let error = relativeError(
      VisionGoldens.noise.map { transformers($0) },
      try VisionGoldens.features("\(network).noise.transformers"))
    #expect(error <= VisionBounds.features, "\(network) transformers: \(error)")
  }

  @Test("OpenAI's program in half precision") func openAI() throws {
    try #require(prepareLinearAlgebra(callers: 2))
    let weights = try RecognizedWeights(path: fixture("clip_openai.pt"))
    #expect(weights.layout == .openAI && weights.architecture == "clip-vit-64x1-14-28")
    let extractor = try #require(
      try weights.extractor(dialect: .torchFidelity) as? VisionExtractor)
    let x = Tensor(
      shape: [3, 28, 28], values: SyntheticVision.pixels("pixels28", 3 * 28 * 28))
    let error = relativeError(
      [extractor.features(of: x)], try VisionGoldens.features("clip_openai"))
    #expect(error <= VisionBounds.features, "\(error)")
  }

  @Test(
    "bfloat16 is near",
    arguments: [("dinov2", VisionDialect.edm2), ("siglip2", .fdr), ("convnextv2", .fdr)])
  func bfloat16(network: String, dialect: VisionDialect) throws {
    let extractor = try VisionNetworks.load(network, dialect, precision: .bfloat16)
    #expect(extractor.precision == .bfloat16)
    let got = extractor(VisionGoldens.images(256), .pytorch).map(\.features)
    let error = relativeError(got, try VisionGoldens.features("\(network).\(dialect.rawValue).256"))
    // The tools' own autocast is off by 0.5 to 1.2 %.
    #expect((1e-4...2e-2).contains(error), "\(error)")
  }

  @Test("a result does not depend on the other images") func independence() throws {
    let extractor = try VisionNetworks.load("siglip2", .fdr)
    let images = VisionGoldens.images(64)
    let both = extractor(images, .pytorch)
    #expect(both[1] == (try extractor(images[1], .clean)))
  }

  @Test("grey is repeated") func grey() throws {
    let extractor = try VisionNetworks.load("dinov2", .dgmEval)
    let pixels = VisionGoldens.images(64)[0].pixels.prefix(64 * 48)
    let grey = Image(width: 48, height: 64, channels: 1, pixels: Array(pixels))
    let rgb = Image(width: 48, height: 64, channels: 3, pixels: pixels.flatMap { [$0, $0, $0] })
    for dialect in VisionDialect.allCases {
      let preparation = dialect.preparation(of: .dinov2, side: 224, patch: 14)
      #expect(preparation(grey) == preparation(rgb))
    }
    #expect(extractor.ownPreparation?.hasPrefix("dgm-eval: ") == true)
  }

  @Test("CMMD takes the central square") func square() {
    let preparation = VisionDialect.cmmd.preparation(of: .clip, side: 2, patch: 1)
    let wide = Image(width: 5, height: 2, channels: 1, pixels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(preparation.resized(wide).values.prefix(4) == [1, 2, 6, 7])
    let tall = Image(width: 2, height: 5, channels: 1, pixels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(preparation.resized(tall).values.prefix(4) == [2, 3, 4, 5])
  }

  @Test("names and preparations tell dialects apart") func names() throws {
    let expected: [(String, VisionDialect, String)] = [
      ("dinov2", .edm2, "dinov2-vit-128x3-14.edm2"),
      ("dinov2_reg", .edm2, "dinov2-vit-128x3-14-reg4.edm2"),
      ("clip_336", .cmmd, "clip-vit-128x3-14-336.cmmd"),
      ("clip", .fdr, "clip-vit-128x3-14-112.fdr"), ("mae", .fdr, "mae-vit-128x3-16.fdr"),
      ("siglip2", .fdr, "siglip2-vit-144x3-16.fdr"),
      ("convnextv2", .fdr, "convnextv2-16x1-1-2-1.fdr"),
    ]
    for (network, dialect, name) in expected {
      #expect(try VisionNetworks.load(network, dialect).name == name)
    }
    #expect(
      try VisionNetworks.load("dinov2", .fdr).ownPreparation
        == "fdr: PyTorch bicubic, antialiased and not clipped, to 256x256, (x-255m)/(255s) of "
        + "ImageNet, zeros right and below to 266x266")
    #expect(
      try VisionNetworks.load("clip_336", .cmmd).ownPreparation
        == "cmmd: central square, Pillow bicubic in bytes to 336x336, (x/255-m)/s of OpenAI; "
        + "features divided by their norm")
  }
}

extension Tensor {
  /// Every 8th row and column of `[3, H, W]`.
  fileprivate var every8th: Tensor {
    let (rows, columns) = ((shape[1] + 7) / 8, (self.columns + 7) / 8)
    var values: [Float] = []
    for channel in 0..<3 {
      for row in 0..<rows {
        for column in 0..<columns {
          values.append(self.values[(channel * shape[1] + row * 8) * self.columns + column * 8])
        }
      }
    }
    return Tensor(shape: [3, rows, columns], values: values)
  }
}
