import Autoencoder
import Testing
import _TestSupport

@Suite("Decoder configuration") struct DecoderConfigurationTests {
  @Test func isReadOffTheShapes() throws {
    #expect(try SyntheticDecoder.loaded("sd").configuration == .stableDiffusion)
    #expect(
      try SyntheticDecoder.loaded("mono").configuration
        == DecoderConfiguration(
          latentChannels: 16, mixedChannels: nil, blockChannels: [96, 32, 64], resnetsPerBlock: 1,
          imageChannels: 1))
    #expect(try SyntheticDecoder.loaded("tiny").configuration.scale == 2)
  }

  /// PyTorch's flop counter at 64 px (38.7609 GFLOP), and the same sums at 256 and 512.
  @Test("counts operations", arguments: [(8, 38.761), (32, 622.187), (64, 2514.519)])
  func operations(side: Int, gigaflop: Double) {
    let count = DecoderConfiguration.stableDiffusion.operations(latentSide: side)
    #expect(abs(Double(count) / 1e9 - gigaflop) <= 0.0005)
  }

  @Test func countsParameters() throws {
    #expect(DecoderConfiguration.stableDiffusion.parameterCount == 49_490_199)
    for (name, model) in SyntheticDecoder.models {
      let count = model.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
      #expect(try SyntheticDecoder.loaded(name).configuration.parameterCount == count, "\(name)")
    }
  }
}
