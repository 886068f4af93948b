import GenerativeMetrics

/// How often intervals contain what they are for, and how often the gate errs on pairs and other seeds.
struct IntervalTables {
  static let dimension = 64
  static let ratios = [2.5, 5, 25]
  static let bases: [(name: String, model: Model)] = [
    ("near", .near), ("far", .far), ("zero", .zero),
  ]

  /// The scored samples of one repeat: of the three models, and of the models that are compared with the first
  /// two, on the same noise.
  private struct Repeat: Sendable {
    var first: [ScoredSamples] = []
    var seconds: [[ScoredSamples]] = []
  }

  /// All repeats of a family and a number of samples.
  private struct Cell {
    let family: Family
    let ratio: Double
    let repeats: [Repeat]
    let world: World

    /// The samples of a model that is compared with a base.
    func samples(_ base: Int, second: Int) -> [ScoredSamples] {
      repeats.map { $0.seconds[base][second] }
    }

    func samples(_ base: Int) -> [ScoredSamples] { repeats.map { $0.first[base] } }
  }

  private var cells: [Cell] = []
  private let count: Int

  init(_ settings: Settings) async throws {
    count = settings.repeats
    for family in Family.allCases {
      let world = try World(family, dimension: Self.dimension)
      for ratio in Self.ratios {
        let samples = Int(ratio * Double(Self.dimension))
        let repeats = try await repeated(settings.repeats, threads: settings.threads) { index in
          var draws = Draws(seed: settings.seed, "intervals \(family) \(samples)", index)
          let noise = PairedNoise(world, count: samples, &draws)
          var result = Repeat()
          for base in Self.bases.indices {
            let model = Self.bases[base].model
            result.first.append(try ScoredSamples(noise.features(of: model), world.reference))
            guard base < 2 else { continue }
            result.seconds.append(
              try model.seconds.map {
                try ScoredSamples(noise.features(of: $0.model, isSecond: true), world.reference)
              })
          }
          return result
        }
        cells.append(Cell(family: family, ratio: ratio, repeats: repeats, world: world))
      }
    }
  }

  // MARK: Intervals

  func printCoverage() throws {
    print("### The interval of the value\n")
    try printCoverage("twenty groups") { samples, _ in
      let mean = samples.map(\.value).mean
      return (
        share(of: samples) {
          MetricEstimate($0.value, $0.influence.summary).interval().contains(mean)
        },
        share(of: samples) {
          MetricEstimate($0.jackknife, of: .frechetDistance).interval().contains(mean)
        }
      )
    }
    print("### The interval of the debiased value\n")
    try printCoverage("twenty groups") { samples, truth in
      (
        share(of: samples) {
          MetricEstimate(
            $0.value, bias: $0.jackknife.bias, secondOrderBias: $0.jackknife.secondOrderBias,
            $0.influence.summary
          ).interval()
            .contains(truth)
        },
        share(of: samples) {
          MetricEstimate($0.jackknife, of: .frechetDistance, isDebiased: true).interval()
            .contains(truth)
        }
      )
    }
  }

  private func printCoverage(
    _ other: String, _ covered: ([ScoredSamples], Double) -> (Double, Double)
  ) throws {
    var table = Table(
      ["features"]
        + Self.bases.flatMap { base in Self.ratios.map { "\(base.name) \(digits($0, 1))" } })
    for family in Family.allCases {
      var rows: [[String]] = [["\(family.rawValue)"], ["\(family.rawValue), \(other)"]]
      for (base, named) in Self.bases.enumerated() {
        for cell in cells where cell.family == family {
          let result = covered(cell.samples(base), try cell.world.distance(of: named.model))
          rows[0].append(share(result.0))
          rows[1].append(share(result.1))
        }
      }
      rows.forEach { table.append($0) }
    }
    table.print()
  }

  /// Prints the coverage of all models and numbers of samples by the degrees of freedom of each set.
  func printWarning() throws {
    print("### By the degrees of freedom\n")
    let limits = [1, 5, 12, 20, 40, InfluenceSummary.fewDegreesOfFreedom, 100_001]
    let ranges = zip(limits, limits.dropFirst()).map { $0..<$1 }
    var table = Table(
      ["interval of"]
        + ranges.map {
          $0.upperBound > 100_000
            ? "ν ≥ \($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound - 1)"
        })
    var (value, debiased) = (
      [[Bool]](repeating: [], count: ranges.count), [[Bool]](repeating: [], count: ranges.count)
    )
    for cell in cells {
      for (base, named) in Self.bases.enumerated() {
        let samples = cell.samples(base)
        let (mean, truth) = (samples.map(\.value).mean, try cell.world.distance(of: named.model))
        for sample in samples {
          let summary = sample.influence.summary
          guard let range = ranges.firstIndex(where: { $0.contains(summary.degreesOfFreedom) })
          else { continue }
          value[range].append(MetricEstimate(sample.value, summary).interval().contains(mean))
          debiased[range].append(
            MetricEstimate(
              sample.value, bias: sample.jackknife.bias,
              secondOrderBias: sample.jackknife.secondOrderBias, summary
            ).interval().contains(
              truth))
        }
      }
    }
    table.append(["the value"] + value.map { share(share(of: $0) { $0 }) })
    table.append(["the debiased value"] + debiased.map { share(share(of: $0) { $0 }) })
    table.append(["sets"] + value.map { "\($0.count)" })
    table.print()
  }

  // MARK: Differences

  func printDifferences() throws {
    print("### Pairs at the border\n")
    try printBorders { try $0.paired(with: $1) }
    print("### Pairs at the border, with `plug_in`\n")
    try printBorders(plugIn: true) { try $0.paired(with: $1, plugIn: true) }
    print("### Other seeds at the border\n")
    // A candidate is compared with the baseline of the repeat before.
    try printBorders(offset: 1) { candidate, baseline in candidate.independent(of: baseline) }
    print("### Pairs: what is found\n")
    try printPower { try $0.paired(with: $1) }
    print("### Other seeds: what is found\n")
    try printPower(offset: 1) { candidate, baseline in candidate.independent(of: baseline) }
  }

  private func differences(
    _ cell: Cell, _ base: Int, _ second: Int, offset: Int,
    _ compare: (ScoredSamples, ScoredSamples) throws -> MetricDifference
  ) throws -> [MetricDifference] {
    let (candidates, baselines) = (cell.samples(base, second: second), cell.samples(base))
    return try candidates.indices.map {
      try compare(candidates[$0], baselines[($0 + offset) % baselines.count])
    }
  }

  /// Prints how often "worse" and "pass" are said if the true difference is the tolerance, and so should
  /// be said in 5 % of cases at most. With their biases, it is the difference of the mean values.
  private func printBorders(
    offset: Int = 0, plugIn: Bool = false,
    _ compare: (ScoredSamples, ScoredSamples) throws -> MetricDifference
  ) throws {
    var table = Table(
      ["features", "candidate"]
        + Self.bases.prefix(2).flatMap { base in Self.ratios.map { "\(base.name) \(digits($0, 1))" }
        }
        + ["highest"])
    for family in Family.allCases {
      for second in Model.near.seconds.indices {
        var row = [family.rawValue, Model.near.seconds[second].name]
        var highest = (0.0, 0.0)
        for (base, named) in Self.bases.prefix(2).enumerated() {
          for cell in cells where cell.family == family {
            let border =
              plugIn
              ? cell.samples(base, second: second).map(\.value).mean
                - cell.samples(base).map(\.value).mean
              : try cell.world.distance(of: named.model.seconds[second].model)
                - cell.world.distance(of: named.model)
            let tests = try differences(cell, base, second, offset: offset, compare)
            let (worse, pass) = (
              share(of: tests) { $0.isWorse(tolerance: border) },
              share(of: tests) { $0.passes(tolerance: border) }
            )
            row.append("\(share(worse)) / \(share(pass))")
            highest = (max(highest.0, worse), max(highest.1, pass))
          }
        }
        table.append(row + ["\(share(highest.0)) / \(share(highest.1))"])
      }
    }
    table.print()
  }

  /// Prints how often a shift is called worse, and how often the narrower model is called better, which is what
  /// "pass" says of a tolerance of 0.
  private func printPower(
    offset: Int = 0, _ compare: (ScoredSamples, ScoredSamples) throws -> MetricDifference
  ) throws {
    var table = Table(
      ["features", "candidate"]
        + Self.bases.prefix(2).flatMap { base in Self.ratios.map { "\(base.name) \(digits($0, 1))" }
        })
    for family in Family.allCases {
      for (second, isWorse) in [(2, true), (1, false)] {
        var row = [
          family.rawValue,
          isWorse ? "shift, called worse" : "5 % narrower, called better",
        ]
        for base in 0..<2 {
          for cell in cells where cell.family == family {
            let tests = try differences(cell, base, second, offset: offset, compare)
            row.append(
              share(
                share(of: tests) { isWorse ? $0.isWorse(tolerance: 0) : $0.passes(tolerance: 0) }))
          }
        }
        table.append(row)
      }
    }
    table.print()
  }

  /// Prints how often an equal model with other seeds is called worse, by how lucky the one draw of the
  /// baseline was.
  func printLuck() throws {
    print("### A lucky baseline\n")
    let parts: [(name: String, range: ClosedRange<Double>)] = [
      ("all", 0...1), ("luckiest tenth", 0...0.1), ("luckiest quarter", 0...0.25),
      ("middle half", 0.25...0.75), ("unluckiest quarter", 0.75...1),
    ]
    var table = Table(["features", "N / d"] + parts.map(\.name))
    for cell in cells where cell.ratio > 2.5 {
      let baselines = cell.samples(0).sorted { $0.debiased < $1.debiased }
      let candidates = cell.samples(0, second: 0)
      let rates = baselines.map { baseline in
        share(of: candidates) {
          $0.independent(of: baseline).isWorse(tolerance: 0)
        }
      }
      table.append(
        [cell.family.rawValue, digits(cell.ratio, 0)]
          + parts.map { part in
            let first = Int(part.range.lowerBound * Double(count))
            return share(
              Array(rates[first..<max(first + 1, Int(part.range.upperBound * Double(count)))]).mean)
          })
    }
    table.print()
  }
}
