import Foundation
import Results
import Testing
import _TestSupport

/// `--extractor`, with a small CLIP whose features differ between tools.
@Suite("dis-eval --extractor", .blocking) struct ExtractorTests {
  private let folder: TemporaryFolder
  private let images: String
  private let environment: [String: String]

  private static let clip = DisEvalProcess.file(
    "Tests/FeatureExtractorsTests/Fixtures/clip_openai.pt")
  private static let network = "clip-vit-64x1-14-28"

  init() throws {
    folder = try TemporaryFolder()
    images = folder.path("samples.npz")
    environment = ["XDG_CACHE_HOME": folder.path("cache")]
    let sampled = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "6", "--steps", "2", "--out", images)
    try #require(sampled.status == 0, "\(sampled.errors)")
  }

  private func run(_ arguments: String...) throws -> DisEvalProcess {
    try DisEvalProcess(arguments, environment: environment)
  }

  private func features(_ name: String, to out: String) throws -> DisEvalProcess {
    try run(
      "features", "--images", images, "--weights", Self.clip, "--extractor", name, "--out", out,
      "--json")
  }

  private static func extractor(_ document: [String: Any]) throws -> [String: Any] {
    let provenance = try #require(document["provenance"] as? [String: Any])
    return try #require(provenance["extractor"] as? [String: Any])
  }

  @Test func aNameIsNeededWhereToolsDiffer() throws {
    let run = try run(
      "features", "--images", images, "--weights", Self.clip, "--out", folder.path("none.npz"))
    #expect(run.status == 65, "\(run.errors)")
    for part in ["AmbiguousExtractor", "--extractor", "\(Self.network).torch-fidelity"] {
      #expect(run.errors.contains(part), "\(run.errors)")
    }
  }

  @Test("each tool has features of its own, and a reference names the tool") func tools() throws {
    let paths = ["torch-fidelity", "fdr"].map { ($0, folder.path("\($0).npz")) }
    for (tool, path) in paths {
      let made = try features("\(Self.network).\(tool)", to: path)
      try #require(made.status == 0, "\(made.errors)")
    }
    for (tool, path) in paths {
      let result = folder.path("result-\(tool).json")
      let same = try run(
        "fid", "--images", images, "--ref", path, "--weights", Self.clip, "--out", result, "--json")
      try #require(same.status == 0, "\(same.errors)")
      let document = try same.json()
      #expect(try Self.extractor(document)["name"] as? String == "\(Self.network).\(tool)")
      let metrics = try #require(document["metrics"] as? [String: [String: Any]])
      #expect(Set(metrics.keys) == ["fd"] && metrics["fd"]?["value"] as? Double ?? 1 < 1e-6)

      let again = try run("rerun", result, "--weights", Self.clip)
      #expect(again.status == 0, "\(again.errors)")
    }
    for (asked, status) in [("fdr", 65), ("torch-fidelity", 0)] as [(String, Int32)] {
      let run = try run(
        "fid", "--images", images, "--ref", paths[0].1, "--weights", Self.clip,
        "--extractor", "\(Self.network).\(asked)")
      #expect(run.status == status, "\(run.errors)")
      #expect(status == 0 || run.errors.contains("DimensionMismatch"), "\(run.errors)")
    }
    let statistics = try run(
      "fid", "--images", paths[1].1, "--ref", paths[1].1, "--extractor", "dinov2")
    #expect(
      statistics.status == 65 && statistics.errors.contains("dinov2-vit-l-14.edm2"),
      "\(statistics.errors)")
  }

  /// Each of several extractors has the result that it has alone.
  @Test func severalExtractorsReadTheImagesOnce() throws {
    let tools = ["torch-fidelity", "fdr"].map { "\(Self.network).\($0)" }
    let names = tools.joined(separator: ",")
    let made = try run(
      "features", "--images", images, "--weights", Self.clip, "--extractor", names, "--out",
      folder.path("all.npz"), "--json")
    try #require(made.status == 0, "\(made.errors)")
    let statistics = try run(
      "stats", "make", "--images", images, "--weights", Self.clip, "--extractor", names, "--out",
      folder.path("statistics.npz"))
    try #require(statistics.status == 0, "\(statistics.errors)")
    for tool in tools {
      let alone = folder.path("alone.npz")
      try #require(try features(tool, to: alone).status == 0)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: alone))
      let joint = try Data(contentsOf: URL(fileURLWithPath: folder.path("all.\(tool).npz")))
      #expect(bytes == joint)
      #expect(statistics.output.contains("statistics.\(tool).npz"))
    }

    // A folder's images as the reference, then statistics for each.
    for references in [
      [images], tools.map { folder.path("all.\($0).npz") },
    ] {
      let out = folder.path("result.json")
      let run = try DisEvalProcess(
        ["fid", "--images", images, "--weights", Self.clip, "--extractor", names, "--out", out]
          + ["--json"] + references.flatMap { ["--ref", $0] }, environment: environment)
      try #require(run.status == 0, "\(run.errors)")
      let violation = try violation(of: Array(run.output.utf8), by: .extractors)
      #expect(violation == nil, "\(violation ?? "")")
      let results = try #require(run.json()["results"] as? [String: [String: Any]])
      #expect(Set(results.keys) == Set(tools))
      for (index, tool) in tools.enumerated() {
        let alone = try self.run(
          "fid", "--images", images, "--ref", references[references.count == 1 ? 0 : index],
          "--weights", Self.clip, "--extractor", tool, "--json")
        let expected = try alone.json()
        let written = try #require(
          jsonObject(
            Data(contentsOf: URL(fileURLWithPath: folder.path("result.\(tool).json"))))
            as? [String: Any])
        for found in [results[tool], written] {
          for key in ["metrics", "provenance", "samples_sha256"] {
            #expect(try canonical(found?[key]) == canonical(expected[key]), "\(tool): \(key)")
          }
        }
      }
    }
  }

  @Test func severalExtractorsAreRefusedWhereOneIsExpected() throws {
    let tool = "\(Self.network).fdr"
    for (options, status, message) in [
      (["--ref", images, "--extractor", "\(tool),\(tool)"], 64, "is named twice"),
      (["--ref", images, "--extractor", "\(tool),"], 64, "UnknownExtractor"),
      (["--ref", images, "--ref", images, "--extractor", tool], 64, "--ref is given 2 times"),
      (
        ["--ref", images, "--weights", Self.clip, "--extractor", tool], 64,
        "--weights is given 2 times"
      ),
    ] as [([String], Int32, String)] {
      let run = try DisEvalProcess(
        ["fid", "--images", images, "--weights", Self.clip] + options, environment: environment)
      #expect(run.status == status && run.errors.contains(message), "\(run.errors)")
    }
    let sampled = try run(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", images, "--extractor",
      "\(tool),\(Self.network).torch-fidelity", "--weights", Self.clip, "--run", folder.path("run"))
    #expect(sampled.status == 64 && sampled.errors.contains("--images"), "\(sampled.errors)")
    let gate = try run(
      "gate", "--ckpt", DisEvalProcess.checkpoint, "--ref", images, "--max", "fd=3", "--extractor",
      "\(tool),inception-2015", "--weights", Self.clip)
    #expect(gate.status == 64 && gate.errors.contains("UnknownExtractor"), "\(gate.errors)")
  }

  /// Samples are drawn once.
  @Test func samplesHaveSeveralExtractors() throws {
    let tools = ["torch-fidelity", "fdr"].map { "\(Self.network).\($0)" }
    let options = [
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--num", "5", "--steps", "2", "--ref", images,
      "--weights", Self.clip, "--json",
    ]
    let run = try DisEvalProcess(
      options + ["--extractor", tools.joined(separator: ",")], environment: environment)
    try #require(run.status == 0, "\(run.errors)")
    let results = try #require(run.json()["results"] as? [String: [String: Any]])
    let alone = try DisEvalProcess(options + ["--extractor", tools[1]], environment: environment)
    #expect(try canonical(results[tools[1]]?["metrics"]) == canonical(alone.json()["metrics"]))
    #expect(
      results[tools[0]]?["sample_digests"] as? String == results[tools[1]]?["sample_digests"]
        as? String)
  }

  @Test func weightsOfAnotherNetworkAreRefused() throws {
    for name in ["dinov2", "clip-vit-l-14.torch-fidelity", "inception-2015"] {
      let run = try features(name, to: folder.path("none.npz"))
      #expect(run.status == 65 && run.errors.contains("ExtractorMismatch"), "\(run.errors)")
      #expect(run.errors.contains(Self.network), "\(run.errors)")
    }
  }

  @Test(arguments: [
    ("dino", "UnknownExtractor"), ("dinov2-vit-l-14", "AmbiguousExtractor"),
    ("dinov2-vit-l-14.tool", "UnknownExtractor"), ("dinov2-vit-l-14.cmmd", "DialectUnsupported"),
    ("", "UnknownExtractor"), ("dinov2-vit-l-14.", "UnknownExtractor"),
    ("inception-2015.edm2", "UnknownExtractor"),
  ])
  func otherNamesAreRefused(name: String, code: String) throws {
    let run = try features(name, to: folder.path("none.npz"))
    #expect(run.status == 64 && run.errors.contains(code), "\(run.errors)")
  }

  @Test func withoutWeightsAMessageSaysWhatToDo() throws {
    let run = try run(
      "fid", "--images", images, "--ref", images, "--extractor", "dinov2")
    #expect(run.status == 69, "\(run.errors)")
    for part in [
      "weights fetch dinov2-vit-l-14", "https://dl.fbaipublicfiles.com", "d5383ea8f4877b24",
      "--weights",
    ] {
      #expect(run.errors.contains(part), "\(run.errors)")
    }
    let other = try self.run(
      "fid", "--images", images, "--ref", images, "--extractor", "dinov2-vit-h-14.edm2")
    #expect(other.status == 69 && other.errors.contains("no weights of this network"))
  }

  /// The published file is where the message of a missing one says, and is read and checked.
  @Test func publishedFilesAreFoundInTheCache() throws {
    let cache = folder.path("cache/dis-eval")
    try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Self.clip, toPath: "\(cache)/ViT-B-32.pt")
    let run = try run(
      "fid", "--images", images, "--ref", images, "--extractor", "clip-vit-b-32.torch-fidelity")
    #expect(run.status == 65 && run.errors.contains("\(cache)/ViT-B-32.pt"), "\(run.errors)")
    let verified = try self.run("weights", "verify", "\(cache)/ViT-B-32.pt", "--json")
    #expect(try verified.json()["architecture"] as? String == Self.network)
    let list = try self.run("weights", "list")
    #expect(list.output.contains("ViT-B-32.pt") && list.output.contains("cached"), "\(list.output)")
  }

  /// EDM2's files have the statistics of Inception and of DINOv2.
  @Test func edm2() throws {
    let file = DisEvalProcess.file("Tests/DisEvalTests/Fixtures/edm2.protocol4.pkl")
    let (out, all) = (folder.path("dinov2.npz"), folder.path("all.npz"))
    for (path, options) in [(out, ["--part", "fd_dinov2"]), (all, [])] {
      let made = try DisEvalProcess(["stats", "convert", file, "--out", path] + options)
      try #require(made.status == 0, "\(made.errors)")
    }
    for (images, reference, extractor, metric) in [
      (out, file, "dinov2", "fd_dinov2"), (file, out, "dinov2", "fd_dinov2"),
      (out, out, nil, "fd_dinov2"), (all, file, nil, "fd"),
    ] as [(String, String, String?, String)] {
      let run = try DisEvalProcess(
        ["fid", "--images", images, "--ref", reference, "--json"]
          + (extractor.map { ["--extractor", $0] } ?? []))
      try #require(run.status == 0, "\(run.errors)")
      let metrics = try #require(try run.json()["metrics"] as? [String: [String: Any]])
      #expect(Set(metrics.keys) == [metric])
      #expect(metrics[metric]?["value"] as? Double ?? 1 < 1e-9)
    }
    let mixed = try run("fid", "--images", out, "--ref", file)
    #expect(mixed.status == 65 && mixed.errors.contains("Mismatch"), "\(mixed.errors)")
    #expect(
      mixed.errors.contains("the file also has fd_dinov2, by --extractor dinov2-vit-l-14.edm2"),
      "\(mixed.errors)")
    let verified = try run("stats", "verify", file)
    #expect(
      verified.output.contains("part fid: good") && verified.output.contains("part fd_dinov2: good")
    )
    let shown = try run("stats", "show", file, "--part", "fd_dinov2")
    #expect(shown.output.contains("fd_dinov2; the file also has fid"), "\(shown.output)")
    #expect(shown.output.contains("dinov2-vit-l-14.edm2"))
    let missing = try run("stats", "show", file, "--part", "dino")
    #expect(missing.status == 65 && missing.errors.contains("there are fid, fd_dinov2"))
  }

  /// The reference may not name its extractor; that of the images is still known.
  @Test func referencesWithoutARecord() throws {
    let name = "\(Self.network).torch-fidelity"
    let (reference, result) = (folder.path("reference.npz"), folder.path("result.json"))
    try #require(try features(name, to: reference).status == 0)
    try FileManager.default.removeItem(atPath: folder.path("reference.json"))
    func scored(_ more: String...) throws -> DisEvalProcess {
      try DisEvalProcess(
        ["fid", "--images", images, "--ref", reference, "--weights", Self.clip, "--json"] + more,
        environment: environment)
    }
    let unnamed = try scored()
    #expect(unnamed.status == 65 && unnamed.errors.contains("AmbiguousExtractor"))
    let first = try scored("--extractor", name, "--out", result)
    try #require(first.status == 0, "\(first.errors)")
    #expect(try violation(of: Array(canonical(first.json()).utf8), by: .result) == nil)
    let extractor = try Self.extractor(first.json())
    #expect(extractor["name"] as? String == "unknown" && extractor["network"] as? String == name)
    let again = try run("rerun", result, "--weights", Self.clip)
    #expect(again.status == 0, "\(again.errors)")

    // What is made with another tool is not compared with it.
    var text = try String(contentsOfFile: result, encoding: .utf8)
    text = text.replacingOccurrences(of: name, with: "\(Self.network).fdr")
    let other = folder.path("other.json")
    try text.write(toFile: other, atomically: true, encoding: .utf8)
    let compared = try run("compare", result, other)
    #expect(
      compared.status == 65 && compared.errors.contains("NotComparable")
        && compared.errors.contains(name), "\(compared.errors)")
  }

  @Test func theGateDoesNotIgnoreIt() throws {
    let (baseline, name) = (folder.path("baseline.json"), "\(Self.network).torch-fidelity")
    let made = try run(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--num", "6", "--steps", "2", "--ref", images,
      "--weights", Self.clip, "--extractor", name, "--out", baseline)
    try #require(made.status == 0, "\(made.errors)")
    #expect(made.output.contains("no classes"), "\(made.output)")
    for arguments in [
      [baseline, "--max", "fd=1000"],
      ["--ckpt", DisEvalProcess.checkpoint, "--baseline", baseline, "--ref", images],
    ] {
      let run = try DisEvalProcess(
        ["gate"] + arguments + ["--extractor", "\(Self.network).fdr"], environment: environment)
      #expect(run.status == 64, "\(run.errors)")
    }
    let score = try run(
      "evaluate", "--images", images, "--ref", images, "--metrics", "cs", "--weights", Self.clip,
      "--extractor", name)
    #expect(score.status == 65 && score.errors.contains("no classes"), "\(score.errors)")
  }
}
