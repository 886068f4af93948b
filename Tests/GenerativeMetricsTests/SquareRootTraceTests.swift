import GenerativeMetrics
import Tensors
import Testing
import _TestSupport

@Suite struct SquareRootTraceTests {
  /// The trace of the root of a matrix of two rows is `√(a + c + 2 √(ac - b²))`.
  @Test(arguments: [0.0, 1e-4, 0.1, -0.1, 0.5, -1])
  func twoRows(b: Double) throws {
    let expected = (4 + 1 + 2 * (4 - b * b).squareRoot()).squareRoot()
    let found = squareRootTrace(
      diagonal: [4, 1], offDiagonal: [0, .nan, Float(b), 0], within: 1e-9)
    let value = try #require(found)
    // b in single precision changes the trace by up to b² 2⁻²⁴.
    #expect(abs(value - expected) <= 1e-9 + b * b * 0x1p-24)
  }

  /// The matrix is what is left without some of many samples, scaled so that its diagonal falls to 10⁻¹² of its
  /// largest element.
  @Test(arguments: [1, 2, 15, 16, 17, 33, 100], [0.02, 0.1, 0.3])
  func itIsTheSumOfTheRootsOfTheEigenvalues(count: Int, size: Double) throws {
    var random = SeededGenerator(seed: UInt64(count))
    let noise = lowerGram(
      Matrix(
        rows: 2 * count, columns: count,
        values: random.floats(2 * count * count).map(Double.init)))
    let roots = (0..<count).map { 1 / pow10(6 * Double($0) / Double(count)) }
    let scale = size / noise.diagonal.reduce(0, +) * Double(count)
    var matrix = Matrix(
      rows: count, columns: count, values: [Double](repeating: 0, count: count * count))
    var offDiagonal = [Float](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in 0...row {
        let index = row * count + column
        let element = roots[row] * roots[column] * -scale * noise.values[index]
        if row != column { offDiagonal[index] = Float(element) }
        matrix.values[index] =
          row == column ? roots[row] * roots[row] + element : Double(offDiagonal[index])
      }
    }
    let diagonal = matrix.diagonal
    matrix.mirrorLowerTriangle()
    let expected = try symmetricEigenvalues(matrix).reduce(0) { $0 + max($1, 0).squareRoot() }
    let found = try #require(
      squareRootTrace(diagonal: diagonal, offDiagonal: offDiagonal, within: 1e-8))
    // The elements are exact in single precision, but not those of the expansion. The squares of those of V in a row
    // add up to less than 0.1. An eigenvalue of the reference is at least 10⁻¹², and has an error of about 2⁻⁵².
    let rounding = 0x1p-23 * 0.1 * roots.reduce(0, +)
    #expect(abs(found - expected) <= 1e-8 + rounding + Double(count) * 0x1p-52 / 2e-6)
  }

  /// The iteration may end early, but not too early: dense matrices of one sign, one direction, and pairs of rows, from
  /// slightly to far from diagonal.
  @Test(arguments: ["dense", "one sign", "one direction", "pairs"], [1e-2, 1e-4, 1e-6, 1e-8])
  func theErrorIsWithinTheTolerance(kind: String, tolerance: Double) throws {
    let count = 24
    for (size, seed) in zip([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7], UInt64(1)...) {
      var random = SeededGenerator(seed: seed)
      let vector = random.floats(count).map(Double.init)
      var matrix = Matrix(
        rows: count, columns: count, values: [Double](repeating: 0, count: count * count))
      for row in 0..<count {
        for column in 0..<row {
          let value = Double(random.floats(1)[0])
          matrix.values[row * count + column] =
            switch kind {
            case "dense": value
            case "one sign": -abs(value)
            case "one direction": -vector[row] * vector[column]
            default: row == column + 1 && row % 2 == 1 ? 1 : 0
            }
        }
      }
      matrix.mirrorLowerTriangle()
      let largest = try symmetricEigenvalues(matrix).reduce(0) { max($0, abs($1)) }
      let roots = (0..<count).map { 1 / Double(1 + $0) }
      var offDiagonal = [Float](repeating: 0, count: count * count)
      for index in offDiagonal.indices {
        let (row, column) = (index / count, index % count)
        offDiagonal[index] = Float(
          matrix.values[index] * size / largest * roots[row] * roots[column])
        matrix.values[index] =
          row == column ? roots[row] * roots[row] : Double(offDiagonal[index])
      }
      let expected = try symmetricEigenvalues(matrix).reduce(0) { $0 + $1.squareRoot() }
      let found = try #require(
        squareRootTrace(diagonal: matrix.diagonal, offDiagonal: offDiagonal, within: tolerance))
      // The squares of the elements of V add up to less than those of the matrix with ones on the diagonal.
      let squares = matrix.values.indices.reduce(0) {
        let value = matrix.values[$1] / (roots[$1 / count] * roots[$1 % count])
        return $1 / count == $1 % count ? $0 : $0 + value * value
      }
      #expect(abs(found - expected) <= tolerance + 0x1p-23 * squares, "size \(size)")
    }
  }

  @Test func aDiagonalMatrixHasTheSumOfItsRoots() {
    #expect(
      squareRootTrace(diagonal: [4, 9], offDiagonal: [0, 0, 0, 0], within: 0) == 5)
  }

  @Test func whatIsFarFromDiagonalIsRefused() {
    func trace(_ diagonal: [Double], _ offDiagonal: Float) -> Double? {
      squareRootTrace(
        diagonal: diagonal, offDiagonal: [0, 0, offDiagonal, 0], within: 1e-9)
    }
    // Not positive definite, and so close to it that the iteration takes too long.
    #expect(trace([1, 1], 1.5) == nil)
    #expect(trace([1, 1], 0.99999) == nil)
    #expect(trace([1, 1], .nan) == nil)
    #expect(trace([1, 1], .infinity) == nil)
    #expect(trace([.nan, 1], 0.1) == nil)
    #expect(trace([1, 0], 0.1) == nil)
  }
}
