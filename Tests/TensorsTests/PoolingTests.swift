import Tensors
import Testing
import _TestSupport

@Suite struct PoolingTests {
  private let x = Tensor(shape: [1, 2, 3], values: [1, -2, 3, 4, 5, -6])

  @Test func byHand() {
    #expect(maxPool2d(x, Window(2)) == Tensor(shape: [1, 1, 2], values: [5, 5]))
    #expect(maxPool2d(x, Window(3, padding: 1)).values == [5, 5, 5, 5, 5, 5])
    #expect(averagePool2d(x, Window(2)).values == [2, 0])
    // In a corner 4 values count, at an edge 6.
    let mean = averagePool2d(x, Window(3, padding: 1)).values
    #expect(worst(mean, [2, 5.0 / 6, 0, 2, 5.0 / 6, 0]).difference <= 1e-7)
    #expect(globalMean(channelsLast(x)) == Tensor(shape: [1, 1], values: [5.0 / 6]))
  }

  @Test("channels do not touch") func channels() {
    let two = concatenateChannels([x, Tensor(shape: [1, 2, 3], values: x.values.map { 100 - $0 })])
    let pooled = maxPool2d(two, Window(2))
    #expect(pooled == Tensor(shape: [2, 1, 2], values: [5, 5, 102, 106]))
    #expect(
      worst(globalMean(channelsLast(two)).values, [5.0 / 6, 100 - 5.0 / 6]).difference <= 1e-5)
  }

  @Test("padding is never the largest, NaN always is") func specialValues() {
    let negative = Tensor(shape: [1, 1, 1], values: [-7])
    #expect(maxPool2d(negative, Window(3, padding: 1)) == negative)
    #expect(averagePool2d(negative, Window(3, padding: 1)) == negative)
    for values in [[Float.nan, 1], [1, .nan]] {
      #expect(
        maxPool2d(Tensor(shape: [1, 1, 2], values: values), Window(1)).values.count { $0.isNaN }
          == 1)
      let row = Tensor(shape: [1, 1, 2], values: values)
      let window = Window(kernel: (height: 1, width: 2))
      #expect(maxPool2d(row, window).values[0].isNaN)
    }
  }

  @Test("a constant stays constant", arguments: [(1, 1), (1, 8), (7, 1), (8, 9)], [1, 2, 3])
  func constant(size: (Int, Int), stride: Int) {
    let x = Tensor(
      shape: [3, size.0, size.1], values: [Float](repeating: 2.5, count: 3 * size.0 * size.1))
    let window = Window(3, stride: stride, padding: 1)
    for pooled in [maxPool2d(x, window), averagePool2d(x, window)] {
      #expect(pooled.shape == [3, (size.0 - 1) / stride + 1, (size.1 - 1) / stride + 1])
      #expect(pooled.values.allSatisfy { $0 == 2.5 })
    }
  }
}
