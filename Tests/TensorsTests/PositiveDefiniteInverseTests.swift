import Tensors
import Testing
import _TestSupport

@Suite struct PositiveDefiniteInverseTests {
  /// The inverse of `[[4, 2], [2, 2]]` is `[[1/2, -1/2], [-1/2, 1]]`. What is above the diagonal is neither read nor
  /// written.
  @Test func byHand() {
    var values: [Float] = [4, 100, 2, 2]
    #expect(invertPositiveDefinite(&values, dimension: 2))
    #expect(worst(values, [0.5, 100, -0.5, 1]).difference <= 4 * 0x1p-24)
  }

  /// `I + G` with a Gram matrix G whose trace is 1 has a condition below 2, so that the inverse by Cholesky's method
  /// has an error of a few D 2⁻²⁴.
  @Test(arguments: [1, 3, 64, 65, 200])
  func theProductIsTheIdentity(dimension: Int) {
    var random = SeededGenerator(seed: UInt64(dimension))
    let x = Tensor(shape: [dimension, dimension], values: random.floats(dimension * dimension))
    let squares = x.values.reduce(0) { $0 + $1 * $1 }
    var matrix = Tensor(zeros: [dimension, dimension])
    addLowerGram(x, times: 1 / squares, to: &matrix.values)
    for index in 0..<dimension { matrix.values[index * (dimension + 1)] += 1 }
    var inverse = matrix
    #expect(invertPositiveDefinite(&inverse.values, dimension: dimension))
    matrix.mirrorLowerTriangle()
    inverse.mirrorLowerTriangle()
    let product = product(matrix, transposed: inverse)
    let identity = (0..<dimension * dimension).map { $0 % (dimension + 1) == 0 ? 1.0 : 0 }
    #expect(worst(product.values, identity).difference <= 8 * Double(dimension) * 0x1p-24)
  }

  @Test func whatIsNotPositiveDefiniteIsRefused() {
    for values in [[1, 0, 2, 1], [0, 0, 0, 1], [-1, 0, 0, 1]] as [[Float]] {
      var values = values
      #expect(!invertPositiveDefinite(&values, dimension: 2), "\(values)")
    }
  }

  @Test(arguments: [0, 1, 2, 15, 16, 17, 33])
  func aTriangleIsMirrored(dimension: Int) {
    let values = (0..<dimension * dimension).map { Double($0) }
    let expected = values.indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: max(dimension, 1))
      return values[max(row, column) * dimension + min(row, column)]
    }
    var matrix = Matrix(rows: dimension, columns: dimension, values: values)
    matrix.mirrorLowerTriangle()
    #expect(matrix.values == expected)
    var tensor = Tensor(shape: [dimension, dimension], values: values.map { Float($0) })
    tensor.mirrorLowerTriangle()
    #expect(tensor.values == expected.map { Float($0) })
  }
}
