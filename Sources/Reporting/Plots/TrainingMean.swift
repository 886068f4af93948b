import GenerativeMetrics
import Results

/// One training of a recipe, as it was evaluated at one place of a line.
struct Training: Equatable {
  /// The name of its evaluation.
  var name: String
  /// The value of the metric; the mean if there are several evaluations.
  var value: Double
  /// The interval, if there is one evaluation.
  var interval: ClosedRange<Double>?
  /// The standard error of sampling; nil if an evaluation has no interval.
  var error: Double?
  /// The sampling seeds of its evaluations; nil if they are unknown.
  var seeds: Set<UInt64>?

  /// Returns the trainings of which entries are evaluations: one for each checkpoint.
  static func trainings(_ entries: [LedgerEntry], _ metric: String) -> [Training] {
    Dictionary(grouping: entries, by: \.modelIdentity).values.compactMap { entries -> Training? in
      let scores = entries.compactMap { $0.metrics[metric] }.filter(\.value.isFinite)
      guard !scores.isEmpty else { return nil }
      let count = Double(scores.count)
      // Half the width of a 95 % interval is 1.96 standard errors.
      let squares = scores.map { score in
        score.interval.map { pow2(($0.upperBound - $0.lowerBound) / (2 * 1.96)) }
      }
      let known = squares.compactMap(\.self)
      let seeds = entries.compactMap { $0.sampler?.seed }
      return Training(
        name: entries.map(\.name).min() ?? "", value: scores.reduce(0) { $0 + $1.value } / count,
        interval: scores.count == 1 ? scores[0].interval : nil,
        error: known.count == scores.count
          ? (known.reduce(0, +) / (count * count)).squareRoot() : nil,
        seeds: seeds.count == entries.count ? Set(seeds) : nil)
    }.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
  }
}

/// The mean of several trainings of one recipe that differ by their training seed, with an interval
/// that includes retraining.
///
/// For values `y` of k trainings with standard errors of sampling `s`, let S² be the sample variance of
/// `y`. If the sampling seeds of all trainings differ, errors of sampling are independent and part of
/// S², and the variance of the mean is S²/k. If trainings share a sampling seed, their errors of sampling
/// are positively correlated: the part that they have in common moves all values alike and does not
/// show in S². The variance S²/k + mean(s²) then is an upper bound, because the common part has at
/// most the variance mean(s²). The interval has Student's t with k - 1 degrees of freedom.
struct TrainingMean: Equatable {
  /// The number of trainings.
  let count: Int
  /// The mean.
  let value: Double
  /// The 95 % interval; nil if a training that shares its sampling seed has no standard error.
  let interval: ClosedRange<Double>?
  /// Whether trainings share a sampling seed, or a seed is unknown.
  let sharesSeeds: Bool
  /// The sample variance of the values.
  let variance: Double
  /// The mean of the squared standard errors of sampling; nil if one is unknown.
  let samplingVariance: Double?

  /// Creates the mean of trainings; nil if there are fewer than two.
  init?(_ trainings: [Training]) {
    guard trainings.count > 1 else { return nil }
    let k = Double(trainings.count)
    let mean = trainings.reduce(0) { $0 + $1.value } / k
    let variance = trainings.reduce(0) { $0 + pow2($1.value - mean) } / (k - 1)
    let errors = trainings.compactMap(\.error)
    let sampling =
      errors.count == trainings.count ? errors.reduce(0) { $0 + pow2($1) } / k : nil
    let seeds = trainings.compactMap(\.seeds)
    sharesSeeds =
      seeds.count < trainings.count
      || Set(seeds.flatMap(\.self)).count < seeds.reduce(0) { $0 + $1.count }
    let quantile = studentQuantile(0.975, degreesOfFreedom: trainings.count - 1)
    let ofMean = sharesSeeds ? sampling.map { variance / k + $0 } : variance / k
    interval = ofMean.map { $0.squareRoot() * quantile }.flatMap { half in
      half.isFinite ? mean - half...mean + half : nil
    }
    (count, value, self.variance, samplingVariance) = (trainings.count, mean, variance, sampling)
  }

  /// Returns the standard deviations between trainings and of sampling, pooled over the means of a
  /// line by their degrees of freedom, as a clause; nil if a part is unknown.
  ///
  /// The variance between trainings is S² less that of sampling, and at least 0. With a shared sampling
  /// seed it is between this and S².
  static func deviations(_ means: [TrainingMean]) -> String? {
    let freedom = means.reduce(0.0) { $0 + Double($1.count - 1) }
    guard freedom > 0, means.allSatisfy({ $0.samplingVariance != nil }) else { return nil }
    func pooled(_ variance: (TrainingMean) -> Double) -> Double {
      means.reduce(0.0) { $0 + Double($1.count - 1) * variance($1) } / freedom
    }
    let (whole, sampling) = (pooled(\.variance), pooled { $0.samplingVariance ?? 0 })
    let between = max(0, whole - sampling).squareRoot()
    let upper =
      means.contains(where: \.sharesSeeds) ? " to \(written(whole.squareRoot()))" : ""
    return "standard deviation between trainings \(written(between))\(upper), of sampling "
      + "\(written(sampling.squareRoot()))"
  }
}

private func pow2(_ value: Double) -> Double { value * value }
