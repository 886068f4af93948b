import Foundation

/// The numbers of `torch.Generator().manual_seed(seed)` on a CPU.
///
/// The generator is MT19937. Uniform numbers are the lower 24 bits of a word times 2⁻²⁴. Normal numbers follow Box and
/// Muller in blocks of 16, `normal_fill_16` in `aten/src/ATen/native/cpu/DistributionTemplates.h`:
/// ```
/// r = √(-2 ln(1 - u[k]))        θ = 2π u[k + 8]        z[k] = r cos θ        z[k + 8] = r sin θ        k < 8
/// ```
/// in float64 here. PyTorch computes them in float32, with its own approximations where there is AVX2, so that they
/// agree within 2e-6.
package struct TorchGenerator {
  private static let block = 16

  private var words: MersenneTwister

  /// - Parameter seed: The seed, of which PyTorch uses the lower 32 bits.
  package init(seed: UInt32) { words = MersenneTwister(seed: seed) }

  /// Returns `torch.rand(count)`.
  package mutating func uniforms(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float(words.next() & 0xFF_FFFF) * 0x1p-24 }
  }

  /// Returns `torch.randn(count)`. If 16 does not divide the count, the last 16 numbers are drawn again.
  ///
  /// - Parameter count: At least 16; PyTorch draws fewer in another way.
  package mutating func normals(_ count: Int) -> [Double] {
    precondition(count >= Self.block, "\(count) normal numbers")
    var values = uniforms(count).map(Double.init)
    for start in stride(from: 0, through: count - Self.block, by: Self.block) {
      Self.fill(&values, at: start)
    }
    if !count.isMultiple(of: Self.block) {
      let start = count - Self.block
      values.replaceSubrange(start..., with: uniforms(Self.block).map(Double.init))
      Self.fill(&values, at: start)
    }
    return values
  }

  /// Returns `torch.randperm(count)`.
  ///
  /// - Parameter count: At least 0, and less than 2³².
  package mutating func permutation(_ count: Int) -> [Int] {
    var result = Array(0..<count)
    for index in 0..<max(0, count - 1) {
      result.swapAt(index, index + Int(words.next()) % (count - index))
    }
    return result
  }

  /// Turns 16 uniform numbers into normal ones.
  private static func fill(_ values: inout [Double], at start: Int) {
    for k in start..<start + block / 2 {
      let radius = (-2 * log(1 - values[k])).squareRoot()
      let angle = 2 * Double.pi * values[k + block / 2]
      (values[k], values[k + block / 2]) = (radius * cos(angle), radius * sin(angle))
    }
  }
}
