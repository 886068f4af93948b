import Foundation
import Testing

import Diffusion

@Suite("Philox") struct PhiloxTests {
  /// Known answers of Random123's `kat_vectors` for philox4x32 with 10 rounds.
  @Test("gives Random123's known answers") func knownAnswers() {
    #expect(
      philox4x32(counter: .zero, key: .zero)
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = UInt32.max
    #expect(
      philox4x32(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      philox4x32(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }
}

@Suite("Random stream") struct RandomStreamTests {
  @Test func normalsAgreeWithTheLibraryFunctions() {
    let stream = RandomStream(seed: 7, index: 1 << 40)
    let normals = stream.normals(.initialNoise, count: 4000)
    for block in 0..<1000 {
      let words = philox4x32(
        counter: SIMD4(UInt32(block), 0, 0, 1 << 8), key: SIMD2(7, 0))
      for pair in [0, 2] {
        let radius = sqrt(-2 * log((Double(words[pair]) + 0.5) / 4294967296))
        let angle = 2 * Double.pi * Double(words[pair + 1]) / 4294967296
        #expect(abs(Double(normals[4 * block + pair]) - radius * cos(angle)) <= 3e-7)
        #expect(abs(Double(normals[4 * block + pair + 1]) - radius * sin(angle)) <= 3e-7)
      }
    }
  }

  @Test func aPrefixDoesNotDependOnTheCount() {
    let stream = RandomStream(seed: 1, index: 2)
    let long = stream.normals(.stepNoise(3), count: 100)
    for count in [0, 1, 3, 4, 5, 99] {
      #expect(stream.normals(.stepNoise(3), count: count) == Array(long.prefix(count)))
    }
  }

  @Test func momentsAreThoseOfANormal() {
    var (sum, squares, fourths) = (0.0, 0.0, 0.0)
    let n = 200_000
    for value in RandomStream(seed: 11, index: 0).normals(.initialNoise, count: n) {
      let square = Double(value) * Double(value)
      sum += Double(value)
      squares += square
      fourths += square * square
    }
    // Five standard errors.
    #expect(abs(sum / Double(n)) <= 5 / sqrt(Double(n)))
    #expect(abs(squares / Double(n) - 1) <= 5 * sqrt(2 / Double(n)))
    #expect(abs(fourths / Double(n) - 3) <= 5 * sqrt(96 / Double(n)))
  }

  @Test func seedsIndicesPurposesAndStepsAreApart() {
    let streams = [
      RandomStream(seed: 0, index: 0).normals(.initialNoise, count: 4),
      RandomStream(seed: 1, index: 0).normals(.initialNoise, count: 4),
      RandomStream(seed: 1 << 32, index: 0).normals(.initialNoise, count: 4),
      RandomStream(seed: 0, index: 1).normals(.initialNoise, count: 4),
      RandomStream(seed: 0, index: 1 << 32).normals(.initialNoise, count: 4),
      RandomStream(seed: 0, index: 0).normals(.stepNoise(0), count: 4),
      RandomStream(seed: 0, index: 0).normals(.stepNoise(1), count: 4),
    ]
    #expect(Set(streams).count == streams.count)
  }

  @Test func labelsAreUniform() {
    var counts = [Int](repeating: 0, count: 10)
    for index in 0..<20_000 {
      counts[RandomStream(seed: 3, index: UInt64(index)).label(below: 10)] += 1
    }
    let chiSquare = counts.reduce(0.0) { $0 + pow(Double($1) - 2000, 2) / 2000 }
    #expect(chiSquare < 27.9, "0.1 % quantile of chi-square with 9 degrees of freedom: \(counts)")
    #expect(RandomStream(seed: 3, index: 0).label(below: 1) == 0)
  }
}
