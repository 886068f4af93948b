import Checkpoints
import DisEval
import Files
import Foundation
import GenerativeMetrics
import Results
import Sampling
import Tensors
import Testing
import Work
import _TestSupport

@Suite("Sweeps") struct SweepTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Writes a file and gives its path.
  @discardableResult
  private func write(_ text: String, _ name: String) throws -> String {
    let path = folder.path(name)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func checkpoints(_ names: String...) throws { for name in names { try write("", name) } }

  @Test(
    "training steps are read from names of three kinds, and from no other",
    arguments: [
      ("0400000.pt", 400_000), ("a/b/step-400000.pt", 400_000), ("ckpt_400k.pt", 400_000),
      ("dis-s2-step1000.safetensors", 1000), ("checkpoint=2m.pt", 2_000_000), ("0.pt", 0),
      ("fashion-dis.pt", nil), ("dis-s2.pt", nil), ("step-4-step-5.pt", nil), ("step-4x.pt", nil),
      ("laststep7.pt", nil), ("step-99999999999999999999.pt", nil), ("final.pt", nil),
      ("step-9300000000000000k.pt", nil),
    ])
  func steps(name: String, step: Int?) {
    #expect(SweepCheckpoint.step(inFileName: name) == step)
  }

  @Test func impossibleSweepsAreRefused() async throws {
    let samples = EvaluationRequest(sampling: "c.pt", SamplingSettings(), reference: "r")
    let images = EvaluationRequest(images: "i", reference: "r")
    for (template, repeats) in [(samples, 0), (samples, -1), (samples, 1001), (images, 1)] {
      var sweep = Sweep(folder: folder.path("sweep"), template: template)
      sweep.repeats = repeats
      let impossible = sweep
      let failure = await #expect(throws: Failure.self) { _ = try await impossible.report([]) }
      #expect(failure?.code == .settingOutOfRange)
    }
    /// An actor receives the rows without leaving its isolation.
    actor Rows {
      var rows: [SweepRow] = []
      func watch(_ sweep: Sweep) async throws {
        try await sweep.watch("a", every: .zero) { rows.append($0) }
      }
    }
    let sweep = Sweep(folder: folder.path("sweep"), template: samples)
    let failure = await #expect(throws: Failure.self) { try await Rows().watch(sweep) }
    #expect(failure?.code == .settingOutOfRange)
    #expect(!FileManager.default.fileExists(atPath: folder.path("sweep")))
  }

  /// A ledger gives back every number that was put into it.
  @Test func numbersOfALedger() throws {
    let doubles = doublesOfEveryKind(100_000, seed: 4)
    let scores = doubles.indices.map {
      #""m\#($0)": {"value": \#(doubles[$0]), "higher_is_better": false}"#
    }
    let path = try write(
      """
      {"schema": "dis-eval-ledger/1", "key": "k", "name": "n", \
      "metrics": {\(scores.joined(separator: ", "))}}
      """, "ledger.jsonl")
    var entry = try #require(try Ledger(path: path)["k"])
    for _ in 0..<2 {
      #expect(doubles.indices.allSatisfy { entry.metrics["m\($0)"]?.value == doubles[$0] })
      // Written by this version, and read again.
      var ledger = Ledger()
      try ledger.set(entry)
      entry = try #require(
        try Ledger(path: write(String(decoding: ledger.bytes, as: UTF8.self), "again.jsonl"))["k"])
    }
  }

  @Test func patterns() throws {
    try checkpoints("0000200.pt", "0000100.pt", "other.pt", "notes.txt")
    let found = try SweepCheckpoint.matching([folder.path("*.pt"), folder.path("other.pt")])
    #expect(found.map(\.name) == ["other", "0000100", "0000200"])
    #expect(found.map(\.training.step) == [nil, 100, 200])
    #expect(found[1].training.stepFrom == "file name" && !found[1].isListed)
    let failure = try #require(throws: Failure.self) {
      try SweepCheckpoint.matching([folder.path("*.pth")])
    }
    #expect(failure.status == .inputMissing && failure.code == .notFound)
  }

  @Test func aListAsTableAndAsJSON() throws {
    try checkpoints("a.pt", "0000100.pt")
    let table = try write(
      "\u{FEFF}checkpoint, name ,step,batch,data\r\n"
        + "a.pt,\"one, \"\"first\"\"\",1000,256,CIFAR-10\r\n\r\n0000100.pt,,,,\n", "list.csv")
    let json = try write(
      """
      [{"checkpoint": "a.pt", "name": "one, \\"first\\"", "step": 1000, "batch": 256,
        "data": "CIFAR-10"},
       {"checkpoint": "0000100.pt", "step": null}]
      """, "list.json")
    for path in [table, json] {
      let list = try SweepCheckpoint.list(path)
      #expect(list.map(\.path) == [folder.path("a.pt"), folder.path("0000100.pt")])
      #expect(list.map(\.name) == ["one, \"first\"", "0000100"])
      #expect(
        list[0].training
          == TrainingFacts(step: 1000, stepFrom: "list", batch: 256, data: "CIFAR-10"))
      #expect(list[1].training == TrainingFacts(step: 100, stepFrom: "file name"))
      #expect(list.map(\.isListed) == [true, true])
    }
  }

  @Test(
    "a list is refused with the line",
    arguments: [
      ("checkpoint,step\na.pt,x", 2, "ListInvalid", "step 'x': expected an integer"),
      ("checkpoint,step\n\na.pt,-1", 3, "ListInvalid", "step '-1'"),
      ("checkpoint,batch\na.pt,1.5", 2, "ListInvalid", "batch '1.5'"),
      ("checkpoint,images\na.pt,99999999999999999999", 2, "ListInvalid", "images"),
      ("checkpoint\na.pt\nnone.pt", 3, "NotFound", "none.pt"),
      ("checkpoint,name\na.pt,x\nb.pt,x", 3, "DuplicateName", "has the name 'x' too"),
      ("checkpoint\na.pt\na.pt", 3, "DuplicateName", "'a'"),
      ("checkpoint,name\na.pt", 2, "ListInvalid", "1 cells, the first line has 2"),
      ("checkpoint,colour\na.pt,red", 1, "ListInvalid", "unknown column 'colour'"),
      ("name\na", 1, "ListInvalid", "a column 'checkpoint'"),
      ("checkpoint,checkpoint\na.pt,a.pt", 1, "ListInvalid", "each column once"),
      ("checkpoint\n\"a.pt", 2, "ListInvalid", "does not end"),
      ("checkpoint\na\"b.pt", 2, "ListInvalid", "a quote within a cell"),
      ("checkpoint,name\n,x", 2, "ListInvalid", "names neither a checkpoint nor a generator"),
      (
        "checkpoint,generator,name\na.pt,g,x", 2, "ListInvalid",
        "names a checkpoint and a generator"
      ),
      ("generator\ng", 2, "ListInvalid", "a generator needs a name"),
      ("generator,name\ng 'h,x", 2, "ListInvalid", "a quote has no end"),
      ("checkpoint", 0, "ListInvalid", "lists no checkpoint"),
      ("", 0, "ListInvalid", "lists no checkpoint"),
      ("[]", 0, "ListInvalid", "lists no checkpoint"),
      (
        "[{\"checkpoint\": \"a.pt\", \"step\": 1, \"step\": 2}]", 0, "ListInvalid",
        "'step' occurs twice"
      ),
      ("[{\"checkpoint\": [1]}]", 0, "ListInvalid", "expected a JSON array"),
      ("[{\"checkpoint\": \"a.pt\", \"x\": 1}]", 0, "ListInvalid", "unknown key 'x'"),
      ("[{\"checkpoint\": \"a.pt\", \"step\": \"k\"}]", 0, "ListInvalid", "item 1"),
    ])
  func refusedLists(text: String, line: Int, code: String, detail: String) throws {
    try checkpoints("a.pt", "b.pt")
    let path = try write(text, "list.csv")
    let failure = try #require(throws: Failure.self) { try SweepCheckpoint.list(path) }
    #expect(failure.code.rawValue == code && failure.description.contains(detail), "\(failure)")
    #expect(failure.status == (code == "NotFound" ? .inputMissing : .dataRefused))
    if line > 0 { #expect(failure.subject.hasSuffix("list.csv:\(line)"), "\(failure)") }
  }

  @Test("the key changes with every setting that decides the result, and with no other")
  func keys() throws {
    typealias Change = (inout EvaluationRequest, inout CheckpointRequest) -> Void
    func key(
      _ change: Change = { _, _ in }, checkpoint: String = "c", seed: UInt64 = 0,
      reference: String = "r", extractor: String? = "e", named name: String = "inception-2015",
      network: String? = nil
    ) throws -> String {
      var sampled = CheckpointRequest(path: "", sampling: SamplingSettings().request)
      var request = EvaluationRequest(subject: .checkpoint(sampled), reference: "r")
      request.num = 100
      change(&request, &sampled)
      request.checkpoint = sampled
      var provenance = ExtractorProvenance(name: name, sha256: extractor, dimension: 2)
      provenance.network = network
      return try SweepKey(
        request, settings: SamplingSettings(sampled.sampling), decoder: nil, reference: reference,
        extractor: provenance
      ).text(checkpoint: checkpoint, seed: seed)
    }
    let labels = folder.path("labels.npy")
    try NPYArray(integers: [1, 2], shape: [2]).write(to: labels)
    let base = try key()
    let again = try key()
    #expect(base.count == 64 && base == again)
    var keys = [
      base, try key(checkpoint: "d"), try key(seed: 1), try key(reference: "s"),
      try key(extractor: "f"), try key(extractor: nil),
      // Tools compute different features with the same weights.
      try key(named: "dinov2-vit-l-14.edm2"), try key(named: "dinov2-vit-l-14.fdr"),
      try key(named: "unknown", network: "dinov2-vit-l-14.dgm-eval"),
    ]
    let changes: [Change] = [
      { $1.key = "model" }, { r, _ in r.num = 101 }, { $1.sampling.sampler = "ddim" },
      { $1.sampling.prediction = "v" }, { $1.sampling.respacing = "dpm50" },
      { $1.sampling.eta = 0.5 }, { $1.sampling.cfgScale = 2 },
      { $1.sampling.cfgInterval = [0, 500] }, { $1.sampling.cfgChannels = "first3" },
      { $1.sampling.clip = true }, { $1.sampling.labels = "balanced" },
      { $1.sampling.labels = "3" }, { $1.sampling.labels = labels },
      { $1.sampling.quantizer = "adm" }, { r, _ in r.precision = .bfloat16 },
      { r, _ in r.dialect = "clean" }, { r, _ in r.dialect = "tf" },
      { r, _ in r.referenceDialect = "tf" }, { r, _ in r.metrics = ["kid"] },
      { r, _ in r.optionalMetrics = ["fid"] }, { r, _ in r.allowsMismatch = true },
      { r, _ in r.intervals = false }, { r, _ in r.preset = Preset.all[0].name },
    ]
    for change in changes { keys.append(try key(change)) }
    #expect(Set(keys).count == keys.count)
    let others: [Change] = [
      { r, _ in r.reference = "elsewhere" }, { r, _ in r.weights = "elsewhere" },
      { $1.path = "elsewhere" }, { $1.sampling.seed = 5 },
    ]
    for change in others {
      let key = try key(change)
      #expect(key == base)
    }
  }

  /// A line of a ledger.
  private func line(
    _ key: String, name: String = "a", value: Double = 1.5, date: String = "2026-01-01T00:00:00Z",
    more: String = ""
  ) -> String {
    """
    {"date":"\(date)","key":"\(key)","metrics":{"fid":{"higher_is_better":false,"value":\(value)}},\
    "name":"\(name)",\(more)"schema":"dis-eval-ledger/1"}
    """
  }

  @Test func ledgersAreMergedAndKeepWhatTheyDoNotKnow() throws {
    let a = try Ledger(
      path: write(
        line("k2", name: "b") + "\n" + line("k1", more: "\"remark\":\"kept\",") + "\n", "a.jsonl"))
    var b = try Ledger(
      path: write(
        line("k3", name: "c") + "\n\n" + line("k2", name: "b2", date: "2026-02-01T00:00:00Z"),
        "b.jsonl"))
    var merged = a
    merged.merge(b)
    #expect(merged.entries.map(\.key) == ["k1", "k2", "k3"])
    #expect(merged["k2"]?.name == "b2", "the later evaluation counts")
    #expect(String(decoding: merged.bytes, as: UTF8.self).contains("\"remark\":\"kept\""))
    b.merge(a)
    #expect(b.bytes == merged.bytes, "in either order")
    // What git's merge=union makes of both is the same ledger.
    let union = try Ledger(
      path: write(String(decoding: b.bytes + a.bytes, as: UTF8.self), "union.jsonl"))
    #expect(union.bytes == merged.bytes)
    var entry = try #require(merged["k3"])
    try merged.set(entry)
    #expect(merged.bytes == b.bytes)
    entry.training = TrainingFacts(step: 7)
    try merged.set(entry)
    let again = try Ledger(path: write(String(decoding: merged.bytes, as: UTF8.self), "c.jsonl"))
    #expect(again["k3"] == entry && again.bytes == merged.bytes)
    #expect(merged.bytes.count(where: { $0 == 10 }) == 3)
  }

  @Test(
    "a ledger is refused with the line",
    arguments: [
      ("{\"schema\":\"dis-eval-ledger/1\"}", "LedgerInvalid", "'key'"),
      (
        "{\"key\":\"a\",\"metrics\":{\"fid\":{\"value\":1,\"value\":2}}}", "LedgerInvalid",
        "'metrics.fid': the key"
      ),
      ("x", "LedgerInvalid", ""),
      ("<<<<<<< HEAD", "LedgerConflict", "keep the lines of both sides"),
      ("=======", "LedgerConflict", ""), (">>>>>>> branch", "LedgerConflict", ""),
      ("||||||| base", "LedgerConflict", ""), ("LINE2", "LedgerInvalid", "dis-eval-ledger/2"),
      ("{\"key\":" + String(repeating: "[", count: 100_000), "LedgerInvalid", ""),
    ])
  func refusedLedgers(text: String, code: String, detail: String) throws {
    let second =
      text == "LINE2" ? line("k").replacingOccurrences(of: "ledger/1", with: "ledger/2") : text
    let path = try write(line("k") + "\n" + second + "\n", "ledger.jsonl")
    let failure = try #require(throws: Failure.self) { try Ledger(path: path) }
    #expect(failure.code.rawValue == code && failure.status == .dataRefused)
    #expect(
      failure.subject.hasSuffix("ledger.jsonl:2")
        && (detail.isEmpty || failure.detail.contains(detail)))
  }

  // MARK: - Exports

  /// Two seeds of one checkpoint with a hostile name, and another.
  private func exported() throws -> [LedgerEntry] {
    let common = """
      "checkpoint":"c/\\u0001.pt","dialect":"tf","family":"DiS-S/2","num":100,\
      "gflops":{"true":14.835,"thop":1.68},"parameters":28488008,"seconds":2.5,\
      "training":{"step":1000,"step_from":"list","data":"a,b"},
      """
    func sampler(_ seed: Int) -> String {
      """
      "sampler":{"name":"ddpm","steps":20,"evaluations":20,"eta":0,"cfg_scale":1.5,"seed":\(seed)},
      """
    }
    func flat(_ text: String) -> String { text.replacingOccurrences(of: "\n", with: "") }
    let name = "q\\\"\\\\\\n"
    let lines = [
      line("0123456789abcdef0", name: name, value: 12.5, more: flat(common + sampler(0))),
      line("1123456789abcdef0", name: name, value: 1e-7, more: flat(common + sampler(1))),
      line("2123456789abcdef0", name: "z").replacingOccurrences(
        of: "1.5}", with: "1.5,\"interval\":[1,2]}"),
    ]
    return try Ledger(path: write(lines.joined(separator: "\n"), "ledger.jsonl")).entries
  }

  @Test func openMetrics() throws {
    let name = "name=\"q\\\"\\\\\\n\",family=\"DiS-S/2\",dialect=\"tf\",num=\"100\""
    #expect(
      try ExportFormat.openmetrics.text(exported()) == """
        # TYPE dis_eval_metric gauge
        # HELP dis_eval_metric Score of generated images.
        dis_eval_metric{name="z",key="2123456789abcdef",metric="fid"} 1.5
        dis_eval_metric{\(name),seed="0",key="0123456789abcdef",metric="fid"} 12.5
        dis_eval_metric{\(name),seed="1",key="1123456789abcdef",metric="fid"} 1e-07
        # TYPE dis_eval_metric_low gauge
        # HELP dis_eval_metric_low Lower end of the interval of a score.
        dis_eval_metric_low{name="z",key="2123456789abcdef",metric="fid"} 1.0
        # TYPE dis_eval_metric_high gauge
        # HELP dis_eval_metric_high Upper end of the interval of a score.
        dis_eval_metric_high{name="z",key="2123456789abcdef",metric="fid"} 2.0
        # TYPE dis_eval_training_step gauge
        # HELP dis_eval_training_step Optimiser steps of the checkpoint.
        dis_eval_training_step{\(name),seed="0",key="0123456789abcdef"} 1000
        dis_eval_training_step{\(name),seed="1",key="1123456789abcdef"} 1000
        # TYPE dis_eval_duration_seconds gauge
        # UNIT dis_eval_duration_seconds seconds
        # HELP dis_eval_duration_seconds Wall time of the evaluation.
        dis_eval_duration_seconds{\(name),seed="0",key="0123456789abcdef"} 2.5
        dis_eval_duration_seconds{\(name),seed="1",key="1123456789abcdef"} 2.5
        # EOF

        """)
    #expect(try ExportFormat.openmetrics.text([]) == "# EOF\n")
  }

  /// For Swift, a quote and its mark are one character, as are the two scalars that end a line.
  @Test func aQuoteWithAMarkIsEscaped() throws {
    let name = "q\"\u{301}\r\n"
    let rows = try CommaSeparated.rows(CommaSeparated.line([name]), subject: "")
    #expect(rows.map(\.cells) == [[name]])
    let ledger = try write(
      line("0123456789abcdef0", name: "q\\\"\u{301}\\r\\n"), "ledger.jsonl")
    let text = try ExportFormat.openmetrics.text(try Ledger(path: ledger).entries)
    #expect(Array(text.utf8).firstRange(of: Array("name=\"q\\\"\u{301}\r\\n\"".utf8)) != nil)
  }

  @Test func commaSeparated() throws {
    let rest = "c/\u{1}.pt,1000,list,,\"a,b\",,28488008,,14.835,1.68,,ddpm,20,20,,1.5"
    #expect(
      try ExportFormat.csv.text(exported()) == """
        name,family,checkpoint,step,step_from,images_seen,data,training_gflops,parameters,tokens,\
        gflops_true,gflops_thop,gmacs,sampler,steps,evaluations,network_evaluations,cfg_scale,seed,num,dialect,extractor,\
        reference,fid,fid_low,fid_high,fid_bias,fid_debiased,fid_debiased_low,fid_debiased_high,seconds,date,tool,key
        z,,,,,,,,,,,,,,,,,,,,,,,1.5,1.0,2.0,,,,,,2026-01-01T00:00:00Z,,2123456789abcdef0
        "q""\\
        ",DiS-S/2,\(rest),0,100,tf,,,12.5,,,,,,,2.5,2026-01-01T00:00:00Z,,0123456789abcdef0
        "q""\\
        ",DiS-S/2,\(rest),1,100,tf,,,1e-07,,,,,,,2.5,2026-01-01T00:00:00Z,,1123456789abcdef0

        """)
  }

  @Test func dvc() throws {
    let entries = try exported()
    #expect(
      try ExportFormat.dvc.text(entries) == """
        {
          "q\\"\\\\\\n-seed-0" : {
            "fid" : 12.5,
            "num" : 100
          },
          "q\\"\\\\\\n-seed-1" : {
            "fid" : 1e-07,
            "num" : 100
          },
          "z" : {
            "fid" : 1.5,
            "fid_high" : 2,
            "fid_low" : 1
          }
        }

        """)
    #expect(
      try ExportFormat.dvc.text([entries[1]]) == "{\n  \"fid\" : 12.5,\n  \"num\" : 100\n}\n")
  }

  /// Times that no evaluation takes must not end the process.
  @Test(arguments: ["1e300", "-1e300", "-5"])
  func mlflowOfAnImpossibleTime(seconds: String) throws {
    let path = try write(line("k", more: "\"seconds\":\(seconds),"), "ledger.jsonl")
    let store = folder.path("mlruns")
    try exportMLflow(try Ledger(path: path).entries, to: store)
    let files = try FileManager.default.subpathsOfDirectory(atPath: store)
    let run = try #require(files.first { $0.hasSuffix("/meta.yaml") && $0.count > 40 })
    let lines = try String(contentsOfFile: "\(store)/\(run)", encoding: .utf8).split(
      separator: "\n")
    func number(_ key: String) -> Substring? {
      lines.first { $0.hasPrefix(key) }?.dropFirst(key.count)
    }
    #expect(number("start_time") != nil && number("start_time") == number("end_time"))
  }

  @Test func mlflow() throws {
    let store = folder.path("mlruns")
    try exportMLflow(try exported(), to: store)
    try exportMLflow(try exported(), to: store)
    let files = try FileManager.default.subpathsOfDirectory(atPath: store)
      .filter { !$0.hasSuffix("artifacts") && $0.contains(".") || $0.contains("/metrics/") }
    #expect(files.count { $0.hasSuffix("meta.yaml") } == 4, "an experiment and three runs")
    #expect(files.count { $0.hasSuffix("metrics/fid") } == 3)
    func content(_ path: String) throws -> String {
      try String(contentsOfFile: "\(store)/\(path)", encoding: .utf8)
    }
    let values = try files.filter { $0.hasSuffix("metrics/fid") }.map(content)
    #expect(
      values.sorted() == [
        "1767225600000 1.5 0\n", "1767225600000 12.5 1000\n", "1767225600000 1e-07 1000\n",
      ])
    for path in files where path.hasSuffix("meta.yaml") {
      let yaml = try content(path)
      #expect(yaml.contains("lifecycle_stage: \"active\"\n"))
      if yaml.contains("seed-0") { #expect(yaml.contains("run_name: \"q\\\"\\\\\\n-seed-0\"\n")) }
    }
    #expect(throws: Failure.self) { try ExportFormat.mlflow.text([]) }
  }
}
