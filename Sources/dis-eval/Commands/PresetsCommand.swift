import ArgumentParser
import DisEval
import Results

struct PresetsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "presets",
    abstract: "Shows the settings that the presets of fid and evaluate fix.",
    discussion: """
      A preset of a model that dis-eval samples fixes sampling and scoring. With --images, every \
      preset fixes the scoring, and the result says in what the images depart from the published \
      evaluation and what they cannot show.

      Examples:
        dis-eval presets
        dis-eval fid --preset dis-s2-cifar10 --ckpt model.pt
        dis-eval fid --preset adm-g-u-imagenet256 --images samples.npz
      """)

  @Argument(help: "The name of a preset. (default: all)")
  var name: String?

  @Flag(help: "Print the settings as JSON.")
  var json = false

  func run() throws {
    let cards = try name.map { [try ProtocolCard(named: $0)] } ?? ProtocolCard.all
    if json { return try Terminal.result(encodedJSON(["presets": cards.map(document)])) }
    try Terminal.result(cards.map(text).joined(separator: "\n\n"))
  }

  /// Returns what a preset fixes: also the sampling, if its model can be sampled.
  private func lines(_ card: ProtocolCard) -> [(name: String, value: String)] {
    (try? Preset(named: card.name))?.lines ?? card.lines
  }

  private func document(_ card: ProtocolCard) -> [String: String] {
    Dictionary(uniqueKeysWithValues: [("name", card.name)] + lines(card))
  }

  private func text(_ card: ProtocolCard) -> String {
    let lines = lines(card).map { "  \(column($0.name, 12))\($0.value)" }
    return ([card.name] + lines).joined(separator: "\n")
  }
}
