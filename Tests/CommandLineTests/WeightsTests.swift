import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

/// `dis-eval weights`: the network of synthetic weights in every layout, and servers on the loopback
/// interface.
@Suite("dis-eval weights", .blocking, .serialized) struct WeightsCommandTests {
  private let folder: TemporaryFolder
  private let environment: [String: String]
  private let cached: String

  init() throws {
    folder = try TemporaryFolder()
    environment = ["XDG_CACHE_HOME": folder.path("cache"), "no_proxy": "127.0.0.1"]
    cached = folder.path("cache/dis-eval/inception-2015-12-05.safetensors")
  }

  private func run(_ arguments: String...) throws -> DisEvalProcess {
    try DisEvalProcess(["weights"] + arguments, environment: environment)
  }

  private static func extractorFixture(_ name: String) -> String {
    DisEvalProcess.file("Tests/FeatureExtractorsTests/Fixtures/\(name)")
  }

  /// The network without gains, as NVIDIA's has none.
  private static func tensors() throws -> [SyntheticTensor] {
    let statistics = try NPYArray.read(extractorFixture("inception_bn.npy")).floats()
    return SyntheticInception.tensors(statistics: statistics).map { tensor in
      guard tensor.key.hasSuffix(".bn.weight") else { return tensor }
      return SyntheticTensor(key: tensor.key, shape: tensor.shape) {
        [Float](repeating: 1, count: tensor.shape[0])
      }
    }
  }

  private func writePyTorch() throws -> String {
    let path = folder.path("weights.safetensors")
    try writeSafetensors(Self.tensors(), to: URL(fileURLWithPath: path))
    return path
  }

  /// Names of the units in the graph, from the fixture that TensorFlow and PyTorch wrote of the
  /// same tensors in another order each.
  private static func graphNames() throws -> [String] {
    try GraphFile(path: extractorFixture("thin.pb")).nodes.map(\.name)
      .filter { $0.hasSuffix("/conv2d_params") }.map { String($0.dropLast(14)) }
  }

  /// The graph that TensorFlow ran with one channel in each unit, with the constants replaced.
  private func writeGraph() throws -> String {
    var graph = try GraphFile(path: Self.extractorFixture("thin.pb"))
    let tensors = Dictionary(uniqueKeysWithValues: try Self.tensors().map { ($0.key, $0) })
    let units = try Self.tensors().map(\.key).filter { $0.hasSuffix(".conv.weight") }
      .map { String($0.dropLast(12)) }
    // The generator of the fixture makes the units in the order of pytorch-fid's file.
    for (name, unit) in zip(try Self.graphNames(), units) {
      let weight = try #require(tensors["\(unit).conv.weight"])
      let (o, i, h, w) = (weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3])
      let values = weight.values()
      var content: [Float] = []
      content.reserveCapacity(values.count)
      for y in 0..<h {
        for x in 0..<w {
          for input in 0..<i {
            for output in 0..<o { content.append(values[((output * i + input) * h + y) * w + x]) }
          }
        }
      }
      graph.setConstant("\(name)/conv2d_params", shape: [h, w, i, o], content: bytes(content))
      for (suffix, node) in [
        ("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"),
        ("running_var", "moving_variance"),
      ] {
        let tensor = try #require(tensors["\(unit).bn.\(suffix)"])
        graph.setConstant(
          "\(name)/batchnorm/\(node)", shape: tensor.shape, content: bytes(tensor.values()))
      }
    }
    let matrix = try #require(tensors["fc.weight"]).values()
    let transposed = (0..<2048).flatMap { column in (0..<1008).map { matrix[$0 * 2048 + column] } }
    graph.setConstant("softmax/weights", shape: [2048, 1008], content: bytes(transposed))
    graph.setConstant(
      "softmax/biases", shape: [1008], content: bytes(try #require(tensors["fc.bias"]).values()))
    let path = folder.path("graph.pb")
    try graph.write(to: path)
    return path
  }

  private func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  /// NVIDIA's names in a safetensors file: the names say what a file is, not the container.
  private func writeNVIDIA() throws -> String {
    let names = try CheckpointFile.open(Self.extractorFixture("thin.pt")).stateDict(key: nil).names
    let parts = [
      ("conv.weight", "weight"), ("bn.bias", "beta"), ("bn.running_mean", "mean"),
      ("bn.running_var", "var"),
    ]
    // Paths of attributes in the order of the graph's names, `/` for `.`, and `_` in the last blocks.
    let graph = try Self.graphNames().map { name -> String in
      guard name.hasPrefix("mixed_9/") || name.hasPrefix("mixed_10/") else {
        return "layers." + name.replacing("/", with: ".")
      }
      let block = name.prefix { $0 != "/" }
      return "layers.\(block)." + name.dropFirst(block.count + 1).replacing("/", with: "_")
    }
    let tensors = try Self.tensors()
    let units = tensors.map(\.key).filter { $0.hasSuffix(".conv.weight") }
      .map { String($0.dropLast(12)) }
    let script = Dictionary(uniqueKeysWithValues: zip(units, graph))
    let renamed = tensors.compactMap { tensor -> SyntheticTensor? in
      if tensor.key.hasPrefix("fc.") {
        return SyntheticTensor(
          key: "output." + tensor.key.dropFirst(3), shape: tensor.shape, values: tensor.values)
      }
      for (suffix, name) in parts where tensor.key.hasSuffix(suffix) {
        guard let module = script[String(tensor.key.dropLast(suffix.count + 1))] else { return nil }
        return SyntheticTensor(
          key: "\(module).\(name)", shape: tensor.shape, values: tensor.values)
      }
      return nil
    }
    #expect(Set(renamed.map(\.key)) == Set(names))
    let path = folder.path("nvidia.safetensors")
    try writeSafetensors(renamed, to: URL(fileURLWithPath: path))
    return path
  }

  @Test func everyLayoutGivesTheSameTensors() throws {
    let sources = [
      (try writePyTorch(), "pytorch-fid"), (try writeGraph(), "tensorflow-graph"),
      (try writeNVIDIA(), "nvidia-torchscript"),
    ]
    var hashes: Set<String> = []
    for (source, layout) in sources {
      let run = try run("import", source, "--json")
      #expect(run.status == 0, "\(run.errors)")
      let record = try run.json()
      #expect(record["layout"] as? String == layout && record["path"] as? String == cached)
      #expect(record["published"] as? Bool == false)
      #expect(record["architecture"] as? String == "inception-2015")
      hashes.insert(try #require(record["tensors_sha256"] as? String))
      let verified = try self.run("verify", "--json")
      #expect(try canonical(verified.json()) == canonical(record))
    }
    #expect(hashes.count == 1)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("cache/dis-eval")).count == 1)

    // The other direction: the tensors are those of the source.
    let state = try CheckpointFile.open(cached).stateDict(key: nil)
    let tensors = try Self.tensors()
    #expect(state.names == tensors.map(\.key))
    for tensor in tensors {
      #expect(try state.tensor(tensor.key, shape: tensor.shape).values == tensor.values())
    }
  }

  @Test func convertedWeightsRememberTheirSourceAndAreChecked() throws {
    let source = try writePyTorch()
    let out = folder.path("out.safetensors")
    let record = try run("import", source, "--out", out, "--json").json()
    #expect(!FileManager.default.fileExists(atPath: cached))
    // What was converted can be imported elsewhere and is still the source's.
    let again = try run("import", out, "--json").json()
    for key in ["source_file", "source_sha256", "layout", "tensors_sha256"] {
      #expect(try canonical(again[key]) == canonical(record[key]))
    }
    let images = folder.path("images.npy")
    try Data(contentsOf: URL(fileURLWithPath: Self.extractorFixture("photos_64.npy")))
      .write(to: URL(fileURLWithPath: images))
    let scored = try DisEvalProcess(
      ["fid", "--images", images, "--ref", images, "--json"], environment: environment)
    #expect(scored.status == 0, "\(scored.errors)")
    let provenance = try #require(try scored.json()["provenance"] as? [String: Any])
    let extractor = try #require(provenance["extractor"] as? [String: Any])
    #expect(extractor["sha256"] as? String == record["source_sha256"] as? String)
    #expect(extractor["file"] as? String == "weights.safetensors")

    // One bit of one weight, one name for another, a file cut short: refused wherever it is read.
    let whole = try Data(contentsOf: URL(fileURLWithPath: cached))
    var changes: [(Data, String)] = [(whole.dropLast(), "SafetensorsMalformed")]
    var flipped = whole
    flipped[whole.count - 5_000_000] ^= 1
    changes.append((flipped, "WeightsChanged"))
    var renamed = whole
    for (old, new) in [
      ("Mixed_5c.branch3x3dbl_2.bn.bias", "Mixed_5x.branch3x3dbl_2.bn.bias"),
      ("Mixed_5d.branch3x3dbl_2.bn.bias", "Mixed_5c.branch3x3dbl_2.bn.bias"),
      ("Mixed_5x.branch3x3dbl_2.bn.bias", "Mixed_5d.branch3x3dbl_2.bn.bias"),
    ] {
      let range = try #require(renamed.range(of: Data(old.utf8)))
      renamed.replaceSubrange(range, with: Data(new.utf8))
    }
    changes.append((renamed, "WeightsChanged"))
    for (data, code) in changes {
      try data.write(to: URL(fileURLWithPath: cached))
      for run in [
        try run("verify"),
        try DisEvalProcess(
          ["fid", "--images", images, "--ref", images], environment: environment),
      ] {
        #expect(run.status == 65 && run.errors.contains(code), "\(run.errors)")
      }
    }
  }

  @Test func whatIsRefusedLeavesTheCacheAlone() throws {
    try FileManager.default.createDirectory(
      atPath: folder.path("cache/dis-eval"), withIntermediateDirectories: true)
    try Data("old".utf8).write(to: URL(fileURLWithPath: cached))
    for (path, status, code) in [
      (DisEvalProcess.checkpoint, 65, "NotAnExtractor"),
      (DisEvalProcess.extractor, 65, "NotConverted"),
      (Self.extractorFixture("thin.pb"), 65, "CheckpointMismatch"),
      (Self.extractorFixture("thin.pt"), 65, "CheckpointMismatch"),
      (folder.path("nothing.pth"), 66, "NotFound"),
    ] as [(String, Int32, String)] {
      let run = try run("import", path)
      #expect(run.status == status && run.errors.contains(code), "\(run.errors)")
      #expect(run.output.isEmpty)
    }
    #expect(try String(contentsOfFile: cached, encoding: .utf8) == "old")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("cache/dis-eval")).count == 1)
  }

  @Test func withoutWeightsAMessageSaysWhatToDo() throws {
    let verified = try run("verify")
    #expect(verified.status == 69, "\(verified.errors)")
    for part in [
      "weights fetch", "6726825d0af5f729", "https://github.com/mseitzer", folder.url.path,
    ] {
      #expect(verified.errors.contains(part), "\(verified.errors)")
    }
    let list = try run("list")
    #expect(list.status == 0 && list.output.contains("f58cb9b6") && list.output.contains("nothing"))
    #expect(try run("fetch", "inception").status == 64)
  }

  @Test("inspect knows them", arguments: ["thin.pb", "thin.pt"]) func inspect(name: String) throws {
    let run = try DisEvalProcess("inspect", Self.extractorFixture(name), "--json")
    #expect(run.status == 0, "\(run.errors)")
    let document = try run.json()
    #expect(document["architecture"] as? String == "inception-2015")
    #expect(
      document["format"] as? String == (name == "thin.pb" ? "tensorflow-graph" : "torch-script"))
    #expect((document["tensors"] as? [Any])?.count == (name == "thin.pb" ? 472 : 378))
  }

  /// No SHA-256 of ADM's graph is published, so any server may serve one.
  @Test func fetchingDownloadsAndConverts() throws {
    let graph = Array(try Data(contentsOf: URL(fileURLWithPath: try writeGraph())))
    let server = try LoopbackServer { .file(graph, $0) }
    let run = try run("fetch", "adm", "--from", server.address("/graph"), "--json")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("no SHA-256"))
    #expect(try run.json()["source_file"] as? String == "classify_image_graph_def.pb")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("cache/dis-eval"))
        == [URL(fileURLWithPath: cached).lastPathComponent])
  }

  @Test func fetchingRefusesWhatIsNotTheFile() throws {
    let server = try LoopbackServer { .file(Array("not the weights".utf8), $0) }
    let wrong = try run("fetch", "--from", server.address("/weights"))
    #expect(wrong.status == 65 && wrong.errors.contains("HashMismatch"), "\(wrong.errors)")
    let gone = try LoopbackServer { _ in .init(status: 404) }.address("/weights")
    let offline = try run("fetch", "nvidia", "--from", gone)
    #expect(offline.status == 69 && offline.errors.contains("DownloadFailed"), "\(offline.errors)")
    for part in [gone, "f58cb9b6ec323ed6", folder.path("cache/dis-eval/inception-2015-12-05.pt")] {
      #expect(offline.errors.contains(part), "\(offline.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: cached))
  }
}
