import Foundation
import Testing

import CKernels
import Tensors
import _TestSupport

@Suite("Linear") struct LinearTests {
  @Test func byHand() {
    let x = Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    let weight = Tensor(shape: [2, 2], values: [1, 0, 1, 1])
    let bias = Tensor(shape: [2], values: [10, 20])
    // Only the first two columns of x are used.
    #expect(linear(x, weight, bias: bias).values == [11, 23, 14, 29])
    #expect(linear(x, weight).values == [1, 3, 4, 9])
    #expect(PackedLinear(weight, bias: bias)(x).values == [11, 23, 14, 29])
    #expect(PackedLinear(weight)(x).values == [1, 3, 4, 9])
  }

  @Test("agrees with the definition", arguments: [(1, 1, 1), (5, 7, 3), (33, 17, 65)])
  func matchesDefinition(rows: Int, outputs: Int, inner: Int) {
    var random = SeededGenerator(seed: 3)
    let x = Tensor(shape: [rows, inner], values: random.floats(rows * inner))
    let weight = Tensor(shape: [outputs, inner], values: random.floats(outputs * inner))
    var expected: [Double] = []
    for row in 0..<rows {
      for output in 0..<outputs {
        expected.append(
          (0..<inner).reduce(0.0) {
            $0 + Double(x.values[row * inner + $1]) * Double(weight.values[output * inner + $1])
          })
      }
    }
    let worst = worst(linear(x, weight).values, expected)
    #expect(worst.relative <= 1e-6, "\(worst)")
    for instructions in instructionSets {
      let packed = PackedLinear(weight, instructions: instructions)(x)
      #expect(packed.shape == [rows, outputs])
      let worst = _TestSupport.worst(packed.values, expected)
      #expect(worst.relative <= 1e-6, "\(instructions): \(worst)")
    }
  }

  @Test("a row of a packed map does not depend on the others", arguments: instructionSets)
  func rowsAreIndependent(instructions: dis_instructions) {
    var random = SeededGenerator(seed: 4)
    let (rows, inner, outputs) = (101, 23, 55)
    let x = Tensor(shape: [rows, inner], values: random.floats(rows * inner))
    let map = PackedLinear(
      Tensor(shape: [outputs, inner], values: random.floats(outputs * inner)),
      instructions: instructions)
    let all = map(x).values
    for row in [0, 7, 95, 96, 100] {
      let alone = map(
        Tensor(shape: [1, inner], values: Array(x.values[row * inner..<(row + 1) * inner])))
      #expect(alone.values == Array(all[row * outputs..<(row + 1) * outputs]))
    }
  }
}

@Suite("Norms") struct NormTests {
  @Test func rootMeanSquareByHand() {
    let y = rmsNorm(
      Tensor(shape: [1, 2], values: [3, 4]), weight: Tensor(shape: [2], values: [1, 2]),
      epsilon: 0)
    #expect(worst(y.values, [3 / sqrt(12.5), 8 / sqrt(12.5)]).difference <= 1e-6)
  }

  @Test("RMS norm agrees with the definition", arguments: [1, 7, 8, 9, 33])
  func rootMeanSquare(columns: Int) {
    var random = SeededGenerator(seed: 4)
    let x = Tensor(shape: [3, columns], values: random.floats(3 * columns, scale: 5))
    let weight = Tensor(shape: [columns], values: random.floats(columns))
    var expected: [Double] = []
    for row in 0..<3 {
      let values = x.values[row * columns..<(row + 1) * columns].map(Double.init)
      let scale = 1 / sqrt(values.reduce(0) { $0 + $1 * $1 } / Double(columns) + 1e-5)
      expected += zip(values, weight.values).map { $0 * scale * Double($1) }
    }
    let worst = worst(rmsNorm(x, weight: weight).values, expected)
    #expect(worst.relative <= 3e-7, "\(worst)")
  }

  @Test func layerNormHasZeroMeanAndUnitVariance() {
    var random = SeededGenerator(seed: 5)
    let y = layerNorm(Tensor(shape: [1, 50], values: random.floats(50).map { $0 + 1000 }))
    let mean = y.values.reduce(0.0) { $0 + Double($1) } / 50
    let variance = y.values.reduce(0.0) { $0 + Double($1) * Double($1) } / 50
    #expect(abs(mean) <= 1e-6 && abs(variance - 1) <= 1e-4)
  }

  @Test func aConstantRowBecomesZero() {
    #expect(layerNorm(Tensor(shape: [1, 3], values: [7, 7, 7])).values == [0, 0, 0])
  }

  /// Mean 3 and variance 4, whose root is 2.
  @Test(arguments: instructionSets)
  func layerNormByHand(instructions: dis_instructions) {
    let y = layerNorm(
      Tensor(shape: [1, 2], values: [1, 5]), weight: Tensor(shape: [2], values: [2, 3]),
      bias: Tensor(shape: [2], values: [10, 20]), epsilon: 0, instructions: instructions)
    #expect(y.values == [8, 23])
  }

  /// Values are near 30, with deviation s = 2 / √3. With u = 2⁻²⁴, the difference from the mean has
  /// the error u of its own size, and the scale, the product, the gain and the shift add u each.
  /// The largest normalised value is √3, the largest result 1 + √3.
  @Test(
    "layer norm agrees with the definition", arguments: instructionSets,
    [1, 2, 15, 16, 17, 33, 384, 1152])
  func layerNormDefinition(instructions: dis_instructions, columns: Int) {
    var random = SeededGenerator(seed: 6)
    let x = Tensor(
      shape: [3, columns], values: random.floats(3 * columns, scale: 2).map { $0 + 30 })
    let weight = Tensor(shape: [columns], values: random.floats(columns))
    let bias = Tensor(shape: [columns], values: random.floats(columns))
    for (weight, bias) in [(weight, bias), (weight, nil), (nil, bias), (nil, nil)] {
      var expected: [Double] = []
      for row in 0..<3 {
        let values = x.values[row * columns..<(row + 1) * columns].map(Double.init)
        let mean = values.reduce(0, +) / Double(columns)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
        for (column, value) in values.enumerated() {
          let gain = Double(weight?.values[column] ?? 1)
          let shift = Double(bias?.values[column] ?? 0)
          expected.append((value - mean) / sqrt(variance + 1e-5) * gain + shift)
        }
      }
      let y = layerNorm(
        x, weight: weight, bias: bias, epsilon: 1e-5, instructions: instructions)
      let worst = worst(y.values, expected)
      #expect(worst.difference <= 0x1p-24 * 6 * (1 + 3.0.squareRoot()), "\(worst)")
    }
  }
}

@Suite("Elementwise") struct ElementwiseTests {
  @Test func modulationByHand() {
    var x = Tensor(shape: [2, 2], values: [1, 2, 3, 4])
    x.modulate(by: Tensor(shape: [1, 4], values: [10, 20, 0, 1]))
    #expect(x.values == [11, 24, 13, 28])
  }

  @Test func shiftAndScaleByHand() {
    var x = Tensor(shape: [2, 2], values: [1, 2, 3, 4])
    x.modulate(
      shift: Tensor(shape: [2], values: [10, 20]), scale: Tensor(shape: [1, 2], values: [0, 1]))
    #expect(x.values == [11, 24, 13, 28])
  }

  @Test func gatedSumByHand() {
    var x = Tensor(shape: [2, 2], values: [1, 2, 3, 4])
    x.add(
      Tensor(shape: [2, 2], values: [1, 10, 100, 1000]), gate: Tensor(shape: [2], values: [2, -1]))
    #expect(x.values == [3, -8, 203, -996])
  }

  @Test func chunksOfARow() {
    let row = Tensor(shape: [1, 6], values: [1, 2, 3, 4, 5, 6])
    #expect(
      row.chunks(3)
        == [[1, 2], [3, 4], [5, 6]].map { Tensor(shape: [2], values: $0) })
    #expect(row.chunks(1) == [Tensor(shape: [6], values: row.values)])
  }

  @Test func columnsSideBySide() {
    let a = Tensor(shape: [2, 1], values: [1, 2])
    let b = Tensor(shape: [2, 2], values: [3, 4, 5, 6])
    #expect(concatenateColumns(a, b) == Tensor(shape: [2, 3], values: [1, 3, 4, 2, 5, 6]))
  }

  @Test func siluOfZeroAndLargeValues() {
    let y = silu(Tensor(shape: [3], values: [0, 100, -100]))
    #expect(y.values[0] == 0 && y.values[1] == 100 && abs(y.values[2]) < 1e-30)
  }
}
