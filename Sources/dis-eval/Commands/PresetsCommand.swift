import ArgumentParser
import DisEval
import Results

struct PresetsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "presets",
    abstract: "Shows the settings that the presets of fid and evaluate fix.",
    discussion: """
      Examples:
        dis-eval presets
        dis-eval fid --preset dis-s2-cifar10 --ckpt model.pt
      """)

  @Argument(help: "The name of a preset. (default: all)")
  var name: String?

  @Flag(help: "Print the settings as JSON.")
  var json = false

  func run() throws {
    let presets = try name.map { [try Preset(named: $0)] } ?? Preset.all
    if json { return try Terminal.result(encodedJSON(["presets": presets.map(document)])) }
    try Terminal.result(presets.map(text).joined(separator: "\n\n"))
  }

  private func document(_ preset: Preset) -> [String: String] {
    Dictionary(uniqueKeysWithValues: [("name", preset.name)] + preset.lines)
  }

  private func text(_ preset: Preset) -> String {
    let lines = preset.lines.map { "  \(column($0.name, 12))\($0.value)" }
    return ([preset.name] + lines).joined(separator: "\n")
  }
}
