import Foundation

/// Random numbers that depend only on a seed, the name of an experiment and the number of a repeat, so that
/// results do not depend on the number of threads or on which other tables are made.
struct Draws {
  private var state: UInt64
  private var spare: Double?

  /// Creates the numbers of one repeat.
  ///
  /// - Parameters:
  ///   - seed: The seed of the run.
  ///   - experiment: A name, which has its own numbers.
  ///   - index: The number of the repeat.
  init(seed: UInt64, _ experiment: String, _ index: Int) {
    state = seed
    for byte in experiment.utf8 { state = Self.mixed(state ^ UInt64(byte)) }
    state = Self.mixed(state ^ UInt64(index) << 8)
  }

  /// SplitMix64: a counter, and a permutation of 64 bits. Steele, Lea & Flood, "Fast Splittable Pseudorandom
  /// Number Generators", OOPSLA 2014.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Returns a uniformly distributed number between 0 and 1, neither of which it reaches.
  mutating func uniform() -> Double {
    let value = Self.mixed(state)
    state &+= 0x9E37_79B9_7F4A_7C15
    return (Double(value >> 11) + 0.5) * 0x1p-53
  }

  /// Returns a normally distributed number, by Box and Muller's method.
  mutating func normal() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    let radius = (-2 * log(uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spare = radius * sin(angle)
    return radius * cos(angle)
  }

  mutating func uniforms(_ count: Int) -> [Double] { (0..<count).map { _ in uniform() } }

  mutating func normals(_ count: Int) -> [Double] { (0..<count).map { _ in normal() } }

  /// Returns `count` different numbers below `population`, in ascending order.
  mutating func subset(_ count: Int, of population: Int) -> [Int] {
    var indices = Array(0..<population)
    for position in 0..<count {
      indices.swapAt(position, position + Int(uniform() * Double(population - position)))
    }
    return indices.prefix(count).sorted()
  }
}

/// Returns what `body` returns for each repeat, in order, computed by some threads.
func repeated<Result: Sendable>(
  _ count: Int, threads: Int, _ body: @escaping @Sendable (Int) throws -> Result
) async throws -> [Result] {
  try await withThrowingTaskGroup(of: [(Int, Result)].self) { group in
    for thread in 0..<threads {
      group.addTask {
        try stride(from: thread, to: count, by: threads).map { ($0, try body($0)) }
      }
    }
    var results = [Result?](repeating: nil, count: count)
    for try await part in group {
      for (index, result) in part { results[index] = result }
    }
    return results.compactMap(\.self)
  }
}
