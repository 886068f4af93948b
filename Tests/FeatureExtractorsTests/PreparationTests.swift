import FeatureExtractors
import Images
import Tensors
import Testing

/// What the resizers themselves give stands in `ResamplingTests`.
@Suite struct PreparationTests {
  static let all = Preparation.Resize.allCases.flatMap { resize in
    Preparation.Scale.allCases.map { Preparation(resize, $0) }
  }

  @Test("grey is repeated", arguments: all) func grey(preparation: Preparation) {
    let pixels: [UInt8] = [0, 50, 100, 150, 200, 255]
    let grey = Image(width: 3, height: 2, channels: 1, pixels: pixels)
    let rgb = Image(width: 3, height: 2, channels: 3, pixels: pixels.flatMap { [$0, $0, $0] })
    #expect(preparation(grey) == preparation(rgb))
  }

  @Test("one colour stays that colour on either scale", arguments: all)
  func constant(preparation: Preparation) {
    for (value, symmetric, offset) in [(0, -1, -1), (255, 1, 0.9921875), (128, 1 / 255, 0)]
      as [(UInt8, Float, Float)]
    {
      let input = preparation(Image(width: 1, height: 1, channels: 1, pixels: [value]))
      let expected = preparation.scale == .symmetric ? symmetric : offset
      #expect(input.shape == [3, 299, 299])
      #expect(input.values.allSatisfy { abs($0 - expected) <= 1e-6 })
    }
  }

  @Test("rounding to bytes moves values by at most half a step") func roundsToBytes() {
    let image = Image(width: 5, height: 1, channels: 1, pixels: [3, 200, 17, 90, 255])
    let exact = Preparation.clean(image).values
    let rounded = Preparation(.pillowBicubic, .offset, roundsToBytes: true)(image).values
    #expect(rounded.allSatisfy { ($0 * 128).rounded() == $0 * 128 })
    #expect(zip(exact, rounded).allSatisfy { abs($0 - $1) <= 0.5 / 128 + 1e-6 })
    #expect(exact != rounded)
  }
}
