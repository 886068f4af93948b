import Tensors
import Testing
import _TestSupport

/// A convolution with everything that its size depends on.
struct ConvolutionCase: CustomTestStringConvertible {
  var inputs = 3
  var outputs = 4
  var height = 6
  var width = 5
  var kernel = (height: 3, width: 3)
  var stride = 1
  var padding = (height: 0, width: 0)

  var testDescription: String {
    "[\(inputs), \(height), \(width)] to \(outputs), kernel \(kernel), stride \(stride), \(padding)"
  }

  static let all = [
    ConvolutionCase(),
    ConvolutionCase(inputs: 1, outputs: 1, height: 1, width: 1, kernel: (1, 1)),
    ConvolutionCase(height: 1, width: 1, padding: (1, 1)),
    ConvolutionCase(height: 1, width: 9, kernel: (1, 7), padding: (0, 3)),
    ConvolutionCase(height: 9, width: 1, kernel: (7, 1), padding: (3, 0)),
    ConvolutionCase(height: 2, width: 3, kernel: (7, 7), padding: (6, 5)),
    ConvolutionCase(kernel: (1, 1), stride: 2),
    ConvolutionCase(height: 7, width: 8, stride: 2),
    ConvolutionCase(height: 7, width: 8, stride: 3, padding: (2, 1)),
    ConvolutionCase(kernel: (1, 1), padding: (0, 0)),
    // More than one block of rows, the last one short; rows longer than a block.
    ConvolutionCase(inputs: 2, height: 40, width: 37, padding: (1, 1)),
    ConvolutionCase(inputs: 1, outputs: 2, height: 4, width: 1031, padding: (1, 1)),
  ]

  /// The definition, in `Double`.
  func reference(_ x: Tensor, _ convolution: Conv2d) -> [Double] {
    let rows = (height + 2 * padding.height - kernel.height) / stride + 1
    let columns = (width + 2 * padding.width - kernel.width) / stride + 1
    var y: [Double] = []
    for output in 0..<outputs {
      for i in 0..<rows {
        for j in 0..<columns {
          var sum = Double(convolution.bias.values[output])
          for c in 0..<inputs {
            for u in 0..<kernel.height {
              for v in 0..<kernel.width {
                let row = i * stride + u - padding.height
                let column = j * stride + v - padding.width
                guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
                let tap = ((output * inputs + c) * kernel.height + u) * kernel.width + v
                sum +=
                  Double(convolution.weight.values[tap])
                  * Double(x.values[(c * height + row) * width + column])
              }
            }
          }
          y.append(convolution.relu ? max(sum, 0) : sum)
        }
      }
    }
    return y
  }

  func convolution(relu: Bool, using random: inout SeededGenerator) -> Conv2d {
    let shape = [outputs, inputs, kernel.height, kernel.width]
    return Conv2d(
      weight: Tensor(shape: shape, values: random.floats(shape.reduce(1, *))),
      bias: Tensor(shape: [outputs], values: random.floats(outputs)), stride: stride,
      padding: padding, relu: relu)
  }
}

@Suite struct Conv2dTests {
  @Test func byHand() {
    let x = Tensor(shape: [1, 2, 3], values: [1, 2, 3, 4, 5, 6])
    let convolution = Conv2d(
      weight: Tensor(shape: [2, 1, 2, 2], values: [1, 0, 0, 10, 0, -1, 0, 0]),
      bias: Tensor(shape: [2], values: [100, 0]))
    #expect(
      convolution(x) == Tensor(shape: [2, 1, 2], values: [1 + 50 + 100, 2 + 60 + 100, -2, -3]))
    let rectified = Conv2d(weight: convolution.weight, bias: convolution.bias, relu: true)
    #expect(rectified(x).values == [151, 162, 0, 0])
  }

  @Test("agrees with the definition", arguments: ConvolutionCase.all, [false, true])
  func definition(size: ConvolutionCase, relu: Bool) {
    var random = SeededGenerator(seed: 6)
    let convolution = size.convolution(relu: relu, using: &random)
    let x = Tensor(
      shape: [size.inputs, size.height, size.width],
      values: random.floats(size.inputs * size.height * size.width))
    let worst = worst(convolution(x).values, size.reference(x, convolution))
    #expect(worst.relative <= 1e-6, "\(worst)")
  }

  @Test("NaN is not rectified away") func nan() {
    let convolution = Conv2d(
      weight: Tensor(shape: [1, 1, 1, 1], values: [1]), bias: Tensor(shape: [1], values: [0]),
      relu: true)
    #expect(convolution(Tensor(shape: [1, 1, 1], values: [.nan])).values[0].isNaN)
  }
}
