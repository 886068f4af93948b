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

  /// `DecoderBenchmarks` compares the bound with the memory of a process.
  @Test func boundsTheMemory() {
    let configuration = DecoderConfiguration.stableDiffusion
    // At 512 x 512: images of 256 and 128 channels, and the weights.
    let least = 4 * (384 << 18) + 4 * configuration.parameterCount
    let bound = configuration.workingBytes(latentSide: 64) + 4 * configuration.parameterCount
    #expect(bound > least && bound <= 800_000_000)
    // A block with more channels than its input cannot write over it.
    var growing = configuration
    growing.blockChannels = [512, 512, 128, 256]
    #expect(growing.workingBytes(latentSide: 64) > 4 * ((128 + 2 * 256) << 18))
  }
}
