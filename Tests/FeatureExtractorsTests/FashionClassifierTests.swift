import Checkpoints
import FeatureExtractors
import Files
import Images
import Tensors
import Testing
import _TestSupport

/// The committed weights against PyTorch's outputs in float64, which
/// scripts/train_demo/make_goldens.py wrote.
@Suite struct FashionClassifierTests {
  private func extractor() throws -> any FeatureExtractor {
    try #require(prepareLinearAlgebra(callers: 2))
    return try loadExtractor(
      path: repositoryFile("reference_stats/fashion-mnist-extractor.safetensors"))
  }

  /// The first test images of Fashion-MNIST.
  private func images() throws -> [Image] {
    let array = try NPYArray.read(fixture("fashion.images.npy"))
    return stride(from: 0, to: array.bytes.count, by: 28 * 28).map {
      Image(width: 28, height: 28, channels: 1, pixels: Array(array.bytes[$0..<$0 + 28 * 28]))
    }
  }

  @Test func pyTorch() throws {
    let extractor = try extractor()
    #expect(extractor.name == "fashion-classifier")
    let outputs = try images().map { try extractor($0, .pytorch) }
    let features = try NPYArray.read(fixture("fashion.features.npy")).floats()
    let logits = try NPYArray.read(fixture("fashion.logits.npy")).floats()
    let worstFeature = worst(outputs.flatMap(\.features), features)
    let worstLogit = worst(outputs.flatMap(\.logits), logits)
    #expect(worstFeature.relative <= 2e-6, "\(worstFeature)")
    #expect(worstLogit.relative <= 2e-6, "\(worstLogit)")
  }

  @Test("a grey image may come as RGB") func repeatedGrey() throws {
    let (extractor, image) = (try extractor(), try images()[3])
    let rgb = Image(
      width: 28, height: 28, channels: 3, pixels: image.pixels.flatMap { [$0, $0, $0] })
    #expect(try extractor(rgb, .pytorch) == extractor(image, .tensorFlow))
  }

  @Test(
    "coloured images and other sizes are refused",
    arguments: [(28, 28, 3), (27, 28, 1), (28, 29, 1)])
  func refused(width: Int, height: Int, channels: Int) throws {
    let pixels = (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0) }
    let image = Image(width: width, height: height, channels: channels, pixels: pixels)
    let extractor = try extractor()
    #expect(failure { try extractor(image, .pytorch) }?.code == .imageMismatch)
  }
}
