import Checkpoints
import Files
import Foundation
import Images
import Testing
import _TestSupport

/// Inputs that are easily taken for others: what is used must be what was meant, or be refused.
@Suite("Inputs", .blocking) struct InputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: String..., status: Int32 = 0) throws -> DisEvalProcess {
    let run = try DisEvalProcess(arguments)
    #expect(run.status == status, "\(run.errors)")
    return run
  }

  // MARK: Checkpoints

  /// A file with the demo's weights as averaged ones, and half of them as raw ones.
  private func checkpoint(
    _ name: String, _ value: (_ raw: TorchValue, _ averaged: TorchValue) -> TorchValue
  ) throws -> String {
    let state = try CheckpointFile.open(DisEvalProcess.checkpoint).stateDict(key: nil)
    func tensors(_ scale: Float) throws -> TorchValue {
      .dictionary(
        try state.infos.map { info in
          let values = try state.array(info.name).floats().map { scale * $0 }
          return (.text(info.name), .tensor(values, info.shape))
        })
    }
    let path = folder.path(name)
    try Data(torchFile(value(tensors(0.5), tensors(1)))).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func samples(_ checkpoint: String, _ options: String...) throws -> [Float] {
    let path = folder.path("samples.npy")
    let run = try DisEvalProcess(
      ["sample", "--ckpt", checkpoint, "--num", "2", "--sampler", "ddim", "--steps", "2"]
        + ["--raw-out", path] + options)
    #expect(run.status == 0, "\(run.errors)")
    return try NPYArray.read(path).floats()
  }

  @Test func averagedWeightsAreSampled() throws {
    let expected = try samples(DisEvalProcess.checkpoint)
    let beside = try checkpoint("beside.pt") { .named(["state_dict": $0, "ema": $1]) }
    #expect(try samples(beside) == expected)
    #expect(try samples(beside, "--checkpoint-key", "state_dict") != expected)
    let nested = try checkpoint("nested.pt") {
      .named(["model": .named(["state_dict": $0]), "ema": .named(["state_dict": $1])])
    }
    #expect(try samples(nested) == expected)

    let result = try run(
      "fid", "--ckpt", nested, "--ref", DisEvalProcess.statistics, "--num", "4", "--sampler",
      "ddim",
      "--steps", "2", "--out", folder.path("r.json"), "--json"
    ).json()
    let recorded = (result["provenance"] as? [String: Any])?["checkpoint"] as? [String: Any]
    #expect(recorded?["key"] as? String == "ema.state_dict")
    #expect(try run("rerun", folder.path("r.json")).output.hasPrefix("identical"))
    let inspection = try run("inspect", nested, "--json").json()
    #expect(inspection["state_dicts"] as? [String] == ["model.state_dict", "ema.state_dict"])
    #expect(inspection["key"] as? String == "ema.state_dict")

    // A result of version 0.4.0, which took 'state_dict' here and recorded no key.
    var old = result
    var provenance = try #require(old["provenance"] as? [String: Any])
    var checkpoint = try #require(provenance["checkpoint"] as? [String: Any])
    checkpoint["key"] = nil
    provenance["checkpoint"] = checkpoint
    old["provenance"] = provenance
    try JSONSerialization.data(withJSONObject: old).write(
      to: URL(fileURLWithPath: folder.path("old.json")))
    let refused = try run("rerun", folder.path("old.json"), status: 65)
    #expect(refused.errors.contains("CannotSampleAgain"), "\(refused.errors)")
  }

  @Test func severalAveragedOrNoneAreRefused() throws {
    for (name, value, parts) in [
      (
        "two.pt", { .named(["net": $0, "net_ema_0.99": $1, "net_ema_0.9999": $1]) },
        ["net_ema_0.99 (", "net_ema_0.9999 (", "net (", "--checkpoint-key net_ema_0.99"]
      ),
      ("raw.pt", { raw, _ in .named(["model": raw]) }, ["--checkpoint-key model"]),
      (
        "list.pt", { .named(["state_dict": $0, "ema": .list([$1])]) }, ["'ema' is a list"]
      ),
    ] as [(String, (TorchValue, TorchValue) -> TorchValue, [String])] {
      let path = try checkpoint(name, value)
      for command in [
        ["sample", "--raw-out", folder.path("s.npy")], ["fid", "--ref", DisEvalProcess.statistics],
      ] {
        let run = try DisEvalProcess(command + ["--ckpt", path, "--num", "2", "--steps", "2"])
        #expect(run.status == 65 && run.errors.contains("CheckpointKeyMissing"), "\(run.errors)")
        for part in parts { #expect(run.errors.contains(part), "\(run.errors)") }
      }
    }
    let gated = try run(
      "gate", "--ckpt", folder.path("two.pt"), "--ref", DisEvalProcess.statistics, "--max", "fd=1",
      "--num", "4", status: 65)
    #expect(gated.errors.contains("CheckpointKeyMissing"))
  }

  // MARK: Arrays

  /// A `.npy` file of ten elements.
  private func bytes(_ descriptor: String, _ content: [UInt8]) -> [UInt8] {
    let header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (10,), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
      + content
  }

  private func array(_ descriptor: String, _ content: [UInt8]) throws -> NPYArray {
    try NPYArray.parse(bytes(descriptor, content), subject: "test")
  }

  @Test func labelsAreIntegersInAVector() throws {
    func refused(_ name: String, _ array: NPYArray, _ parts: String...) throws {
      let path = folder.path("\(name).npy")
      try array.write(to: path)
      let run = try run(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "10", "--steps", "2", "--labels",
        path,
        "--raw-out", folder.path("s.npy"), status: 65)
      #expect(run.errors.contains("LabelsInvalid"), "\(run.errors)")
      for part in parts { #expect(run.errors.contains(part), "\(run.errors)") }
    }
    let hot = (0..<100).map { Int64($0 / 10 == $0 % 10 ? 1 : 0) }
    try refused("onehot", NPYArray(integers: hot, shape: [10, 10]), "int64 [10, 10]", "argmax")
    let ten = (0..<10).map { Int64($0) }
    try refused("column", NPYArray(integers: ten, shape: [10, 1]), "int64 [10, 1]", "reshape")
    try refused("scalar", NPYArray(integers: [3], shape: []), "int64 []", "expected integers [N]")
    try refused(
      "float", NPYArray(floats: [Float](repeating: 3, count: 10), shape: [10]), "float32 [10]")
    try refused("bool", try array("|b1", [UInt8](repeating: 1, count: 10)), "bool [10]")
    let large = try array("<u8", (0..<10).flatMap { _ in [0, 0, 0, 0, 0, 0, 0, 128] as [UInt8] })
    try refused("large", large, "uint64 [10] with an element above")
    // Either byte order will do; a class that the model does not have will not.
    let path = folder.path("big.npy")
    try Data(bytes(">i2", (0..<10).flatMap { [0, $0] as [UInt8] })).write(
      to: URL(fileURLWithPath: path))
    let (swapped, plain) = (folder.path("swapped.npy"), folder.path("plain.npy"))
    try NPYArray(integers: ten, shape: [10]).write(to: plain)
    for (labels, out) in [(path, swapped), (plain, folder.path("s.npy"))] {
      _ = try run(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "10", "--sampler", "ddim",
        "--steps",
        "2", "--labels", labels, "--raw-out", out)
    }
    #expect(try NPYArray.read(swapped) == NPYArray.read(folder.path("s.npy")))
    try NPYArray(integers: ten.map { -$0 }, shape: [10]).write(to: plain)
    let negative = try run(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "10", "--labels", plain, "--raw-out",
      swapped, status: 65)
    #expect(negative.errors.contains("LabelOutOfRange"))
  }

  @Test func noiseIsFloatingPoint() throws {
    let path = folder.path("z.npy")
    try NPYArray(integers: [Int64](repeating: 0, count: 784), shape: [1, 1, 28, 28]).write(to: path)
    let run = try run(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--noise", path, "--sampler", "ddim",
      "--steps",
      "2", "--raw-out", folder.path("s.npy"), status: 65)
    #expect(run.errors.contains("int64 [1, 1, 28, 28]"), "\(run.errors)")
  }

  // MARK: Folders

  /// Three images beside two folders of four.
  private func strays() throws -> String {
    let path = folder.path("stray")
    for (index, name)
      in (["", "a/", "b/"].flatMap { place in
        (0..<(place.isEmpty ? 3 : 4)).map { "\(place)\($0).png" }
      }).enumerated()
    {
      let url = URL(fileURLWithPath: path).appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      let pixels = (0..<784).map { UInt8(truncatingIfNeeded: $0 * (index + 3)) }
      try Data(
        try PNG.encode(Image(width: 28, height: 28, channels: 1, pixels: pixels))
      ).write(to: url)
    }
    return path
  }

  @Test func imagesBesideFoldersOfImagesAreRefused() throws {
    let path = try strays()
    let said =
      "3 images here and 8 images in 2 folders inside; --recursive reads all 11, "
      + "--no-recursive the 3"
    let out = folder.path("out.npz")
    let extractor = ["--weights", DisEvalProcess.extractor]
    for (command, count) in [
      (["fid", "--images", path, "--ref", DisEvalProcess.statistics, "--json"], "num"),
      (
        ["fid", "--images", DisEvalProcess.statistics, "--ref", path, "--json"] + extractor, "count"
      ),
      (["evaluate", "--images", path, "--ref", DisEvalProcess.statistics, "--json"], "num"),
      (["explain", "--images", path, "--ref", path, "--json"] + extractor, "counts"),
      (["stats", "make", "--images", path, "--out", out] + extractor, nil),
      (["features", "--images", path, "--out", out] + extractor, nil),
    ] as [([String], String?)] {
      let refused = try DisEvalProcess(command)
      #expect(refused.status == 65 && refused.errors.contains(said), "\(command) \(refused.errors)")
      for (option, number) in [("--recursive", 11), ("--no-recursive", 3)] {
        let run = try DisEvalProcess(command + [option])
        #expect(run.status == 0, "\(command) \(run.errors)")
        guard let count else {
          #expect(run.errors.contains("\(number) images"), "\(run.errors)")
          continue
        }
        let result = try run.json()
        let provenance = result["provenance"] as? [String: Any]
        let reference = provenance?["reference"] as? [String: Any]
        let found =
          (result[count] as? [Int])?.first ?? provenance?[count] as? Int ?? reference?[count]
          as? Int
        #expect(found == number, "\(command)")
      }
    }
    let inspected = try run("inspect", path).output
    #expect(inspected.contains("folder of 3 images; not read: 8 images in 2 folders inside"))

    let result = folder.path("r.json")
    _ = try run(
      "fid", "--images", path, "--ref", DisEvalProcess.statistics, "--recursive", "--out", result)
    #expect(try run("rerun", result).output.hasPrefix("identical"))
    #expect(try run("rerun", result, "--no-recursive", status: 65).errors.contains("expected 11"))
    _ = try run("report", result, "--images", path, "--out", folder.path("r.html"))
    // Hidden folders and folders without images do not count.
    for name in ["a", "b"] {
      try FileManager.default.moveItem(atPath: "\(path)/\(name)", toPath: "\(path)/.\(name)")
    }
    try FileManager.default.createDirectory(
      atPath: "\(path)/notes", withIntermediateDirectories: false)
    _ = try run("fid", "--images", path, "--ref", DisEvalProcess.statistics)
  }

  @Test func aFolderOfFoldersSaysWhatIsInThem() throws {
    let path = try strays()
    for index in 0..<3 { try FileManager.default.removeItem(atPath: "\(path)/\(index).png") }
    let run = try run("fid", "--images", path, "--ref", DisEvalProcess.statistics, status: 66)
    #expect(run.errors.contains("8 images in 2 folders inside, which --recursive reads"))
  }

  // MARK: Dialects

  /// The classifier of the demo prepares images in a way of its own, but its statistics have a mean and a
  /// divisor nevertheless.
  @Test func dialectsAreComparedForEveryExtractor() throws {
    let images = folder.path("images.npz")
    _ = try run(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "8", "--sampler", "ddim", "--steps",
      "2",
      "--out", images)
    func fid(_ reference: String, _ options: String..., status: Int32 = 0) throws -> DisEvalProcess
    {
      let run = try DisEvalProcess(
        [
          "fid", "--images", images, "--ref", reference, "--weights", DisEvalProcess.extractor,
          "--json",
        ]
          + options)
      #expect(run.status == status, "\(run.errors)")
      return run
    }
    let refused = try fid(DisEvalProcess.statistics, "--dialect", "tf", status: 65).errors
    #expect(
      refused.contains("DialectMismatch") && refused.contains("mean in float32"), "\(refused)")
    let contradicted = try fid(DisEvalProcess.statistics, "--ref-dialect", "tf", status: 65).errors
    #expect(contradicted.contains("known to be pytorch-fid"))
    for options in [["--allow-mismatch"], ["--ref-dialect", "pytorch-fid"]] {
      let run = try DisEvalProcess(
        [
          "fid", "--images", images, "--ref", DisEvalProcess.statistics, "--dialect", "tf",
          "--json",
        ]
          + options)
      #expect(run.status == 0, "\(run.errors)")
      let provenance = try run.json()["provenance"] as? [String: Any]
      #expect((provenance?["allowed_mismatches"] as? [String])?.count == 1)
    }
    // The same in all that counts here: accepted, and both are recorded.
    let edm = try fid(DisEvalProcess.statistics, "--dialect", "edm").json()
    let provenance = try #require(edm["provenance"] as? [String: Any])
    #expect(provenance["dialect"] as? String == "edm")
    #expect((provenance["reference"] as? [String: Any])?["dialect"] as? String == "pytorch-fid")

    let copy = folder.path("copy.npz")
    try FileManager.default.copyItem(atPath: DisEvalProcess.statistics, toPath: copy)
    var record = try #require(
      try JSONSerialization.jsonObject(
        with: Data(
          contentsOf: URL(
            fileURLWithPath: DisEvalProcess.file(
              "reference_stats/fashion-mnist-train.json")))) as? [String: Any])
    record["ddof"] = 0
    try JSONSerialization.data(withJSONObject: record).write(
      to: URL(fileURLWithPath: folder.path("copy.json")))
    #expect(try fid(copy, status: 65).errors.contains("DdofMismatch"))
    let allowed = try fid(copy, "--allow-mismatch").json()["provenance"] as? [String: Any]
    let mismatches = allowed?["allowed_mismatches"] as? [String]
    #expect(mismatches?.first?.hasPrefix("DdofMismatch") == true)
  }

  // MARK: Classes

  @Test func theClassesAreRecordedAndCompared() throws {
    func provenance(_ arguments: String...) throws -> [String: Any] {
      let run = try DisEvalProcess(arguments + ["--json"])
      #expect(run.status == 0, "\(run.errors)")
      return try #require(run.json()["provenance"] as? [String: Any])
    }
    func labels(_ options: String..., reference: String = DisEvalProcess.statistics) throws -> (
      labels: [String: Any], warnings: [String]
    ) {
      let run = try DisEvalProcess(
        [
          "fid", "--ckpt", DisEvalProcess.checkpoint, "--num", "20", "--sampler", "ddim", "--steps",
          "2",
        ]
          + ["--weights", DisEvalProcess.extractor, "--ref", reference, "--json"] + options)
      #expect(run.status == 0, "\(run.errors)")
      let provenance = try #require(run.json()["provenance"] as? [String: Any])
      let warnings = try #require(provenance["warnings"] as? [String])
      return (
        try #require(provenance["labels"] as? [String: Any]),
        warnings.filter { $0.hasPrefix("labels ") }
      )
    }
    let (three, warnings) = try labels("--labels", "3")
    #expect(three["counts"] as? [Int] == [0, 0, 0, 20, 0, 0, 0, 0, 0, 0])
    #expect(three["distinct"] as? Int == 1 && three["classes"] as? Int == 10)
    #expect(warnings.count == 1 && warnings.first?.contains("class 3 alone") == true, "\(warnings)")
    let balanced = try labels("--labels", "balanced")
    #expect(balanced.labels["smallest"] as? Int == 2 && balanced.warnings.isEmpty)
    let uniform = try labels()
    #expect((uniform.labels["counts"] as? [Int])?.reduce(0, +) == 20 && uniform.warnings.isEmpty)
    let file = folder.path("l.npy")
    try NPYArray(integers: (0..<20).map { $0 < 19 ? 1 : 2 }, shape: [20]).write(to: file)
    #expect(try labels("--labels", file).warnings.first?.contains("2 of 10 classes") == true)

    // A run that is merged says the same.
    let run = folder.path("run")
    let direct = try provenance(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--num", "20", "--sampler", "ddim", "--steps",
      "2",
      "--ref", DisEvalProcess.statistics, "--labels", "3", "--run", run)
    #expect(try canonical(direct) == canonical(provenance("merge", run)))

    // Statistics of images with labels record them.
    let (images, statistics) = (folder.path("three.npz"), folder.path("stats.npz"))
    _ = try self.run(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "20", "--sampler", "ddim", "--steps",
      "2",
      "--labels", "3", "--out", images)
    _ = try self.run(
      "stats", "make", "--images", images, "--weights", DisEvalProcess.extractor, "--out",
      statistics)
    for reference in [images, statistics] {
      #expect(try labels("--labels", "3", reference: reference).warnings.isEmpty)
      let other = try labels(reference: reference).warnings
      #expect(other.first?.contains("has 1 of 4 classes, 0 to 20 images each") == true, "\(other)")
    }
  }
}
