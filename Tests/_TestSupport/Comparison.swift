import Foundation

/// The element of two arrays that differs most, for messages that say where a test failed.
package struct WorstElement: CustomStringConvertible {
  package let index: Int
  package let got: Double
  package let expected: Double
  /// |got - expected|, or infinity when one of the two is not finite.
  package let difference: Double
  /// The largest |expected| of the whole array.
  package let scale: Double

  package var description: String {
    "[\(index)]: got \(got), expected \(expected), difference \(difference), scale \(scale)"
  }

  /// The difference relative to the largest expected value.
  package var relative: Double { difference == 0 ? 0 : difference / scale }
}

/// Finds the worst element. Arrays of different lengths differ infinitely.
package func worst(
  _ got: some Collection<some BinaryFloatingPoint>,
  _ expected: some Collection<some BinaryFloatingPoint>
) -> WorstElement {
  guard got.count == expected.count else {
    return WorstElement(
      index: -1, got: Double(got.count), expected: Double(expected.count), difference: .infinity,
      scale: 1)
  }
  var result = (index: 0, got: 0.0, expected: 0.0, difference: -1.0)
  var scale = 0.0
  for (index, pair) in zip(got, expected).enumerated() {
    let (value, reference) = (Double(pair.0), Double(pair.1))
    scale = max(scale, abs(reference))
    var difference = abs(value - reference)
    if !difference.isFinite { difference = value == reference ? 0 : .infinity }
    if difference > result.difference { result = (index, value, reference, difference) }
  }
  return WorstElement(
    index: result.index, got: result.got, expected: result.expected,
    difference: max(result.difference, 0), scale: scale)
}

/// A seeded generator for random test inputs (SplitMix64), so that a failure can be repeated.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// `count` values uniform in [-scale, scale).
  package mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in scale * (Float(next() >> 40) * 0x1p-23 - 1) }
  }
}
