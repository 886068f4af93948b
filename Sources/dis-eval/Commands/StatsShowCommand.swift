import ArgumentParser
import DisEval
import Files
import Foundation
import GenerativeMetrics

extension StatsCommand {
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Describes a statistics file and what is known about it.",
      discussion: """
        Reads .npz files of pytorch-fid, TTUR, clean-fid, EDM, guided-diffusion and dgm-eval, \
        pickles of EDM2 and StyleGAN, and caches of torch-fidelity.

        Examples:
          dis-eval stats show VIRTUAL_imagenet256_labeled.npz
          dis-eval stats show cifar10-edm --json
        """)

    @Argument(help: "A file, or the name of fetched statistics.")
    var file: String

    @Option(
      help: ArgumentHelp(
        "The statistics to describe, in a file with those of several extractors, such as fd_dinov2. (default: those "
          + "of Inception)", valueName: "name"))
    var part: String?

    @Flag(help: "Print the description as JSON.")
    var json = false

    func run() throws {
      let description = try StatisticsDescription(reference: file, part: part)
      if json { return try Terminal.result(try description.json()) }
      try Terminal.result(text(description))
    }

    private func text(_ it: StatisticsDescription) -> String {
      var lines = ["\(escaped(it.file)): \(it.format)"]
      func line(_ name: String, _ text: String?) {
        lines.append(
          "  " + column(name, 14) + (text ?? "unknown"))
      }
      if let name = it.name { line("name", name) }
      if let parts = it.parts, let part = it.part {
        let others = parts.filter { $0 != part }.map(escaped)
        line(
          "part",
          escaped(part)
            + (others.isEmpty
              ? "" : "; the file also has \(others.joined(separator: ", ")), see --part"))
      }
      line("extractor", it.extractor.map(escaped))
      line("bytes", String(it.bytes))
      line("sha256", it.sha256)
      line("verified by", it.verifiedBy.isEmpty ? "nothing" : it.verifiedBy.joined(separator: ", "))
      line(
        "data", it.dataset.map { escaped([$0.name, $0.split ?? ""].joined(separator: " ")) })
      line("images", it.count.map(String.init))
      line("side", it.resolution.map(String.init))
      line("dialect", it.dialect?.rawValue)
      line("ddof", it.ddof.map(String.init))
      if let asserted = it.asserted {
        line("asserted", escaped(asserted.joined(separator: ", ")) + " (nothing confirms it)")
      }
      line("dimension", String(it.dimension))
      if let spatial = it.spatialDimension { line("spatial", "\(spatial) (sFID)") }
      if let crop = it.crop { line("squares", "as of \(crop)") }
      line("mean", "in \(it.meanPrecision.rawValue)")
      line("trace", "\(it.trace)")
      line("eigenvalues", it.eigenvalues.map { "\($0)" }.joined(separator: " to "))
      line("rank", "\(it.rank) of \(it.dimension)")
      line("condition", it.condition.map { String(format: "%.3g", $0) } ?? "singular")
      for array in it.arrays {
        line("array", "\(escaped(array.name)) \(array.type) \(array.shape)")
      }
      return lines.joined(separator: "\n")
    }
  }
}
