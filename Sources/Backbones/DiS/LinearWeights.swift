import Checkpoints
import Tensors

extension WeightReader {
  /// The affine map of `NAME.weight` and `NAME.bias`, `[outputs]`, packed. What could not be read
  /// makes a placeholder without inputs and outputs, which `finish` then reports.
  ///
  /// - Parameter shape: Of the stored weight, if it is another than `[outputs, inputs]`.
  mutating func linear(
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
