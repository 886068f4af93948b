import Checkpoints
import Images
import Tensors
import Testing
import _TestSupport

/// The sizes of scripts/fixtures/resize.py.
private let sizes = [
  (1, 1, 3, 4), (1, 6, 5, 5), (6, 1, 4, 9), (2, 3, 7, 5), (7, 5, 3, 2), (9, 4, 9, 3), (9, 4, 4, 4),
  (31, 8, 1, 1), (64, 50, 9, 11), (13, 17, 13, 17), (13, 17, 17, 13), (32, 32, 299, 299),
  (401, 7, 299, 299), (11, 700, 299, 299), (1, 3001, 1, 101), (1801, 2, 129, 3),
]

private func name(_ size: (height: Int, width: Int, outHeight: Int, outWidth: Int)) -> String {
  "\(size.height)x\(size.width).\(size.outHeight)x\(size.outWidth)"
}

/// The image of shape `[height, width, channels]` that a golden holds.
private func image(_ array: NPYArray) -> Image {
  Image(
    width: array.shape[1], height: array.shape[0], channels: array.shape[2], pixels: array.bytes)
}

private func noise(width: Int, height: Int, channels: Int, seed: UInt64) -> Image {
  var random = SeededGenerator(seed: seed)
  let count = width * height * channels
  let pixels = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  return Image(width: width, height: height, channels: channels, pixels: pixels)
}

@Suite struct ResamplingTests {
  @Test("a step to four pixels") func growing() {
    let step = Image(width: 2, height: 1, channels: 1, pixels: [0, 200])
    func check(_ resampling: Resampling, _ expected: [Float]) {
      let resized = step.resized(width: 4, height: 1, by: resampling)
      #expect(resized.shape == [1, 1, 4])
      #expect(worst(resized.values, expected).difference <= 2e-5, "\(resampling)")
    }
    // Positions 0, 1/2, 1, 3/2: the last has no right neighbour.
    check(.legacyBilinear, [0, 100, 200, 200])
    // Positions -1/4, 1/4, 3/4, 5/4.
    check(.bilinear, [0, 50, 150, 200])
    check(.antialiasedBilinear, [0, 50, 150, 200])
    check(.antialiasedBicubic, [-200 * 9 / 102, 200 * 29 / 140, 200 * 111 / 140, 200 * 111 / 102])
    // At 1/4, 3/4 and 5/4 Keys' cubic is 111/128, 29/128 and -9/128. Over an edge, the weights that
    // are left are scaled to sum to 1: -9/102 (clipped), 29/140, 111/140, 111/102.
    let (second, last): (Float, Float) = (200 * 29 / 140, 200 * 111 / 102)
    check(.bicubic, [0, second, 200 - second, last])
  }

  @Test("four pixels to one, without and with smoothing") func shrinking() {
    let image = Image(width: 1, height: 4, channels: 1, pixels: [8, 16, 48, 120])
    func check(_ resampling: Resampling, _ expected: Float) {
      let values = image.resized(width: 1, height: 1, by: resampling).values
      #expect(worst(values, [expected]).difference <= 1e-5, "\(resampling)")
    }
    // The first pixel; the mean of the two in the middle.
    check(.legacyBilinear, 8)
    check(.bilinear, 32)
    // At distances 3/8 and 1/8 the triangle is 5/8 and 7/8, Keys' cubic 745/1024 and 987/1024.
    let (outer, inner): (Float, Float) = (8 + 120, 16 + 48)
    check(.antialiasedBilinear, (5 * outer + 7 * inner) / 24)
    check(.bicubic, (745 * outer + 987 * inner) / 3464)
    check(.antialiasedBicubic, (745 * outer + 987 * inner) / 3464)
  }

  @Test("channels do not mix") func channels() {
    let image = Image(width: 1, height: 2, channels: 3, pixels: [10, 20, 30, 10, 20, 30])
    for resampling in Resampling.allCases {
      let values = image.resized(width: 2, height: 1, by: resampling)
      #expect(values == Tensor(shape: [3, 1, 2], values: [10, 10, 20, 20, 30, 30]))
    }
  }

  @Test("agrees with its original", arguments: Resampling.allCases, sizes)
  func original(resampling: Resampling, size: (Int, Int, Int, Int)) throws {
    let goldens = try NPZ.read(fixture("resamplings.npz"))
    let (_, _, outHeight, outWidth) = size
    let input = image(try goldens.array("\(name(size)).in"))
    let resized = input.resized(width: outWidth, height: outHeight, by: resampling)
    #expect(resized.shape == [input.channels, outHeight, outWidth])
    // Of 299 rows, the golden holds every 61st.
    var values: [Float] = []
    for channel in 0..<input.channels {
      for row in stride(from: 0, to: outHeight, by: outHeight == 299 ? 61 : 1) {
        let first = (channel * outHeight + row) * outWidth
        values += resized.values[first..<first + outWidth]
      }
    }
    let worst = worst(values, try goldens.array("\(name(size)).\(resampling)").floats())
    #expect(worst.difference <= resampling.tolerance, "\(worst)")
  }

  @Test("a constant image stays constant", arguments: Resampling.allCases, [1, 2, 31])
  func constant(resampling: Resampling, side: Int) {
    let image = Image(
      width: side, height: side, channels: 1, pixels: [UInt8](repeating: 100, count: side * side))
    let values = image.resized(width: 7, height: 9, by: resampling).values
    #expect(worst(values, [Float](repeating: 100, count: 63)).difference <= 3e-5)
  }

  @Test("its own size leaves an image as it is", arguments: Resampling.allCases)
  func identity(resampling: Resampling) {
    let image = noise(width: 6, height: 5, channels: 1, seed: 2)
    #expect(
      image.resized(width: 6, height: 5, by: resampling).values == image.pixels.map { Float($0) })
  }

  @Test("pytorch-fid's resize is this one, on x / 255") func scaled() {
    let image = noise(width: 23, height: 40, channels: 3, seed: 3)
    let bytes = image.resized(width: 17, height: 55, by: .bilinear).values
    let unit = image.bilinearlyResized(width: 17, height: 55).values
    #expect(worst(bytes, unit.map { $0 * 255 }).difference <= 1e-4)
  }

  @Test("to no pixels is refused") func noPixels() async {
    await #expect(processExitsWith: .failure) {
      _ = Image(width: 1, height: 1, channels: 1, pixels: [0])
        .resized(width: 0, height: 1, by: .bicubic)
    }
  }

  @Test("an image without pixels is refused") func empty() async {
    await #expect(processExitsWith: .failure) {
      _ = Image(width: 0, height: 4, channels: 3, pixels: [])
        .resized(width: 2, height: 2, by: .bilinear)
    }
  }
}

extension Resampling {
  /// Of 255: 0 where the original's operations are repeated in order, else the roundings of PyTorch's
  /// vectorised sums.
  fileprivate var tolerance: Double {
    switch self {
    case .legacyBilinear, .bicubic: 0
    case .bilinear, .antialiasedBilinear: 1e-4
    case .antialiasedBicubic: 5e-4
    }
  }
}

@Suite struct ByteResamplingTests {
  @Test func byHand() {
    let image = Image(width: 3, height: 2, channels: 1, pixels: [0, 9, 100, 2, 10, 255])
    // Means, halves rounded up: 9.5 to 10.
    #expect(
      image.resizedToBytes(width: 3, height: 1, by: .box)
        == Image(width: 3, height: 1, channels: 1, pixels: [1, 10, 178]))
    #expect(
      image.resizedToBytes(width: 1, height: 2, by: .box)
        == Image(width: 1, height: 2, channels: 1, pixels: [36, 89]))
    // Keys overshoots on both sides of a step, and is clipped.
    let step = Image(width: 2, height: 1, channels: 1, pixels: [0, 255])
    #expect(step.resizedToBytes(width: 4, height: 1, by: .bicubic).pixels == [0, 53, 202, 255])
  }

  @Test("is Pillow's, byte for byte", arguments: ByteResampling.allCases, sizes)
  func pillow(resampling: ByteResampling, size: (Int, Int, Int, Int)) throws {
    let goldens = try NPZ.read(fixture("resamplings.npz"))
    let (_, _, outHeight, outWidth) = size
    let input = image(try goldens.array("\(name(size)).in"))
    let resized = input.resizedToBytes(width: outWidth, height: outHeight, by: resampling)
    #expect(resized.width == outWidth && resized.height == outHeight)
    let row = outWidth * input.channels
    let kept = stride(from: 0, to: outHeight, by: outHeight == 299 ? 61 : 1)
    let bytes = kept.flatMap { resized.pixels[$0 * row..<($0 + 1) * row] }
    #expect(bytes == (try goldens.array("\(name(size)).bytes.\(resampling)").bytes))
  }

  @Test("a constant image stays constant", arguments: ByteResampling.allCases, [1, 2, 31])
  func constant(resampling: ByteResampling, side: Int) {
    for level in [0, 1, 100, 254, 255] as [UInt8] {
      let image = Image(
        width: side, height: side, channels: 1,
        pixels: [UInt8](repeating: level, count: side * side))
      let pixels = image.resizedToBytes(width: 7, height: 9, by: resampling).pixels
      #expect(pixels == [UInt8](repeating: level, count: 63))
    }
  }

  @Test("its own size leaves an image as it is", arguments: ByteResampling.allCases)
  func identity(resampling: ByteResampling) {
    let image = noise(width: 6, height: 5, channels: 3, seed: 4)
    #expect(image.resizedToBytes(width: 6, height: 5, by: resampling) == image)
  }

  @Test("to no pixels is refused") func noPixels() async {
    await #expect(processExitsWith: .failure) {
      _ = Image(width: 1, height: 1, channels: 1, pixels: [0])
        .resizedToBytes(width: 1, height: 0, by: .box)
    }
  }
}

@Suite struct CentreCropTests {
  @Test func byHand() {
    // Two rows of six, halved to one row of three (means of 2 × 2), of which the middle remains.
    let image = Image(
      width: 6, height: 2, channels: 1, pixels: [9, 9, 10, 20, 7, 7, 9, 9, 30, 40, 7, 7])
    #expect(image.centreCropped(side: 1).pixels == [25])
  }

  @Test(
    "is guided-diffusion's, byte for byte",
    arguments: [
      (64, 50, 16), (33, 70, 8), (5, 9, 12), (1, 7, 4), (7, 1, 3), (16, 16, 16), (31, 31, 16),
      (4, 6, 3), (10, 4, 3), (90, 67, 1),
    ])
  func guidedDiffusion(height: Int, width: Int, side: Int) throws {
    let goldens = try NPZ.read(fixture("crops.npz"))
    let input = image(try goldens.array("\(height)x\(width).\(side).in"))
    let expected = image(try goldens.array("\(height)x\(width).\(side).out"))
    #expect(input.centreCropped(side: side) == expected)
  }

  @Test("is the middle of the whole resized image") func window() {
    let image = noise(width: 50, height: 9, channels: 3, seed: 5)
    let whole = image.resizedToBytes(width: 89, height: 16, by: .bicubic)
    let start = (89 - 16) / 2 * 3
    let middle = (0..<16).flatMap { row in
      let first = row * 89 * 3 + start
      return whole.pixels[first..<first + 16 * 3]
    }
    #expect(image.centreCropped(side: 16).pixels == middle)
  }

  @Test("its own size leaves a square as it is", arguments: [1, 6, 31]) func identity(side: Int) {
    let image = noise(width: side, height: side, channels: 3, seed: 6)
    #expect(image.centreCropped(side: side) == image)
  }

  @Test("a long row grows to a square without the rest of it") func narrow() {
    let row = Image(
      width: 65_500, height: 1, channels: 1, pixels: [UInt8](repeating: 7, count: 65_500))
    // All of it would be 64 × 4 192 000 pixels.
    #expect(row.centreCropped(side: 64).pixels == [UInt8](repeating: 7, count: 64 * 64))
  }

  @Test("to no pixels is refused") func noPixels() async {
    await #expect(processExitsWith: .failure) {
      _ = Image(width: 1, height: 1, channels: 1, pixels: [0]).centreCropped(side: 0)
    }
  }
}
