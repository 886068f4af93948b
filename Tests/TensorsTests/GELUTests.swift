import CKernels
import Foundation
import Tensors
import Testing
import _TestSupport

@Suite("GELU") struct GELUTests {
  private static func definition(_ kind: GELU, _ x: Double) -> Double {
    switch kind {
    case .tanh:
      x / 2 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .erf: x / 2 * (1 + Foundation.erf(x / 2.0.squareRoot()))
    case .quick: x / (1 + Foundation.exp(-1.702 * x))
    }
  }

  /// The values of Φ(1) and of the approximation at 1 have 16 digits.
  @Test(arguments: instructionSets)
  func byHand(instructions: dis_instructions) {
    var exact = Tensor(shape: [3], values: [0, 1, -1])
    var approximate = exact
    exact.applyGELU(.erf, instructions: instructions)
    approximate.applyGELU(.tanh, instructions: instructions)
    #expect(worst(exact.values, [0, 0.8413447460685429, -0.1586552539314571]).difference <= 3e-7)
    #expect(
      worst(approximate.values, [0, 0.841191990608276, -0.158808009391724]).difference <= 3e-7)
    #expect(exact.values[0] == 0 && approximate.values[0] == 0)
  }

  /// The bounds follow from those that are derived in exponential_simd.h.
  @Test(
    "has the stated error over the whole range", arguments: instructionSets,
    [GELU.tanh, .erf, .quick])
  func matchesDefinition(instructions: dis_instructions, kind: GELU) {
    let x =
      stride(from: -45.0, through: 45, by: 0.00173).map { Float($0) } + [
        -1e-30, 1e-30, 1e30, -1e30,
      ]
    var y = Tensor(shape: [x.count], values: x)
    y.applyGELU(kind, instructions: instructions)
    for (value, x) in zip(y.values, x) {
      let error = abs(Double(value) - Self.definition(kind, Double(x)))
      let bound = kind == .quick ? 5e-7 : 3e-7
      #expect(error <= bound * max(abs(Double(x)), 1), "x = \(x): \(value)")
    }
  }

  @Test(
    "has no other values than the vector's", arguments: instructionSets, [1, 7, 8, 9, 15, 17, 33])
  func lengths(instructions: dis_instructions, count: Int) {
    var random = SeededGenerator(seed: 31)
    let x = random.floats(count, scale: 4)
    for kind in [GELU.tanh, .erf, .quick] {
      var together = Tensor(shape: [count], values: x)
      together.applyGELU(kind, instructions: instructions)
      let alone = x.map { value in
        var one = Tensor(shape: [1], values: [value])
        one.applyGELU(kind, instructions: instructions)
        return one.values[0]
      }
      #expect(together.values == alone)
    }
  }

  @Test("a NaN is kept, and so are large values", arguments: instructionSets)
  func specialValues(instructions: dis_instructions) {
    for kind in [GELU.tanh, .erf] {
      var x = Tensor(shape: [3], values: [.nan, .infinity, 1e20])
      x.applyGELU(kind, instructions: instructions)
      #expect(x.values[0].isNaN && x.values[1] == .infinity && x.values[2] == 1e20)
    }
  }

  @Test func doesNotChangeACopy() {
    let x = Tensor(shape: [1], values: [1])
    #expect(gelu(x, .erf).values != x.values && x.values == [1])
  }
}
