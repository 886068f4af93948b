import Tensors
import Testing
import _TestSupport

@Suite struct TriangularProductTests {
  @Test func byHand() {
    let a = Matrix(rows: 1, columns: 2, values: [5, 7])
    // What is below the diagonal is not read.
    let upper = Matrix(rows: 2, columns: 2, values: [1, 2, .nan, 3])
    #expect(product(a, upperTriangular: upper).values == [5, 31])
    #expect(product(a, transposedUpperTriangular: upper).values == [19, 21])
  }

  /// Small integers are exact in sums of any order.
  @Test(arguments: [0, 1, 3, 70], [1, 2, 16, 65])
  func itIsTheProductOfMatrices(rows: Int, dimension: Int) {
    var random = SeededGenerator(seed: UInt64(rows + 100 * dimension))
    func integers(_ count: Int) -> [Double] {
      random.floats(count).map { Double(($0 * 4).rounded()) }
    }
    let a = Matrix(rows: rows, columns: dimension, values: integers(rows * dimension))
    var upper = Matrix(
      rows: dimension, columns: dimension, values: integers(dimension * dimension))
    for row in 0..<dimension {
      for column in 0..<row { upper.values[row * dimension + column] = 0 }
    }
    #expect(product(a, upperTriangular: upper) == product(a, upper))
    #expect(product(a, transposedUpperTriangular: upper) == product(a, transposed: upper))
  }
}
