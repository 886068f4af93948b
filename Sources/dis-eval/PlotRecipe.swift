import ArgumentParser
import Backbones
import DisEval
import Files
import Foundation
import Reporting

/// Figures of the DiS paper, and what its title promises.
enum PlotRecipe: String, CaseIterable, ExpressibleByArgument {
  case modelSize = "dis-model-size"
  case patchSize = "dis-patch-size"
  case skip = "dis-skip"
  case conditioning = "dis-conditioning"
  case depth = "dis-depth"
  case width = "dis-width"
  case sequenceLength = "sequence-length"

  /// What the lines differ by.
  var family: Setting? {
    switch self {
    case .modelSize: .variant
    case .patchSize: .patchSize
    case .skip: .skip
    case .conditioning: .conditioning
    case .depth: .depth
    case .width: .width
    case .sequenceLength: nil
    }
  }

  /// Settings that have to agree although the family frees them.
  var pinned: Set<Setting> { self == .modelSize ? [.patchSize] : [] }
}

/// The cost of a forward pass of DiS-S/2 by the number of tokens: counted for it and for the same
/// network of attention, and measured by `dis-eval bench`.
struct SequenceLengthCurves {
  /// Seconds of a pass by the number of tokens.
  var measured: [Int: Double] = [:]

  /// Takes the measurements of a `dis-eval bench --json`.
  ///
  /// - Throws: ``Failure`` `NoMeasurement` (65) when it has less than two lengths.
  mutating func add(benchmark path: String) throws {
    let file = try ReadableFile(path: path)
    struct Document: Decodable {
      struct Measurement: Decodable {
        let name: String
        let perSecond: Double
      }
      let schema: String
      let measurements: [Measurement]
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard file.size < 1 << 20 else {
      throw Failure(
        .dataRefused, "NoMeasurement", path, "\(file.size) bytes are more than measurements have")
    }
    let bytes = try file.bytes(at: 0, count: file.size)
    guard (try? checkUniqueKeys(bytes)) != nil,
      let document = try? decoder.decode(Document.self, from: Data(bytes)),
      document.schema.hasPrefix("dis-eval-benchmark/")
    else {
      throw Failure(
        .dataRefused, "NoMeasurement", path, "is no result of 'dis-eval bench --json'")
    }
    for entry in document.measurements where entry.perSecond > 0 {
      guard let tokens = Self.lengths[entry.name] else { continue }
      measured[tokens] = 1 / entry.perSecond
    }
    guard measured.count > 1 else {
      throw Failure(
        .dataRefused, "NoMeasurement", path,
        "expected two at least of \(Self.lengths.keys.sorted().joined(separator: ", ")); measure with "
          + "'dis-eval bench --json --only dis-s2 --only dis-s2-1025 --only dis-s2-4097'")
    }
  }

  private static let lengths = ["dis-s2": 257, "dis-s2-1025": 1025, "dis-s2-4097": 4097]

  func plot(title: String?) -> Plot {
    let model = DiSConfiguration.small
    let lengths = (6...14).map { 1 << $0 }
    let first = 257
    let isRelative = !measured.isEmpty
    func points(_ cost: (Int) -> Double) -> [Plot.Point] {
      lengths.map { length in
        Plot.Point(
          "\(length)", x: Double(length),
          y: isRelative ? cost(length) / cost(first) : cost(length) / 1e9)
      }
    }
    var series = [
      Plot.Series(
        "attention, counted",
        points: points { model.transformerProducts(patches: $0 - model.extraTokens) },
        isCounted: true),
      Plot.Series(
        "DiS, counted", points: points { model.cost(patches: $0 - model.extraTokens).total },
        isCounted: true),
    ]
    var notes = [
      "DiS-S/2 (width 368, 25 blocks); attention: the same network with a transformer's blocks, products only."
    ]
    if let seconds = measured[first] ?? measured.min(by: { $0.key < $1.key })?.value {
      let base = measured[first] == nil ? measured.keys.min() ?? first : first
      let scale =
        model.cost(patches: base - model.extraTokens).total
        / model.cost(patches: first - model.extraTokens).total
      let points = measured.map { tokens, time in
        Plot.Point("\(tokens)", x: Double(tokens), y: scale * time / seconds)
      }
      let law = try? PowerLaw(points.map { ($0.x, $0.y) })
      series.append(Plot.Series("DiS, measured", points: points))
      if let law {
        notes.append(
          "Measured time grows with tokens to the power of \(String(format: "%.3f", law.exponent))."
        )
      }
    }
    return Plot(
      title ?? "Cost of a forward pass by sequence length",
      x: Plot.Axis("Tokens", isLogarithmic: true),
      y: Plot.Axis(
        isRelative ? "Relative to \(first) tokens" : "GFLOP (a multiply-add is 2)",
        isLogarithmic: true),
      series: series, notes: notes)
  }
}
