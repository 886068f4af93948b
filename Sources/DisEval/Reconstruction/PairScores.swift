import Crypto
import Features
import Files
import GenerativeMetrics
import Images
import References
import Results

/// The metrics of one pair of images.
struct PairScores: Sendable {
  let name: String
  let isEqual: Bool
  /// The SHA-256 of the pixels of the decoded image, and of the original.
  let digests: (decoded: [UInt8], original: [UInt8])
  /// The metrics that were asked for.
  let values: [ReconstructionMetric: Double]

  /// Scores a pair.
  ///
  /// - Throws: `Failure` (65) `ImageMismatch` if the images are too small for a metric, `FeaturesInvalid` if LPIPS is not
  ///   a finite number.
  init(
    _ pair: ImagePairs.Pair, name: String, metrics: Set<ReconstructionMetric>,
    by rules: ReconstructionProtocol, perceptual: LoadedPerceptualDistance?
  ) throws(Failure) {
    let (decoded, original) = (pair.decoded, pair.original)
    self.name = name
    isEqual = decoded == original
    digests = (
      Array(SHA256.hash(data: decoded.pixels)), Array(SHA256.hash(data: original.pixels))
    )
    var values: [ReconstructionMetric: Double] = [:]
    do throws(MetricError) {
      let pixels = try PixelPair(
        decoded: decoded.pixels, original: original.pixels, width: decoded.width,
        height: decoded.height, channels: decoded.channels)
      if metrics.contains(.signalToNoise) {
        values[.signalToNoise] = pixels.peakSignalToNoiseRatio(limit: rules.decibelLimit)
      }
      if metrics.contains(.similarity) {
        values[.similarity] = try pixels.structuralSimilarity(rules.similarityRange)
      }
    } catch {
      throw Failure(.dataRefused, .imageMismatch, name, "SSIM: \(error.detail)")
    }
    if metrics.contains(.perceptualDistance), let perceptual {
      let distance: Double
      do {
        distance = try perceptual.distance(decoded, original)
      } catch {
        throw Failure(error.status, error.code, name, "\(error.subject): \(error.detail)")
      }
      guard distance.isFinite else {
        throw Failure(
          .dataRefused, .featuresInvalid, name, "LPIPS is not a finite number; check its weights")
      }
      values[.perceptualDistance] = distance
    }
    self.values = values
  }
}

/// The mean and the variance of numbers that arrive one by one, in order.
struct RunningMean {
  private(set) var count = 0
  private(set) var mean = 0.0
  private var squares = 0.0

  /// Adds a finite number.
  ///
  /// - SeeAlso: Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 4
  ///   (1962).
  mutating func append(_ value: Double) {
    count += 1
    let difference = value - mean
    mean += difference / Double(count)
    squares += difference * (value - mean)
  }

  /// The standard deviation of the numbers, with a divisor of N - 1; NaN for fewer than two.
  var standardDeviation: Double { (squares / Double(count - 1)).squareRoot() }
}

/// What is kept of all pairs: means, hashes, and the pairs that are least alike.
struct PairSummary {
  private(set) var equal = 0
  private(set) var worst: [PairScores] = []
  private let worstCount: Int
  private var means: [ReconstructionMetric: RunningMean] = [:]
  private var hashes = (decoded: SHA256(), original: SHA256())
  /// The metric that ``worst`` is sorted by: LPIPS if it was computed, otherwise the first of PSNR and SSIM.
  let order: ReconstructionMetric?

  init(_ metrics: Set<ReconstructionMetric>, worst count: Int) {
    worstCount = count
    order = [.perceptualDistance, .signalToNoise, .similarity].first(where: metrics.contains)
  }

  /// Adds the next pair.
  mutating func append(_ pair: PairScores) {
    if pair.isEqual { equal += 1 }
    hashes.decoded.update(data: pair.digests.decoded)
    hashes.original.update(data: pair.digests.original)
    for (metric, value) in pair.values where value.isFinite {
      means[metric, default: RunningMean()].append(value)
    }
    guard let order else { return }
    let place = worst.firstIndex { isWorse(pair, than: $0, by: order) } ?? worst.endIndex
    guard place < worstCount else { return }
    worst.insert(pair, at: place)
    if worst.count > worstCount { worst.removeLast() }
  }

  private func isWorse(
    _ pair: PairScores, than other: PairScores, by metric: ReconstructionMetric
  ) -> Bool {
    guard let value = pair.values[metric], let second = other.values[metric] else { return false }
    return metric.higherIsBetter ? value < second : value > second
  }

  /// The SHA-256 over the SHA-256s of the images of each side.
  var sha256: (decoded: String, original: String) {
    (hexadecimal(hashes.decoded.finalize()), hexadecimal(hashes.original.finalize()))
  }

  /// Returns the mean of a metric over the pairs where it is finite; nil if it is finite nowhere.
  func mean(of metric: ReconstructionMetric) -> RunningMean? { means[metric] }
}

extension ReconstructionResult.Metric {
  /// Creates the mean over pairs, with the interval ± t sd / √n.
  init(_ mean: RunningMean, of metric: ReconstructionMetric) {
    guard mean.count > 1 else {
      self.init(
        mean.mean, higherIsBetter: metric.higherIsBetter,
        intervalReason: "a single pair says nothing of others")
      return
    }
    let deviation = mean.standardDeviation
    let error = deviation / Double(mean.count).squareRoot()
    let margin =
      error
      * studentQuantile((1 + Jackknife.confidence) / 2, degreesOfFreedom: mean.count - 1)
    let low = mean.mean - margin, high = mean.mean + margin
    self.init(
      mean.mean, higherIsBetter: metric.higherIsBetter,
      interval: metric == .perceptualDistance
        ? max(0, low)...high : low...(metric == .similarity ? max(mean.mean, min(1, high)) : high),
      confidence: Jackknife.confidence, method: "mean over the pairs, Student's t",
      standardError: error, standardDeviation: deviation)
  }
}

extension ReconstructionResult.Pair {
  init(_ pair: PairScores) {
    func value(_ metric: ReconstructionMetric) -> Double? {
      pair.values[metric].flatMap { $0.isFinite ? $0 : nil }
    }
    self.init(
      name: pair.name, psnr: value(.signalToNoise), ssim: value(.similarity),
      lpips: value(.perceptualDistance))
  }
}
