import GenerativeMetrics
import Testing

@Suite struct NumPyRandomStateTests {
  @Test("repeats numpy's words", arguments: Golden<RandomCase>.read("numpy_random"))
  func words(golden: RandomCase) {
    var generator = NumPyRandomState(seed: golden.seed)
    let words = (0...(golden.at.last ?? 0)).map { _ in generator.next() }
    #expect(golden.at.map { words[$0] } == golden.words)
  }

  @Test("repeats numpy's choices", arguments: Golden<RandomCase>.read("numpy_random"))
  func choices(golden: RandomCase) {
    for choice in golden.choices {
      var generator = NumPyRandomState(seed: golden.seed)
      for (head, weighted) in zip(choice.head, choice.weighted) {
        let drawn = generator.choice(choice.population, count: choice.count)
        #expect(Array(drawn.prefix(5)) == head, "\(choice.count) of \(choice.population)")
        #expect(zip(drawn, 1...).reduce(0) { $0 + $1.0 * $1.1 } == weighted)
      }
    }
  }

  @Test func drawsEachIndexOnce() {
    var generator = NumPyRandomState(seed: 7)
    for count in [0, 1, 2, 100, 4096] {
      #expect(generator.permutation(count).sorted() == Array(0..<count))
    }
  }

  @Test func permutationsOfOneElementDrawNothing() {
    var (a, b) = (NumPyRandomState(seed: 3), NumPyRandomState(seed: 3))
    _ = (a.permutation(0), a.permutation(1))
    #expect(a.next() == b.next())
  }
}

struct RandomCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Choice: Decodable, Sendable {
    let population: Int
    let count: Int
    let head: [[Int]]
    let weighted: [Int]
  }

  let seed: UInt32
  let at: [Int]
  let words: [UInt32]
  let choices: [Choice]

  var testDescription: String { "seed \(seed)" }
}
