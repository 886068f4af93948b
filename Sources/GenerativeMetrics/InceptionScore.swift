import Foundation

/// The mean and the spread of the Inception score over splits of the samples. Dimensionless, between
/// 1 and K; higher is better.
public struct InceptionScore: Equatable, Sendable {
  /// The mean over splits.
  public let mean: Double
  /// The standard deviation over splits, with their number as divisor (`numpy.std`).
  public let standardDeviation: Double

  /// How the samples, in the order given, are divided.
  public enum Splits: Equatable, Sendable {
    /// This many splits; split i holds the samples from `i * N / splits` up to `(i + 1) * N / splits`.
    /// torch-fidelity, StyleGAN and Salimans' code use 10.
    case equal(Int)
    /// Splits of this many samples; a shorter last one counts like the others. guided-diffusion uses
    /// 5000.
    case blocks(of: Int)
  }
}

/// The Inception score from class logits.
///
/// ```
/// IS = mean over splits of exp(mean_i sum_c p[i, c] (log p[i, c] - log m[c]))
/// p = softmax of a row of logits      m[c] = mean_i p[i, c] within the split
/// ```
/// In float64 throughout; means are updated sample by sample, so equal samples score exactly 1.
/// A probability of 0 contributes 0.
///
/// The tools agree on this formula and differ in the network's last layer, which should have no bias
/// here, and in the order of the samples: torch-fidelity shuffles them first, guided-diffusion does
/// not.
///
/// - Parameters:
///   - logits: `[N, K]`, one row per sample.
///   - classes: K.
///   - splits: How the samples are divided.
/// - Throws: ``MetricError`` `ShapeMismatch` if `logits` are not whole rows, `NonFinite` with the index
///   of the sample for a NaN or an infinity, `TooFewSamples` if a split would be empty.
/// - SeeAlso: Salimans et al., "Improved Techniques for Training GANs", arXiv 1606.03498, section 4.
///   `metric_isc.py` of torch-fidelity (5e211a9), `evaluations/evaluator.py` of guided-diffusion
///   (22e0df8).
public func inceptionScore(
  logits: [Float], classes: Int, splits: InceptionScore.Splits = .equal(10)
) throws(MetricError) -> InceptionScore {
  precondition(classes > 0, "\(classes) classes")
  try checkRows(logits, dimension: classes, firstSample: 0)
  let bounds = try splits.bounds(count: logits.count / classes)
  let scores = bounds.map { samples in
    var split = Split(classes: classes)
    for sample in samples { split.append(logits[sample * classes..<(sample + 1) * classes]) }
    return exp(split.divergence)
  }
  // Around the first score, so that equal scores have exactly that mean and no deviation.
  let offsets = scores.map { $0 - scores[0] }
  let mean = offsets.reduce(0, +) / Double(scores.count)
  let variance = offsets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count)
  return InceptionScore(mean: scores[0] + mean, standardDeviation: variance.squareRoot())
}

extension InceptionScore.Splits {
  /// The samples of each split, none of them empty.
  func bounds(count: Int) throws(MetricError) -> [Range<Int>] {
    switch self {
    case .equal(let splits):
      precondition(splits > 0, "\(splits) splits")
      guard count >= splits else { throw .tooFewSamples(count, atLeast: splits) }
      return (0..<splits).map { $0 * count / splits..<($0 + 1) * count / splits }
    case .blocks(let size):
      precondition(size > 0, "blocks of \(size)")
      guard count > 0 else { throw .tooFewSamples(count, atLeast: 1) }
      return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
  }
}

/// The samples of one split, as running means.
private struct Split {
  private var count = 0.0
  /// The mean of p, `[K]`.
  private var marginal: [Double]
  /// The mean of `sum_c p log p`.
  private var negativeEntropy = 0.0

  init(classes: Int) { marginal = [Double](repeating: 0, count: classes) }

  mutating func append(_ logits: ArraySlice<Float>) {
    let peak = Double(logits.max() ?? 0)
    let exponentials = logits.map { exp(Double($0) - peak) }
    let sum = exponentials.reduce(0, +)
    let probabilities = exponentials.map { $0 / sum }
    count += 1
    negativeEntropy += (sumOfXLogX(probabilities) - negativeEntropy) / count
    for index in marginal.indices {
      marginal[index] += (probabilities[index] - marginal[index]) / count
    }
  }

  /// The mean Kullback-Leibler divergence of p from its mean: the entropy of the mean less the mean
  /// entropy.
  var divergence: Double { max(0, negativeEntropy - sumOfXLogX(marginal)) }
}

/// `sum_c x[c] log x[c]`, with `0 log 0 = 0`.
private func sumOfXLogX(_ values: [Double]) -> Double {
  values.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 }
}
