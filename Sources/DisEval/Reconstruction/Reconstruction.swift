import FeatureExtractors
import Features
import Files
import Foundation
import GenerativeMetrics
import Images
import References
import Results
import Tensors
import Work

/// A comparison of decoded images with their originals, pair by pair and as sets: rFID, PSNR, SSIM and LPIPS.
///
/// ```swift
/// var reconstruction = Reconstruction(images: "decoded", reference: "originals")
/// reconstruction.metrics = [.signalToNoise, .similarity]
/// let result = try await reconstruction.run()
/// print(result.metrics["psnr"]?.value ?? .nan, result.worst.first?.name ?? "")
/// ```
///
/// Images are paired by the names of their files without suffixes, and arrays by position. They are read as they are
/// needed, so memory does not grow with their number, apart from their names.
public struct Reconstruction: Sendable {
  /// The path of the decoded images.
  public var images: String
  /// The path of the originals.
  public var reference: String
  /// The code whose definitions are followed.
  public var rules = ReconstructionProtocol.rae
  /// The metrics to compute; nil for all of those of ``rules``.
  public var metrics: Set<ReconstructionMetric>?
  /// The number of pairs that the result lists because they are least alike, at most ``largestWorstCount``.
  public var worstCount = 10
  /// How the originals become squares; nil to take them as they are.
  public var crop: ImageCrop?
  /// Whether subfolders of folders of images are searched; nil to refuse a folder that has images both in itself and in
  /// a subfolder.
  public var recursive: Bool?
  /// The path of the weights of Inception, for rFID; nil for those in the user's cache.
  public var weights: String?
  /// The path of the weights of VGG16, for LPIPS; nil for those in the user's cache.
  public var vggWeights: String?
  /// The path of the weights of the channels, for LPIPS; nil for those in the user's cache.
  public var lpipsWeights: String?
  /// The amount of work that runs at once.
  public var workload: Workload
  /// The command's arguments, for the record; empty if no command is executed.
  package var arguments: [String] = []
  /// Networks that are loaded already; nil to load those of the paths.
  package var networks: (extractor: LoadedExtractor?, perceptual: LoadedPerceptualDistance?)?

  /// The largest number of worst pairs that can be listed.
  public static let largestWorstCount = 10_000

  /// Creates a comparison by the definitions of RAE.
  ///
  /// - Parameters:
  ///   - images: The path of the decoded images: a folder, a zip file or an array.
  ///   - reference: The path of the originals.
  ///   - workload: The amount of work that runs at once.
  public init(images: String, reference: String, workload: Workload = .default) {
    (self.images, self.reference, self.workload) = (images, reference, workload)
  }

  /// Compares the images.
  ///
  /// - Parameter reporter: Receives the progress and warnings.
  /// - Throws: `Failure` (64) `SettingOutOfRange` for a number of worst pairs that is not possible, `MetricUnavailable`
  ///   if the code does not compute a metric that is asked for; (65) `ImagesNeeded` for statistics, `PairsMissing` with the
  ///   images that have no partner, `PairsAmbiguous` if names do not decide, `ImageMismatch` if a pair differs in size or
  ///   is too small for a metric, `TooFewSamples` if there are fewer than two pairs for rFID, `ExtractorMismatch` if the
  ///   weights for rFID are not those of Inception; `WeightsUnavailable` (69) if weights are missing; or the error that
  ///   reading the images or loading the networks throws.
  public func run(reporter: Reporter = .silent) async throws -> ReconstructionResult {
    let (clock, date) = (ContinuousClock.now, Date.now)
    try workload.prepare()
    let wanted = try checkedMetrics()
    let pairs = try ImagePairs(
      decoded: try source(images), originals: try source(reference), crop: crop)
    // What cannot be compared is refused before networks are loaded.
    _ = try pairs.pair(at: 0)
    if wanted.contains(.distance) { try checkEnough(pairs.count, images) }
    let extractor = wanted.contains(.distance) ? try loadedExtractor() : nil
    let perceptual = wanted.contains(.perceptualDistance) ? try loadedDistance() : nil
    var notes = Notes(reporter)
    notes.warnOfWeights(extractor, perceptual)

    let summary = try await summary(of: pairs, wanted, perceptual, reporter)
    let means = means(summary, wanted, count: pairs.count, &notes)
    var metrics = means.metrics
    if let extractor {
      metrics[ReconstructionMetric.distance.rawValue] = try await distance(
        pairs, extractor, &notes, reporter)
    }
    let hashes = summary.sha256
    var provenance = extractor?.provenance
    provenance?.preprocessing = extractor?.network.preprocessing(
      rules.dialect.definition.preparation)
    return ReconstructionResult(
      metrics: metrics, skipped: means.skipped, equalPairs: summary.equal,
      worstBy: summary.order?.rawValue, worst: summary.worst.map(ReconstructionResult.Pair.init),
      provenance: ReconstructionResult.Provenance(
        tool: "\(Tool.name) \(Tool.version)", kernels: Tool.kernelPath(.float32),
        protocol: rules.rawValue, dialect: extractor == nil ? nil : rules.dialect.rawValue,
        num: pairs.count, crop: crop.map { "\($0.name) \($0.side)" },
        images: ReferenceProvenance(
          file: lastComponent(images), sha256: hashes.decoded, count: pairs.count),
        reference: ReferenceProvenance(
          file: lastComponent(reference), sha256: hashes.original, count: pairs.count),
        extractor: provenance, perceptual: perceptual?.provenance, warnings: notes.warnings),
      samplesSha256: hashes.decoded,
      run: EvaluationResult.Run(
        arguments: arguments, request: nil, threads: workload.threads, batch: workload.batch,
        started: date.formatted(.iso8601), seconds: (ContinuousClock.now - clock) / .seconds(1),
        host: ProcessInfo.processInfo.hostName))
  }
}

// MARK: - Checks

extension Reconstruction {
  private func checkedMetrics() throws(Failure) -> Set<ReconstructionMetric> {
    guard (0...Self.largestWorstCount).contains(worstCount) else {
      throw .outOfRange("worstCount", worstCount, "0 to \(Self.largestWorstCount)")
    }
    let known = rules.metrics
    let wanted = metrics ?? Set(known)
    let unknown = ReconstructionMetric.allCases.filter {
      wanted.contains($0) && !known.contains($0)
    }
    guard unknown.isEmpty, !wanted.isEmpty else {
      throw Failure(
        .usage, .metricUnavailable, "`metrics`",
        "\(rules.rawValue) does not compute \(unknown.map(\.rawValue).joined(separator: ", ")); it computes "
          + known.map(\.rawValue).joined(separator: ", "))
    }
    return wanted
  }

  /// Opens the images of one side.
  private func source(_ path: String) throws -> ImageSource {
    let isName =
      !FileManager.default.fileExists(atPath: path)
      && (try? StatisticsCache().registry.entry(named: path)) != nil
    guard !isName, !ReferenceStatistics.isRecognised(path) else {
      throw Failure(
        .dataRefused, .imagesNeeded, path,
        "is statistics, as generated images are compared with; rFID and FID must not be compared with each other, because "
          + "decoded images are compared with the very images that were encoded, pair by pair; give these images, or use "
          + "dis-eval fid for a distance from statistics")
    }
    return try ImageSource(path: path, recursive: recursive)
  }

  private func loadedExtractor() throws -> LoadedExtractor {
    let loaded =
      try networks.map { $0.extractor } ?? LoadedExtractor.choose(weights: weights, reference: nil)
    guard let loaded else { preconditionFailure("rFID was asked for without an extractor") }
    guard loaded.network.isInception else {
      throw Failure(
        .dataRefused, .extractorMismatch, weights ?? loaded.network.name,
        "weights of \(loaded.network.name); rFID has the features of \(MetricTitle.inception)")
    }
    return loaded
  }

  private func loadedDistance() throws -> LoadedPerceptualDistance {
    let loaded =
      try networks.map { $0.perceptual }
      ?? LoadedPerceptualDistance(network: vggWeights, channelWeights: lpipsWeights)
    guard let loaded else { preconditionFailure("LPIPS was asked for without weights") }
    return loaded
  }
}

// MARK: - Metrics

extension Reconstruction {
  /// Scores all pairs, in order.
  private func summary(
    of pairs: ImagePairs, _ metrics: Set<ReconstructionMetric>,
    _ perceptual: LoadedPerceptualDistance?, _ reporter: Reporter
  ) async throws -> PairSummary {
    var summary = PairSummary(metrics, worst: worstCount)
    let rules = rules
    try await forEachInOrder(
      count: pairs.count, width: workload.threads, inFlight: workload.batch
    ) { index in
      try PairScores(
        pairs.pair(at: index), name: pairs.name(of: index), metrics: metrics, by: rules,
        perceptual: perceptual)
    } consume: { index, scores in
      summary.append(scores)
      reporter.progress(WorkProgress(activity: "pairs", done: index + 1, total: pairs.count))
    }
    return summary
  }

  /// Returns the means over the pairs, and why a mean is missing.
  private func means(
    _ summary: PairSummary, _ wanted: Set<ReconstructionMetric>, count: Int, _ notes: inout Notes
  ) -> (metrics: [String: ReconstructionResult.Metric], skipped: [String: String]) {
    var (metrics, skipped): ([String: ReconstructionResult.Metric], [String: String]) = ([:], [:])
    for metric in ReconstructionMetric.allCases where metric != .distance && wanted.contains(metric)
    {
      let mean = summary.mean(of: metric)
      if let mean, mean.count == count {
        metrics[metric.rawValue] = ReconstructionResult.Metric(mean, of: metric)
      } else {
        let others = mean.map { "; the mean of the other \($0.count) is \(sixDigits($0.mean))" }
        skipped[metric.rawValue] =
          "\(summary.equal) of \(count) pairs are equal, so the mean of \(rules.rawValue) is infinite"
          + (others ?? "")
      }
    }
    if summary.equal > 0, rules.decibelLimit.isFinite, wanted.contains(.signalToNoise) {
      notes.warn(
        "\(summary.equal) of \(count) pairs are equal; \(rules.rawValue) counts each with "
          + "\(sixDigits(rules.decibelLimit)) dB in the mean")
    }
    return (metrics, skipped)
  }

  /// Returns rFID. Its interval is that of drawing other pairs.
  private func distance(
    _ pairs: ImagePairs, _ extractor: LoadedExtractor, _ notes: inout Notes, _ reporter: Reporter
  ) async throws -> ReconstructionResult.Metric {
    let definition = rules.dialect.definition
    let preparation = extractor.network.effective(definition.preparation)
    let collector = FeatureCollector(
      extractor: extractor.network,
      demands: [FeatureDemand(preparation: preparation, intervals: true)], workload: workload,
      reporter: reporter)
    let supplies = [
      ImageSupply(count: pairs.count, activity: "features of the images") {
        (try pairs.decoded(at: $0), nil)
      },
      ImageSupply(count: pairs.count, activity: "features of the originals") {
        (try pairs.original(at: $0), nil)
      },
    ]
    var sides: [FeatureSet] = []
    for (supply, path) in zip(supplies, [images, reference]) {
      let collected = try await collector.collect(supply)
      for note in collected.tally.notes(lastComponent(path)) { notes.warn(note) }
      guard let features = collected.prepared[preparation]?.pooled else {
        preconditionFailure("the features of this preparation were asked for")
      }
      sides.append(features)
    }
    let dimension = sides[0].dimension
    if pairs.count <= dimension {
      notes.warn(
        "\(pairs.count) pairs span at most \(pairs.count - 1) of \(dimension) dimensions: the covariance is rank "
          + "deficient and rFID biased")
    }
    let value: Double
    do throws(MetricError) {
      value = try frechetDistance(
        between: sides[0].factored(definition.mean), and: sides[1].factored(definition.mean)
      ).value
    } catch {
      throw Failure(error, ReconstructionMetric.distance.rawValue)
    }
    do throws(NoInterval) {
      let jackknife = try sides[0].pairedJackknife(
        of: value, from: sides[1], mean: definition.mean
      ) {
        reporter.progress(
          WorkProgress(activity: "interval of rfid", done: $0, total: Jackknife.groupCount))
      }
      return ReconstructionResult.Metric(
        value, higherIsBetter: false, interval: jackknife.interval(of: .fid),
        confidence: Jackknife.confidence,
        method: "delete-a-group jackknife of pairs, Student's t of the logarithm",
        standardError: jackknife.standardError)
    } catch {
      if error.isOfSystem { notes.warn("no interval of rfid: \(error.reason)") }
      return ReconstructionResult.Metric(
        value, higherIsBetter: false, intervalReason: error.reason)
    }
  }
}

/// Warnings, which are shown and recorded.
private struct Notes {
  private let reporter: Reporter
  private(set) var warnings: [String] = []

  init(_ reporter: Reporter) { self.reporter = reporter }

  mutating func warn(_ text: String) {
    warnings.append(text)
    reporter.warn(text)
  }

  mutating func warnOfWeights(
    _ extractor: LoadedExtractor?, _ perceptual: LoadedPerceptualDistance?
  ) {
    if let extractor = extractor?.provenance, extractor.published == false {
      warn(
        "the Inception weights '\(extractor.file ?? "")' have no published SHA-256: rFID is not comparable with "
          + "published ones")
    }
    guard let files = perceptual?.provenance else { return }
    for file in [files.network, files.channelWeights] where !file.published {
      warn(
        "the weights '\(file.file)' have no published SHA-256: LPIPS is not comparable with published ones"
      )
    }
  }
}
