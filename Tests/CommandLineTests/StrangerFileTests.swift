import Checkpoints
import Files
import Foundation
import Images
import Testing
import _TestSupport

/// Files as people have them, given to the command.
@Suite("Files from strangers", .blocking) struct StrangerFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ bytes: [UInt8], to name: String) throws -> String {
    let path = folder.path(name)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func samples(_ checkpoint: String) throws -> [Float] {
    let path = folder.path("samples.npy")
    let run = try DisEvalProcess(
      "sample", "--ckpt", checkpoint, "--num", "2", "--sampler", "ddim", "--steps", "2",
      "--raw-out", path)
    #expect(run.status == 0, "\(run.errors)")
    return try NPYArray.read(path).floats()
  }

  /// The demo's weights under names with a prefix, all of them scaled.
  private func weights(
    _ prefix: String, _ scale: Float = 1
  ) throws -> [(name: String, array: NPYArray)] {
    let state = try CheckpointFile.open(DisEvalProcess.checkpoint).stateDict(key: nil)
    return try state.infos.map { info in
      let values = try state.array(info.name).floats().map { scale * $0 }
      return (prefix + info.name, NPYArray(floats: values, shape: info.shape))
    }
  }

  @Test func wrappedWeightsAreSampledAndRecorded() throws {
    let expected = try samples(DisEvalProcess.checkpoint)
    let both =
      try weights("model.net.", 0.5) + weights("ema.net.")
      + [("step", NPYArray(floats: [7], shape: []))]
    let path = try write(SafetensorsWriter.encode(both, metadata: []), to: "both.safetensors")
    #expect(try samples(path) == expected)
    let run = try DisEvalProcess(
      "fid", "--ckpt", path, "--ref", DisEvalProcess.statistics, "--num", "4", "--sampler", "ddim",
      "--steps", "2", "--json")
    let provenance = try run.json()["provenance"] as? [String: Any]
    let checkpoint = try #require(provenance?["checkpoint"] as? [String: Any])
    #expect(checkpoint["key"] as? String == "ema")
    #expect(checkpoint["prefix"] as? String == "net.")
    #expect(checkpoint["left_out"] as? [String] == ["step"])
    #expect(try DisEvalProcess("inspect", path).output.contains("net., taken off all names"))
  }

  @Test func shardedWeightsAreSampledAndScoredAgain() throws {
    let expected = try samples(DisEvalProcess.checkpoint)
    let all = try weights("")
    let half = all.count / 2
    var map: [String] = []
    for (number, part) in [all[..<half], all[half...]].enumerated() {
      let name = "model-\(number).safetensors"
      _ = try write(SafetensorsWriter.encode(Array(part), metadata: []), to: name)
      map += part.map { "\"\($0.name)\": \"\(name)\"" }
    }
    let index = try write(
      Array("{\"weight_map\": {\(map.joined(separator: ", "))}}".utf8),
      to: "model.safetensors.index.json")
    #expect(try samples(index) == expected)
    let sharded = (index as NSString).deletingLastPathComponent
    #expect(try samples(sharded) == expected)
    #expect(try DisEvalProcess("inspect", sharded).output.contains("DiS"))

    let result = folder.path("result.json")
    let scored = try DisEvalProcess(
      "fid", "--ckpt", sharded, "--ref", DisEvalProcess.statistics, "--num", "4", "--sampler",
      "ddim", "--steps", "2", "--out", result)
    #expect(scored.status == 0, "\(scored.errors)")
    #expect(try DisEvalProcess("rerun", result).status == 0)
    // One changed shard is a different checkpoint.
    _ = try write(
      SafetensorsWriter.encode(
        Array(try weights("", 0.5)[half...]), metadata: []), to: "model-1.safetensors")
    #expect(try DisEvalProcess("rerun", result, "--ckpt", sharded).status == 65)
  }

  // MARK: One list of formats

  @Test func everyVerbSaysTheSameOfAStrangersFile() throws {
    let tar =
      [UInt8](repeating: 0, count: 257) + Array("ustar".utf8) + [UInt8](repeating: 0, count: 250)
    let picture = try PNG.encode(
      Image(width: 8, height: 8, channels: 1, pixels: [UInt8](repeating: 3, count: 64)))
    let cases: [(bytes: [UInt8], says: String)] = [
      (Array("<!DOCTYPE html><html></html>".utf8), "an HTML or XML page; the download failed"),
      (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "run git lfs pull"),
      ([], "the file is empty"), ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], "unpack it first with"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 0], "unpack it first with unxz"),
      (tar, "a tar archive"),
      (picture, "a single picture (PNG)"),
    ]
    let statistics = DisEvalProcess.statistics
    for (index, (bytes, says)) in cases.enumerated() {
      let path = try write(bytes, to: "stranger\(index).npz")
      for command in [
        ["sample", "--ckpt", path, "--num", "1", "--raw-out", folder.path("x.npy")],
        ["fid", "--images", path, "--ref", statistics],
        ["fid", "--images", statistics, "--ref", path], ["stats", "show", path],
        ["stats", "verify", path], ["weights", "import", path], ["inspect", path],
      ] where !(command[0] == "inspect" && says.contains("picture")) {
        let run = try DisEvalProcess(command)
        #expect(run.status == 65, "\(command): \(run.errors)")
        // Every gzip file may be an IDX file until it is unpacked.
        #expect(
          run.errors.contains(says) || bytes.starts(with: [0x1F, 0x8B]) && command[0] == "fid",
          "\(command): \(run.errors)")
      }
    }
  }

  @Test func aSingleImageIsDescribed() throws {
    let picture = try PNG.encode(
      Image(width: 8, height: 4, channels: 1, pixels: [UInt8](repeating: 3, count: 32)))
    let run = try DisEvalProcess("inspect", try write(picture, to: "a.png"))
    #expect(run.status == 0)
    #expect(run.output.contains("PNG, 8 x 4, grey, 8 bits"))
  }

  @Test func featureRowsWithoutNamesAreStatistics() throws {
    let rows = (0..<640).map { Float(($0 * 7919) % 101) / 101 }
    let array = NPYArray(floats: rows, shape: [160, 4])
    let (npy, npz) = (folder.path("rows.npy"), folder.path("rows.npz"))
    try array.write(to: npy)
    try NPZ.write([("arr_0", array)], to: npz)
    func distance(_ reference: String) throws -> String {
      let run = try DisEvalProcess(
        "fid", "--images", npz, "--ref", reference, "--no-intervals", "--json")
      #expect(run.status == 0, "\(run.errors)")
      return try canonical(run.json()["metrics"])
    }
    #expect(try distance(npy) == distance(npz))
  }

  @Test func aRecordOfSomethingElseIsIgnored() throws {
    let npz = folder.path("stats.npz")
    try FileManager.default.copyItem(atPath: DisEvalProcess.statistics, toPath: npz)
    _ = try write(Array("{\"lr\": 0.1}".utf8), to: "stats.json")
    let run = try DisEvalProcess("fid", npz, npz, "--no-intervals")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("stats.json: not a record of dis-eval"))
    _ = try write(Array("{\"schema\": \"dis-eval-statistics/1\"}".utf8), to: "stats.json")
    #expect(try DisEvalProcess("fid", npz, npz, "--no-intervals").status == 65)
  }

  // MARK: Folders

  private func images(_ broken: [Int: [UInt8]]) throws -> String {
    let path = folder.path("images")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for index in 0..<24 {
      let pixels = (0..<784).map { UInt8(($0 * (index + 3)) % 251) }
      let bytes =
        try broken[index]
        ?? PNG.encode(Image(width: 28, height: 28, channels: 1, pixels: pixels))
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(index + 10).png"))
    }
    return path
  }

  @Test func allBrokenImagesAreNamedOrLeftOut() throws {
    let path = try images([2: [], 7: Array("no image".utf8), 11: Array("<html>".utf8)])
    let command = ["fid", "--images", path, "--ref", DisEvalProcess.statistics, "--no-intervals"]
    let refused = try DisEvalProcess(command)
    #expect(refused.status == 65)
    for name in ["12.png (the file is empty)", "17.png", "21.png", "3 of 24", "--skip-broken"] {
      #expect(refused.errors.contains(name), "\(refused.errors)")
    }
    let result = folder.path("result.json")
    let scored = try DisEvalProcess(command + ["--skip-broken", "--out", result, "--json"])
    #expect(scored.status == 0, "\(scored.errors)")
    let provenance = try #require(try scored.json()["provenance"] as? [String: Any])
    #expect(provenance["num"] as? Int == 21)
    #expect((provenance["left_out"] as? [String])?.count == 3)
    #expect(scored.errors.contains("3 more cannot be decoded and were left out"))
    #expect(try DisEvalProcess("rerun", result).status == 0)
  }

  @Test func aRerunNeedsEveryImageThatWasScored() throws {
    let path = try images([:])
    let result = folder.path("result.json")
    let scored = try DisEvalProcess(
      "fid", "--images", path, "--ref", DisEvalProcess.statistics, "--no-intervals", "--out", result
    )
    #expect(scored.status == 0, "\(scored.errors)")
    try Data().write(to: URL(fileURLWithPath: "\(path)/17.png"))
    let refused = try DisEvalProcess("rerun", result)
    #expect(refused.status == 65 && refused.errors.contains("17.png"), "\(refused.errors)")
    // The result says what was left out, and nothing else may be.
    #expect(try DisEvalProcess("rerun", result, "--skip-broken").status == 64)
  }

  @Test func theRecordOfARunLeavesOutBrokenReferenceImages() throws {
    let path = try images([3: Array("no image".utf8)])
    let run = folder.path("run")
    let command = [
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", path, "--weights",
      DisEvalProcess.extractor, "--num", "4", "--steps", "2", "--sampler", "dpm-solver++", "--run",
      run, "--no-intervals",
    ]
    let whole = try DisEvalProcess(command + ["--skip-broken", "--json"])
    #expect(whole.status == 0, "\(whole.errors)")
    let merged = try DisEvalProcess("merge", run, "--no-intervals", "--json")
    #expect(merged.status == 0, "\(merged.errors)")
    #expect(try canonical(merged.json()["metrics"]) == canonical(whole.json()["metrics"]))
  }

  @Test func aFolderOfBrokenImagesIsNoInput() throws {
    let path = try images(Dictionary(uniqueKeysWithValues: (0..<24).map { ($0, []) }))
    let run = try DisEvalProcess(
      "fid", "--images", path, "--ref", DisEvalProcess.statistics, "--skip-broken")
    #expect(run.status == 66, "\(run.errors)")
  }

  // MARK: Numbers

  @Test func moreSamplesThanAnybodyMakesAreRefused() throws {
    for num in ["1000000001", "10000000000", "9223372036854775807"] {
      for command in [
        ["fid", "--ref", DisEvalProcess.statistics], ["sample", "--raw-out", folder.path("x.npy")],
      ] {
        let run = try DisEvalProcess(command + ["--ckpt", DisEvalProcess.checkpoint, "--num", num])
        #expect(run.status == 64)
        #expect(run.errors.contains("expected at most 1000000000"))
      }
    }
  }

  @Test func noiseThatIsNotNeededIsNotRead() throws {
    // A sparse file of 31 GB.
    let count = 10_000_000
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(count), 1, 28, 28), }"
    let header = text + String(repeating: " ", count: 117 - text.utf8.count) + "\n"
    let path = try write(
      [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8), to: "n.npy")
    #expect(truncate(path, off_t(128 + count * 784 * 4)) == 0)
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "2", "--sampler", "ddim", "--steps",
      "2", "--noise", path, "--raw-out", folder.path("x.npy"))
    #expect(run.status == 0, "\(run.errors)")
  }
}
