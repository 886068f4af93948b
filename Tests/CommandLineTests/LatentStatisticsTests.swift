import Autoencoder
import Checkpoints
import Files
import Foundation
import Results
import Sampling
import Tensors
import Testing
import _TestSupport

/// Latents that a model knows shifted or normalised channel by channel.
@Suite("Shift and normalisation of latents", .blocking) struct LatentStatisticsTests {
  private let files: DecoderCommandTests.Files

  init() throws { files = try DecoderCommandTests.Files() }

  private func decoder(
    scale: Double, shift: Double? = nil, _ statistics: LatentStatistics? = nil
  ) throws -> LoadedDecoder {
    try LoadedDecoder(path: files.decoder, scale: scale, shift: shift, statistics: statistics)
  }

  /// Latents of 3 everywhere. Divided by 2 and shifted by 0.5, they are 2. Channel c with the deviation
  /// c + 1 and the mean 2c - 1 has 3 (c + 1) / 2 + 2c - 1 = 3.5c + 0.5.
  @Test func byHand() throws {
    func latent(_ value: (Int) -> Float) -> Tensor {
      Tensor(shape: [4, 8, 8], values: (0..<256).map { value($0 / 64) })
    }
    let plain = try decoder(scale: 1)
    let shifted = try decoder(scale: 2, shift: 0.5)
    #expect(shifted(latent { _ in 3 }).values == plain(latent { _ in 2 }).values)
    let normalised = try decoder(
      scale: 2, LatentStatistics(means: [-1, 1, 3, 5], deviations: [1, 2, 3, 4]))
    #expect(
      normalised(latent { _ in 3 }).values == plain(latent { 3.5 * Float($0) + 0.5 }).values)
    #expect(shifted.provenance.shift == 0.5 && shifted.provenance.channelMeans == nil)
    #expect(normalised.provenance.channelMeans == [-1, 1, 3, 5])
    #expect(normalised.provenance.channelDeviations == [1, 2, 3, 4])
  }

  /// The arrays as VA-VAE's file has them, and in the two other formats.
  @Test func aFileOfEveryFormatIsRead() throws {
    let (means, deviations): ([Float], [Float]) = ([-1, 1, 3, 5], [1, 2, 3, 4])
    let shape = [1, 4, 1, 1]
    let torch = files.folder.path("latents_stats.pt")
    try Data(
      torchFile(.named(["mean": .tensor(means, shape), "std": .tensor(deviations, shape)]))
    ).write(to: URL(fileURLWithPath: torch))
    let tensors = files.folder.path("stats.safetensors")
    try write(means, deviations, shape, to: tensors)
    let archive = files.folder.path("stats.npz")
    try NPZ.write(
      [
        ("mean", NPYArray(doubles: means.map(Double.init), shape: [4])),
        ("std", NPYArray(floats: deviations, shape: [4, 1, 1])),
      ], to: archive)
    for path in [torch, tensors, archive] {
      let statistics = try LatentStatistics(path: path)
      #expect(statistics.means == [-1, 1, 3, 5], "\(path)")
      #expect(statistics.deviations == [1, 2, 3, 4], "\(path)")
    }
  }

  private func write(
    _ means: [Float], _ deviations: [Float], _ shape: [Int]? = nil, to path: String
  ) throws {
    try writeSafetensors(
      [
        SyntheticTensor(key: "mean", shape: shape ?? [means.count]) { means },
        SyntheticTensor(key: "std", shape: shape ?? [deviations.count]) { deviations },
      ], to: URL(fileURLWithPath: path))
  }

  @Test func numbersThatCannotBeRightAreRefused() throws {
    for (means, deviations, part) in [
      ([], [], "0 means"), ([1, 2], [1], "2 means and 1 standard deviations"),
      ([1, .nan], [1, 1], "the mean of channel 1 is nan"), ([1, 1e39], [1, 1], "channel 1"),
      ([0, 0], [1, 0], "the standard deviation of channel 1 is 0.0, expected above 0"),
      ([0, 0], [-1, 1], "channel 0 is -1.0"), ([0, 0], [1, .infinity], "channel 1 is inf"),
    ] as [([Double], [Double], String)] {
      #expect {
        try LatentStatistics(means: means, deviations: deviations)
      } throws: {
        let failure = $0 as? Failure
        return failure?.code == .latentStatisticsInvalid && failure?.status == .dataRefused
          && failure?.detail.contains(part) == true
      }
    }
    let three = try LatentStatistics(means: [0, 0, 0], deviations: [1, 1, 1])
    #expect {
      try decoder(scale: 1, three)
    } throws: {
      ($0 as? Failure)?.detail.contains("3 channels, but the latents") == true
    }
    let four = try LatentStatistics(means: [0, 0, 0, 0], deviations: [1, 1, 1, 1])
    #expect {
      try decoder(scale: 1, shift: 1, four)
    } throws: {
      ($0 as? Failure)?.code == .invalidLatentShift
    }
  }

  @Test func theCommandRefusesThem() throws {
    let path = files.folder.path("stats.safetensors")
    let square = files.folder.path("square.npz")
    try NPZ.write(
      [
        ("mean", NPYArray(floats: [0, 0, 0, 0], shape: [2, 2])),
        ("std", NPYArray(floats: [1, 1, 1, 1], shape: [2, 2])),
      ], to: square)
    try write([0, 0, 0, 0], [1, 1, 0, 1], to: path)
    let decoder = ["--decoder", files.decoder]
    for (options, status, part) in [
      (decoder + ["--latent-shift", "nan"], 64, "--latent-shift"),
      (decoder + ["--latent-shift", "inf"], 64, "InvalidLatentShift"),
      (["--latent-shift", "1"], 64, "--latent-shift needs --decoder"),
      (["--latent-stats", path], 64, "--latent-stats needs --decoder"),
      (decoder + ["--latent-stats", path], 65, "channel 2 is 0.0"),
      (decoder + ["--latent-stats", square], 65, "one number for each channel"),
      (decoder + ["--latent-stats", files.decoder], 65, "no arrays 'mean' and 'std'"),
      (decoder + ["--latent-stats", files.folder.path("none")], 66, "none"),
    ] as [([String], Int32, String)] {
      let run = try DisEvalProcess(
        ["sample", "--ckpt", files.checkpoint, "--num", "1", "--out", files.folder.path("x")]
          + DecoderCommandTests.fast + options)
      #expect(run.status == status && run.errors.contains(part), "\(options): \(run.errors)")
    }
    try write([0, 0, 0, 0], [1, 1, 1, 1], to: path)
    let both = try DisEvalProcess(
      ["sample", "--ckpt", files.checkpoint, "--num", "1", "--out", files.folder.path("x")]
        + DecoderCommandTests.fast + decoder + ["--latent-stats", path, "--latent-shift", "1"])
    #expect(both.status == 64)
    #expect(both.errors.contains("cannot be used with --latent-stats"), "\(both.errors)")
  }

  /// The result holds the numbers, so that it can be repeated without their file.
  @Test func aResultRecordsAndRepeatsThem() throws {
    let files = try DecoderCommandTests.grey()
    let path = files.folder.path("stats.safetensors")
    try write([-0.5, 0, 0.5, 1], [1, 2, 0.5, 1], to: path)
    func result(_ options: [String]) throws -> (path: String, result: EvaluationResult) {
      let out = files.folder.path("\(options.count).json")
      let run = try DisEvalProcess(
        ["fid", "--ckpt", files.checkpoint, "--decoder", files.decoder, "--num", "12"]
          + ["--ref", DisEvalProcess.statistics, "--latent-scale", "1", "--out", out]
          + DecoderCommandTests.fast + options)
      #expect(run.status == 0, "\(run.errors)")
      return (out, try EvaluationResult(contentsOf: out))
    }
    let plain = try result([])
    let statistics = try result(["--latent-stats", path])
    try FileManager.default.removeItem(atPath: path)
    let shifted = try result(["--latent-shift", "0.25", "--quiet"])
    #expect(plain.result.provenance.decoder?.channelMeans == nil)
    #expect(statistics.result.provenance.decoder?.channelMeans == [-0.5, 0, 0.5, 1])
    #expect(statistics.result.provenance.decoder?.channelDeviations == [1, 2, 0.5, 1])
    #expect(shifted.result.provenance.decoder?.shift == 0.25)
    let hashes = Set([plain, statistics, shifted].map(\.result.samplesSha256))
    #expect(hashes.count == 3, "the images differ")
    for path in [statistics.path, shifted.path] {
      let again = try DisEvalProcess("rerun", path)
      #expect(again.status == 0, "\(again.errors) \(again.output)")
    }
  }
}
