import Checkpoints
import Tensors
import Testing
import _TestSupport

/// Convolution and pooling against PyTorch's outputs, which scripts/fixtures/vision.py wrote.
@Suite struct TorchOperationTests {
  private let goldens: NPZ

  init() throws { goldens = try NPZ.read(fixture("operations.npz")) }

  private func tensor(_ name: String) throws -> Tensor {
    let array = try goldens.array(name)
    return Tensor(shape: array.shape, values: array.floats())
  }

  @Test(
    "conv2d",
    arguments: [
      ("3x3", 1, 0, 0), ("3x3same", 1, 1, 1), ("3x3stride2", 2, 0, 0), ("5x5same", 1, 2, 2),
      ("1x7", 1, 0, 3), ("7x1", 1, 3, 0), ("1x1", 1, 0, 0),
    ])
  func convolution(name: String, stride: Int, rows: Int, columns: Int) throws {
    let convolution = Conv2d(
      weight: try tensor("conv.\(name).weight"), bias: try tensor("conv.\(name).bias"),
      stride: stride, padding: (rows, columns))
    let y = convolution(try tensor("conv.\(name).x"))
    let expected = try tensor("conv.\(name).y")
    let worst = worst(y.values, expected.values)
    #expect(y.shape == expected.shape && worst.relative <= 1e-6, "\(worst)")
    let packed = PackedConvolution(
      weight: convolution.weight, bias: convolution.bias.values.map(Double.init), stride: stride,
      padding: (rows, columns))
    let x = channelsLast(try tensor("conv.\(name).x"))
    let z = PackedNetwork([.convolution(packed)], input: x.shape)(x)
    let difference = zip(z.values, channelsLast(expected).values).map { abs($0 - $1) }.max() ?? 1
    let scale = expected.values.map(abs).max() ?? 0
    #expect(z.shape == channelsLast(expected).shape && difference <= 1e-6 * scale)
  }

  @Test func pools() throws {
    let x = try tensor("pool.x")
    #expect(maxPool2d(x, Window(3, stride: 2)) == (try tensor("pool.max.stride2")))
    #expect(maxPool2d(x, Window(3, padding: 1)) == (try tensor("pool.max.same")))
    let mean = averagePool2d(x, Window(3, padding: 1))
    let expected = try tensor("pool.average.same")
    let worst = worst(mean.values, expected.values)
    #expect(mean.shape == expected.shape && worst.relative <= 3e-7, "\(worst)")
  }
}
