import GenerativeMetrics
import Testing
import _TestSupport

@Suite("Nearest neighbours") struct NearestNeighborsTests {
  @Test func byHand() throws {
    let reference = try FeatureRows([0, 0, 3, 4, 0, 1, 6, 8], dimension: 2)
    let found = try nearestNeighbors(
      of: try FeatureRows([0, 0, 6, 8], dimension: 2), in: reference, count: 3)
    #expect(found[0].map(\.index) == [0, 2, 1])
    #expect(found[0].map(\.distance) == [0, 1, 5])
    #expect(found[1].map(\.index) == [3, 1, 2])
    #expect(found[1].map(\.distance) == [0, 5, 85.0.squareRoot()])
  }

  @Test func ofEquallyFarOnesTheFirst() throws {
    let reference = try FeatureRows([1, -1, 1, -1, 1], dimension: 1)
    let found = try nearestNeighbors(
      of: try FeatureRows([0], dimension: 1), in: reference, count: 3)
    #expect(found[0].map(\.index) == [0, 1, 2])
  }

  @Test func fewerThanAskedFor() throws {
    let found = try nearestNeighbors(
      of: try FeatureRows([2], dimension: 1), in: try FeatureRows([5], dimension: 1), count: 3)
    #expect(found == [[NearestNeighbor(index: 0, distance: 3)]])
  }

  /// More than one block of 1024 on both sides, and of no round size.
  @Test(arguments: [(1031, 1500, 3), (5, 2049, 7), (1025, 3, 1)])
  func agreesWithTheDefinition(_ count: Int, _ referenceCount: Int, _ dimension: Int) throws {
    var random = SeededGenerator(seed: UInt64(count))
    // On a coarse grid, so that many distances are equal.
    func rows(_ count: Int) throws -> FeatureRows {
      try FeatureRows(
        (0..<count * dimension).map { _ in Float(Int.random(in: 0..<32, using: &random)) / 8 + 100
        },
        dimension: dimension)
    }
    let (queries, reference) = (try rows(count), try rows(referenceCount))
    let found = try nearestNeighbors(of: queries, in: reference, count: 3)
    for query in stride(from: 0, to: count, by: 97) {
      let squares = (0..<referenceCount).map { row in
        (0..<dimension).reduce(0.0) { sum, column in
          let difference =
            Double(queries.values[query * dimension + column])
            - Double(reference.values[row * dimension + column])
          return sum + difference * difference
        }
      }
      let expected = squares.indices.sorted { (squares[$0], $0) < (squares[$1], $1) }.prefix(3)
      #expect(found[query].map(\.index) == Array(expected))
      #expect(found[query].map(\.distance) == expected.map { squares[$0].squareRoot() })
    }
  }

  @Test func refusals() throws {
    let rows = try FeatureRows([1, 2], dimension: 1)
    #expect(throws: MetricError.self) {
      try nearestNeighbors(of: rows, in: FeatureRows([1, 2], dimension: 2), count: 1)
    }
    #expect(throws: MetricError.self) {
      try nearestNeighbors(of: rows, in: FeatureRows([], dimension: 1), count: 1)
    }
  }
}
