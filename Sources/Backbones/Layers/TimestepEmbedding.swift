import Foundation
import Tensors

/// Returns the sinusoidal embedding of a timestep: cosines, then sines, and a zero if D is odd.
///
/// The frequencies `exp(-ln(10000) k / (D/2))` are rounded to float after each operation, as in
/// PyTorch.
///
/// - Parameters:
///   - timestep: The time as the network takes it, such as the timestep of training, 0 to 999.
///   - dimension: The length of the embedding, D, at least 2.
/// - Returns: `[1, D]`.
/// - SeeAlso: Vaswani et al., arXiv 1706.03762, section 3.5.
package func timestepEmbedding(_ timestep: Float, dimension: Int) -> Tensor {
  let half = dimension / 2
  let logPeriod = Float(-log(10000.0))
  let angles = (0..<half).map { k -> Double in
    let exponent = logPeriod * Float(k) / Float(half)
    return Double(timestep * Float(exp(Double(exponent))))
  }
  let values = angles.map { Float(cos($0)) } + angles.map { Float(sin($0)) }
  return Tensor(
    shape: [1, dimension], values: dimension.isMultiple(of: 2) ? values : values + [0])
}
