import Tensors
import Testing
import _TestSupport

@Suite struct DepthwiseConv2dTests {
  @Test("one channel by hand, with zeros outside the image") func byHand() {
    let convolution = DepthwiseConv2d(
      weight: Tensor(shape: [1, 1, 3, 3], values: [1, 2, 3, 4, 5, 6, 7, 8, 9]),
      bias: Tensor(shape: [1], values: [100]))
    let y = convolution(Tensor(shape: [2, 2, 1], values: [1, 10, 100, 1000]))
    // The kernel is not flipped: the pixel to the right has the weight 6, the one below 8.
    #expect(y.shape == [2, 2, 1])
    #expect(y.values == [9865, 8754, 6532, 5421].map { $0 + 100 })
  }

  @Test("agrees with a convolution of each channel by itself", arguments: [(9, 5, 3), (3, 2, 17)])
  func channels(height: Int, width: Int, channels: Int) {
    var random = SeededGenerator(seed: 3)
    let weight = random.floats(channels * 49)
    let bias = random.floats(channels)
    let x = Tensor(
      shape: [height, width, channels], values: random.floats(height * width * channels))
    let y = DepthwiseConv2d(
      weight: Tensor(shape: [channels, 1, 7, 7], values: weight),
      bias: Tensor(shape: [channels], values: bias))(x)
    let planes = channelsFirst(x)
    for channel in 0..<channels {
      let plane = Tensor(
        shape: [1, height, width],
        values: Array(planes.values[channel * height * width..<(channel + 1) * height * width]))
      let expected = Conv2d(
        weight: Tensor(
          shape: [1, 1, 7, 7], values: Array(weight[channel * 49..<(channel + 1) * 49])),
        bias: Tensor(shape: [1], values: [bias[channel]]), padding: (height: 3, width: 3))(plane)
      let got = (0..<height * width).map { y.values[$0 * channels + channel] }
      #expect(worst(got, expected.values).relative <= 1e-6)
    }
  }
}
