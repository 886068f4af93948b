import Foundation
import Results
import Testing
import _TestSupport

/// What a command asks for: how it is given, and that it stands in the result.
@Suite("Requests", .blocking) struct RequestTests {
  private let folder: TemporaryFolder
  private let images: String

  init() throws {
    folder = try TemporaryFolder()
    images = folder.path("images.npz")
    let run = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "30", "--steps", "3", "--sampler",
      "dpm-solver++", "--out", images)
    #expect(run.status == 0, "\(run.errors)")
  }

  private func document(_ path: String) throws -> [String: Any] {
    try #require(
      try jsonObject(Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
  }

  private func write(_ document: [String: Any], _ name: String) throws -> String {
    let path = folder.path(name)
    try JSONSerialization.data(withJSONObject: document).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func twoPathsAreImagesAndReference() throws {
    let (short, long) = (folder.path("short.json"), folder.path("long.json"))
    for arguments in [
      [images, DisEvalProcess.statistics, "--out", short],
      ["--images", images, "--ref", DisEvalProcess.statistics, "--out", long],
    ] {
      let run = try DisEvalProcess(["fid"] + arguments)
      #expect(run.status == 0, "\(run.errors)")
    }
    let (a, b) = (try document(short), try document(long))
    for key in ["metrics", "provenance", "samples_sha256"] {
      #expect(try canonical(a[key]) == canonical(b[key]), "\(key)")
    }
    let requests = [a, b].map { ($0["run"] as? [String: Any])?["request"] }
    #expect(try canonical(requests[0]) == canonical(requests[1]))
    for paths in [
      [images], [images, images, images], [images, images, "--ref", images],
      [images, images, "--ckpt", images],
    ] {
      let run = try DisEvalProcess(["fid"] + paths)
      #expect(run.status == 64 && run.errors.contains("expected two"), "\(run.errors)")
    }
  }

  @Test func everythingThatIsMissingIsNamedAtOnce() throws {
    let cache = ["XDG_CACHE_HOME": folder.path("cache")]
    let run = try DisEvalProcess(
      ["fid", "--images", folder.path("none"), "--ref", "cifar10-edm"], environment: cache)
    #expect(run.status == 66, "\(run.errors)")
    for part in ["InputsMissing: '3 inputs'", "none", "cifar10-edm", "WeightsUnavailable"] {
      #expect(run.errors.contains(part), "\(part): \(run.errors)")
    }
    let two = try DisEvalProcess(["fid", images, "cifar10-edm"], environment: cache)
    #expect(two.status == 69 && two.errors.contains("'2 inputs'"), "\(two.errors)")
    // What is refused is not among what is missing.
    let refused = try DisEvalProcess(
      ["fid", "--ckpt", images, "--ref", "cifar10-edm"], environment: cache)
    #expect(refused.status == 65 && !refused.errors.contains("InputsMissing"))
  }

  /// A result of 0.5.0 has no request: it is put together from the arguments.
  @Test(arguments: ["checkpoint", "images"])
  func aResultWithoutRequestIsRepeated(kind: String) throws {
    let path = folder.path("new.json")
    let subject =
      kind == "images"
      ? ["--images", images, "--no-recursive"]
      : ["--ckpt", DisEvalProcess.checkpoint, "--num", "12", "--steps", "3"]
    let run = try DisEvalProcess(
      ["fid", "--ref", DisEvalProcess.statistics, "--out", path] + subject)
    #expect(run.status == 0, "\(run.errors)")
    var old = try document(path)
    var part = try #require(old["run"] as? [String: Any])
    let request = part.removeValue(forKey: "request")
    old["run"] = part
    let migrated = try EvaluationResult(contentsOf: write(old, "old.json")).request
    let current = try EvaluationResult(contentsOf: path).request
    var expected = current
    // The command names no dialect and no number of images; the result does.
    (expected.dialect, expected.num) = (migrated.dialect, migrated.num)
    #expect(migrated == expected && request is [String: Any])
    #expect(migrated.dialect == "pytorch-fid" && migrated.num == (kind == "images" ? 30 : 12))
    let again = try DisEvalProcess("rerun", folder.path("old.json"))
    #expect(again.status == 0 && again.output.hasPrefix("identical"), "\(again.errors)")
  }

  @Test func inspectKnowsDocumentsAndSaysWhyAModelIsNotRead() throws {
    let path = folder.path("result.json")
    let run = try DisEvalProcess("fid", images, DisEvalProcess.statistics, "--out", path)
    #expect(run.status == 0, "\(run.errors)")
    let shown = try DisEvalProcess("inspect", path)
    #expect(
      shown.status == 0 && shown.output.contains("document, dis-eval-result/1")
        && shown.output.contains("result of an evaluation"), "\(shown.output)")
    let other = folder.path("other.safetensors")
    try Data(SafetensorsText.oneTensor).write(to: URL(fileURLWithPath: other))
    let model = try DisEvalProcess("inspect", other)
    #expect(
      model.status == 0 && model.output.contains("no model that is read: "), "\(model.output)")
  }

  @Test func resultsOfSeveralSeedsAreExportedAndReported() throws {
    let path = folder.path("repeats.json")
    let run = try DisEvalProcess(
      "fid", "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, "--num",
      "12", "--steps", "3", "--repeats", "2", "--out", path)
    #expect(run.status == 0, "\(run.errors)")
    let table = try DisEvalProcess("export", path, "--format", "csv")
    #expect(table.status == 0, "\(table.errors)")
    #expect(table.output.split(whereSeparator: \.isNewline).count == 3, "\(table.output)")
    let page = folder.path("page.html")
    let report = try DisEvalProcess("report", path, "--out", page)
    #expect(report.status == 0, "\(report.errors)")
    #expect(try String(contentsOfFile: page, encoding: .utf8).contains("2 evaluations"))
    let plot = try DisEvalProcess(
      "plot", path, "--x", "sampling-compute", "--out", folder.path("figure.csv"))
    #expect(plot.status == 0, "\(plot.errors)")
  }
}

/// Files as text.
private enum SafetensorsText {
  /// One float32 of the name `weight`.
  static let oneTensor: [UInt8] = {
    let header = #"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init)
    return length + Array(header.utf8) + [0, 0, 128, 63]
  }()
}
