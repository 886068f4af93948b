import CKernels
import Foundation
import Tensors
import Testing
import _TestSupport

/// u, the relative error of rounding to `Float`.
private let unit = 0x1p-24

/// Columns of q, k and v and the heads that they are divided into.
private struct Sequence {
  var tokens: Int
  var heads: Int
  /// The channels of a head.
  var channels: Int
  var qkv: Tensor

  var width: Int { heads * channels }

  /// Random values: q and k in [-scale, scale), v in [-1, 1).
  init(tokens: Int, heads: Int, channels: Int, scale: Float = 1, seed: UInt64 = 21) {
    (self.tokens, self.heads, self.channels) = (tokens, heads, channels)
    var random = SeededGenerator(seed: seed)
    let width = heads * channels
    var values: [Float] = []
    for _ in 0..<tokens {
      values += random.floats(2 * width, scale: scale) + random.floats(width)
    }
    qkv = Tensor(shape: [tokens, 3 * width], values: values)
  }

  /// The position of a value: `part` 0 for q, 1 for k, 2 for v.
  func index(_ token: Int, _ part: Int, _ head: Int, _ channel: Int) -> Int {
    (token * 3 + part) * width + head * channels + channel
  }

  /// The definition in double, with every value of q, k and v replaced by its rounded one.
  func reference(rounded: (Float) -> Double = { Double($0) }) -> [Double] {
    let values = qkv.values.map(rounded)
    var result = [Double](repeating: 0, count: tokens * width)
    for head in 0..<heads {
      for token in 0..<tokens {
        let scores = (0..<tokens).map { key in
          (0..<channels).reduce(0.0) {
            $0 + values[index(token, 0, head, $1)] * values[index(key, 1, head, $1)]
          } / Double(channels).squareRoot()
        }
        let largest = scores.max() ?? 0
        let weights = scores.map { exp($0 - largest) }
        let sum = weights.reduce(0, +)
        for (key, weight) in weights.enumerated() {
          for channel in 0..<channels {
            result[token * width + head * channels + channel] +=
              weight / sum * values[index(key, 2, head, channel)]
          }
        }
      }
    }
    return result
  }

  /// The bound of the error of a result for q and k in [-scale, scale) and v in [-1, 1).
  ///
  /// A score is a sum of d products, each at most scale² / √d. Its error is at most d u times their
  /// sum, and u times the score more for scaling it. An error e of all scores changes a weighted
  /// mean of v by at most 2 e. The sums over L keys, of weights and of weighted values, add 2 L u;
  /// the exponentials, the corrections between blocks and the quotient add 16 u.
  func bound(scale: Double) -> Double {
    let (d, l) = (Double(channels), Double(tokens))
    return unit * (2 * (d + 2) * d.squareRoot() * scale * scale + 2 * l + 16)
  }
}

/// The nearest bfloat16, ties to even.
private func bfloat16(_ x: Float) -> Double {
  let bits = x.bitPattern
  return Double(Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000))
}

@Suite("Attention with heads") struct MultiHeadAttentionTests {
  /// Lengths around a vector, a block of queries and a block of keys; channels around a group.
  private static let sizes: [(tokens: Int, heads: Int, channels: Int)] = [
    (1, 1, 1), (2, 3, 11), (17, 3, 11), (17, 2, 16), (51, 1, 24), (51, 2, 72), (257, 1, 64),
    (257, 1, 72), (1025, 1, 16), (1025, 1, 11),
  ]

  /// Two tokens with two heads of one channel. The first head has scores 0 and ln 3 of the second
  /// token's query, and the second head has equal keys.
  @Test(arguments: instructionSets)
  func byHand(instructions: dis_instructions) {
    let qkv = Tensor(
      shape: [2, 6], values: [0, 5, 0, 2, 4, 1, 1, -5, Float(log(3.0)), 2, 8, 2])
    let y = multiHeadAttention(qkv, heads: 2, instructions: instructions)
    #expect(y.shape == [2, 2])
    #expect(worst(y.values, [6, 1.5, 7, 1.5]).difference <= 40 * unit, "\(y.values)")
  }

  @Test("agrees with the definition", arguments: instructionSets, sizes)
  func matchesDefinition(
    instructions: dis_instructions, size: (tokens: Int, heads: Int, channels: Int)
  ) {
    let sequence = Sequence(tokens: size.tokens, heads: size.heads, channels: size.channels)
    let y = multiHeadAttention(sequence.qkv, heads: size.heads, instructions: instructions)
    let worst = worst(y.values, sequence.reference())
    #expect(worst.difference <= sequence.bound(scale: 1), "\(worst)")
  }

  /// A relative error of 2⁻⁹ of each weight changes a weighted mean of values in [-1, 1) by at most
  /// 2⁻⁸ / (1 - 2⁻⁹).
  @Test("agrees with the definition of rounded factors", arguments: instructionSets, sizes)
  func matchesDefinitionInBfloat16(
    instructions: dis_instructions, size: (tokens: Int, heads: Int, channels: Int)
  ) {
    let sequence = Sequence(tokens: size.tokens, heads: size.heads, channels: size.channels)
    let y = multiHeadAttention(
      sequence.qkv, heads: size.heads, precision: .bfloat16, instructions: instructions)
    let worst = worst(y.values, sequence.reference(rounded: bfloat16))
    #expect(worst.difference <= 0x1.01p-8 + sequence.bound(scale: 1), "\(worst)")
  }

  /// Both are within the bound of the definition, which is not computed here.
  @Test("agrees with the plain loops at the sizes of networks", arguments: instructionSets)
  func matchesThePlainLoops(instructions: dis_instructions) {
    for (tokens, channels) in [(256, 72), (1025, 64)] {
      let sequence = Sequence(tokens: tokens, heads: 2, channels: channels)
      let y = multiHeadAttention(sequence.qkv, heads: 2, instructions: instructions)
      let plain = multiHeadAttention(sequence.qkv, heads: 2, instructions: DIS_SCALAR)
      let worst = worst(y.values, plain.values)
      #expect(worst.difference <= 2 * sequence.bound(scale: 1), "\(worst)")
    }
  }

  /// The sums run in a different order, so only the bound is the same.
  @Test("permuting the tokens permutes the results", arguments: instructionSets)
  func permutation(instructions: dis_instructions) {
    let sequence = Sequence(tokens: 300, heads: 2, channels: 24)
    let y = multiHeadAttention(sequence.qkv, heads: 2, instructions: instructions)
    let order = (0..<300).map { $0 * 7 % 300 }  // 7 and 300 have no common divisor.
    func permuted(_ x: Tensor) -> Tensor {
      let rows = order.flatMap { x.values[$0 * x.columns..<($0 + 1) * x.columns] }
      return Tensor(shape: x.shape, values: Array(rows))
    }
    let of = multiHeadAttention(permuted(sequence.qkv), heads: 2, instructions: instructions)
    let worst = worst(of.values, permuted(y).values)
    #expect(worst.difference <= 2 * sequence.bound(scale: 1), "\(worst)")
  }

  @Test("a result does not depend on the other queries", arguments: instructionSets)
  func queriesAreIndependent(instructions: dis_instructions) {
    let sequence = Sequence(tokens: 131, heads: 3, channels: 11)
    for precision in Precision.allCases {
      func attend(_ sequence: Sequence) -> [Float] {
        multiHeadAttention(
          sequence.qkv, heads: 3, precision: precision, instructions: instructions
        ).values
      }
      var other = sequence
      for token in 0..<131 where token != 77 {
        for column in 0..<33 { other.qkv.values[token * 99 + column] *= -2 }
      }
      let row = 77 * 33..<78 * 33
      #expect(attend(other)[row] == attend(sequence)[row])
      #expect(attend(other) == attend(other))
    }
  }

  @Test("equal keys give the mean of the values", arguments: instructionSets)
  func equalKeys(instructions: dis_instructions) {
    var sequence = Sequence(tokens: 300, heads: 2, channels: 24)
    for token in 0..<300 {
      for column in 48..<96 { sequence.qkv.values[token * 144 + column] = Float(column % 5) - 2 }
    }
    let means = (0..<48).map { column in
      (0..<300).reduce(0.0) { $0 + Double(sequence.qkv.values[$1 * 144 + 96 + column]) } / 300
    }
    let y = multiHeadAttention(sequence.qkv, heads: 2, instructions: instructions)
    // All scores of a query are the same number, so all exponentials are 1.
    let worst = worst(y.values, (0..<300).flatMap { _ in means })
    #expect(worst.difference <= unit * (2 * 300 + 16), "\(worst)")
  }

  /// One channel has the same value c in all keys, which adds q c / √d to all scores of a query.
  @Test("a constant added to all scores changes nothing", arguments: instructionSets)
  func constantScores(instructions: dis_instructions) {
    var sequence = Sequence(tokens: 257, heads: 1, channels: 16)
    func attend(constant: Float) -> Tensor {
      for token in 0..<257 { sequence.qkv.values[sequence.index(token, 1, 0, 5)] = constant }
      return multiHeadAttention(sequence.qkv, heads: 1, instructions: instructions)
    }
    let worst = worst(attend(constant: 8).values, attend(constant: 0).values)
    // Each score is a sum of 16 products with at most 15 + 8 in all.
    #expect(worst.difference <= 2 * unit * (2 * 18 * 23 / 4 + 2 * 257 + 16), "\(worst)")
  }

  /// Scores from -10,320 to 10,320, 40 apart, so the value of the largest is the result up to e⁻⁴⁰.
  @Test("large scores do not overflow", arguments: instructionSets)
  func largeScores(instructions: dis_instructions) {
    for precision in Precision.allCases {
      let (tokens, channels) = (517, 16)
      var sequence = Sequence(tokens: tokens, heads: 1, channels: channels)
      for token in 0..<tokens {
        for channel in 0..<channels {
          let place = token * 5 % tokens - tokens / 2
          sequence.qkv.values[sequence.index(token, 0, 0, channel)] = token % 2 == 0 ? 1 : -1
          sequence.qkv.values[sequence.index(token, 1, 0, channel)] = Float(place) * 10
        }
      }
      let y = multiHeadAttention(
        sequence.qkv, heads: 1, precision: precision, instructions: instructions)
      #expect(y.values.allSatisfy { $0.isFinite && abs($0) <= 1 })
      guard precision == .float32 else { continue }
      let worst = worst(y.values, sequence.reference())
      #expect(worst.difference <= unit * 16, "\(worst)")
    }
  }

  @Test("a NaN stays in its head", arguments: instructionSets)
  func notANumber(instructions: dis_instructions) {
    var sequence = Sequence(tokens: 70, heads: 2, channels: 11)
    sequence.qkv.values[sequence.index(3, 0, 0, 4)] = .nan
    let y = multiHeadAttention(sequence.qkv, heads: 2, instructions: instructions)
    for (index, value) in y.values.enumerated() {
      #expect(value.isNaN == (66..<77).contains(index))
    }
  }

  @Test func ofNoTokensIsEmpty() {
    #expect(multiHeadAttention(Tensor(zeros: [0, 6]), heads: 2) == Tensor(zeros: [0, 2]))
  }
}
