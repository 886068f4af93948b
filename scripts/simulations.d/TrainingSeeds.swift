import GenerativeMetrics

/// Prints how often the intervals of two recipes, of k trainings each, contain the truth, and how often the interval of
/// one training of each does.
///
/// The error of sampling has a standard deviation of 1. With one seed of sampling, 0.9 of its variance is common to the
/// trainings of a recipe, and 0.8 to those of different recipes.
func printTrainingSeeds(_ settings: Settings) async throws {
  let repeats = 40 * settings.repeats
  printRepeats(repeats)
  var table = Table([
    "k", "deviation of training / sampling", "samples", "mean", "difference",
    "one training of each",
  ])
  for count in [2, 3, 5] {
    for deviation in [0, 0.5, 1, 3] {
      for isShared in [true, false] {
        let found = try await repeated(repeats, threads: settings.threads) { index in
          try Repeat(
            count: count, deviation: deviation, isShared: isShared,
            Draws(seed: settings.seed, "training-seeds \(count) \(deviation) \(isShared)", index))
        }
        table.append([
          "\(count)", digits(deviation, 1), isShared ? "one seed" : "other seeds",
          share(share(of: found, \.meanIsCovered)), share(share(of: found, \.differenceIsCovered)),
          share(share(of: found, \.isCoveredBySingle)),
        ])
      }
    }
  }
  table.print()
}

/// What the intervals of two recipes that are alike contain.
private struct Repeat {
  let meanIsCovered: Bool
  let differenceIsCovered: Bool
  let isCoveredBySingle: Bool

  init(count: Int, deviation: Double, isShared: Bool, _ generator: Draws) throws {
    var draws = generator
    let (within, between) = isShared ? (0.9, 0.8) : (0.0, 0.0)
    let common = draws.normal()
    func recipe() throws -> TrainingVariation {
      let own = draws.normal()
      let values = (0..<count).map { _ in
        between.squareRoot() * common + (within - between).squareRoot() * own
          + (1 - within).squareRoot() * draws.normal() + deviation * draws.normal()
      }
      return try TrainingVariation(
        values, standardErrors: values.map { _ in 1 }, covariance: within)
    }
    let (first, second) = (try recipe(), try recipe())
    meanIsCovered = first.interval.contains(0)
    differenceIsCovered = TrainingVariation.Difference(first, second, covariance: between)
      .interval.contains(0)
    // What the two trainings have in common cancels, and the errors of sampling are known.
    let error = (2 * (1 - between)).squareRoot()
    isCoveredBySingle = abs(second.values[0] - first.values[0]) <= 1.959964 * error
  }
}
