import GenerativeMetrics

/// Prints how often a candidate with a distance that is 25 % larger is called worse, in pairs of 2.5 samples
/// for each of 512 features.
func printConstructedCase(_ settings: Settings) async throws {
  let world = try World(.gaussian, dimension: 512)
  let repeats = min(settings.wideRepeats, 40)
  print()
  var table = Table(["candidate", "distance", "called worse", "the same with other seeds"])
  for (name, base) in [("further off", Model.far), ("further off", .near), ("wider", .far)] {
    let distance = try world.distance(of: base)
    var model = base
    // A quarter more, by bisection of the shift or of the spread.
    var (low, high) = (0.0, 1.0)
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if name == "wider" {
        model.scale = base.scale + middle
      } else {
        model.shift = base.shift + middle
      }
      if try world.distance(of: model) < 1.25 * distance { low = middle } else { high = middle }
    }
    let candidate = model
    let tests = try await repeated(repeats, threads: settings.threads) { index in
      var draws = Draws(seed: settings.seed, "constructed", index)
      let noise = PairedNoise(world, count: 1280, &draws)
      let other = PairedNoise(world, count: 1280, &draws)
      let scored = try ScoredSamples(noise.features(of: candidate, isSecond: true), world.reference)
      let baseline = try ScoredSamples(noise.features(of: base), world.reference)
      let unpaired = try ScoredSamples(other.features(of: base), world.reference)
      return (
        try scored.paired(with: baseline)
          .isWorse(tolerance: Scores.tolerance * abs(baseline.debiased)),
        scored.independent(of: unpaired)
          .isWorse(tolerance: Scores.tolerance * abs(unpaired.debiased))
      )
    }
    table.append([
      name, "\(digits(distance)) to \(digits(try world.distance(of: candidate)))",
      "\(tests.count { $0.0 }) of \(repeats)", "\(tests.count { $0.1 }) of \(repeats)",
    ])
  }
  table.print()
}

/// Prints the spread of a model at which its expected distance is smallest, for the distance of N samples and
/// for the debiased one.
///
/// The distance of samples that are multiplied by s is a polynomial of degree 2 in s, so three spreads give it.
func printOptimum(_ settings: Settings) async throws {
  let wide = max(2, settings.wideRepeats / 10)
  print(
    "The mean of \(settings.repeats) repeats with 64 features, of \(wide) with 512, and its standard error.\n"
  )
  var table = Table(["features", "N / d", "the distance", "the debiased distance"])
  for (dimension, ratios, repeats) in [
    (64, [2.5, 5, 10, 25], settings.repeats),
    (512, [2.5, 5, 10], wide),
  ] {
    let world = try World(.gaussian, dimension: dimension)
    for ratio in ratios {
      let count = Int(ratio * Double(dimension))
      let found = try await repeated(repeats, threads: settings.threads) { index in
        var draws = Draws(seed: settings.seed, "optimum \(count)", index)
        let noise = PairedNoise(world, count: count, &draws)
        return try [0.9, 1, 1.1].map {
          try ScoredSamples(noise.features(of: Model(shift: 0, scale: $0)), world.reference)
        }
      }
      func optimum(_ value: (ScoredSamples) -> Double) -> String {
        let spreads = found.map { samples -> Double in
          let y = samples.map(value)
          return 1 + 0.05 * (y[0] - y[2]) / (y[0] - 2 * y[1] + y[2])
        }
        let error = spreads.deviation / Double(spreads.count).squareRoot()
        return "\(digits(spreads.mean, 4)) ± \(digits(error, 4))"
      }
      table.append([
        "\(dimension)", digits(ratio, 1), optimum(\.value), optimum(\.debiased),
      ])
    }
  }
  table.print()
}
