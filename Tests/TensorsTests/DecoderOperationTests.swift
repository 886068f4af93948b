import CKernels
import Foundation
import Tensors
import Testing
import _TestSupport

@Suite("Group norm") struct GroupNormTests {
  /// Two groups of two channels of one pixel: (1, 3) and (2, 2).
  @Test func byHand() {
    var x = Tensor(shape: [4, 1, 1], values: [1, 3, 2, 2])
    x.normalizeGroups(
      weight: Tensor(shape: [4], values: [1, 2, 1, 1]),
      bias: Tensor(shape: [4], values: [0, 1, 5, 6]), groups: 2, epsilon: 0.5625, silu: false)
    #expect(worst(x.values, [-0.8, 2.6, 5, 6]).difference <= 1e-6)
  }

  /// Sizes around a vector, a block of values, and a group.
  @Test(
    "agrees with the definition", arguments: instructionSets,
    [
      (channels: 1, pixels: 1, groups: 1), (4, 7, 4), (6, 9, 2), (32, 15, 32), (96, 33, 32),
      (2, 4095, 1), (2, 4096, 2), (3, 8201, 1),
    ])
  func matchesDefinition(
    instructions: dis_instructions, size: (channels: Int, pixels: Int, groups: Int)
  ) {
    var random = SeededGenerator(seed: 11)
    let (channels, pixels) = (size.channels, size.pixels)
    // Far from zero beside its deviation.
    let values = random.floats(channels * pixels, scale: 2).map { $0 + 30 }
    let (weight, bias) = (random.floats(channels), random.floats(channels))
    let perGroup = channels / size.groups * pixels
    for silu in [false, true] {
      var expected: [Double] = []
      for group in 0..<size.groups {
        let part = values[group * perGroup..<(group + 1) * perGroup].map(Double.init)
        let mean = part.reduce(0, +) / Double(perGroup)
        let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(perGroup)
        for (index, value) in part.enumerated() {
          let channel = (group * perGroup + index) / pixels
          let y =
            (value - mean) / sqrt(variance + 1e-6) * Double(weight[channel])
            + Double(bias[channel])
          expected.append(silu ? y / (1 + exp(-y)) : y)
        }
      }
      var x = Tensor(shape: [channels, pixels, 1], values: values)
      x.normalizeGroups(
        weight: Tensor(shape: [channels], values: weight),
        bias: Tensor(shape: [channels], values: bias), groups: size.groups, epsilon: 1e-6,
        silu: silu, instructions: instructions)
      let worst = worst(x.values, expected)
      #expect(worst.difference <= 2e-6, "\(worst)")
    }
  }

  @Test func aConstantGroupBecomesItsBias() {
    var x = Tensor(shape: [2, 3, 3], values: [Float](repeating: 7, count: 18))
    x.normalizeGroups(
      weight: Tensor(shape: [2], values: [1, 1]), bias: Tensor(shape: [2], values: [0.5, -2]),
      groups: 1, epsilon: 1e-6, silu: false)
    #expect(
      worst(x.values, [Double](repeating: 0.5, count: 9) + [Double](repeating: -2, count: 9))
        .difference <= 1e-3)
  }

  @Test func doesNotChangeACopy() {
    let original = Tensor(shape: [2, 1, 1], values: [1, 2])
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

@Suite("Nearest upsampling") struct UpsampleTests {
  @Test func byHand() {
    let x = Tensor(shape: [2, 1, 3], values: [1, 2, 3, 4, 5, 6])
    let y = upsampleNearest(x)
    #expect(y.shape == [2, 2, 6])
    let rows: [[Float]] = [[1, 1, 2, 2, 3, 3], [4, 4, 5, 5, 6, 6]]
    #expect(y.values == rows[0] + rows[0] + rows[1] + rows[1])
  }
}

@Suite("Attention") struct AttentionTests {
  /// Equal keys: every pixel gets the mean of the values.
  @Test func byHand() {
    let key = Tensor(shape: [2, 1, 3], values: [1, 1, 1, 2, 2, 2])
    let query = Tensor(shape: [2, 1, 3], values: [5, -1, 0, 3, 9, 0])
    let value = Tensor(shape: [2, 1, 3], values: [1, 2, 6, 0, 3, 0])
    let y = attention(query: query, key: key, value: value)
    #expect(worst(y.values, [3, 3, 3, 1, 1, 1]).difference <= 1e-6)
  }

  /// Scores of hundreds overflow an exponential whose largest is not taken off.
  @Test(
    "agrees with the definition",
    arguments: [(1, 1, 1, 1), (3, 2, 5, 4), (33, 7, 9, 2), (4, 27, 19, 1), (2, 4, 5, 40)])
  func matchesDefinition(channels: Int, height: Int, width: Int, scale: Int) {
    var random = SeededGenerator(seed: 13)
    let (shape, pixels) = ([channels, height, width], height * width)
    func image(_ scale: Float) -> Tensor {
      Tensor(shape: shape, values: random.floats(channels * pixels, scale: scale))
    }
    let (query, key, value) = (image(Float(scale)), image(Float(scale)), image(1))
    var expected = [Double](repeating: 0, count: channels * pixels)
    for p in 0..<pixels {
      let scores = (0..<pixels).map { r in
        (0..<channels).reduce(0.0) {
          $0 + Double(query.values[$1 * pixels + p]) * Double(key.values[$1 * pixels + r])
        } / Double(channels).squareRoot()
      }
      let largest = scores.max() ?? 0
      let weights = scores.map { exp($0 - largest) }
      let sum = weights.reduce(0, +)
      for c in 0..<channels {
        expected[c * pixels + p] =
          zip(0..., weights).reduce(0.0) {
            $0 + $1.1 * Double(value.values[c * pixels + $1.0])
          } / sum
      }
    }
    let worst = worst(attention(query: query, key: key, value: value).values, expected)
    #expect(worst.relative <= 1e-6 * Double(scale * scale), "\(worst)")
  }
}
