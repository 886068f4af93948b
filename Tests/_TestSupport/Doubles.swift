import Foundation

/// Finite doubles of every kind: of random bits, subnormal, between 0 and 1000, and at the ends of powers of
/// two and ten.
package func doublesOfEveryKind(_ count: Int, seed: UInt64) -> [Double] {
  var generator = SeededGenerator(seed: seed)
  var doubles = [
    .leastNonzeroMagnitude, .leastNormalMagnitude, .leastNormalMagnitude.nextDown,
    .greatestFiniteMagnitude, 0x1p53 - 1, 0x1p53, 0x1p53 + 2, 0x1p63, 0x1p64, 1e22, 1e23, 0.1, 0.3,
    1.7976931348623157e308, 4.5e-308, 9.5e15, 123456789012345680, -0.1,
  ]
  while doubles.count < count {
    switch doubles.count % 4 {
    case 0: doubles.append(Double(bitPattern: generator.next()))
    case 1: doubles.append(Double(bitPattern: generator.next() >> 12))
    case 2: doubles.append(.random(in: 0..<1000, using: &generator))
    default: doubles.append(pow(10, .random(in: -20...20, using: &generator)))
    }
    if doubles.last?.isFinite == false { doubles.removeLast() }
  }
  return doubles
}
