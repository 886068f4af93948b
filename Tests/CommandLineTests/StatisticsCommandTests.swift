import Checkpoints
import Files
import Foundation
import Testing
import _TestSupport

/// `dis-eval stats` as users run it: the cache, the network on the loopback interface, and every
/// refusal.
@Suite("dis-eval stats", .blocking) struct StatisticsCommandTests {
  private static func fixture(_ name: String) -> String {
    DisEvalProcess.file("Tests/DisEvalTests/Fixtures/\(name)")
  }

  private static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: fixture(name))))
  }

  /// A cache of its own, and a registry that knows a few files of a server.
  private final class Place {
    let folder: TemporaryFolder
    let server: LoopbackServer?
    var cache: String { folder.path("dis-eval/stats") }
    var environment: [String: String] {
      ["XDG_CACHE_HOME": folder.url.path, "DIS_EVAL_REGISTRY": folder.path("registry.json")]
    }

    /// - Parameter server: nil for one that does not answer: nobody listens on port 9.
    init(_ server: LoopbackServer?, sha256: String? = nil, dimension: Int = 16) throws {
      folder = try TemporaryFolder()
      self.server = server
      let address = { server?.address($0) ?? "http://127.0.0.1:9\($0)" }
      func entry(_ name: String, _ file: String, _ format: String, _ more: String) -> String {
        """
        {"name": "\(name)", "dataset": {"name": "x", "split": "train"},
         "address": "\(address("/" + file))", "file": "\(file)", "format": "\(format)",
         "arrays": ["mu", "sigma"], "dimension": \(dimension), "dialect": "edm", "count": null,
         "resolution": 32, "ddof": 1, "sha256": \(sha256.map { "\"\($0)\"" } ?? "null"),
         "source": "https://x"\(more)}
        """
      }
      let entries = [
        entry("small-edm", "edm.npz", "npz", ""),
        entry("small-edm2", "edm2.protocol4.pkl", "edm-pickle", ""),
        entry("small-page", "edm.npz", "npz", ", \"page\": true"),
      ]
      try "{\"schema\": \"dis-eval-registry/1\", \"entries\": [\(entries.joined(separator: ","))]}"
        .write(toFile: folder.path("registry.json"), atomically: true, encoding: .utf8)
    }

    func run(_ arguments: String...) throws -> DisEvalProcess {
      try DisEvalProcess(["stats"] + arguments, environment: environment)
    }

    var files: Set<String> {
      Set((try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? [])
    }
  }

  /// Serves the fixtures by name.
  private static func server() throws -> LoopbackServer {
    try LoopbackServer { request in
      guard let body = try? bytes(String(request.path.dropFirst())) else {
        return LoopbackServer.Response(status: 404)
      }
      return .file(body, request)
    }
  }

  // MARK: - Fetching

  @Test func fetchLocksAndRecordsAndIsFoundByName() throws {
    let server = try Self.server()
    let place = try Place(server)
    let missing = try DisEvalProcess(
      ["fid", "--images", Self.fixture("edm.npz"), "--ref", "small-edm"],
      environment: place.environment)
    #expect(missing.status == 69, "\(missing.errors)")
    #expect(missing.errors.contains("dis-eval stats fetch small-edm"))

    let fetch = try place.run("fetch", "small-edm")
    #expect(fetch.status == 0, "\(fetch.errors)")
    #expect(fetch.output == "\(place.cache)/small-edm.npz\n")
    #expect(place.files == ["small-edm.npz", "small-edm.json", "small-edm.lock"])
    let record = try #require(
      try jsonObject(
        Data(contentsOf: URL(fileURLWithPath: "\(place.cache)/small-edm.json")))
        as? [String: Any])
    #expect(record["dialect"] as? String == "edm" && record["resolution"] as? Int == 32)
    #expect(record["count"] == nil && record["ddof"] as? Int == 1)
    let source = try #require(record["source"] as? [String: Any])
    #expect(source["address"] as? String == server.address("/edm.npz"))

    // A second time there is nothing to download, and without the network neither.
    let again = try place.run("fetch", "small-edm")
    #expect(again.status == 0 && server.requests.count == 1, "\(again.errors)")
    let verify = try place.run("verify")
    #expect(verify.status == 0 && verify.output.contains("lock, record"), "\(verify.errors)")
    let list = try place.run("list")
    #expect(
      list.output.split(separator: "\n").contains {
        $0.hasPrefix("small-edm ") && $0.contains(" cached ")
      }, "\(list.output)")
    let scored = try DisEvalProcess(
      ["fid", "--images", Self.fixture("edm.npz"), "--ref", "small-edm", "--json"],
      environment: place.environment)
    #expect(scored.status == 0, "\(scored.errors)")
    // A copy elsewhere is known by its hash.
    let show = try place.run("show", Self.fixture("edm.npz"), "--json")
    #expect(try show.json()["name"] as? String == "small-edm", "\(show.errors)")
    #expect(try show.json()["dialect"] as? String == "edm")
  }

  @Test func aFileThatChangedIsRefusedWithBothHashes() throws {
    let server = try Self.server()
    let place = try Place(server)
    #expect(try place.run("fetch", "small-edm").status == 0)
    let other = try LoopbackServer { _ in
      LoopbackServer.Response(body: (try? Self.bytes("pytorch_fid.npz")) ?? [])
    }
    let registry = try String(contentsOfFile: place.folder.path("registry.json"), encoding: .utf8)
    try registry.replacingOccurrences(of: server.address("/"), with: other.address("/"))
      .write(toFile: place.folder.path("registry.json"), atomically: true, encoding: .utf8)
    let changed = try place.run("fetch", "small-edm", "--again")
    #expect(changed.status == 65 && changed.errors.contains("HashMismatch"), "\(changed.errors)")
    for name in ["edm.npz", "pytorch_fid.npz"] {
      #expect(changed.errors.contains(try hash(Self.fixture(name))), "\(changed.errors)")
    }
    // The good one is still there.
    #expect(try place.run("verify", "small-edm").status == 0)
    try Data(Self.bytes("pytorch_fid.npz"))
      .write(to: URL(fileURLWithPath: "\(place.cache)/small-edm.npz"))
    let verify = try place.run("verify")
    #expect(verify.status == 65 && verify.errors.contains("was written for"), "\(verify.errors)")
    try FileManager.default.removeItem(atPath: "\(place.cache)/small-edm.json")
    let locked = try place.run("verify", "small-edm")
    #expect(locked.status == 65 && locked.errors.contains("HashMismatch"), "\(locked.errors)")
  }

  @Test func aPublishedHashIsChecked() throws {
    let server = try Self.server()
    let right = try Place(server, sha256: hash(Self.fixture("edm.npz")))
    #expect(try right.run("fetch", "small-edm").status == 0)
    #expect(try right.run("verify", "small-edm").output.contains("registry, lock, record"))
    let wrong = try Place(server, sha256: String(repeating: "0", count: 64))
    let run = try wrong.run("fetch", "small-edm")
    #expect(run.status == 65 && run.errors.contains("HashMismatch"), "\(run.errors)")
    #expect(wrong.files.isEmpty)
  }

  @Test func somethingElseIsNotKept() throws {
    let server = try LoopbackServer { _ in LoopbackServer.Response(body: Array("text".utf8)) }
    let place = try Place(server)
    let run = try place.run("fetch", "small-edm")
    #expect(run.status == 65, "\(run.errors)")
    #expect(place.files.isEmpty)
    let dimension = try Place(Self.server(), dimension: 2048)
    let other = try dimension.run("fetch", "small-edm")
    #expect(other.status == 65 && other.errors.contains("2048"), "\(other.errors)")
    #expect(dimension.files.isEmpty)
  }

  @Test func offlineSaysWhereToPutTheFileAndTakesItFromThere() throws {
    let place = try Place(nil)
    let run = try place.run("fetch", "small-edm")
    #expect(run.status == 69, "\(run.errors)")
    for part in ["http://127.0.0.1:9/edm.npz", "\(place.cache)/small-edm.npz"] {
      #expect(run.errors.contains(part), "\(run.errors)")
    }
    let page = try place.run("fetch", "small-page")
    #expect(page.status == 69 && page.errors.contains("browser"), "\(page.errors)")
    #expect(page.errors.contains("\(place.cache)/small-page.npz"))
    try FileManager.default.createDirectory(
      atPath: place.cache, withIntermediateDirectories: true)
    for name in ["small-edm", "small-page"] {
      try FileManager.default.copyItem(
        atPath: Self.fixture("edm.npz"), toPath: "\(place.cache)/\(name).npz")
      let adopted = try place.run("fetch", name)
      #expect(adopted.status == 0, "\(adopted.errors)")
      #expect(place.files.contains("\(name).lock"))
    }
  }

  @Test func aPickleIsFetchedUnderItsOwnSuffix() throws {
    let place = try Place(Self.server())
    #expect(try place.run("fetch", "small-edm2").status == 0)
    #expect(place.files == ["small-edm2.pkl", "small-edm2.pkl.json", "small-edm2.lock"])
    let show = try place.run("show", "small-edm2", "--json")
    #expect(try show.json()["count"] as? Int == 40, "\(show.errors)")
    #expect(try show.json()["format"] as? String == "edm-pickle")
  }

  // MARK: - The others

  @Test func theBuiltInRegistryIsListed() throws {
    let folder = try TemporaryFolder()
    let environment = ["XDG_CACHE_HOME": folder.url.path]
    let list = try DisEvalProcess("stats", "list", environment: environment)
    #expect(list.status == 0 && list.output.contains("VIRTUAL_imagenet256_labeled.npz"))
    let some = try DisEvalProcess("stats", "list", "cifar10", "--json", environment: environment)
    let entries = try #require(try some.json()["statistics"] as? [[String: Any]])
    #expect(!entries.isEmpty)
    for line in entries {
      let entry = try #require(line["entry"] as? [String: Any])
      #expect((entry["name"] as? String)?.contains("cifar10") == true)
      #expect(line["cached"] as? Bool == false)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test(
    "every layout converts to one that is read alike",
    arguments: [
      "edm.npz", "adm.npz", "clean_kid.npz", "dgm_eval.npz", "torch_fidelity.pt", "legacy.pt",
      "edm2.protocol2.pkl", "edm2.protocol5.pkl",
    ])
  func converts(name: String) throws {
    let folder = try TemporaryFolder()
    let out = folder.path("out.npz")
    let run = try DisEvalProcess(
      "stats", "convert", Self.fixture(name), "--out", out, "--dialect", "tf", "--image-side", "32")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("asserted: dialect, resolution"))
    let sigma = try NPZ.read(out).array("sigma")
    #expect(sigma.type == .float64 && sigma.shape == [16, 16])
    let golden = try NPYArray.read(Self.fixture("sigma.npy")).doubles()
    #expect(worst(sigma.doubles(), golden).relative < 1e-14)
    let show = try DisEvalProcess("stats", "show", out, "--json").json()
    #expect(show["asserted"] as? [String] == ["dialect", "resolution"])
    #expect(show["dialect"] as? String == "tf" && show["resolution"] as? Int == 32)
    #expect((show["spatial_dimension"] as? Int) == (name == "adm.npz" ? 7 : nil))
    #expect(try DisEvalProcess("stats", "verify", out).status == 0)
  }

  @Test func styleGANsCovarianceIsDividedLikeTheOthers() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("out.npz")
    let run = try DisEvalProcess("stats", "convert", Self.fixture("stylegan.pkl"), "--out", out)
    #expect(run.status == 0, "\(run.errors)")
    let golden = try NPYArray.read(Self.fixture("sigma.npy")).doubles()
    let worst = worst(try NPZ.read(out).array("sigma").doubles(), golden)
    #expect(worst.relative < 1e-14, "\(worst)")
    #expect(try DisEvalProcess("stats", "show", out, "--json").json()["ddof"] as? Int == 1)
  }

  @Test func keptRowsAreTheFirst() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("out.npz")
    let run = try DisEvalProcess(
      "stats", "convert", Self.fixture("clean_kid.npz"), "--out", out, "--keep-features", "7")
    #expect(run.status == 0, "\(run.errors)")
    let rows = try NPYArray.read(Self.fixture("rows.npy")).floats()
    #expect(try NPZ.read(out).array("features").floats() == Array(rows[..<(7 * 16)]))
  }

  @Test func whatIsKnownCannotBeAssertedOtherwise() throws {
    let folder = try TemporaryFolder()
    for (option, value) in [("--dialect", "edm"), ("--num", "9")] {
      let run = try DisEvalProcess(
        "stats", "convert", DisEvalProcess.statistics, "--out", folder.path("out.npz"), option,
        value)
      #expect(run.status == 65 && run.errors.contains("FactContradicted"), "\(run.errors)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func showSaysWhatIsKnown() throws {
    let show = try DisEvalProcess("stats", "show", DisEvalProcess.statistics)
    for part in [
      "60000", "pytorch-fid", "rank          128 of 128", "verified by   record",
      "features float32 [5000, 128]",
    ] { #expect(show.output.contains(part), "\(show.output)") }
    let inspect = try DisEvalProcess("inspect", Self.fixture("dgm_eval.npz"), "--json")
    #expect(try inspect.json()["format"] as? String == "dgm-eval-npz", "\(inspect.errors)")
  }

  @Test(
    "what cannot be done is refused",
    arguments: [
      (["show", "/nonexistent.npz"], 66, "NotFound"), (["show", "cifar10-emd"], 66, "cifar10-edm"),
      (["show", "cifar10-edm"], 69, "stats fetch cifar10-edm"), (["verify"], 66, "NothingFetched"),
      (["verify", "several.pkl"], 65, "StatsInvalid"),
      (["show", "objects.pkl"], 65, "NpyUnsupported"), (["fetch", "nothing"], 66, "StatsUnknown"),
      (["fetch"], 64, "name"), (["convert", "edm.npz", "--out", "out.pkl"], 64, "only read"),
      (["convert", "edm.npz", "--out", "/nonexistent/out.npz"], 73, "CannotCreate"),
      (["convert", "edm.npz", "--out", "out.npz", "--dialect", "x"], 64, "dialect"),
      (["convert", "edm.npz", "--out", "out.npz", "--num", "1"], 64, "at least 2"),
      (["convert", "edm.npz", "--out", "out.npz", "--keep-features", "5"], 65, "NoFeatureRows"),
      (["frobnicate"], 64, "frobnicate"),
    ])
  func refuses(arguments: [String], status: Int32, part: String) throws {
    let folder = try TemporaryFolder()
    let paths = arguments.enumerated().map { index, argument in
      guard index > 0, argument.contains("."), !argument.hasPrefix("/") else { return argument }
      return argument.hasPrefix("out") ? folder.path(argument) : Self.fixture(argument)
    }
    let run = try DisEvalProcess(
      ["stats"] + paths, environment: ["XDG_CACHE_HOME": folder.url.path])
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errors.contains(part), "\(run.errors)")
    #expect(run.output.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  private func hash(_ path: String) throws -> String {
    let inspection = try DisEvalProcess("stats", "show", path, "--json").json()
    return try #require(inspection["sha256"] as? String)
  }
}
