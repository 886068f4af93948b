import Foundation
import Testing
import _TestSupport

/// Transformers on the command line: everything that a DiS can do.
@Suite("Backbones", .blocking) struct BackboneCommandTests {
  private let folder: TemporaryFolder
  /// A SiT and a U-ViT of 28 x 28 grey pixels and ten classes, with seeded weights.
  private let sit: String
  private let uvit: String

  init() throws {
    folder = try TemporaryFolder()
    (sit, uvit) = (folder.path("sit.safetensors"), folder.path("uvit.safetensors"))
    try Self.write(Self.tensorsOfSiT(channels: 1, patch: 14), to: sit)
    let d = 64
    var blocks: [(String, [Int])] = []
    for name in ["in_blocks.0", "mid_block", "out_blocks.0"] {
      blocks += [
        ("\(name).norm1.weight", [d]), ("\(name).norm1.bias", [d]),
        ("\(name).norm2.weight", [d]), ("\(name).norm2.bias", [d]),
        ("\(name).attn.qkv.weight", [3 * d, d]), ("\(name).attn.proj.weight", [d, d]),
        ("\(name).attn.proj.bias", [d]), ("\(name).mlp.fc1.weight", [d, d]),
        ("\(name).mlp.fc1.bias", [d]), ("\(name).mlp.fc2.weight", [d, d]),
        ("\(name).mlp.fc2.bias", [d]),
      ]
    }
    try Self.write(
      [
        ("pos_embed", [1, 6, d]), ("patch_embed.proj.weight", [d, 1, 14, 14]),
        ("patch_embed.proj.bias", [d]), ("label_emb.weight", [11, d]), ("norm.weight", [d]),
        ("norm.bias", [d]), ("decoder_pred.weight", [196, d]), ("decoder_pred.bias", [196]),
        ("out_blocks.0.skip_linear.weight", [d, 2 * d]), ("out_blocks.0.skip_linear.bias", [d]),
      ] + blocks, to: uvit)
  }

  /// The tensors of a SiT with four tokens.
  private static func tensorsOfSiT(channels: Int, patch: Int) -> [(String, [Int])] {
    let rows = channels * patch * patch
    let d = 64
    var block: [(String, [Int])] = []
    for name in ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2", "adaLN_modulation.1"] {
      let height = ["attn.qkv": 3 * d, "adaLN_modulation.1": 6 * d][name] ?? d
      block += [("blocks.0.\(name).weight", [height, d]), ("blocks.0.\(name).bias", [height])]
    }
    return [
      ("pos_embed", [1, 4, d]), ("x_embedder.proj.weight", [d, channels, patch, patch]),
      ("x_embedder.proj.bias", [d]), ("t_embedder.mlp.0.weight", [d, 256]),
      ("t_embedder.mlp.0.bias", [d]), ("t_embedder.mlp.2.weight", [d, d]),
      ("t_embedder.mlp.2.bias", [d]), ("y_embedder.embedding_table.weight", [11, d]),
      ("final_layer.linear.weight", [rows, d]), ("final_layer.linear.bias", [rows]),
      ("final_layer.adaLN_modulation.1.weight", [2 * d, d]),
      ("final_layer.adaLN_modulation.1.bias", [2 * d]),
    ] + block
  }

  private static func write(_ tensors: [(String, [Int])], to path: String) throws {
    var random = SeededGenerator(seed: 7)
    let made = tensors.map { name, shape in
      let values = random.floats(shape.reduce(1, *), scale: 0.1)
      return SyntheticTensor(key: name, shape: shape) { values }
    }
    try writeSafetensors(made, to: URL(fileURLWithPath: path))
  }

  private func fid(_ arguments: String...) throws -> DisEvalProcess {
    try DisEvalProcess(
      ["fid", "--ref", DisEvalProcess.statistics, "--num", "40", "--seed", "3"] + arguments)
  }

  private func document(_ path: String) throws -> [String: Any] {
    try #require(
      try jsonObject(Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
  }

  // MARK: Latents

  @Test func latentsOfATransformerAreDecodedJudgedAndShown() throws {
    let (latent, decoder) = (folder.path("latent.safetensors"), folder.path("decoder.safetensors"))
    try Self.write(Self.tensorsOfSiT(channels: 4, patch: 7), to: latent)
    try SyntheticDecoder(
      seed: 41, latentChannels: 4, blocks: [32, 32], resnets: 1, imageChannels: 1
    ).write(to: decoder)
    let (result, page) = (folder.path("latent.json"), folder.path("latent.html"))
    let scored = try fid(
      "--ckpt", latent, "--decoder", decoder, "--backbone", "sit", "--sampler", "flow-euler",
      "--steps", "4", "--run", folder.path("run"), "--out", result)
    #expect(scored.status == 0, "\(scored.errors)")
    let provenance = try #require(try document(result)["provenance"] as? [String: Any])
    #expect(provenance["decoder"] != nil)
    #expect(try DisEvalProcess("rerun", result).output.hasPrefix("identical"))
    // 40 samples of 128 features decide nothing.
    let judged = try DisEvalProcess("gate", result, "--max", "fd=1e9")
    #expect(judged.status == 3, "\(judged.errors)")
    let shown = try DisEvalProcess("report", result, "--out", page)
    #expect(shown.status == 0, "\(shown.errors)")
    #expect(try String(contentsOfFile: page, encoding: .utf8).contains("flow-euler"))
  }

  // MARK: Recognition

  @Test func whatNothingDecidesIsAsked() throws {
    let unknown = try fid("--ckpt", sit)
    #expect(unknown.status == 64 && unknown.errors.contains("--backbone dit or --backbone sit"))
    let classes = try fid("--ckpt", uvit)
    #expect(classes.status == 64 && classes.errors.contains("--null-class 10 or --no-null-class"))
    let both = try fid("--ckpt", uvit, "--null-class", "10", "--no-null-class")
    #expect(both.status == 64 && both.errors.contains("exclude each other"))
    let wrong = try fid("--ckpt", sit, "--backbone", "uvit")
    #expect(wrong.status == 64 && wrong.errors.contains("BackboneMismatch"))
    let shown = try DisEvalProcess("inspect", sit)
    #expect(shown.status == 0 && shown.output.contains("--backbone dit or --backbone sit"))
    let decided = try DisEvalProcess("inspect", sit, "--backbone", "sit")
    #expect(decided.output.contains("backbone: option") && decided.output.contains("1 heads"))
    let program = try DisEvalProcess(
      "sample", "--generator", "true", "--backbone", "sit", "--out", folder.path("none"))
    #expect(program.status == 64, "\(program.errors)")
  }

  @Test func samplersThatDoNotFitAreRefusedWithThoseThatDo() throws {
    let flow = try fid("--ckpt", sit, "--backbone", "sit")
    #expect(flow.status == 64, "\(flow.errors)")
    for part in ["SamplerMismatch", "--sampler ddpm", "flow-euler", "flow-sde-heun"] {
      #expect(flow.errors.contains(part), "\(flow.errors)")
    }
    let vp = try fid("--ckpt", uvit, "--null-class", "10", "--sampler", "dpm-solver++-fast")
    #expect(vp.status == 64 && vp.errors.contains("vp-sde"), "\(vp.errors)")
    for arguments in [
      ["--sampler", "flow-dopri5", "--steps", "20"], ["--diffusion", "sigma"],
      ["--sampler", "flow-sde", "--diffusion", "sbdm"],
      ["--sampler", "flow-euler", "--steps", "1"], ["--sampler", "flow-euler", "--clip"],
      ["--sampler", "flow-sde", "--last-step-size", "2"],
    ] {
      let refused = try DisEvalProcess(
        ["sample", "--ckpt", sit, "--backbone", "sit", "--out", folder.path("none")] + arguments)
      #expect(refused.status == 64, "\(arguments): \(refused.errors)")
    }
  }

  @Test func aModelWithoutALabelForNoClassIsNotGuided() throws {
    let guided = try fid(
      "--ckpt", uvit, "--no-null-class", "--sampler", "dpm-solver-fast", "--steps", "3",
      "--cfg-scale", "2")
    #expect(guided.status == 64 && guided.errors.contains("UnconditionalModel"))
    let label = try fid("--ckpt", uvit, "--no-null-class", "--labels", "11")
    #expect(label.status == 65 && label.errors.contains("no label stands for no class"))
  }

  // MARK: Results

  /// What decided stands in the result, and a result is repeated from it.
  @Test(
    "are sampled, resumed and repeated",
    arguments: [
      ["flow-euler", "--steps", "4"], ["flow-heun", "--steps", "3"], ["flow-dopri5"],
      ["flow-sde", "--steps", "4", "--diffusion", "linear", "--last-step", "tweedie"],
      ["flow-sde-heun", "--steps", "3"], ["vp-sde", "--steps", "4"], ["vp-ode", "--steps", "4"],
      ["dpm-solver-fast", "--steps", "5", "--cfg-scale", "1.4", "--cfg-interval", "0,0.9"],
      ["dpm-solver++", "--steps", "4", "--cfg-scale", "2"],
    ])
  func everySampler(sampler: [String]) throws {
    let isFlow = sampler[0].hasPrefix("flow")
    let model =
      ["--ckpt", isFlow ? sit : uvit]
      + (isFlow ? ["--backbone", "sit"] : ["--null-class", "10"]) + ["--sampler"] + sampler
    let (plain, kept) = (folder.path("plain.json"), folder.path("kept.json"))
    let first = try DisEvalProcess(
      ["fid", "--ref", DisEvalProcess.statistics, "--num", "40", "--out", plain] + model)
    #expect(first.status == 0, "\(first.errors)")
    // In units, shared by two processes, one after the other.
    let run = ["--run", folder.path("run"), "--unit", "8", "--threads", "1"]
    for shard in ["0/2", "1/2"] {
      let part = try DisEvalProcess(
        ["fid", "--ref", DisEvalProcess.statistics, "--num", "40", "--shard", shard] + model + run)
      #expect([0, 75].contains(part.status), "\(part.errors)")
    }
    let merged = try DisEvalProcess("merge", folder.path("run"), "--out", kept)
    #expect(merged.status == 0, "\(merged.errors)")
    let (a, b) = (try document(plain), try document(kept))
    #expect(try canonical(a["metrics"]) == canonical(b["metrics"]))
    #expect(a["samples_sha256"] as? String == b["samples_sha256"] as? String)
    let checkpoint = (a["provenance"] as? [String: Any])?["checkpoint"] as? [String: Any]
    let decided = checkpoint?["decided_by"] as? [String: String]
    #expect(decided?[isFlow ? "backbone" : "null_class"] == "option")
    let again = try DisEvalProcess(
      "rerun", plain, "--ckpt", isFlow ? sit : uvit, "--ref", DisEvalProcess.statistics)
    #expect(again.status == 0 && again.output.hasPrefix("identical"), "\(again.errors)")
  }

  /// Two families in one list, with the same sampler, seeds and settings.
  @Test func aListOfTwoFamilies() throws {
    let list = folder.path("list.csv")
    try "checkpoint,family\n\(DisEvalProcess.checkpoint),DiS\n\(uvit),U-ViT\n"
      .write(toFile: list, atomically: true, encoding: .utf8)
    let out = folder.path("sweep")
    let sweep = try DisEvalProcess(
      "sweep", "--list", list, "--ref", DisEvalProcess.statistics, "--num", "40", "--out", out,
      "--sampler", "dpm-solver++", "--steps", "3", "--cfg-scale", "2", "--null-class", "10")
    #expect(sweep.status == 0, "\(sweep.errors)")
    let entries = try String(contentsOfFile: "\(out)/ledger.jsonl", encoding: .utf8)
      .split(separator: "\n").compactMap { line in
        try jsonObject(Data(line.utf8)) as? [String: Any]
      }
    #expect(entries.count == 2)
    for entry in entries {
      let gflops = entry["gflops"] as? [String: Any]
      let isDiS = entry["family"] as? String == "DiS"
      #expect((gflops?["thop"] is Double) == isDiS && (gflops?["macs"] is Double) != isDiS)
      #expect(entry["parameters"] is Int && entry["tokens"] is Int)
    }
  }
}
