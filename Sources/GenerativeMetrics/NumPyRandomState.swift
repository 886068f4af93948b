/// The integers of `numpy.random.RandomState(seed)`, which NumPy guarantees not to change.
///
/// The generator is MT19937, seeded with one 32-bit number by Knuth's recurrence (`init_genrand`,
/// NumPy's `_legacy_seeding`). Bounded integers are obtained by rejecting masked words
/// (`random_interval`).
///
/// - SeeAlso: Matsumoto & Nishimura, "Mersenne Twister: A 623-Dimensionally Equidistributed Uniform
///   Pseudo-Random Number Generator", ACM TOMACS 8 (1998), Eq. (2.1) and Table II.
package struct NumPyRandomState {
  private static let size = 624
  private static let middle = 397

  private var words: [UInt32]
  private var position = size

  /// Creates the generator that NumPy creates as `RandomState(seed)`.
  ///
  /// - Parameter seed: The seed of the generator, `0...UInt32.max`.
  package init(seed: UInt32) {
    words = [seed]
    words.reserveCapacity(Self.size)
    for index in 1..<Self.size {
      let last = words[index - 1]
      words.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index))
    }
  }

  /// Returns the next 32 bits.
  package mutating func next() -> UInt32 {
    if position == Self.size { twist() }
    var word = words[position]
    position += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9d2c_5680
    word ^= (word << 15) & 0xefc6_0000
    return word ^ (word >> 18)
  }

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

  private mutating func twist() {
    for index in 0..<Self.size {
      let following = words[(index + 1) % Self.size]
      let mixed = (words[index] & 0x8000_0000) | (following & 0x7fff_ffff)
      words[index] =
        words[(index + Self.middle) % Self.size] ^ (mixed >> 1)
        ^ (mixed & 1 == 0 ? 0 : 0x9908_b0df)
    }
    position = 0
  }
}
