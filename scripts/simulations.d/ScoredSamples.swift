import GenerativeMetrics

/// A reference: its Gaussian, and the number of features.
struct Reference: @unchecked Sendable {
  // A value of arrays, which is only read.
  let gaussian: FactoredGaussian
  let dimension: Int

  init(_ statistics: GaussianStatistics) throws {
    gaussian = try FactoredGaussian(statistics)
    dimension = statistics.dimension
  }
}

/// The squared Fréchet distance of one set of samples with everything that `gate` reads of a result.
struct ScoredSamples: Sendable {
  let value: Double
  let jackknife: Jackknife
  let influence: FrechetInfluence
  /// The distance minus its bias, which `gate` judges.
  var debiased: Double { value - jackknife.bias }

  /// Scores rows against a reference.
  init(_ rows: [Float], _ reference: Reference) throws {
    let dimension = reference.dimension
    var samples = try GaussianAccumulator(dimension: dimension)
    try samples.append(rows: rows)
    let gaussian =
      samples.count > dimension
      ? try FactoredGaussian(samples.statistics())
      : try FactoredGaussian(rows: rows, dimension: dimension, mean: .float64)
    value = try frechetDistance(between: gaussian, and: reference.gaussian).value
    jackknife = try Jackknife.ofDistance(value, of: samples, from: reference.gaussian) {
      Array(rows[$0 * dimension..<($0 + 1) * dimension])
    }
    influence = try FrechetInfluence(of: gaussian, count: samples.count, on: reference.gaussian) {
      Array(rows[$0.lowerBound * dimension..<$0.upperBound * dimension])
    }
  }

  /// Compares these samples with a baseline's of the same seed, as `gate` does.
  ///
  /// - Parameter plugIn: Whether the distances are compared with their biases.
  func paired(with baseline: ScoredSamples, plugIn: Bool = false) throws -> MetricDifference {
    try MetricDifference(
      plugIn ? value - baseline.value : debiased - baseline.debiased,
      pairs: influence.values, baseline.influence.values)
  }

  /// Compares these samples with a baseline's of another seed, as `gate` does.
  func independent(of baseline: ScoredSamples) -> MetricDifference {
    MetricDifference(
      debiased - baseline.debiased, independent: influence.summary, baseline.influence.summary)
  }
}

extension MetricDifference {
  /// The level of every test: `alpha` of a policy.
  static let alpha = 0.05

  func isWorse(tolerance: Double) -> Bool { probability(atTolerance: tolerance) <= Self.alpha }

  func passes(tolerance: Double) -> Bool { 1 - probability(atTolerance: tolerance) <= Self.alpha }
}
