import CKernels
import Foundation
import Tensors
import Testing
import _TestSupport

@Suite("Group norm") struct GroupNormTests {
  /// Two groups of two channels of one pixel: (1, 3) and (2, 2).
  @Test func byHand() {
    var x = Tensor(shape: [1, 1, 4], values: [1, 3, 2, 2])
    x.normalizeGroups(
      weight: Tensor(shape: [4], values: [1, 2, 1, 1]),
      bias: Tensor(shape: [4], values: [0, 1, 5, 6]), groups: 2, epsilon: 0.5625, silu: false)
    #expect(worst(x.values, [-0.8, 2.6, 5, 6]).difference <= 1e-6)
  }

  /// Sizes around a vector and a group.
  @Test(
    "agrees with the definition", arguments: instructionSets,
    [
      (channels: 1, pixels: 1, groups: 1), (4, 7, 4), (6, 9, 2), (32, 15, 32), (96, 33, 32),
      (2, 4095, 1), (64, 70, 32), (3, 8201, 1),
    ])
  func matchesDefinition(
    instructions: dis_instructions, size: (channels: Int, pixels: Int, groups: Int)
  ) {
    var random = SeededGenerator(seed: 11)
    let (channels, pixels) = (size.channels, size.pixels)
    // Far from zero beside its deviation.
    let values = random.floats(channels * pixels, scale: 2).map { $0 + 30 }
    let (weight, bias) = (random.floats(channels), random.floats(channels))
    let perGroup = channels / size.groups
    for silu in [false, true] {
      var expected = [Double](repeating: 0, count: values.count)
      for group in 0..<size.groups {
        let indices = values.indices.filter { $0 % channels / perGroup == group }
        let count = Double(indices.count)
        let mean = indices.reduce(0) { $0 + Double(values[$1]) } / count
        let variance = indices.reduce(0) { $0 + pow(Double(values[$1]) - mean, 2) } / count
        for index in indices {
          let y =
            (Double(values[index]) - mean) / sqrt(variance + 1e-6)
            * Double(weight[index % channels]) + Double(bias[index % channels])
          expected[index] = silu ? y / (1 + exp(-y)) : y
        }
      }
      var x = Tensor(shape: [pixels, 1, channels], values: values)
      let (weight, bias) = (
        Tensor(shape: [channels], values: weight), Tensor(shape: [channels], values: bias)
      )
      let elsewhere = x.normalizedGroups(
        weight: weight, bias: bias, groups: size.groups, epsilon: 1e-6, silu: silu,
        instructions: instructions)
      x.normalizeGroups(
        weight: weight, bias: bias, groups: size.groups, epsilon: 1e-6, silu: silu,
        instructions: instructions)
      let worst = worst(x.values, expected)
      #expect(worst.difference <= 2e-6, "\(worst)")
      #expect(elsewhere == x)
    }
  }

  @Test func aConstantGroupBecomesItsBias() {
    var x = Tensor(shape: [3, 3, 2], values: [Float](repeating: 7, count: 18))
    x.normalizeGroups(
      weight: Tensor(shape: [2], values: [1, 1]), bias: Tensor(shape: [2], values: [0.5, -2]),
      groups: 1, epsilon: 1e-6, silu: false)
    #expect(
      worst(x.values, (0..<18).map { $0 % 2 == 0 ? 0.5 : -2 })
        .difference <= 1e-3)
  }

  @Test func doesNotChangeACopy() {
    let original = Tensor(shape: [1, 1, 2], values: [1, 2])
    var x = original
    x.normalizeGroups(
      weight: Tensor(shape: [2], values: [1, 1]), bias: Tensor(shape: [2], values: [0, 0]),
      groups: 1, epsilon: 0, silu: true)
    #expect(original.values == [1, 2] && x.values != original.values)
  }
}

@Suite("SiLU kernel") struct SiLUTests {
  @Test("agrees with the definition", arguments: instructionSets, [1, 7, 8, 9, 15, 16, 17, 33])
  func matchesDefinition(instructions: dis_instructions, count: Int) {
    var random = SeededGenerator(seed: 12)
    var x = random.floats(count, scale: 20)
    x[0] = -100
    let expected = x.map { Double($0) / (1 + exp(-Double($0))) }
    dis_silu(instructions, &x, count)
    for (value, reference) in zip(x, expected) {
      #expect(abs(Double(value) - reference) <= 3e-7 * abs(reference) + 1e-30)
    }
  }
}

@Suite struct ChannelOrderTests {
  @Test func byHand() {
    let x = Tensor(shape: [2, 1, 3], values: [1, 2, 3, 4, 5, 6])
    #expect(channelsLast(x) == Tensor(shape: [1, 3, 2], values: [1, 4, 2, 5, 3, 6]))
    #expect(channelsFirst(channelsLast(x)) == x)
  }
}

@Suite("Attention") struct AttentionTests {
  /// Equal keys: every pixel gets the mean of the values.
  @Test func byHand() {
    let key = Tensor(shape: [1, 3, 2], values: [1, 2, 1, 2, 1, 2])
    let query = Tensor(shape: [1, 3, 2], values: [5, 3, -1, 9, 0, 0])
    let value = Tensor(shape: [1, 3, 2], values: [1, 0, 2, 3, 6, 0])
    let y = attention(query: query, key: key, value: value)
    #expect(worst(y.values, [3, 1, 3, 1, 3, 1]).difference <= 1e-6)
  }

  /// Scores of hundreds overflow an exponential whose largest is not taken off.
  @Test(
    "agrees with the definition",
    arguments: [(1, 1, 1, 1), (3, 2, 5, 4), (33, 7, 9, 2), (4, 27, 19, 1), (2, 4, 5, 40)])
  func matchesDefinition(channels: Int, height: Int, width: Int, scale: Int) {
    var random = SeededGenerator(seed: 13)
    let (shape, pixels) = ([height, width, channels], height * width)
    func image(_ scale: Float) -> Tensor {
      Tensor(shape: shape, values: random.floats(channels * pixels, scale: scale))
    }
    let (query, key, value) = (image(Float(scale)), image(Float(scale)), image(1))
    var expected = [Double](repeating: 0, count: channels * pixels)
    for p in 0..<pixels {
      let scores = (0..<pixels).map { r in
        (0..<channels).reduce(0.0) {
          $0 + Double(query.values[p * channels + $1]) * Double(key.values[r * channels + $1])
        } / Double(channels).squareRoot()
      }
      let largest = scores.max() ?? 0
      let weights = scores.map { exp($0 - largest) }
      let sum = weights.reduce(0, +)
      for c in 0..<channels {
        expected[p * channels + c] =
          zip(0..., weights).reduce(0.0) {
            $0 + $1.1 * Double(value.values[$1.0 * channels + c])
          } / sum
      }
    }
    let worst = worst(attention(query: query, key: key, value: value).values, expected)
    #expect(worst.relative <= 1e-6 * Double(scale * scale), "\(worst)")
  }
}
