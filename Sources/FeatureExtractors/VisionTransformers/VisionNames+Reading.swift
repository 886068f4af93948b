import Backbones
import Checkpoints
import Tensors

extension WeightReader {
  /// Packs an affine map whose outputs are those of one or more stored layers, one after the other.
  /// If the weights cannot be read, returns a placeholder without inputs and outputs, which `finish`
  /// reports.
  ///
  /// - Parameters:
  ///   - names: The stored layers, all with the same number of outputs.
  ///   - inputs: The number of inputs.
  ///   - outputs: The number of outputs of all layers together.
  ///   - shape: The shape of the stored weights, if it differs from `[outputs, inputs]`.
  ///   - hasBias: Whether there is a bias.
  ///   - precision: The number format of the products.
  mutating func linear(
    _ names: [TensorNames], from inputs: Int, to outputs: Int, shape: [Int]? = nil,
    hasBias: Bool = true, precision: Precision = .float32
  ) -> PackedLinear {
    let part = outputs / names.count
    var (weights, biases): ([Float], [Float]) = ([], [])
    for name in names {
      weights += tensor(name.weight, shape ?? [part, inputs]).values
      if hasBias { biases += tensor(name.bias, [part]).values }
    }
    guard weights.count == outputs * inputs else { return PackedLinear(Tensor(zeros: [0, 0])) }
    return PackedLinear(
      Tensor(shape: [outputs, inputs], values: weights),
      bias: hasBias ? Tensor(shape: [outputs], values: biases) : nil, precision: precision)
  }

  /// Packs the projection after a network.
  ///
  /// - Parameters:
  ///   - names: The names of a network that has one.
  ///   - width: The number of inputs, D.
  ///   - outputs: The number of outputs, O.
  mutating func projection(_ names: VisionNames, from width: Int, to outputs: Int) -> PackedLinear {
    guard let projection = names.projection else { return PackedLinear(Tensor(zeros: [0, 0])) }
    if projection.isTransposed {
      let weight = tensor(projection.name, [outputs, width])
      return PackedLinear(weight)
    }
    let stored = tensor(projection.name, [width, outputs])
    guard stored.shape == [width, outputs] else { return PackedLinear(Tensor(zeros: [0, 0])) }
    var weight = Tensor(zeros: [outputs, width])
    for row in 0..<width {
      for column in 0..<outputs {
        weight.values[column * width + row] = stored.values[row * outputs + column]
      }
    }
    return PackedLinear(weight)
  }
}
