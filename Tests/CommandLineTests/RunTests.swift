import Checkpoints
import DisEval
import Files
import Foundation
import Testing
import Work
import _TestSupport

/// A run of the demo model, as it is asked for on the command line.
private struct DemoRun {
  let folder: TemporaryFolder
  var settings = ["--sampler", "dpm-solver++", "--steps", "4", "--cfg-scale", "1.5"]
  var count = 60

  init() throws { folder = try TemporaryFolder() }

  var path: String { folder.path("run") }

  func arguments(_ more: [String] = []) -> [String] {
    ["fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--json"]
      + settings + ["--num", "\(count)"] + more
  }

  func start(_ more: String...) throws -> DisEvalProcess { try DisEvalProcess(arguments(more)) }

  func resume(_ more: String...) throws -> DisEvalProcess {
    try DisEvalProcess(arguments(["--run", path] + more))
  }

  /// Names of everything that lies in the run's folder, if it is there yet.
  func files() throws -> Set<String> {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let names = try FileManager.default.subpathsOfDirectory(atPath: path)
    return Set(names).subtracting(["units"])
  }

  func units() throws -> [String: Data] {
    var units: [String: Data] = [:]
    for name in try files() where name.hasPrefix("units/") {
      units[name] = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    return units
  }
}

/// Expects what must agree between two results to be the same bytes.
private func expectSame(
  _ one: DisEvalProcess, _ other: DisEvalProcess, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(
    one.status == 0 && other.status == 0, "\(one.errors) \(other.errors)",
    sourceLocation: sourceLocation)
  let (one, other) = (try one.json(), try other.json())
  for key in ["metrics", "provenance", "samples_sha256", "skipped"] {
    #expect(
      try canonical(one[key]) == canonical(other[key]), comment, sourceLocation: sourceLocation)
  }
}

@Suite("dis-eval fid --run", .blocking) struct RunTests {
  @Test func aRunScoresLikeNoRun() throws {
    let demo = try DemoRun()
    let plain = try demo.start()
    let run = try demo.resume()
    try expectSame(plain, run)
    #expect(try demo.files() == ["run.json", "run.lock", "units/000000-60.safetensors"])
    try FileManager.default.removeItem(atPath: "\(demo.path)/run.lock")
    try expectSame(plain, try DisEvalProcess("merge", demo.path, "--json"))
    #expect(try demo.files().count == 2, "merging writes nothing")
    // A second time there is nothing to do.
    try expectSame(plain, try demo.resume())
    try expectSame(plain, try DisEvalProcess("merge", demo.path, "--json"))
  }

  /// These two differ in the last bit alone.
  @Test func settingsThatDifferInTheLastDigitAreDifferent() throws {
    var demo = try DemoRun()
    demo.count = 4
    demo.settings = [
      "--sampler", "dpm-solver++", "--steps", "2", "--cfg-scale", "1.7927027269435403",
    ]
    #expect(try demo.resume().status == 0)
    demo.settings[5] = "1.7927027269435405"
    let other = try demo.resume()
    #expect(
      other.status == 73 && other.errors.contains("1.7927027269435403 there"), "\(other.errors)")
  }

  @Test("threads, shards in any order and sizes of units never change a byte")
  func invariance() throws {
    let reference = try DemoRun().start("--threads", "2")
    for (unit, threads, shards) in [
      (1, 3, [0]), (7, 1, [0]), (7, 2, [4, 0, 6, 2, 5, 1, 3]), (64, 1, [1, 0]),
    ] {
      let demo = try DemoRun()
      for shard in shards {
        let run = try demo.resume(
          "--shard", "\(shard)/\(shards.count)", "--threads", "\(threads)", "--unit", "\(unit)")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try run.json()["schema"] as? String == "dis-eval-shard/1")
      }
      try expectSame(reference, try DisEvalProcess("merge", demo.path, "--json"), "\(unit)")
    }
  }

  @Test("two processes on one folder share the work and both score it")
  func twoProcesses() async throws {
    var demo = try DemoRun()
    demo.count = 200
    let reference = try demo.start()
    let arguments = demo.arguments(["--run", demo.path, "--unit", "4", "--threads", "1"])
    async let one = Task.detached { try DisEvalProcess(arguments) }.value
    async let two = Task.detached { try DisEvalProcess(arguments) }.value
    try expectSame(reference, try await one)
    try expectSame(reference, try await two)
    #expect(try demo.units().count == 50)
  }

  @Test func aRunGrows() throws {
    var demo = try DemoRun()
    demo.count = 25
    let small = try demo.start()
    try expectSame(small, try demo.resume("--unit", "10"))
    let before = try demo.units()
    #expect(
      Set(before.keys) == [
        "units/000000-10.safetensors", "units/000010-10.safetensors", "units/000020-5.safetensors",
      ])
    demo.count = 41
    try expectSame(try demo.start(), try demo.resume())
    let after = try demo.units()
    #expect(after.count == 5 && after["units/000025-10.safetensors"] != nil)
    for (name, bytes) in before { #expect(after[name] == bytes, "\(name)") }
    // A smaller number takes the first samples, also when they end within a unit.
    demo.count = 33
    try expectSame(try demo.start(), try demo.resume())
    #expect(try demo.units() == after)
  }

  @Test func anotherConfigurationIsRefusedAndNamed() throws {
    let demo = try DemoRun()
    #expect(try demo.resume("--unit", "30").status == 0)
    let before = try demo.units()
    for (more, expected) in [
      (["--seed", "1"], "sampler.seed is 0 there, 1 is asked for"),
      (["--quantizer", "adm"], "sampler.quantizer is dit there, adm is asked for"),
      (["--labels", "3"], "sampler.labels is uniform there, 3 is asked for"),
      (["--grid", demo.folder.path("g.png")], "kept.images is 0 there, 1 is asked for"),
    ] {
      let run = try DisEvalProcess(demo.arguments(["--run", demo.path] + more))
      #expect(run.status == 73 && run.errors.contains("OtherConfiguration"), "\(run.errors)")
      #expect(run.errors.contains(expected), "\(run.errors)")
    }
    // Other kernels, whichever these tests run on.
    let core = Tool.kernelPath.hasSuffix(" Nehalem") ? "Prescott" : "Nehalem"
    let kernels = try DisEvalProcess(
      demo.arguments(["--run", demo.path]), environment: ["OPENBLAS_CORETYPE": core])
    #expect(kernels.status == 73 && kernels.errors.contains("KernelMismatch"), "\(kernels.errors)")
    #expect(kernels.errors.contains(Tool.kernelPath) && kernels.errors.contains(" \(core)'"))
    // The folder of something else is left alone.
    let other = demo.folder.path("other")
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
    try Data([1]).write(to: URL(fileURLWithPath: "\(other)/precious"))
    let refused = try DisEvalProcess(demo.arguments(["--run", other]))
    #expect(refused.status == 73 && refused.errors.contains("NotEmpty"), "\(refused.errors)")
    #expect(try demo.units() == before)
  }

  @Test("--kernels pins the instructions of our kernels and of OpenBLAS")
  func pinnedKernels() throws {
    var demo = try DemoRun()
    demo.count = 10
    for (name, core) in [("scalar", "Prescott"), ("avx2", "Haswell"), ("avx512", "SkylakeX")] {
      let run = try demo.start("--kernels", name)
      if run.status == 69 {
        #expect(run.errors.contains("KernelsUnavailable"))
        continue
      }
      #expect(run.status == 0, "\(run.errors)")
      let provenance = try #require(try run.json()["provenance"] as? [String: Any])
      let kernels = try #require(provenance["kernels"] as? String)
      #expect(kernels.hasPrefix("\(name), OpenBLAS") && kernels.hasSuffix(core), "\(kernels)")
    }
    #expect(try demo.start("--kernels", "mmx").status == 64)
  }

  @Test func aDamagedUnitIsMadeAgain() throws {
    let demo = try DemoRun()
    let first = try demo.resume("--unit", "20")
    let units = try demo.units()
    let name = "units/000020-20.safetensors"
    let bytes = try #require(units[name])
    var mutations: [Data] = [Data(), bytes.prefix(bytes.count / 2), bytes + [0]]
    for offset in [3, 20, 150, bytes.count / 2, bytes.count - 1] {
      var changed = bytes
      changed[offset] ^= 0x10
      mutations.append(changed)
    }
    for (index, changed) in mutations.enumerated() {
      try changed.write(to: URL(fileURLWithPath: "\(demo.path)/\(name)"))
      let merge = try DisEvalProcess("merge", demo.path, "--json")
      #expect(
        merge.status == 65 && merge.errors.contains("UnitDamaged"), "\(index): \(merge.errors)")
      let again = try demo.resume()
      #expect(again.errors.contains("it is recomputed"), "\(index): \(again.errors)")
      try expectSame(first, again)
      #expect(try demo.units() == units)
    }
  }

  @Test func aMissingShardIsListed() throws {
    let demo = try DemoRun()
    for shard in [0, 2] {
      #expect(try demo.resume("--unit", "10", "--shard", "\(shard)/3").status == 0)
    }
    let refused = try DisEvalProcess("merge", demo.path)
    #expect(refused.status == 65 && refused.output.isEmpty)
    let inspected = try DisEvalProcess("inspect", demo.path)
    #expect(inspected.status == 0 && inspected.output.contains("40 of 60 samples"))
    let unit = try DisEvalProcess("inspect", "\(demo.path)/units/000000-10.safetensors", "--json")
    #expect(try unit.json()["kind"] as? String == "unit")
    #expect(
      refused.errors.contains("20 of 60 samples are missing: 10-19, 40-49"), "\(refused.errors)")
    let partial = try DisEvalProcess("merge", demo.path, "--partial", "--json")
    #expect(partial.status == 0, "\(partial.errors)")
    let provenance = try #require(try partial.json()["provenance"] as? [String: Any])
    #expect(provenance["num"] as? Int == 40)
    #expect("\(provenance["warnings"] ?? "")".contains("20 of 60 samples are missing"))
    #expect(try DisEvalProcess("merge", demo.folder.path("nothing")).status == 66)
  }

  @Test("a run that is not there, or whose record is damaged")
  func damagedRecord() throws {
    let demo = try DemoRun()
    #expect(try demo.resume().status == 0)
    let path = "\(demo.path)/run.json"
    let record = try String(contentsOfFile: path, encoding: .utf8)
    for (old, new) in [
      ("dis-eval-run/1", "dis-eval-run/9"), ("\"unit\" : 64", "\"unit\" : 0"),
      ("\"unit\" : 64", "\"unit\" : 1e400"), ("60\n", "-60\n"),
      ("\"features\" : 128", "\"features\" : -1"),
      ("28,", "99999999,"), ("\"pytorch\"", "\"x\""), ("{", "["), (record, ""),
      (record, String(repeating: "[", count: 100_000)),
    ] {
      try record.replacingOccurrences(of: old, with: new)
        .write(toFile: path, atomically: false, encoding: .utf8)
      for run in [try demo.resume(), try DisEvalProcess("merge", demo.path)] {
        #expect(run.status == 65 && run.errors.contains("RunDamaged"), "\(old): \(run.errors)")
      }
    }
  }

  /// Refused before the first sample rather than after hours.
  @Test func whatTheMachineCannotHoldIsRefused() throws {
    var demo = try DemoRun()
    demo.count = 1_000_000_000
    let disk = try demo.resume()
    #expect(disk.status == 73 && disk.errors.contains("TooLittleDisk"), "\(disk.errors)")
    let memory = try DisEvalProcess(
      ["evaluate"] + demo.arguments(["--run", demo.path]).dropFirst())
    #expect(memory.status == 71 && memory.errors.contains("TooLittleMemory"), "\(memory.errors)")
    #expect(try demo.files() == ["run.lock"], "no run was begun")
  }

  @Test("NaN and constant images stop a run with their indices", arguments: [Float.nan, 1e4])
  func badSamples(bias: Float) throws {
    let demo = try DemoRun()
    let state = try CheckpointFile.open(DisEvalProcess.checkpoint).stateDict(key: nil)
    let arrays = try state.names.map { name -> (name: String, array: NPYArray) in
      let array = try state.array(name)
      // Class 3 gets an embedding that blows the network up; a bias of the head paints all classes.
      guard bias.isNaN ? name.hasPrefix("label_emb") : name == "final_layer.linear.bias" else {
        return (name, array)
      }
      var values = array.floats()
      if bias.isNaN {
        let width = array.shape[1]
        for column in 3 * width..<4 * width { values[column] = 1e38 }
      } else {
        values = values.map { _ in bias }
      }
      return (name, NPYArray(floats: values, shape: array.shape))
    }
    let path = demo.folder.path("bad.safetensors")
    try Data(SafetensorsWriter.encode(arrays, metadata: [])).write(to: URL(fileURLWithPath: path))
    let run = try DisEvalProcess(
      "fid", "--ckpt", path, "--ref", DisEvalProcess.statistics, "--num", "24", "--labels",
      "balanced", "--sampler", "dpm-solver++", "--steps", "3", "--unit", "16", "--threads", "1",
      "--run", demo.path)
    let expected =
      bias.isNaN
      ? "not finite in samples 3, 13" : "the same in samples 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    #expect(run.status == 65, "\(run.errors)")
    #expect(run.errors.contains(bias.isNaN ? "NotFinite" : "ConstantImage"), "\(run.errors)")
    #expect(run.errors.contains(expected), "\(run.errors)")
    #expect(try demo.units().isEmpty)

    guard bias.isNaN else { return }
    // The failure of one sample does not wait until the other thread has made all others.
    let labels = demo.folder.path("labels.npy")
    try NPYArray(integers: (0..<5000).map { $0 == 3 ? 3 : 0 }, shape: [5000]).write(to: labels)
    let long = try DisEvalProcess(
      "fid", "--ckpt", path, "--ref", DisEvalProcess.statistics, "--num", "5000", "--labels",
      labels,
      "--sampler", "dpm-solver++", "--steps", "3", "--unit", "16", "--threads", "2", "--run",
      demo.folder.path("long"))
    #expect(long.status == 65 && long.errors.contains("samples 3;"), "\(long.errors)")
    let units = try FileManager.default.contentsOfDirectory(
      atPath: demo.folder.path("long/units"))
    #expect(units.count < 100, "\(units.count) units of 313")
  }

  @Test func picturesOfARunAreMadeFromKeptImages() throws {
    let demo = try DemoRun()
    let direct = demo.folder.path("direct.npz")
    #expect(try demo.start("--save-images", direct).status == 0)
    let saved = demo.folder.path("saved.npz")
    #expect(try demo.resume("--unit", "7", "--save-images", saved).status == 0)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: direct))
        == Data(contentsOf: URL(fileURLWithPath: saved)))
    let merged = demo.folder.path("merged.npz")
    #expect(try DisEvalProcess("merge", demo.path, "--save-images", merged).status == 0)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: direct))
        == Data(contentsOf: URL(fileURLWithPath: merged)))
  }

  @Test func wrongCommandLines() throws {
    let demo = try DemoRun()
    for more in [
      ["--shard", "0/2"], ["--unit", "3"], ["--run", demo.path, "--unit", "0"],
      ["--run", demo.path, "--shard", "2/2"], ["--run", ""],
      ["--run", demo.path, "--save-every", "-1"],
    ] {
      let run = try DisEvalProcess(demo.arguments(more))
      #expect(run.status == 64, "\(more): \(run.errors)")
    }
    let images = try DisEvalProcess(
      "fid", "--images", DisEvalProcess.statistics, "--ref", DisEvalProcess.statistics, "--run",
      demo.path)
    #expect(images.status == 64)
    #expect(!FileManager.default.fileExists(atPath: demo.path))
  }
}

@Suite("Presets", .blocking) struct PresetTests {
  /// The smallest of the presets' models, of zeros, which no test can afford to sample whole.
  @Test func aPresetIsTheWholeCommand() throws {
    let folder = try TemporaryFolder()
    let shown = try DisEvalProcess("presets")
    #expect(shown.status == 0)
    for name in [
      "dis-s2-cifar10", "dis-s2-celeba64", "dis-m2-imagenet64", "dis-h2-imagenet256",
      "dis-h2-imagenet512",
    ] {
      #expect(shown.output.contains(name))
      let one = try DisEvalProcess("presets", name)
      #expect(one.status == 0 && shown.output.contains(one.output.dropLast()))
      // Another model than the preset's is refused, whatever else is missing.
      let run = try DisEvalProcess(
        "fid", "--preset", name, "--ckpt", DisEvalProcess.checkpoint, "--run", folder.path("run"))
      #expect(run.status == 65 && run.errors.contains("PresetMismatch"), "\(run.errors)")
      #expect(run.errors.contains("dis-eval: \(name): model DiS-"), "it says what it pins")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    for arguments in [
      ["--steps", "50"], ["--sampler", "ddim"], ["--cfg-scale", "2"], ["--dialect", "tf"],
      ["--quantizer", "adm"], ["--labels", "3"],
    ] {
      let run = try DisEvalProcess(
        ["fid", "--preset", "dis-s2-cifar10", "--ckpt", DisEvalProcess.checkpoint] + arguments)
      #expect(run.status == 64, "\(run.errors)")
    }
    #expect(try DisEvalProcess("presets", "dis-s2").status == 64)
    #expect(
      try DisEvalProcess("fid", "--preset", "x", "--ckpt", DisEvalProcess.checkpoint).status == 64)
    // Images cannot be sampled, so there is no such option.
    let images = try DisEvalProcess(
      "fid", "--preset", "dis-s2-cifar10", "--images", folder.path(""), "--steps", "50")
    #expect(images.status == 64, "\(images.errors)")
  }
}

/// Interruptions at any moment lose nothing but time.
@Suite("An interrupted run", .blocking) struct InterruptedRunTests {
  /// A process that is left alone.
  private struct Running {
    let process = Process()

    init(_ arguments: [String]) throws {
      process.executableURL = DisEvalProcess.executable
      process.arguments = arguments
      process.environment = ProcessInfo.processInfo.environment
      process.environment?["SWIFT_BACKTRACE"] = "enable=no"
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
    }

    /// Until it has used the processor for half a second after it has begun the run.
    func waitForWork(in demo: DemoRun) throws {
      while process.isRunning, try !demo.files().contains("run.json") {
        Thread.sleep(forTimeInterval: 0.02)
      }
      process.waitForWork(seconds: 0.5)
    }

    func end(_ signal: Int32) -> Int32 {
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      return process.terminationStatus
    }
  }

  /// Two processes work on one folder and are killed at random moments, 50 times; what is finished
  /// while they are is begun again in a new folder, so that every kill meets work.
  @Test func killedFiftyTimes() throws {
    var random = SeededGenerator(seed: 9)
    var demo = try DemoRun()
    demo.count = 400
    let reference = try demo.start()
    var kills = 0
    var finished = 0
    var savedStates = 0
    while kills < 50 {
      let arguments = demo.arguments(
        ["--run", demo.path, "--unit", "6", "--save-every", "0", "--threads", "1"])
      var running = [try Running(arguments), try Running(arguments)]
      for round in 0..<8 where kills < 50 {
        Thread.sleep(forTimeInterval: .random(in: 0...0.35, using: &random))
        let victim = Int.random(in: 0...1, using: &random)
        if running[victim].process.isRunning {
          _ = running[victim].end(SIGKILL)
          kills += 1
        }
        savedStates += try demo.files().count { $0.hasSuffix(".partial.safetensors") }
        if round < 7 { running[victim] = try Running(arguments) }
      }
      for process in running { _ = process.end(SIGKILL) }
      let resumed = try demo.resume()
      try expectSame(reference, resumed)
      try expectSame(reference, try DisEvalProcess("merge", demo.path, "--json"))
      let files = try demo.files()
      #expect(files.count == 2 + (400 + 5) / 6, "no temporary file is left: \(files)")
      finished += 1
      demo = try DemoRun()
      demo.count = 400
    }
    #expect(finished >= 1 && savedStates > 0)
  }

  @Test(
    "a polite signal saves the sampler's state and exits 75 at once",
    arguments: [SIGTERM, SIGINT, SIGUSR1, SIGUSR2])
  func stopped(signal: Int32) throws {
    var demo = try DemoRun()
    demo.settings = ["--sampler", "ddpm", "--steps", "250"]
    demo.count = 8
    let arguments = demo.arguments(["--run", demo.path, "--unit", "4", "--threads", "2"])
    let running = try Running(arguments)
    // Until both workers are at it. The whole run takes the processor for more than 5 s.
    try running.waitForWork(in: demo)
    #expect(running.end(signal) == 75)
    let states = try demo.files().filter { $0.hasSuffix(".partial.safetensors") }
    #expect(states.count == 2)
    let state = try CheckpointFile.open("\(demo.path)/units/000000-4.partial.safetensors")
    let step = try #require(state.metadata.first { $0.0 == "state.step" }.flatMap { Int($0.1) })
    #expect(try step > 0 || state.stateDict(key: nil).array("sha256").shape[0] > 0)
    try expectSame(try demo.start(), try demo.resume())
    #expect(try demo.files().count == 4)
  }

  /// A state that was damaged, or is of other settings, is as good as none.
  @Test func aDamagedStateIsIgnored() throws {
    var demo = try DemoRun()
    demo.settings = ["--sampler", "ddpm", "--steps", "250"]
    demo.count = 4
    let reference = try demo.start()
    let arguments = demo.arguments(["--run", demo.path, "--unit", "4", "--threads", "1"])
    let running = try Running(arguments)
    try running.waitForWork(in: demo)
    #expect(running.end(SIGTERM) == 75)
    let url = URL(fileURLWithPath: "\(demo.path)/units/000000-4.partial.safetensors")
    let bytes = try Data(contentsOf: url)
    for length in stride(from: 0, through: bytes.count, by: bytes.count / 6) {
      var changed = bytes
      if length < bytes.count { changed[length] ^= 1 } else { changed.removeLast() }
      try? FileManager.default.removeItem(
        atPath: "\(demo.path)/units/000000-4.safetensors")
      try changed.write(to: url)
      try expectSame(reference, try demo.resume())
    }
  }
}
