/// Computes the Philox4x32-10 counter-based generator: a bijection of a 128-bit counter under a
/// 64-bit key.
///
/// - Parameters:
///   - counter: The 128-bit counter, as four words, the lowest first.
///   - key: The 64-bit key, as two words, the lowest first.
/// - Returns: 128 random bits as four words.
/// - SeeAlso: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.2;
///   `philox.h` of the Random123 library.
package func philox4x32(
  counter: SIMD4<UInt32>, key: SIMD2<UInt32>
) -> SIMD4<UInt32> {
  var (c, k) = (counter, key)
  for _ in 0..<10 {
    let a = c[0].multipliedFullWidth(by: 0xD251_1F53)
    let b = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
    c = SIMD4(b.high ^ c[1] ^ k[0], b.low, a.high ^ c[3] ^ k[1], a.low)
    k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
  }
  return c
}

/// The source of all random numbers of one sample, determined by the seed and the index of the
/// sample. The numbers do not depend on the batch, thread, process or host that computes the
/// sample.
///
/// This is the stream `dis-eval-1`. The key is the seed, low word first. The counter consists of
/// the block, a word with the purpose in the top 8 bits and the step in the low 24 bits, and the
/// index, low word first. A change of the stream requires a new name.
package struct RandomStream: Sendable {
  /// The purpose of a draw. Draws for different purposes are independent.
  package enum Purpose: Sendable {
    /// The noise from which sampling starts.
    case initialNoise
    /// The noise added in a sampling step, where step 0 is the noisiest.
    case stepNoise(Int)
    /// The class label.
    case label
    /// The key for a program's own random numbers.
    case key

    fileprivate var word: UInt32 {
      switch self {
      case .initialNoise: 0
      case .stepNoise(let step): 1 << 24 | UInt32(step)
      case .label: 2 << 24
      case .key: 3 << 24
      }
    }
  }

  /// The name of this assignment of draws, for provenance.
  package static let name = "dis-eval-1"

  private let key: SIMD2<UInt32>
  private let index: SIMD2<UInt32>

  /// Creates the stream of one sample.
  ///
  /// - Parameters:
  ///   - seed: The seed of the run, `0...UInt64.max`, shared by all its samples.
  ///   - index: The index of the sample, from 0.
  package init(seed: UInt64, index: UInt64) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.index = SIMD2(UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32))
  }

  private func block(_ number: Int, _ purpose: Purpose) -> SIMD4<UInt32> {
    philox4x32(counter: SIMD4(UInt32(number), purpose.word, index[0], index[1]), key: key)
  }

  /// Returns standard normal values: four per block, by the Box-Muller transform of pairs of words,
  /// computed in `Double` and rounded once to `Float`.
  ///
  /// - Parameters:
  ///   - purpose: The purpose of the draw.
  ///   - count: The number of values.
  /// - Returns: `[count]`.
  package func normals(_ purpose: Purpose, count: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(count + 3)
    var number = 0
    while result.count < count {
      let words = block(number, purpose)
      for pair in [0, 2] {
        // The first uniform value is in (0, 1), excluding 0; the second is in [0, 1).
        let radius =
          (-2 * naturalLogarithm((Double(words[pair]) + 0.5) * 0x1p-32)).squareRoot()
        let (cosine, sine) = cosineAndSine(turns: Double(words[pair + 1]) * 0x1p-32)
        result.append(Float(radius * cosine))
        result.append(Float(radius * sine))
      }
      number += 1
    }
    result.removeLast(result.count - count)
    return result
  }

  /// 64 random bits, for a program that seeds its own generator of random numbers with them.
  package var programKey: UInt64 {
    let words = block(0, .key)
    return UInt64(words[0]) << 32 | UInt64(words[1])
  }

  /// Returns a uniformly distributed class label: the high word of the 128-bit product of 64 random
  /// bits and `classCount`, whose bias is less than `classCount / 2^64`.
  ///
  /// - Parameter classCount: The number of classes, at least 1.
  /// - Returns: A number in `0..<classCount`.
  package func label(below classCount: Int) -> Int {
    let words = block(0, .label)
    let bits = UInt64(words[0]) << 32 | UInt64(words[1])
    return Int(bits.multipliedFullWidth(by: UInt64(classCount)).high)
  }
}

// The logarithm, sine and cosine are implemented here with IEEE operations in a fixed order, so
// that the stream has the same bits with every compiler and mathematics library.

/// Returns the natural logarithm of a normal, positive `x`:
/// `log(m 2^e) = e log 2 + 2 artanh((m-1)/(m+1))` with `m` in [sqrt(1/2), sqrt(2)]. The series in
/// `s^2 <= 0.0295` therefore needs 12 terms for 1e-17.
func naturalLogarithm(_ x: Double) -> Double {
  var (mantissa, exponent) = (x.significand, Double(x.exponent))
  if mantissa > 1.414_213_562_373_095_1 {
    mantissa /= 2
    exponent += 1
  }
  let s = (mantissa - 1) / (mantissa + 1)
  let square = s * s
  var series = 1.0 / 23
  for denominator in stride(from: 21.0, through: 1, by: -2) {
    series = series * square + 1 / denominator
  }
  return exponent * 0.693_147_180_559_945_309_4 + 2 * s * series
}

/// Returns the cosine and sine of `turns` full turns in [0, 1). The angle from the nearest quarter
/// turn is at most an eighth of a turn, where the Taylor series of degree 18 is accurate to 1e-17.
func cosineAndSine(turns: Double) -> (cosine: Double, sine: Double) {
  let quarters = (turns * 4).rounded()
  let angle = (turns - quarters / 4) * 6.283_185_307_179_586_476_9
  let square = angle * angle
  var cosine = 1.0
  var sine = 1.0
  for k in stride(from: 9.0, through: 1, by: -1) {
    cosine = 1 - cosine * square / ((2 * k - 1) * (2 * k))
    sine = 1 - sine * square / ((2 * k) * (2 * k + 1))
  }
  sine *= angle
  switch Int(quarters) & 3 {
  case 0: return (cosine, sine)
  case 1: return (-sine, cosine)
  case 2: return (-cosine, -sine)
  default: return (sine, -cosine)
  }
}
