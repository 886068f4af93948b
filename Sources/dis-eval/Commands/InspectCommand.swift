import ArgumentParser
import DisEval
import Files
import Foundation

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Describes a checkpoint, weights, statistics, arrays, images or a run.",
    discussion: """
      Examples:
        dis-eval inspect model.pt
        dis-eval inspect reference_stats/fashion-mnist-train.npz --json
      """)

  @Argument(
    help: ArgumentHelp(
      "Any file that dis-eval reads, a folder of images, or the folder of a run.", valueName: "path"
    ))
  var file: String

  @Option(
    help: ArgumentHelp(
      "State dict of the checkpoint file, such as model or ema.ema_model. (default: the averaged "
        + "one, or the first)", valueName: "key"))
  var checkpointKey: String?

  @OptionGroup var backbone: BackboneOptions

  @Flag(help: "List every tensor.")
  var tensors = false

  @Flag(help: "Print the description as JSON.")
  var json = false

  func run() throws {
    let inspection = try Inspection(
      path: file, key: checkpointKey, backbone: try BackboneChoices(backbone.request))
    if json {
      try Terminal.result(inspection.json())
    } else {
      try Terminal.result(text(inspection))
    }
  }

  private func text(_ inspection: Inspection) -> String {
    var lines = ["\(escaped(inspection.file)): \(inspection.kind), \(inspection.format)"]
    func line(_ name: String, _ text: String?) {
      if let text { lines.append(Self.line(name, text)) }
    }
    line("content", inspection.summary.map { escaped(namingOptions($0)) })
    line("bytes", inspection.bytes.map(String.init))
    line("sha256", inspection.sha256)
    if let names = inspection.stateDicts, !names.isEmpty {
      line(
        "state dicts",
        names.map(escaped).joined(separator: ", ")
          + (inspection.key.map { " (shown: \(escaped($0)))" } ?? ""))
    }
    line("prefix", inspection.prefix.map { "\(escaped($0)), taken off all names" })
    for (name, value) in (inspection.metadata ?? [:]).sorted(by: { $0.key < $1.key }) {
      line("metadata", "\(escaped(name)): \(escaped(value))")
    }
    if let inert = inspection.inertClasses, !inert.isEmpty {
      line("inert classes", inert.map(escaped).joined(separator: ", "))
    }
    line("architecture", inspection.architecture.map(escaped))
    lines += modelLines(inspection) + decoderLines(inspection.decoder)
    line("parameters", inspection.parameters.map(String.init))
    line("tensors", inspection.tensors.map { "\($0.count)" })
    lines += recordLines(inspection.record)
    if tensors {
      for tensor in inspection.tensors ?? [] {
        lines.append("    \(escaped(tensor.name)) \(tensor.type) \(tensor.shape)")
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func line(_ name: String, _ text: String) -> String {
    "  " + column(name, 14) + text
  }

  private func modelLines(_ inspection: Inspection) -> [String] {
    var lines: [String] = []
    func line(_ name: String, _ text: String) { lines.append(Self.line(name, text)) }
    if let model = inspection.model {
      line("variant", model.variant)
      line(
        "model",
        "\(model.imageSide)x\(model.imageSide)x\(model.channels), patch \(model.patchSize), width "
          + "\(model.embedDim), depth \(model.depth), "
          + (model.heads.map { "\($0) heads, " } ?? "")
          + (model.numClasses.map { "\($0) classes" } ?? "unconditional")
          + ", learned sigma \(model.learnSigma ? "yes" : "no"), skips "
          + (model.skip ? "yes" : "no")
          + (model.conditioning == nil ? "" : ", label added to the time"))
    }
    if let decided = inspection.decidedBy, !decided.isEmpty {
      line(
        "decided by",
        decided.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
          .joined(separator: ", "))
    }
    if let model = inspection.model, let macs = model.gmacs {
      line("forward pass", String(format: "%.3f GFLOP per image", model.gflops))
      line("as in papers", String(format: "%.3f, which are billions of multiply-adds", macs))
    }
    if let compute = inspection.compute {
      line(
        "forward pass",
        String(
          format:
            "%.3f GFLOP per image: projections %.3f, skips %.3f, ends %.3f, convolutions %.3f, "
            + "scans %.3f", compute.total, compute.projections, compute.skips, compute.ends,
          compute.convolutions, compute.scans))
      line(
        "as in papers",
        String(
          format: "%.3f GFLOP, as thop counts, without the mixers (%.1f times smaller)",
          compute.thop, compute.total / compute.thop))
      line(
        "by tokens",
        compute.byLength.map {
          String(format: "%d: %.4g (transformer %.4g)", $0.tokens, $0.gflops, $0.transformerGflops)
        }.joined(separator: ", ") + " GFLOP")
    }
    return lines
  }

  private func decoderLines(_ decoder: Inspection.Decoder?) -> [String] {
    guard let decoder else { return [] }
    let blocks = decoder.blockChannels.map(String.init).joined(separator: ", ")
    return [
      Self.line(
        "decoder",
        "latents with \(decoder.latentChannels) channels to images with \(decoder.imageChannels), "
          + "\(decoder.pixelsPerLatent) times as wide; blocks with \(blocks) channels, "
          + "\(decoder.resnetsPerBlock) residual blocks each"),
      Self.line("decode", String(format: "%.3f GFLOP for 256x256 pixels", decoder.gflops256)),
    ]
  }

  private func recordLines(_ record: StatisticsRecord?) -> [String] {
    guard let record else { return [] }
    let dataset = record.dataset.map { " of \($0.name)" + ($0.split.map { " \($0)" } ?? "") }
    let floor = record.floor.map { "\($0.value) (\($0.data), \($0.count) images)" }
    return [
      Self.line(
        "made from",
        "\(record.count.map(String.init) ?? "unknown") images\(dataset ?? "") by \(record.tool)"),
      Self.line(
        "extractor", "\(record.extractor.name), sha256 \(record.extractor.sha256 ?? "unknown")"),
      floor.map { Self.line("floor", $0) },
    ].compactMap(\.self)
  }
}
