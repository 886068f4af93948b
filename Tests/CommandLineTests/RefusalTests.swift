import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

/// What must be refused, with which status, and that nothing is left behind.
@Suite("Refusals", .blocking) struct RefusalTests {
  /// Runs `fid` on a bad checkpoint and expects a data error that contains `part`.
  func expectRefused(
    checkpoint: String, status: Int32 = 65, containing part: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try TemporaryFolder()
    let run = try DisEvalProcess(
      "fid", "--ckpt", checkpoint, "--ref", DisEvalProcess.statistics, "--num", "4", "--steps",
      "2", "--json", "--out", folder.path("result.json"), "--grid", folder.path("grid.png"))
    #expect(run.status == status, "\(run.errors)", sourceLocation: sourceLocation)
    #expect(run.errors.contains(part), "\(run.errors)", sourceLocation: sourceLocation)
    #expect(run.output.isEmpty, sourceLocation: sourceLocation)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty,
      sourceLocation: sourceLocation)
  }

  @Test func aTextFileIsNoCheckpoint() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("notes.pt")
    try Data("These are no weights.\n".utf8).write(to: URL(fileURLWithPath: path))
    try expectRefused(checkpoint: path, containing: "notes.pt")
  }

  @Test("a truncated checkpoint", arguments: ["safetensors", "pt"])
  func truncated(suffix: String) throws {
    let whole = try Data(
      contentsOf: URL(
        fileURLWithPath: DisEvalProcess.file("scripts/train_demo/fashion-dis.\(suffix)")))
    let folder = try TemporaryFolder()
    let path = folder.path("cut.\(suffix)")
    for count in [0, 1, 100, whole.count / 2, whole.count - 1] {
      try whole.prefix(count).write(to: URL(fileURLWithPath: path))
      try expectRefused(checkpoint: path, containing: "cut.\(suffix)")
    }
  }

  @Test func aMissingTensorIsNamed() throws {
    let folder = try TemporaryFolder()
    var tensors = try #require(SyntheticDiS.models["small"]).tensors
    tensors.removeAll { $0.key == "mid_block.mixer.A_b_log" }
    let path = folder.path("missing.safetensors")
    try writeSafetensors(tensors, to: URL(fileURLWithPath: path))
    try expectRefused(checkpoint: path, containing: "mid_block.mixer.A_b_log")
  }

  /// A pickle that asks for `os.system("touch …")`: nothing runs.
  @Test func nothingInAPickleRuns() throws {
    let folder = try TemporaryFolder()
    let (canary, path) = (folder.path("pwned"), folder.path("evil.pt"))
    let command = Array("touch \(canary)".utf8)
    var pickle: [UInt8] = [0x80, 2] + Array("cos\nsystem\n".utf8) + [UInt8(ascii: "X")]
    pickle += withUnsafeBytes(of: UInt32(command.count).littleEndian) { Array($0) } + command
    pickle += [0x85, UInt8(ascii: "R"), UInt8(ascii: ".")]
    // The legacy layout is a plain sequence of pickles: magic, protocol, system, object, keys.
    let legacy =
      [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
      + [0x80, 2, 0x4D, 0xE9, 0x03, 0x2E, 0x80, 2, 0x7D, 0x2E] + pickle
    for bytes in [pickle, legacy] {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      try expectRefused(checkpoint: path, containing: "evil.pt")
      #expect(!FileManager.default.fileExists(atPath: canary))
    }
  }

  /// Zip archives whose pickles ask for functions of the system in one way or another.
  @Test func hostileArchivesAreForbidden() throws {
    let folder = try TemporaryFolder()
    let archive = try ZipArchive(
      ReadableFile(path: DisEvalProcess.file("Tests/CheckpointsTests/Fixtures/hostile.zip")))
    for name in ["A1-os", "A4-subprocess", "A5-eval", "A8-stack-global", "A9-inst"] {
      let path = folder.path("evil.pt")
      let entry = try #require(archive[name])
      try Data(archive.read(entry)).write(to: URL(fileURLWithPath: path))
      try expectRefused(checkpoint: path, containing: "PickleForbidden")
    }
  }

  @Test func statisticsOfAnotherDimension() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("stats.npz")
    var sigma = [Double](repeating: 0, count: 16)
    for index in 0..<4 { sigma[5 * index] = 1 }
    try NPZ.write(
      [
        ("mu", NPYArray(doubles: [0, 0, 0, 0], shape: [4])),
        ("sigma", NPYArray(doubles: sigma, shape: [4, 4])),
      ], to: path)
    let run = try DisEvalProcess(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", path, "--weights",
      DisEvalProcess.extractor, "--num", "4")
    #expect(run.status == 65 && run.errors.contains("DimensionMismatch"), "\(run.errors)")
    #expect(run.errors.contains("128") && run.errors.contains("4 dimensions"))
  }

  @Test func statisticsOfAnotherExtractor() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("stats.npz")
    try FileManager.default.copyItem(atPath: DisEvalProcess.statistics, toPath: path)
    var record = try String(
      contentsOfFile: DisEvalProcess.statistics.replacingOccurrences(of: ".npz", with: ".json"),
      encoding: .utf8)
    let hash = try #require(
      record.range(of: #""sha256" : "[0-9a-f]{64}""#, options: .regularExpression))
    record.replaceSubrange(hash, with: "\"sha256\" : \"\(String(repeating: "0", count: 64))\"")
    try record.write(toFile: folder.path("stats.json"), atomically: true, encoding: .utf8)
    let run = try DisEvalProcess(
      "fid", "--images", DisEvalProcess.statistics, "--ref", path)
    #expect(run.status == 65 && run.errors.contains("ExtractorMismatch"), "\(run.errors)")
    // Without its record the same file is compared with a warning, and recorded as unknown.
    try FileManager.default.removeItem(atPath: folder.path("stats.json"))
    let unknown = try DisEvalProcess(
      "fid", "--images", DisEvalProcess.statistics, "--ref", path, "--json")
    #expect(unknown.status == 0 && unknown.errors.contains("warning"), "\(unknown.errors)")
    #expect(unknown.output.contains("\"unknown\""))
  }

  @Test func tooFewSamples() throws {
    let run = try DisEvalProcess(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
      "1")
    #expect(run.status == 64 && run.errors.contains("expected at least 2"), "\(run.errors)")
    // Data with one image are refused as data.
    let folder = try TemporaryFolder()
    let images = folder.path("one")
    let sample = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "1", "--steps", "2", "--out", images)
    #expect(sample.status == 0, "\(sample.errors)")
    let one = try DisEvalProcess("fid", "--images", images, "--ref", DisEvalProcess.statistics)
    #expect(one.status == 65 && one.errors.contains("TooFewSamples"), "\(one.errors)")
  }

  @Test func anEmptyFolder() throws {
    let folder = try TemporaryFolder()
    let run = try DisEvalProcess(
      "fid", "--images", folder.url.path, "--ref", DisEvalProcess.statistics)
    #expect(run.status == 66 && run.errors.contains("NoImages"), "\(run.errors)")
  }

  @Test(
    "an output that cannot be written is refused before any work",
    arguments: ["--out", "--grid", "--save-images"])
  func unwritableOutput(option: String) throws {
    let folder = try TemporaryFolder()
    let file = folder.path("file")
    try Data().write(to: URL(fileURLWithPath: file))
    let run = try DisEvalProcess(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, option,
      "\(file)/result")
    #expect(run.status == 73, "\(run.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["file"])
  }

  @Test func aFolderThatIsNotEmptyIsNotWrittenTo() throws {
    let folder = try TemporaryFolder()
    try Data().write(to: folder.url.appendingPathComponent("mine.txt"))
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--out", folder.url.path)
    #expect(run.status == 73 && run.errors.contains("NotEmpty"), "\(run.errors)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["mine.txt"])
  }

  @Test func aFileThatIsNotThere() throws {
    try expectRefused(
      checkpoint: "/nonexistent/model.pt", status: 66, containing: "/nonexistent/model.pt")
    let run = try DisEvalProcess(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", "/nonexistent.npz")
    #expect(run.status == 66, "\(run.errors)")
  }

  @Test func missingInceptionWeightsSayWhereToPutThem() throws {
    let folder = try TemporaryFolder()
    let run = try DisEvalProcess(
      "fid", "--images",
      DisEvalProcess.file("Tests/FeatureExtractorsTests/Fixtures/photos_64.npy"), "--ref",
      DisEvalProcess.file("Tests/FeatureExtractorsTests/Fixtures/photos_64.npy"),
      environment: ["XDG_CACHE_HOME": folder.url.path])
    #expect(run.status == 69, "\(run.errors)")
    for part in [
      "pt_inception-2015-12-05-6726825d.pth", "6726825d0af5f729", folder.url.path,
    ] { #expect(run.errors.contains(part), "\(run.errors)") }
  }

  @Test func aModelThatMakesLatentsCannotBeScored() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("latent.safetensors")
    try #require(SyntheticDiS.models["width50"]).write(to: URL(fileURLWithPath: path))
    try expectRefused(checkpoint: path, status: 69, containing: "LatentModel")
    let raw = try DisEvalProcess(
      "sample", "--ckpt", path, "--num", "2", "--steps", "2", "--raw-out", folder.path("s.npy"))
    #expect(raw.status == 0, "\(raw.errors)")
    #expect(try NPYArray.read(folder.path("s.npy")).shape == [2, 4, 8, 8])
  }

  @Test(
    "a wrong command line exits 64",
    arguments: [
      [], ["fid"], ["fid", "--ckpt", "a", "--images", "b", "--ref", "c"],
      ["fid", "--ckpt", "a"], ["fid", "--ckpt", "a", "--ref", "b", "--num", "1"],
      ["fid", "--ckpt", "a", "--ref", "b", "--steps", "1"],
      ["fid", "--ckpt", "a", "--ref", "b", "--steps", "9", "--respacing", "9"],
      ["fid", "--ckpt", "a", "--ref", "b", "--sampler", "euler"],
      ["fid", "--ckpt", "a", "--ref", "b", "--eta", "0.5"],
      ["fid", "--ckpt", "a", "--ref", "b", "--threads", "0"],
      ["fid", "--ckpt", "a", "--ref", "b", "--threads", "10000"],
      ["fid", "--ckpt", "a", "--ref", "b", "--cfg-scale", "nan"],
      ["fid", "--images", "a", "--ref", "b", "--num", "1"],
      ["fid", "--images", "a", "--ref", "b", "--steps", "9"],
      ["sample", "--ckpt", "a"], ["sample", "--ckpt", "a", "--raw-out", "b", "--step-noise", "c"],
      ["frobnicate"], ["fid", "--frobnicate"],
    ])
  func usage(arguments: [String]) throws {
    let run = try DisEvalProcess(arguments)
    // Without a verb the help is shown, which is no error.
    #expect(run.status == (arguments.isEmpty ? 0 : 64), "\(run.errors)")
  }

  @Test("a respacing that cannot be is refused", arguments: ["1", "ddim60", "1001", "x"])
  func respacing(text: String) throws {
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--respacing", text, "--raw-out", "/tmp/x")
    #expect(run.status == 64 && run.errors.contains("InvalidRespacing"), "\(run.errors)")
  }

  @Test("kernels that do not exist are refused", arguments: ["sse9", "", "AVX2", "avx2 "])
  func unknownKernels(name: String) throws {
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--raw-out", "/dev/null",
      environment: ["DIS_EVAL_KERNELS": name])
    #expect(run.status == 64 && run.errors.contains("UnknownKernels"), "\(run.errors)")
  }

  /// No processor has both AVX and NEON.
  @Test func kernelsThatTheProcessorLacksAreRefused() throws {
    let lacking = try #require(knownInstructionSets.first { !$0.isAvailable }).name
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--raw-out", "/dev/null",
      environment: ["DIS_EVAL_KERNELS": lacking])
    #expect(run.status == 69 && run.errors.contains("KernelsUnavailable"), "\(run.errors)")
    #expect(run.errors.contains("scalar"), "\(run.errors)")
    let pinned = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--raw-out", "/dev/null", "--kernels", lacking)
    #expect(pinned.status == 69 && pinned.errors.contains("KernelsUnavailable"), "\(pinned.errors)")
  }

  /// OpenBLAS alone would ask for its buffer for ever. It asks for the first one when it is loaded, before
  /// any code of ours runs, so the limit is the least in steps of 100 MB with which the program starts:
  /// then there is no room for the buffers of two workers, 387 MiB.
  @Test func tooLittleMemoryIsRefused() throws {
    let limit = try #require(
      try stride(from: 400_000, through: 2_000_000, by: 100_000).first { limit in
        try DisEvalProcess(["--version"], limits: "-v \(limit) && ulimit -t 10").status == 0
      })
    let arguments = [
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
      "4", "--steps", "2", "--threads", "2",
    ]
    let run = try DisEvalProcess(arguments, limits: "-v \(limit)")
    #expect(run.status == 71 && run.errors.contains("OutOfMemory"), "\(run.errors)")
  }

  @Test func fewFileDescriptorsSuffice() throws {
    let run = try DisEvalProcess(
      ["inspect", DisEvalProcess.checkpoint], limits: "-n 16")
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func aFileSizeLimitIsAnErrorAndLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let run = try DisEvalProcess(
      [
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "20", "--steps", "2", "--raw-out",
        folder.path("s.npy"),
      ], limits: "-f 8")
    #expect(run.status == 74 && run.errors.contains("DiskFull"), "\(run.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func lostStandardOutputIsAnError() throws {
    let run = try DisEvalProcess(
      "inspect", DisEvalProcess.checkpoint, standardOutput: "/dev/full")
    #expect(run.status == 74 && run.errors.contains("OutputLost"), "\(run.errors)")
  }

  @Test func hostileNamesAreEscaped() throws {
    let run = try DisEvalProcess("inspect", "/nonexistent/\u{1B}[31mred\u{202E}")
    #expect(run.status == 66 && !run.errors.contains("\u{1B}") && !run.errors.contains("\u{202E}"))
  }
}
