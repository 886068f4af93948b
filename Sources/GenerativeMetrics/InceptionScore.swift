import Foundation

/// The mean and the standard deviation of the Inception Score over splits of the samples.
/// Dimensionless, between 1 and K; higher is better.
public struct InceptionScore: Equatable, Sendable {
  /// The mean over splits.
  public let mean: Double
  /// The standard deviation over splits; see ``Convention/ddof``.
  public let standardDeviation: Double

  /// The ways of dividing the samples, in their order, into splits.
  public enum Splits: Hashable, Sendable {
    /// This many splits. Split i holds the samples from `i * N / splits` up to
    /// `(i + 1) * N / splits`. torch-fidelity, StyleGAN and Salimans' code use 10.
    case equal(Int)
    /// This many splits of `N / splits` samples; remaining samples are left out. dgm-eval uses 10.
    case truncated(Int)
    /// Splits of `N / splits` samples, rounded up, as in `torch.chunk`. There may be fewer splits
    /// than requested. torchmetrics uses 10.
    case chunks(Int)
    /// Splits of this many samples. A shorter last split has the same weight as the others.
    /// guided-diffusion uses 5000.
    case blocks(of: Int)
  }

  /// The properties in which the tools differ.
  public struct Convention: Hashable, Sendable {
    /// The division of the samples.
    public let splits: Splits
    /// The seed of `numpy.random.RandomState(seed).permutation(N)`, by which the samples are
    /// shuffled first, or nil to keep their order.
    public let shuffleSeed: UInt32?
    /// The number subtracted from the number of splits in the divisor of the variance.
    public let ddof: Int

    /// Creates a convention from its properties.
    ///
    /// - Parameters:
    ///   - splits: The division of the samples.
    ///   - shuffleSeed: The seed of the permutation by which the samples are shuffled first; nil to
    ///     keep their order.
    ///   - ddof: The number subtracted from the number of splits in the divisor of the variance.
    public init(_ splits: Splits, shuffleSeed: UInt32? = nil, ddof: Int = 0) {
      self.splits = splits
      self.shuffleSeed = shuffleSeed
      self.ddof = ddof
    }

    /// `metric_isc.py` of torch-fidelity (5e211a9).
    public static let torchFidelity = Convention(.equal(10), shuffleSeed: 2020)
    /// `metrics/inception_score.py` of stylegan3.
    public static let styleGAN = Convention(.equal(10))
    /// `evaluations/evaluator.py` of guided-diffusion (22e0df8).
    public static let guidedDiffusion = Convention(.blocks(of: 5000))
    /// `metrics/inception_score.py` of dgm-eval (74c79f7).
    public static let dgmEval = Convention(.truncated(10), shuffleSeed: 2020)
    /// `image/inception.py` of torchmetrics 1.9. Its shuffle has no seed; the seed of
    /// torch-fidelity used here is as likely as any other. (The order of the files would not be,
    /// because neighbouring images are often similar.)
    public static let torchmetrics = Convention(.chunks(10), shuffleSeed: 2020, ddof: 1)
  }
}

/// Returns the Inception Score of class logits.
///
/// ```
/// IS = mean over splits of exp(mean_i sum_c p[i, c] (log p[i, c] - log m[c]))
/// p = softmax of a row of logits      m[c] = mean_i p[i, c] within the split
/// ```
/// All arithmetic is in float64. Means are updated sample by sample, so equal samples have a score
/// of exactly 1. A probability of 0 contributes 0.
///
/// The tools agree on this formula and differ in ``InceptionScore/Convention``. The last layer of
/// the network should have no bias.
///
/// - Parameters:
///   - logits: `[N, K]`, one row per sample.
///   - classes: The number of classes, K, at least 1.
///   - convention: The order and division of the samples.
/// - Throws: ``MetricError`` `ShapeMismatch` if `logits` are not whole rows, `NonFinite` with the
///   index of the sample for a NaN or an infinity, `TooFewSamples` if a split would be empty.
/// - SeeAlso: Salimans et al., "Improved Techniques for Training GANs", arXiv 1606.03498, section
///   4.
public func inceptionScore(
  logits: [Float], classes: Int, convention: InceptionScore.Convention = .styleGAN
) throws(MetricError) -> InceptionScore {
  try checkClasses(classes)
  try checkRows(logits, dimension: classes, firstSample: 0)
  var accumulator = try InceptionScoreAccumulator(
    classes: classes, count: logits.count / classes, convention: convention)
  for start in stride(from: 0, to: logits.count, by: classes) {
    try accumulator.append(logits[start..<start + classes])
  }
  return try accumulator.score()
}

private func checkClasses(_ classes: Int) throws(MetricError) {
  guard classes > 0 else {
    throw MetricError(.shapeMismatch, "\(classes) classes, expected at least 1")
  }
}

/// An accumulator of the Inception Score for samples that arrive one by one, in memory that grows
/// with N by a few bytes per sample.
public struct InceptionScoreAccumulator: Sendable {
  private let convention: InceptionScore.Convention
  /// The number of classes, K.
  package let classes: Int
  /// The split of each sample, or -1 for a sample that is left out.
  private let split: [Int32]
  private var splits: [Split]
  /// The samples of each split by group, `[splits, groups]`; empty if no jackknife is needed.
  private var parts: [Split]
  /// The group of each sample; empty if no jackknife is needed.
  private let groups: [Int]
  private var appended = 0

  /// Creates an accumulator for a known number of samples.
  ///
  /// - Parameters:
  ///   - classes: The number of classes, K.
  ///   - count: The number of samples N, which determines how they are divided.
  ///   - convention: The order and division of the samples.
  ///   - isGrouped: Whether ``jackknife()`` will be called.
  /// - Throws: ``MetricError`` `ShapeMismatch` if there are no classes or no splits,
  ///   `TooFewSamples` if a split would be empty.
  public init(
    classes: Int, count: Int, convention: InceptionScore.Convention, isGrouped: Bool = false
  ) throws(MetricError) {
    try checkClasses(classes)
    let bounds = try convention.splits.bounds(count: count)
    var split = [Int32](repeating: -1, count: count)
    var random = convention.shuffleSeed.map(NumPyRandomState.init(seed:))
    let order = random?.permutation(count)
    for (index, positions) in bounds.enumerated() {
      for position in positions { split[order?[position] ?? position] = Int32(index) }
    }
    self.convention = convention
    self.classes = classes
    self.split = split
    splits = bounds.map { _ in Split(classes: classes) }
    groups = isGrouped ? Jackknife.groups(count: count) : []
    parts = isGrouped ? splits.flatMap { [Split](repeating: $0, count: Jackknife.groupCount) } : []
  }

  /// Adds the logits of the next sample.
  ///
  /// - Parameter logits: `[K]`.
  /// - Throws: ``MetricError`` `ShapeMismatch` if there are not K logits, `NonFinite` for a NaN or
  ///   an infinity.
  public mutating func append(_ logits: some Collection<Float>) throws(MetricError) {
    guard appended < split.count else {
      throw MetricError(.countMismatch, "more than the \(split.count) samples that were announced")
    }
    guard logits.count == classes else {
      throw MetricError(.shapeMismatch, "\(logits.count) logits, expected \(classes)")
    }
    guard logits.allSatisfy(\.isFinite) else {
      throw MetricError(.nonFinite, "sample \(appended) has a logit that is not finite")
    }
    let index = split[appended]
    if index >= 0 {
      let prediction = Prediction(logits: logits)
      splits[Int(index)].append(prediction)
      if !groups.isEmpty {
        parts[Int(index) * Jackknife.groupCount + groups[appended]].append(prediction)
      }
    }
    appended += 1
  }

  /// The number of splits.
  package var splitCount: Int { splits.count }

  /// Whether there are enough samples for the jackknife to estimate the bias: 10 for each class in each split.
  /// The marginal of the classes is otherwise so sparse that its entropy is not smooth in the samples.
  package var isBiasReliable: Bool { split.count >= 10 * classes * splits.count }

  /// Returns the score of all samples.
  ///
  /// - Throws: ``MetricError`` `CountMismatch` if not all announced samples have been appended.
  public func score() throws(MetricError) -> InceptionScore {
    guard appended == split.count else {
      throw MetricError(
        .countMismatch, "\(appended) of the \(split.count) samples that were announced")
    }
    let scores = splits.map { exp($0.divergence) }
    // Computed around the first score, so that equal scores have exactly that mean and no
    // deviation.
    let offsets = scores.map { $0 - scores[0] }
    let mean = offsets.reduce(0, +) / Double(scores.count)
    let divisor = Double(max(scores.count - convention.ddof, 1))
    let variance = offsets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / divisor
    return InceptionScore(mean: scores[0] + mean, standardDeviation: variance.squareRoot())
  }

  /// Returns the jackknife of the mean over splits. Without a group, each split keeps its other
  /// samples. Dividing the remaining samples anew would move samples between splits, which is not
  /// an effect of the omitted ones.
  ///
  /// - Throws: ``MetricError`` `TooFewSamples` if there are fewer samples than
  ///   ``Jackknife/minimumCount``, or if a split has only samples of one group.
  public func jackknife() throws(MetricError) -> Jackknife {
    guard !parts.isEmpty else {
      throw MetricError(.shapeMismatch, "the samples were not grouped; create it with `isGrouped`")
    }
    guard appended >= Jackknife.minimumCount else {
      throw .tooFewSamples(appended, atLeast: Jackknife.minimumCount)
    }
    var leftOut: [Double] = []
    for group in 0..<Jackknife.groupCount {
      var sum = 0.0
      for (index, split) in splits.enumerated() {
        let part = parts[index * Jackknife.groupCount + group]
        guard part.count < split.count else {
          throw MetricError(
            .tooFewSamples, "split \(index) has no samples but those of one group")
        }
        sum += exp(split.removing(part).divergence)
      }
      leftOut.append(sum / Double(splits.count))
    }
    return Jackknife(value: try score().mean, leftOut: leftOut, count: appended)
  }
}

extension InceptionScore.Splits {
  /// Returns the samples of each split, none of which is empty.
  ///
  /// - Throws: ``MetricError`` `TooFewSamples` if one would be empty.
  func bounds(count: Int) throws(MetricError) -> [Range<Int>] {
    switch self {
    case .equal(let splits):
      try checkPositive(splits, "splits")
      guard count >= splits else { throw .tooFewSamples(count, atLeast: splits) }
      return (0..<splits).map { $0 * count / splits..<($0 + 1) * count / splits }
    case .truncated(let splits):
      try checkPositive(splits, "splits")
      let size = count / splits
      guard size > 0 else { throw .tooFewSamples(count, atLeast: splits) }
      return (0..<splits).map { $0 * size..<($0 + 1) * size }
    case .chunks(let splits):
      try checkPositive(splits, "splits")
      return try Self.blocks(of: max(1, (count + splits - 1) / splits)).bounds(count: count)
    case .blocks(let size):
      try checkPositive(size, "samples per block")
      guard count > 0 else { throw .tooFewSamples(count, atLeast: 1) }
      return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
  }
}

/// The softmax of one sample's logits.
private struct Prediction {
  /// p, `[K]`.
  let probabilities: [Double]
  /// `sum_c p log p`.
  let negativeEntropy: Double

  init(logits: some Collection<Float>) {
    let peak = Double(logits.max() ?? 0)
    let exponentials = logits.map { exp(Double($0) - peak) }
    let sum = exponentials.reduce(0, +)
    probabilities = exponentials.map { $0 / sum }
    negativeEntropy = sumOfXLogX(probabilities)
  }
}

/// The samples of one split as running means.
private struct Split {
  private(set) var count = 0.0
  /// The mean of p, `[K]`.
  private var marginal: [Double]
  /// The mean of `sum_c p log p`.
  private var negativeEntropy = 0.0

  init(classes: Int) { marginal = [Double](repeating: 0, count: classes) }

  mutating func append(_ sample: Prediction) {
    count += 1
    negativeEntropy += (sample.negativeEntropy - negativeEntropy) / count
    for index in marginal.indices {
      marginal[index] += (sample.probabilities[index] - marginal[index]) / count
    }
  }

  /// Returns the samples that are not in `part`, of which there must be some.
  func removing(_ part: Split) -> Split {
    var rest = self
    rest.count = count - part.count
    let weight = part.count / rest.count
    rest.negativeEntropy += (negativeEntropy - part.negativeEntropy) * weight
    for index in marginal.indices {
      rest.marginal[index] += (marginal[index] - part.marginal[index]) * weight
    }
    return rest
  }

  /// The mean Kullback-Leibler divergence of p from its mean: the entropy of the mean minus the
  /// mean entropy.
  var divergence: Double { max(0, negativeEntropy - sumOfXLogX(marginal)) }
}

/// Returns `sum_c x[c] log x[c]`, with `0 log 0 = 0`.
private func sumOfXLogX(_ values: [Double]) -> Double {
  values.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 }
}

/// Checks a number that a convention was created with.
private func checkPositive(_ number: Int, _ what: String) throws(MetricError) {
  guard number > 0 else {
    throw MetricError(.shapeMismatch, "\(number) \(what), expected at least 1")
  }
}
