import Autoencoder
import Checkpoints
import Foundation
import Tensors
import Testing
import _TestSupport

/// Decodes at 256 and 512 pixels: time, memory, and diffusers' image at 512. Runs alone:
/// `DIS_EVAL_BENCHMARKS=1 swift test -c release --filter DecoderBenchmarks`
@Suite(
  .serialized, .enabled(if: ProcessInfo.processInfo.environment["DIS_EVAL_BENCHMARKS"] == "1"))
struct DecoderBenchmarks {
  @Test func decodes() throws {
    let decoder = try SyntheticDecoder.loaded("sd")
    for side in [32, 64] { try decode(side: side, with: decoder) }
  }

  private func decode(side: Int, with decoder: KLDecoder) throws {
    let latent = try #require(SyntheticDecoder.models["sd"]).latent(side, side)
    let start = clock()
    let image = decoder(latent)
    let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)  // of the processor
    let peak = try peakBytes()
    let bound = decoder.peakBytes(latentSide: side)
    let rate = Double(decoder.operations(latentSide: side)) / 1e9 / seconds
    print(
      "\(8 * side) px: \(Int(1000 * seconds)) ms, \(Int(rate)) GFLOP/s, peak \(peak >> 20) MiB, "
        + "bound \(bound >> 20) MiB")
    #expect(peak <= bound)
    let worst = worst(
      image.strided(side == 32 ? 5 : 9).values,
      try SyntheticDecoder.golden("sd.\(side)x\(side).out").values)
    print("\(worst)")
    #expect(worst.relative <= 1e-5, "\(worst)")
  }

  /// The largest resident set of this process so far.
  private func peakBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return 1024 * (try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])))
  }
}
