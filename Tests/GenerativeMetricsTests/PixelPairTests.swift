import Foundation
import GenerativeMetrics
import Testing

@Suite("Decoded images and their originals") struct PixelPairTests {
  /// The images of scripts/fixtures/reconstruction.py.
  private func pair(_ golden: PixelPairCase) throws -> PixelPair {
    let count = golden.width * golden.height * golden.channels
    let original = (0..<count).map { ($0 * 7 + $0 * $0 % 251) % 256 }
    let decoded = original.enumerated().map { index, value in
      // Python's division rounds down.
      let added = golden.noise * (index * 5 % 17 - 8)
      return min(max(value + Int((Double(added) / 8).rounded(.down)), 0), 255)
    }
    return try PixelPair(
      decoded: decoded.map(UInt8.init), original: original.map(UInt8.init), width: golden.width,
      height: golden.height, channels: golden.channels)
  }

  private func flat(_ decoded: UInt8, _ original: UInt8, side: Int = 6) throws -> PixelPair {
    func image(_ value: UInt8) -> [UInt8] { [UInt8](repeating: value, count: side * side) }
    return try PixelPair(
      decoded: image(decoded), original: image(original), width: side, height: side, channels: 1)
  }

  // MARK: By hand

  /// Images of one colour differ only in their means: `(2ab + c₁) / (a² + b² + c₁)`.
  @Test func flatImages() throws {
    let pair = try flat(51, 102)
    #expect(pair.meanSquaredError == 2601)
    #expect(abs(pair.peakSignalToNoiseRatio() - 20 * log10(5)) < 1e-12)
    let unit = (2 * 0.2 * 0.4 + 1e-4) / (0.04 + 0.16 + 1e-4)
    #expect(abs(try pair.structuralSimilarity() - unit) < 1e-12)
    let symmetric = (2 * 0.6 * 0.2 + 4e-4) / (0.36 + 0.04 + 4e-4)
    #expect(abs(try pair.structuralSimilarity(.symmetric) - symmetric) < 1e-12)
  }

  @Test func equalImages() throws {
    let pair = try flat(7, 7)
    #expect(pair.meanSquaredError == 0)
    #expect(pair.peakSignalToNoiseRatio() == .infinity)
    #expect(pair.peakSignalToNoiseRatio(limit: 100) == 100)
    #expect(abs(try pair.structuralSimilarity() - 1) < 1e-14)
    // One step in one of 10,000 values is more than the limit of RAE lets through.
    var other = [UInt8](repeating: 7, count: 10_000)
    other[5] = 8
    let near = try PixelPair(
      decoded: other, original: [UInt8](repeating: 7, count: 10_000), width: 100, height: 100,
      channels: 1)
    #expect(abs(near.peakSignalToNoiseRatio(limit: 100) - 20 * log10(25_500)) < 1e-9)
  }

  // MARK: Reference numbers

  @Test(
    "agrees with torchmetrics and scikit-image",
    arguments: Golden<PixelPairCase>.read("reconstruction"))
  func agrees(golden: PixelPairCase) throws {
    let pair = try pair(golden)
    expect(abs(try pair.structuralSimilarity() - golden.unit), within: 1e-12, "SSIM")
    expect(
      abs(try pair.structuralSimilarity(.symmetric) - golden.symmetric), within: 1e-12,
      "SSIM of [-1, 1]")
    guard let psnr = golden.psnr else {
      #expect(pair.peakSignalToNoiseRatio() == .infinity)
      return
    }
    expect(abs(pair.peakSignalToNoiseRatio() - psnr), within: 1e-10, "PSNR")
    #expect(abs(golden.unit - golden.symmetric) > 1e-6, "the range matters")
  }

  // MARK: Rejections

  @Test func rejections() throws {
    #expect(throws: MetricError.self) {
      try PixelPair(decoded: [1, 2], original: [1], width: 2, height: 1, channels: 1)
    }
    #expect(throws: MetricError.self) {
      try PixelPair(decoded: [], original: [], width: 0, height: 1, channels: 1)
    }
    #expect(throws: MetricError.self) { try flat(1, 2, side: 5).structuralSimilarity() }
  }
}

struct PixelPairCase: Decodable, Sendable {
  let width, height, channels, noise: Int
  let unit, symmetric: Double
  let psnr: Double?
}
