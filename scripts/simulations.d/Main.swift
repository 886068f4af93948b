import Foundation

/// Makes the tables of `docs/intervals.md` and `docs/power.md`, which `scripts/simulations` runs.
@main struct Simulations {
  static func main() async throws {
    var settings = Settings()
    var tables: [String] = []
    var words = CommandLine.arguments.dropFirst()
    while let word = words.popFirst() {
      switch word {
      case "--repeats": settings.repeats = number(words.popFirst())
      case "--wide-repeats": settings.wideRepeats = number(words.popFirst())
      case "--threads": settings.threads = number(words.popFirst())
      case "--seed": settings.seed = UInt64(number(words.popFirst()))
      case "--rows": settings.rows = words.popFirst()
      default: tables.append(word)
      }
    }
    for table in tables { try await make(table, settings) }
  }

  private static func make(_ table: String, _ settings: Settings) async throws {
    switch table {
    case "intervals":
      printRepeats(settings.repeats)
      let tables = try await IntervalTables(settings)
      try tables.printCoverage()
      try tables.printWarning()
      try tables.printDifferences()
      try tables.printLuck()
    case "beyond": try await printBeyond(settings)
    case "constructed": try await printConstructedCase(settings)
    case "optimum": try await printOptimum(settings)
    case "power-64", "power-64-rows":
      let isWhole = table == "power-64-rows"
      printRepeats(settings.repeats)
      try await Power(
        dimension: 64, counts: isWhole ? [1000, 3200] : [320, 1000, 3200, 10_000],
        isWhole: isWhole, repeats: settings.repeats, settings
      ).print()
    case "power-512":
      printRepeats(settings.wideRepeats)
      try await Power(
        dimension: 512, counts: [1280, 5120], isWhole: false, repeats: settings.wideRepeats,
        settings
      ).print()
    case "demo-intervals":
      printRepeats(settings.repeats)
      try await DemoRows.printIntervals(folder(settings), settings)
    case "demo-power", "demo-power-rows":
      let isWhole = table == "demo-power-rows"
      printRepeats(settings.repeats)
      try await DemoRows.power(
        folder(settings), counts: isWhole ? [1000, 3200] : [320, 1000, 3200], isWhole: isWhole,
        settings
      ).print()
    case "training-seeds": try await printTrainingSeeds(settings)
    case "command-rows": try await CommandRows.write(to: folder(settings), settings)
    default: refuse("there is no table '\(table)'")
    }
  }

  private static func folder(_ settings: Settings) -> String {
    guard let rows = settings.rows else { refuse("this table needs --rows") }
    return rows
  }

  private static func number(_ word: String?) -> Int {
    guard let number = word.flatMap({ Int($0) }), number > 0 else {
      refuse("'\(word ?? "")' is not a number from 1")
    }
    return number
  }

  private static func refuse(_ message: String) -> Never {
    FileHandle.standardError.write(Data("simulations: \(message)\n".utf8))
    exit(64)
  }
}

/// Prints the number of repeats and how precise it makes the shares of a table.
func printRepeats(_ repeats: Int) {
  let error = (0.05 * 0.95 / Double(repeats)).squareRoot()
  let half = 0.5 / Double(repeats).squareRoot()
  print(
    "\(repeats) repeats; the standard error of a share of .05 or .95 is \(share(error)), that of .5 "
      + "is \(share(half)).\n")
}
