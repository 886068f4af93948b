import Checkpoints
import FeatureExtractors
import Files
import Foundation
import Images
import Testing
import _TestSupport

@Suite("LPIPS") struct PerceptualDistanceTests {
  /// The network of the goldens.
  private static let synthetic = Result {
    try distance(SyntheticPerceptual.network, SyntheticPerceptual.channelWeights)
  }

  private static func distance(
    _ network: [SyntheticTensor], _ channelWeights: [SyntheticTensor]
  ) throws -> PerceptualDistance {
    let folder = try TemporaryFolder()
    let paths = (folder.path("vgg16.safetensors"), folder.path("vgg.safetensors"))
    try writeSafetensors(network, to: URL(filePath: paths.0))
    try writeSafetensors(channelWeights, to: URL(filePath: paths.1))
    return try PerceptualDistance(network: paths.0, channelWeights: paths.1)
  }

  /// An image of one colour.
  private static func flat(_ color: [UInt8], width: Int = 16, height: Int = 16) throws -> Image {
    try Image(
      pixels: (0..<width * height).flatMap { _ in color }, width: width, height: height,
      channels: color.count)
  }

  // MARK: The original

  struct Case: Decodable, Sendable {
    let width, height, channels, noise: Int
    let distance: Double

    /// The images of scripts/fixtures/reconstruction.py: the decoded one first.
    func images() throws -> [Image] {
      let original = (0..<width * height * channels).map { ($0 * 7 + $0 * $0 % 251) % 256 }
      let decoded = original.enumerated().map { index, value in
        let added = noise * (index * 5 % 17 - 8)
        return min(max(value + Int((Double(added) / 8).rounded(.down)), 0), 255)
      }
      return try [decoded, original].map {
        try Image(
          pixels: $0.map { UInt8($0) }, width: width, height: height, channels: channels)
      }
    }
  }

  @Test func agreesWithThePackage() throws {
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: URL(filePath: fixture("lpips.json"))))
    try #require(cases.count == 6)
    let lpips = try Self.synthetic.get()
    for golden in cases {
      let images = try golden.images()
      let found = try lpips(images[0], images[1])
      let error = reported(
        abs(found - golden.distance), bound: 1e-6,
        "LPIPS of \(golden.width) x \(golden.height) pixels")
      #expect(error <= 1e-6, "\(golden): \(found)")
      #expect(try lpips(images[1], images[0]) == found, "symmetric")
    }
  }

  @Test func equalImagesHaveNone() throws {
    let images = try Case(width: 19, height: 16, channels: 3, noise: 5, distance: 0).images()
    #expect(try Self.synthetic.get()(images[0], images[0]) == 0)
  }

  @Test func greyIsRepeated() throws {
    let grey = try Case(width: 18, height: 21, channels: 1, noise: 30, distance: 0).images()
    let colored = try grey.map { image in
      try Image(
        pixels: image.pixels.flatMap { [$0, $0, $0] }, width: image.width, height: image.height)
    }
    let lpips = try Self.synthetic.get()
    #expect(try lpips(grey[0], grey[1]) == lpips(colored[0], colored[1]))
    #expect(try lpips(grey[0], colored[0]) == 0)
  }

  // MARK: By hand

  /// A network that passes red and green on as they are, so that the layers have the same two numbers.
  private static func passing() throws -> PerceptualDistance {
    let network = SyntheticPerceptual.networkShapes.map { name, shape in
      SyntheticTensor(key: name, shape: shape) {
        var values = [Float](repeating: 0, count: shape.reduce(1, *))
        guard shape.count == 4 else { return values }
        // The middle of the 3 x 3 weights from channel c to channel c.
        for channel in 0..<2 { values[(channel * shape[1] + channel) * 9 + 4] = 1 }
        return values
      }
    }
    let channels = SyntheticPerceptual.channelShapes.map { name, shape in
      SyntheticTensor(key: name, shape: shape) {
        [0.25, 0.5] + [Float](repeating: 0, count: shape[1] - 2)
      }
    }
    return try distance(network, channels)
  }

  @Test func ofFlatColors() throws {
    let lpips = try Self.passing()
    // Red alone and green alone: the unit vectors (1, 0) and (0, 1), in each of the five layers.
    let (red, green) = (try Self.flat([255, 0, 0]), try Self.flat([0, 255, 0]))
    #expect(abs(try lpips(red, green) - 5 * 0.75) < 1e-6)
    // White: red (1 + 0.030) / 0.458 and green (1 + 0.088) / 0.448, divided by their norm.
    let (r, g) = (1.030 / 0.458, 1.088 / 0.448)
    let norm = (r * r + g * g).squareRoot()
    let expected = 0.25 * (1 - r / norm) * (1 - r / norm) + 0.5 * (g / norm) * (g / norm)
    let white = try Self.flat([255, 255, 255], width: 23, height: 17)
    let other = try Self.flat([255, 0, 0], width: 23, height: 17)
    #expect(abs(try lpips(other, white) - 5 * expected) < 1e-6)
    // Black is negative everywhere, so that no channel has a length to divide by.
    let black = try Self.flat([0, 0, 0])
    #expect(abs(try lpips(red, black) - 5 * 0.25) < 1e-6)
  }

  // MARK: Rejections

  @Test(arguments: [(15, 16), (16, 15), (1, 400)]) func tooSmall(width: Int, height: Int) throws {
    let image = try Self.flat([1, 2, 3], width: width, height: height)
    let lpips = try Self.synthetic.get()
    let found = failure { try lpips(image, image) }
    #expect(found?.code == .imageMismatch && found?.detail.contains("16") == true)
  }

  @Test func otherSize() throws {
    let lpips = try Self.synthetic.get()
    let found = failure {
      try lpips(Self.flat([1, 2, 3]), Self.flat([1, 2, 3], width: 16, height: 17))
    }
    #expect(found?.code == .imageMismatch && found?.detail.contains("16 x 17") == true)
  }

  /// Every tensor is needed, with its shape. The files are small, because all other tensors have the wrong one.
  @Test(arguments: PerceptualDistance.Part.allCases) func everyTensor(
    part: PerceptualDistance.Part
  ) throws {
    let shapes =
      part == .network ? SyntheticPerceptual.networkShapes : SyntheticPerceptual.channelShapes
    func tensors(_ names: some Sequence<String>) -> [SyntheticTensor] {
      names.map { name in SyntheticTensor(key: name, shape: [2]) { [1, 2] } }
    }
    for (name, shape) in shapes {
      let others = shapes.map(\.name).filter { $0 != name }
      let absent = try check(part, tensors(others))
      #expect(absent?.code == .checkpointMismatch, "\(name)")
      #expect(absent?.detail.contains("1 missing: \(name) \(shape);") == true, "\(absent as Any)")
      let only = try check(part, tensors([name]))
      #expect(
        only?.detail.contains("\(name) [2], expected \(shape)") == true, "\(only as Any)")
    }
  }

  @Test func tensorsOfOtherNetworksAreRefused() throws {
    let deeper =
      SyntheticPerceptual.network + [
        SyntheticTensor(key: "features.34.weight", shape: [2]) { [1, 2] }
      ]
    let vgg19 = try check(.network, deeper)
    #expect(vgg19?.detail == "1 unexpected: features.34.weight")
    let squeezeNet = try check(
      .channelWeights,
      SyntheticPerceptual.channelWeights + [
        SyntheticTensor(key: "lin5.model.1.weight", shape: [1, 512, 1, 1]) {
          [Float](repeating: 1, count: 512)
        }
      ])
    #expect(squeezeNet?.detail == "1 unexpected: lin5.model.1.weight")
    #expect(try check(.network, SyntheticPerceptual.channelWeights)?.code == .notAnExtractor)
    #expect(
      try check(.channelWeights, Array(SyntheticPerceptual.network.prefix(2)))?.code
        == .notAnExtractor)
  }

  @Test func theClassifierIsNotRead() throws {
    let whole =
      SyntheticPerceptual.network + [
        SyntheticTensor(key: "classifier.6.bias", shape: [2]) { [1, 2] }
      ]
    #expect(try check(.network, whole) == nil)
    #expect(try check(.channelWeights, SyntheticPerceptual.channelWeights) == nil)
  }

  /// Returns why a file with these tensors is not that part.
  private func check(
    _ part: PerceptualDistance.Part, _ tensors: [SyntheticTensor]
  ) throws -> Failure? {
    let folder = try TemporaryFolder()
    let path = folder.path("weights.safetensors")
    try writeSafetensors(tensors, to: URL(filePath: path))
    let found = failure { try PerceptualDistance.check(part, at: path) }
    if found == nil { #expect(PerceptualDistance.part(at: path) == part) }
    return found
  }
}
