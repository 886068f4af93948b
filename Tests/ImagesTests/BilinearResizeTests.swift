import Checkpoints
import Images
import Tensors
import Testing
import _TestSupport

@Suite struct BilinearResizeTests {
  @Test func byHand() {
    let image = Image(width: 2, height: 1, channels: 1, pixels: [0, 255])
    // The centres of 4 output pixels lie at -1/4, 1/4, 3/4, 5/4 of the input.
    #expect(image.bilinearlyResized(width: 4, height: 1).values == [0, 0.25, 0.75, 1])
    #expect(
      image.bilinearlyResized(width: 1, height: 2) == Tensor(shape: [1, 2, 1], values: [0.5, 0.5]))
  }

  @Test(
    "agrees with PyTorch",
    arguments: [
      (1, 1, 3, 4), (1, 6, 5, 5), (2, 3, 7, 5), (7, 5, 3, 2), (64, 50, 9, 11), (13, 17, 13, 17),
      (32, 32, 299, 299),
    ])
  func pyTorch(height: Int, width: Int, outHeight: Int, outWidth: Int) throws {
    let goldens = try NPZ.read(fixture("resize.npz"))
    let name = "\(height)x\(width).\(outHeight)x\(outWidth)"
    let pixels = try goldens.array("\(name).in").bytes
    let resized = Image(width: width, height: height, channels: 3, pixels: pixels)
      .bilinearlyResized(width: outWidth, height: outHeight)
    #expect(resized.shape == [3, outHeight, outWidth])
    // Of 299 rows, the golden holds every 23rd.
    let rows = stride(from: 0, to: 3 * outHeight, by: outHeight == 299 ? 23 : 1)
    let values = rows.flatMap { resized.values[$0 * outWidth..<($0 + 1) * outWidth] }
    let worst = worst(values, try goldens.array("\(name).out").floats())
    #expect(worst.difference <= 5e-7, "\(worst)")
  }

  @Test("a constant image stays constant", arguments: [1, 2, 31]) func constant(side: Int) {
    let image = Image(
      width: side, height: side, channels: 1, pixels: [UInt8](repeating: 100, count: side * side))
    let values = image.bilinearlyResized(width: 7, height: 9).values
    #expect(worst(values, [Float](repeating: 100 / 255, count: 63)).difference <= 1e-7)
  }

  @Test("its own size leaves an image as it is") func identity() {
    var random = SeededGenerator(seed: 2)
    let pixels = (0..<6 * 5).map { _ in UInt8.random(in: 0...255, using: &random) }
    let image = Image(width: 6, height: 5, channels: 1, pixels: pixels)
    #expect(image.bilinearlyResized(width: 6, height: 5).values == pixels.map { Float($0) / 255 })
  }
}
