/// The 32-bit words of MT19937, seeded with one number by Knuth's recurrence (`init_genrand`).
///
/// - SeeAlso: Matsumoto & Nishimura, "Mersenne Twister: A 623-Dimensionally Equidistributed Uniform
///   Pseudo-Random Number Generator", ACM TOMACS 8 (1998), Eq. (2.1) and Table II.
struct MersenneTwister {
  private static let size = 624
  private static let middle = 397

  private var words: [UInt32]
  private var position = size

  init(seed: UInt32) {
    words = [seed]
    words.reserveCapacity(Self.size)
    for index in 1..<Self.size {
      let last = words[index - 1]
      words.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index))
    }
  }

  /// Returns the next 32 bits.
  mutating func next() -> UInt32 {
    if position == Self.size { twist() }
    var word = words[position]
    position += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9d2c_5680
    word ^= (word << 15) & 0xefc6_0000
    return word ^ (word >> 18)
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
