import GenerativeMetrics

/// How often each damage is found with each number of samples, and how many samples find it in 80 % of cases.
struct Power {
  /// A candidate that is compared with a baseline of the same noise and with one of other noise.
  struct Trial: Sendable {
    let paired: [String: Bool]
    let independent: [String: Bool]
    /// The debiased distances of the candidate and its baseline.
    let distances: (candidate: Double, baseline: Double)

    init(_ candidate: Scores, baseline: Scores, other: Scores) throws {
      paired = try candidate.worse(than: baseline, paired: true)
      independent = try candidate.worse(than: other, paired: false)
      distances = (candidate.distance.debiased, baseline.distance.debiased)
    }
  }

  /// The trials of one damage and one number of samples.
  struct Cell {
    let damage: String
    let samples: Int
    let trials: [Trial]
  }

  let names: [String]
  let cells: [Cell]

  /// Prints the shares of trials that are called worse, as `pairs / other seeds`, and the samples needed.
  func print() {
    let damages = cells.reduce(into: [String]()) { list, cell in
      if !list.contains(cell.damage) { list.append(cell.damage) }
    }
    for name in names {
      let counts = Set(cells.filter { $0.trials.first?.paired[name] != nil }.map(\.samples))
        .sorted()
      Swift.print("#### \(name)\n")
      var table = Table(
        ["damage"] + (name == Scores.distance ? ["distance"] : [])
          + counts.map { "\($0)" } + ["80 %, pairs", "80 %, other seeds"])
      for damage in damages {
        let own = counts.compactMap { count in
          cells.first { $0.damage == damage && $0.samples == count }
        }
        let paired = own.map { cell in
          (Double(cell.samples), share(of: cell.trials) { $0.paired[name] ?? false })
        }
        let independent = own.map { cell in
          (Double(cell.samples), share(of: cell.trials) { $0.independent[name] ?? false })
        }
        var row = [damage]
        if name == Scores.distance, let last = own.last {
          let baseline = last.trials.map(\.distances.baseline).mean
          let change = last.trials.map(\.distances.candidate).mean / baseline - 1
          row.append("\(change >= 0 ? "+" : "")\(digits(100 * change, 1)) %")
        }
        row += zip(paired, independent).map { "\(share($0.1)) / \(share($1.1))" }
        row += [paired, independent].map { damage == Damage.none.rawValue ? "" : needed($0) }
        table.append(row)
      }
      table.print()
    }
  }

  /// Returns the number of samples with a power of 80 %, from the powers at some numbers.
  ///
  /// For a difference δ with the standard error s / √N, the power at the level 5 % is Φ(δ √N / s - 1.645). Each
  /// power therefore gives √N at 80 %; the two on both sides of 80 % are interpolated. Beyond the numbers that
  /// were simulated, the nearest one is extrapolated up to a factor of ten.
  private func needed(_ powers: [(samples: Double, power: Double)]) -> String {
    guard let last = powers.last, let first = powers.first else { return "" }
    let target = normalQuantile(0.8)
    if first.power >= 0.8 { return "< \(Int(first.samples))" }
    if let index = powers.firstIndex(where: { $0.power >= 0.8 }) {
      let (below, above) = (powers[index - 1], powers[index])
      let (low, high) = (normalQuantile(below.power), normalQuantile(min(above.power, 0.998)))
      let part = (target - low) / (high - low)
      let root =
        below.samples.squareRoot()
        + part * (above.samples.squareRoot() - below.samples.squareRoot())
      return rounded(root * root)
    }
    let level = normalQuantile(1 - MetricDifference.alpha)
    let ratio = (target + level) / (normalQuantile(last.power) + level)
    guard last.power > 0.1, ratio * ratio < 10 else { return "> \(rounded(10 * last.samples))" }
    return "about \(rounded(ratio * ratio * last.samples))"
  }

  /// Returns the quantile of the normal distribution, which Student's t of many degrees of freedom has; for a
  /// share of 0, that of 0.2 %.
  private func normalQuantile(_ share: Double) -> Double {
    studentQuantile(min(max(share, 0.002), 0.998), degreesOfFreedom: 10_000)
  }

  /// Returns a number with two digits.
  private func rounded(_ value: Double) -> String {
    var unit = 1.0
    while value / unit >= 100 { unit *= 10 }
    return digits((value / unit).rounded() * unit, 0)
  }
}

extension Power {
  /// Simulates every damage of ``Mixture``.
  ///
  /// - Parameters:
  ///   - dimension: The number of features.
  ///   - counts: The numbers of samples, and whether metrics other than the distance are computed too.
  ///   - repeats: The number of repeats of the distance and of all metrics.
  init(
    dimension: Int, counts: [Int], isWhole: Bool, repeats: Int, _ settings: Settings
  ) async throws {
    let world = try Mixture(
      dimension: dimension, referenceCount: isWhole ? 2000 : 20, seed: settings.seed)
    var (cells, names): ([Cell], [String]) = ([], [])
    for count in counts {
      let found = try await repeated(repeats, threads: settings.threads) { index in
        var draws = Draws(seed: settings.seed, "power \(dimension) \(count) \(isWhole)", index)
        let (noise, other) = (
          world.noise(count: count, &draws), world.noise(count: count, &draws)
        )
        func scores(_ rows: [Float]) throws -> Scores {
          try Scores(rows, world.reference, compared: isWhole ? world.referenceRows : nil)
        }
        let (baseline, unpaired) = (
          try scores(world.baseline(noise)), try scores(world.baseline(other))
        )
        let trials = try Damage.allCases.map {
          try Trial(
            scores(world.candidate($0, noise)), baseline: baseline, other: unpaired)
        }
        return (trials, baseline.names)
      }
      names = found.first?.1 ?? []
      for (index, damage) in Damage.allCases.enumerated() {
        cells.append(
          Cell(damage: damage.rawValue, samples: count, trials: found.map { $0.0[index] }))
      }
    }
    (self.cells, self.names) = (cells, isWhole ? Array(names.dropFirst()) : names)
  }
}
