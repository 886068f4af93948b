import Checkpoints
import Tensors

extension WeightReader {
  /// Packs the affine map with the weights `NAME.weight` and the bias `NAME.bias`, `[outputs]`. If
  /// the weights cannot be read, returns a placeholder without inputs and outputs, which `finish`
  /// reports.
  ///
  /// - Parameter shape: The shape of the stored weights, if it differs from `[outputs, inputs]`.
  package mutating func linear(
    _ name: String, from inputs: Int, to outputs: Int, shape: [Int]? = nil, hasBias: Bool = true,
    precision: Precision = .float32
  ) -> PackedLinear {
    let stored = shape ?? [outputs, inputs]
    let weight = tensor("\(name).weight", stored)
    let bias = hasBias ? tensor("\(name).bias", [outputs]) : nil
    guard weight.shape == stored else { return PackedLinear(Tensor(zeros: [0, 0])) }
    return PackedLinear(
      weight.reshaped([outputs, inputs]), bias: bias, precision: precision)
  }
}
