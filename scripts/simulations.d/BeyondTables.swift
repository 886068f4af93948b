import GenerativeMetrics

/// Prints cases beyond those of ``IntervalTables``: more features, a rare mode that few samples show, and a
/// reference that is itself a sample.
func printBeyond(_ settings: Settings) async throws {
  try await printWide(settings)
  try await printFewSamples(settings)
  try await printSampledReference(settings)
}

private func printWide(_ settings: Settings) async throws {
  print("### 256 features\n")
  printRepeats(settings.wideRepeats)
  let ratios = [2.5, 5]
  var table = Table(
    ["features"] + ratios.flatMap { ["value, \(digits($0, 1))", "debiased, \(digits($0, 1))"] })
  for family in Family.allCases {
    let world = try World(family, dimension: 256)
    var row = [family.rawValue]
    for ratio in ratios {
      let found = try await repeated(settings.wideRepeats, threads: settings.threads) { index in
        var draws = Draws(seed: settings.seed, "wide \(family) \(ratio)", index)
        let noise = PairedNoise(world, count: Int(ratio * 256), &draws)
        return try ScoredSamples(noise.features(of: .near), world.reference)
      }
      row += coverage(found, truth: try world.distance(of: .near)).map { share($0) }
    }
    table.append(row)
  }
  table.print()
}

/// Returns the coverage of the mean by the interval of the value, and of the truth by that of the debiased value.
private func coverage(_ samples: [ScoredSamples], truth: Double) -> [Double] {
  let mean = samples.map(\.value).mean
  return [
    share(of: samples) {
      MetricEstimate($0.value, $0.influence.summary).interval().contains(mean)
    },
    share(of: samples) {
      MetricEstimate(
        $0.value, bias: $0.jackknife.bias, secondOrderBias: $0.jackknife.secondOrderBias,
        $0.influence.summary
      ).interval()
        .contains(truth)
    },
  ]
}

private func printFewSamples(_ settings: Settings) async throws {
  print("### As few samples as features\n")
  printRepeats(settings.repeats)
  let counts = [48, 64, 96, 128]
  var table = Table(["features", "interval of"] + counts.map { "\($0)" })
  for family in Family.allCases {
    let world = try World(family, dimension: 64)
    var rows = [[family.rawValue, "the value"], [family.rawValue, "the debiased value"]]
    for count in counts {
      let found = try await repeated(settings.repeats, threads: settings.threads) { index in
        var draws = Draws(seed: settings.seed, "few \(family) \(count)", index)
        let noise = PairedNoise(world, count: count, &draws)
        return try ScoredSamples(noise.features(of: .near), world.reference)
      }
      let shares = coverage(found, truth: try world.distance(of: .near))
      rows[0].append(share(shares[0]))
      rows[1].append(share(shares[1]))
    }
    rows.forEach { table.append($0) }
  }
  table.print()
}

private func printSampledReference(_ settings: Settings) async throws {
  print("### A reference that is a sample\n")
  printRepeats(settings.repeats)
  let count = 1600
  let sizes = [count, 4 * count, 20 * count]
  var table = Table(["features", "exact reference"] + sizes.map { "\($0) samples" })
  for family in [Family.gaussian, .lognormal] {
    let world = try World(family, dimension: 64)
    let truth = try world.distance(of: .near)
    var row = [family.rawValue]
    for size in [0] + sizes {
      let found = try await repeated(settings.repeats, threads: settings.threads) { index in
        var draws = Draws(seed: settings.seed, "sampled \(family) \(size)", index)
        let rows = PairedNoise(world, count: count, &draws).features(of: .near)
        guard size > 0 else { return try ScoredSamples(rows, world.reference) }
        var samples = try GaussianAccumulator(dimension: world.dimension)
        try samples.append(
          rows: PairedNoise(world, count: size, &draws).features(of: .zero))
        return try ScoredSamples(rows, Reference(samples.statistics()))
      }
      let mean = digits(found.map(\.debiased).mean)
      row.append("\(share(coverage(found, truth: truth)[1])) (mean \(mean))")
    }
    table.append(row)
  }
  table.print()
}
