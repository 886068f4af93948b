import Checkpoints
import Foundation
import Reporting
import Results
import Testing
import _TestSupport

/// `dis-eval rerun`, `gate --audit` and `gate --ckpt` of the demo's model.
@Suite("Evaluating again", .blocking) struct RerunCommandTests {
  private let folder: TemporaryFolder
  private let result: String

  private static let files = [
    "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics,
  ]

  init() throws {
    folder = try TemporaryFolder()
    result = folder.path("result.json")
    try evaluate(160, to: result)
  }

  private func evaluate(_ count: Int, to path: String, _ more: String...) throws {
    let run = try DisEvalProcess(
      ["fid", "--num", "\(count)", "--steps", "2", "--sampler", "dpm-solver++", "--out", path]
        + Self.files + more)
    #expect(run.status == 0, "\(run.errors)")
  }

  /// A result of 2.5 samples for each of the 128 features: a gate judges no distance of fewer.
  private func judged() throws -> String {
    let path = folder.path("judged.json")
    try evaluate(330, to: path)
    return path
  }

  private func rerun(_ arguments: String..., status: Int32) throws -> DisEvalProcess {
    let run = try DisEvalProcess(["rerun"] + arguments)
    #expect(run.status == status, "\(run.output) \(run.errors)")
    return run
  }

  private func gate(_ arguments: [String], status: Int32) throws -> DisEvalProcess {
    let run = try DisEvalProcess(["gate"] + arguments, environment: ["GITHUB_ACTIONS": ""])
    #expect(run.status == status, "\(run.output) \(run.errors)")
    return run
  }

  /// The result with a text of it replaced.
  private func forged(_ text: String, by other: String) throws -> String {
    let document = try String(contentsOfFile: result, encoding: .utf8)
    #expect(document.contains(text))
    let path = folder.path("forged.json")
    try Data(document.replacingOccurrences(of: text, with: other).utf8)
      .write(to: URL(fileURLWithPath: path))
    return path
  }

  private func document(_ path: String) throws -> [String: Any] {
    try #require(
      try jsonObject(Data(contentsOf: URL(fileURLWithPath: path)))
        as? [String: Any])
  }

  // MARK: - rerun

  @Test func theSameComesOutAgain() throws {
    let again = folder.path("again.json")
    let run = try rerun(result, "--out", again, "--threads", "1", status: 0)
    #expect(run.output.hasPrefix("identical: every image and number of"), "\(run.output)")
    for key in ["metrics", "skipped", "samples_sha256", "sample_digests", "provenance"] {
      #expect(try canonical(document(again)[key]) == canonical(document(result)[key]), "\(key)")
    }
    let comparison = try rerun(result, "--json", status: 0)
    #expect(try comparison.json()["outcome"] as? String == "identical")
    let violation = try violation(of: Array(comparison.output.utf8), by: .rerun)
    #expect(violation == nil, "\(violation ?? "")")
    // Too few for intervals, and none asked for.
    for (count, more) in [(8, "--quiet"), (24, "--no-intervals")] {
      let bare = folder.path("bare.json")
      try evaluate(count, to: bare, more)
      _ = try rerun(bare, "--out", again, status: 0)
      #expect(try canonical(document(again)["metrics"]) == canonical(document(bare)["metrics"]))
    }
    _ = try rerun(result, "--out", again, status: 0)
    // What came out is a result itself.
    _ = try rerun(
      again, "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics, status: 0)
  }

  @Test func otherInstructionsAgree() throws {
    let json = try rerun(result, "--kernels", "scalar", "--json", status: 0).json()
    let outcome = json["outcome"] as? String
    #expect(outcome == "agrees" || outcome == "identical")
    let numbers = try #require(json["numbers"] as? [[String: Any]])
    #expect(numbers.map { $0["name"] as? String }.contains("fd interval low"))
    // A number that other instructions do not explain: nobody can say.
    var odd = try document(result)
    var metrics = try #require(odd["metrics"] as? [String: [String: Any]])
    metrics["fd"]?["value"] = 1
    odd["metrics"] = metrics
    let off = folder.path("off.json")
    try JSONSerialization.data(withJSONObject: odd).write(to: URL(fileURLWithPath: off))
    #expect(
      try rerun(off, "--kernels", "scalar", status: outcome == "identical" ? 65 : 3).output
        .contains("cannot say"))
    #expect(try rerun(off, status: 65).output.hasPrefix("differs:"))
  }

  @Test func anotherSeedDiffers() throws {
    let run = try rerun(try forged("\"seed\" : 0", by: "\"seed\" : 1"), status: 65)
    #expect(run.output.hasPrefix("differs:") && run.output.contains("images: recorded sha256"))
  }

  @Test func labelsOfAFileAreReadAgain() throws {
    let labels = (0..<12).map { $0 % 10 }
    func file(_ name: String, _ labels: [Int]) throws -> String {
      try Data(NPYArray(integers: labels.map { Int64($0) }, shape: [labels.count]).serialized())
        .write(to: URL(fileURLWithPath: folder.path(name)))
      return folder.path(name)
    }
    let path = folder.path("labelled.json")
    let run = try DisEvalProcess(
      ["fid", "--num", "12", "--steps", "3", "--labels", file("labels.npy", labels), "--out", path]
        + Self.files)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try rerun(path, status: 0).output.hasPrefix("identical"))
    #expect(try gate([path, "--audit", "3"], status: 0).output.contains("pass: samples audit"))
    let moved = try file("moved.npy", labels)
    try FileManager.default.removeItem(atPath: folder.path("labels.npy"))
    #expect(try rerun(path, status: 66).errors.contains("labels.npy"))
    #expect(try rerun(path, "--labels", moved, status: 0).output.hasPrefix("identical"))
    let others = try file("others.npy", labels.reversed())
    #expect(try rerun(path, "--labels", others, status: 65).errors.contains("OtherLabels"))
  }

  @Test func imagesAreScoredAgain() throws {
    let (images, path) = (folder.path("images.npz"), folder.path("images.json"))
    for arguments in [
      [
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "30", "--steps", "4", "--out",
        images,
      ],
      [
        "fid", "--images", images, "--ref", DisEvalProcess.statistics, "--dialect", "all", "--out",
        path,
      ],
    ] {
      let run = try DisEvalProcess(arguments)
      #expect(run.status == 0, "\(run.errors)")
    }
    let json = try rerun(path, "--json", status: 0).json()
    #expect(json["outcome"] as? String == "identical")
    let names = (json["numbers"] as? [[String: Any]])?.compactMap { $0["name"] as? String } ?? []
    #expect(names.contains("edm: fd") && names.contains("pytorch-fid: fd"))
    // The statistics' mean is in float64, that of these dialects in float32.
    #expect(!names.contains("torch-fidelity: fd") && !names.contains("tf: fd"))
    try FileManager.default.moveItem(atPath: images, toPath: folder.path("moved.npz"))
    #expect(try rerun(path, status: 66).errors.contains("--images"))
    _ = try rerun(path, "--images", folder.path("moved.npz"), status: 0)
    let one = folder.path("one.json")
    let run = try DisEvalProcess(
      "fid", "--images", folder.path("moved.npz"), "--ref", DisEvalProcess.statistics, "--out", one)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      try gate([one, "--audit", "4"], status: 3).output.contains("no samples were made"))
  }

  @Test func whatIsNotOfTheResultIsRefused() throws {
    func refused(_ arguments: String..., status: Int32, code: String) throws {
      let run = try DisEvalProcess(["rerun"] + arguments)
      #expect(run.status == status && run.errors.contains(code), "\(run.status) \(run.errors)")
    }
    let other = DisEvalProcess.file("scripts/train_demo/fashion-dis.pt")
    try refused(result, "--ckpt", other, status: 65, code: "OtherCheckpoint")
    let converted = folder.path("other.npz")
    let made = try DisEvalProcess(
      "stats", "convert", DisEvalProcess.statistics, "--out", converted, "--keep-features", "1")
    #expect(made.status == 0, "\(made.errors)")
    try refused(result, "--ref", converted, status: 65, code: "OtherReference")
    try refused(
      result, "--ref", DisEvalProcess.file("reference_stats/fashion-mnist-train.json"), status: 65,
      code: "UnsupportedFormat")
    try refused(result, "--weights", DisEvalProcess.checkpoint, status: 65, code: "NotAnExtractor")
    try refused(result, "--images", folder.path(""), "--ckpt", other, status: 64, code: "--ckpt")
    try refused(folder.path("none.json"), status: 66, code: "NotFound")
    try refused(DisEvalProcess.statistics, status: 65, code: "ResultInvalid")
    try refused(
      try forged("\"name\" : \"dpm-solver++\"", by: "\"name\" : \"euler\""), status: 65,
      code: "RequestInvalid")
    try refused(
      try forged(DisEvalProcess.checkpoint, by: "/nowhere"),
      status: 66, code: "InputUnknown")
    try refused(result, "--out", folder.path("no/such.json"), status: 73, code: "no/such.json")
  }

  // MARK: - Audit

  @Test func anAuditTellsWhetherSamplesAreThoseOfTheCheckpoint() throws {
    #expect(
      try gate([result, "--audit", "8"], status: 0).output
        .contains("pass: samples audit: 8 regenerated samples are identical"))
    // All of fewer, and beside a limit.
    #expect(
      try gate([judged(), "--audit", "1000", "--max", "cs=100"], status: 0).output
        .contains("330 regenerated samples"))
    let junit = folder.path("gate.xml")
    let seed = try forged("\"seed\" : 0", by: "\"seed\" : 1")
    let run = try gate([seed, "--audit", "8", "--junit", junit, "--json"], status: 1)
    #expect(run.output.contains("\"kind\" : \"audit\""))
    let violation = try violation(of: Array(run.output.utf8), by: .gate)
    #expect(violation == nil, "\(violation ?? "")")
    #expect(
      try String(contentsOfFile: junit, encoding: .utf8)
        .contains("<failure type=\"worse\" message=\"8 of 8 regenerated samples differ"))
    // One sample's digest is another: an audit of all finds it.
    let digests = try #require(document(result)["sample_digests"] as? String)
    let changed = (digests.hasPrefix("AAAA") ? "BBBB" : "AAAA") + digests.dropFirst(4)
    #expect(
      try gate([forged(digests, by: changed), "--audit", "160"], status: 1).output
        .contains("1 of 160 regenerated samples differ, the first is 0"))
    #expect(
      try gate([forged(digests, by: String(digests.dropLast(4))), "--audit", "2"], status: 65)
        .errors
        .contains("ResultInvalid"))
    // Results of 0.3.0 and before have no digests; a key of another name is refused.
    #expect(
      try gate([forged("\"sample_digests\" : \"\(digests)\",", by: ""), "--audit", "2"], status: 3)
        .output.contains("does not record its samples"))
    #expect(
      try gate([forged("sample_digests", by: "sample_others"), "--audit", "2"], status: 65)
        .errors.contains("'sample_others' is not a key of a result"))
  }

  @Test func anAuditOnOtherInstructionsCannotSay() throws {
    let seed = try forged("\"seed\" : 0", by: "\"seed\" : 1")
    let run = try gate([seed, "--audit", "4", "--kernels", "scalar"], status: 3)
    #expect(run.output.contains("choose the kernels with --kernels"), "\(run.output)")
  }

  // MARK: - A checkpoint

  @Test func aCheckpointIsEvaluatedAsTheBaselineWas() throws {
    let (baseline, kept) = (folder.path("base.json"), folder.path("kept.json"))
    let result = try judged()
    _ = try gate([result, "--update-baseline", baseline, "--reason", "first"], status: 0)
    let arguments = Self.files + ["--baseline", baseline]
    let run = try gate(arguments + ["--keep-result", kept], status: 0)
    #expect(run.output.hasPrefix("pass: \(kept) against \(baseline)"), "\(run.output)")
    for key in ["metrics", "samples_sha256"] {
      #expect(try canonical(document(kept)[key]) == canonical(document(result)[key]), "\(key)")
    }
    // The same weights in another file: the same samples, another checkpoint.
    let pickled = try gate(
      ["--ckpt", DisEvalProcess.file("scripts/train_demo/fashion-dis.pt")]
        + arguments.dropFirst(2), status: 0)
    #expect(
      pickled.output.contains("no difference, standard error 0 (paired)"), "\(pickled.output)")
    for options in [
      ["--num", "9"], ["--steps", "3"], ["--dialect", "tf"], ["--precision", "bf16"],
    ] {
      #expect(try gate(arguments + options, status: 64).errors.contains("is evaluated with the"))
    }
    #expect(
      try gate(["--ckpt", DisEvalProcess.checkpoint, "--baseline", baseline], status: 64).errors
        .contains("Give the baseline's reference 'fashion-mnist-train.npz' with --ref"))
    _ = try gate(
      Self.files + ["--update-baseline", baseline, "--reason", "again"], status: 0)
  }

  @Test func aCheckpointIsEvaluatedAsTheOptionsSay() throws {
    let options = Self.files + ["--num", "330", "--steps", "2", "--sampler", "dpm-solver++"]
    #expect(try gate(options + ["--max", "fd=1000"], status: 0).output.contains("keeps max 1000"))
    #expect(try gate(options + ["--max", "fd=1"], status: 1).output.contains("is above max 1"))
    #expect(
      try gate(options + ["--min", "sfid=0"], status: 3).output.contains("sfid min"))
  }

  @Test func whatContradictsItselfIsRefused() throws {
    func refused(_ arguments: [String], _ text: String) throws {
      #expect(try gate(arguments, status: 64).errors.contains(text), "\(arguments)")
    }
    try refused(["--max", "fd=1"], "Give a result, or --ckpt")
    try refused([result, "--ckpt", DisEvalProcess.checkpoint, "--max", "fd=1"], "need --audit")
    try refused(
      [result, "--num", "9", "--max", "fd=1"], "need --ckpt or --generator without a result")
    try refused(
      [result, "--steps", "9", "--max", "fd=1"], "need --ckpt or --generator without a result")
    try refused(
      [result, "--keep-result", "x", "--max", "fd=1"], "need --ckpt or --generator without a result"
    )
    try refused([result, "--audit", "0"], "expected at least 1")
    try refused(["--ckpt", "x", "--audit", "3", "--max", "fd=1"], "--audit needs a result")
    try refused(["--ckpt", "x", "--max", "fd=1"], "Give --preset, or --ref")
    try refused(
      ["--ckpt", "x", "--ref", "y", "--dialect", "all", "--max", "fd=1"], "--dialect all")
    try refused(
      ["--ckpt", "x", "--ref", "y", "--num", "1", "--max", "fd=1"], "expected at least 2")
  }
}

/// Results that no evaluation writes, through everything that evaluates again.
@Suite("Odd results", .blocking) struct OddResultTests {
  private let folder: TemporaryFolder
  private let result: String

  private static let files = [
    "--ckpt", DisEvalProcess.checkpoint, "--ref", DisEvalProcess.statistics,
  ]

  init() throws {
    folder = try TemporaryFolder()
    result = folder.path("result.json")
    let run = try DisEvalProcess(
      ["fid", "--num", "6", "--steps", "2", "--sampler", "ddim", "--out", result] + Self.files)
    #expect(run.status == 0, "\(run.errors)")
  }

  private static func document(_ path: String) throws -> [String: Any] {
    try #require(
      try jsonObject(Data(contentsOf: URL(fileURLWithPath: path)))
        as? [String: Any])
  }

  /// Values that no evaluation writes: each verb says what is wrong, and none does what they ask.
  @Test(arguments: [
    ("num", "-1"), ("num", "0"), ("num", "1e300"), ("num", "null"), ("dialect", "\"none\""),
    ("respacing", "\"1000001\""), ("respacing", "\"\""), ("labels", "\"-3\""), ("labels", "\"99\""),
    ("labels", "\"labels.npy\""), ("cfg_interval", "[5]"), ("cfg_interval", "[9, 2]"),
    ("cfg_interval", "[-7, 99999]"), ("cfg_scale", "-1"), ("cfg_scale", "1e308"), ("eta", "7"),
    ("prediction", "\"noise\""), ("precision", "\"int4\""), ("stream", "\"\""), ("seed", "-1"),
    ("key", "\"missing\""), ("preset", "\"none\""), ("interval", "[1]"), ("interval", "[9, 1, 4]"),
    ("provenance", "[]"), ("metrics", "{}"), ("sample_digests", "\"====\""), ("arguments", "[]"),
  ])
  func whatNoEvaluationWrites(key: String, value: String) throws {
    let replaced = try Self.replacing(key, by: value, in: Self.document(result))
    let path = folder.path("odd.json")
    try JSONSerialization.data(withJSONObject: replaced, options: .sortedKeys)
      .write(to: URL(fileURLWithPath: path))
    for arguments in [
      ["rerun", path], ["gate", path, "--audit", "2"], ["gate", "--baseline", path] + Self.files,
    ] {
      let run = try DisEvalProcess(arguments)
      #expect([0, 1, 3, 64, 65, 66, 78].contains(run.status), "\(arguments) \(run.status)")
      #expect(run.status < 64 || run.errors.contains("dis-eval: error: "), "\(run.errors)")
    }
  }

  /// A document with every value of a key replaced, or added to the sampler where it has none.
  private static func replacing(
    _ key: String, by value: String, in document: [String: Any]
  ) throws -> [String: Any] {
    let value = try jsonObject(Data(value.utf8))
    var found = false
    func visit(_ node: Any) -> Any {
      guard let object = node as? [String: Any] else { return node }
      return Dictionary(
        uniqueKeysWithValues: object.map { name, child in
          found = found || name == key
          return (name, name == key ? value : visit(child))
        })
    }
    var replaced = visit(document) as? [String: Any] ?? [:]
    if !found, var provenance = replaced["provenance"] as? [String: Any] {
      for part in ["sampler", "checkpoint"] {
        guard var object = provenance[part] as? [String: Any] else { continue }
        object[key] = value
        provenance[part] = object
      }
      provenance[key] = value
      replaced["provenance"] = provenance
    }
    return replaced
  }
}
