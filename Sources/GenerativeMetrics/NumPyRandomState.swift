/// The integers of `numpy.random.RandomState(seed)`, which NumPy guarantees not to change.
///
/// The generator is MT19937, seeded as in NumPy's `_legacy_seeding`. Bounded integers are obtained by rejecting
/// masked words (`random_interval`).
package struct NumPyRandomState {
  private var words: MersenneTwister

  /// Creates the generator that NumPy creates as `RandomState(seed)`.
  ///
  /// - Parameter seed: The seed of the generator, `0...UInt32.max`.
  package init(seed: UInt32) { words = MersenneTwister(seed: seed) }

  /// Returns the next 32 bits.
  package mutating func next() -> UInt32 { words.next() }

  /// Returns `choice(population, size: count, replace: false)`: the first elements of
  /// ``permutation(_:)``.
  ///
  /// - Parameters:
  ///   - population: The number of indices to choose from.
  ///   - count: The number of indices to choose, `0...population`.
  package mutating func choice(_ population: Int, count: Int) -> ArraySlice<Int> {
    precondition(0...population ~= count, "\(count) of \(population)")
    return permutation(population).prefix(count)
  }

  /// Returns `permutation(count)`: 0, 1, ..., swapped from the last element down.
  ///
  /// - Parameter count: The number of elements, at least 0.
  package mutating func permutation(_ count: Int) -> [Int] {
    var result = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) {
      result.swapAt(index, Int(next(through: UInt32(index))))
    }
    return result
  }

  /// Returns a uniformly distributed number in 0...bound, bound > 0.
  private mutating func next(through bound: UInt32) -> UInt32 {
    let mask = UInt32.max >> UInt32(bound.leadingZeroBitCount)
    while true {
      let value = next() & mask
      if value <= bound { return value }
    }
  }
}
