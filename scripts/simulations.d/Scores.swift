import GenerativeMetrics

/// Every metric of one set of samples.
struct Scores: Sendable {
  /// A metric whose error follows from groups of samples.
  struct Grouped: Sendable {
    let name: String
    let jackknife: Jackknife
    let higherIsBetter: Bool
  }

  static let distance = "Fréchet distance"

  let distance: ScoredSamples
  let grouped: [Grouped]

  /// Scores rows.
  ///
  /// - Parameters:
  ///   - rows: The features.
  ///   - reference: The reference of the Fréchet distance.
  ///   - compared: Samples of the reference for the other metrics; nil to compute the distance alone.
  init(_ rows: [Float], _ reference: Reference, compared: FeatureRows?) throws {
    distance = try ScoredSamples(rows, reference)
    guard let compared else {
      grouped = []
      return
    }
    let features = try FeatureRows(rows, dimension: reference.dimension)
    let balls = try precisionAndRecallJackknife(
      of: features, against: compared, convention: .prdc)
    let width = compared.rootMeanSquareDistance
    let discrepancies = try maximumMeanDiscrepancies(
      of: features, against: compared, kernels: [.cubic, .gaussian(width: width)])
    grouped = [
      Grouped(name: "KID", jackknife: discrepancies[0].unbiased, higherIsBetter: false),
      Grouped(name: "MMD, Gaussian", jackknife: discrepancies[1].unbiased, higherIsBetter: false),
      Grouped(name: "precision", jackknife: balls.precision, higherIsBetter: true),
      Grouped(name: "recall", jackknife: balls.recall, higherIsBetter: true),
      Grouped(name: "density", jackknife: balls.density, higherIsBetter: true),
      Grouped(name: "coverage", jackknife: balls.coverage, higherIsBetter: true),
      Grouped(
        name: "Vendi score", jackknife: try vendiScoreJackknife(of: features), higherIsBetter: true),
    ]
  }

  /// The tolerance of a policy that names none, as a share of the baseline.
  static let tolerance = 0.01

  /// Returns for each metric whether it is called worse than the baseline's.
  func worse(than baseline: Scores, paired: Bool) throws -> [String: Bool] {
    let difference =
      paired
      ? try distance.paired(with: baseline.distance) : distance.independent(of: baseline.distance)
    var verdicts = [
      Self.distance: difference.isWorse(
        tolerance: Self.tolerance * abs(baseline.distance.debiased))
    ]
    for (own, other) in zip(grouped, baseline.grouped) {
      let difference =
        own.higherIsBetter
        ? try MetricDifference(other.jackknife, own.jackknife, paired: paired)
        : try MetricDifference(own.jackknife, other.jackknife, paired: paired)
      verdicts[own.name] = difference.isWorse(
        tolerance: Self.tolerance * abs(other.jackknife.value))
    }
    return verdicts
  }

  var names: [String] { [Self.distance] + grouped.map(\.name) }
}
