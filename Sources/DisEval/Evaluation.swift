import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Images
import Tensors

/// Images in a folder or file, or statistics of images.
enum ImagesOrStatistics: Sendable {
  case images(ImageSource)
  case statistics(ReferenceStatistics)

  /// Recognises `path` by content: an archive with `mu` and `sigma` is statistics, everything else
  /// must be images.
  init(path: String) throws {
    self =
      ReferenceStatistics.isRecognised(path)
      ? .statistics(try ReferenceStatistics(path: path))
      : .images(try ImageSource(path: path))
  }

  var statistics: ReferenceStatistics? {
    if case .statistics(let statistics) = self { statistics } else { nil }
  }
}

/// One evaluation: a subject, a reference, and how to extract features.
public struct Evaluation: Sendable {
  /// What is judged.
  public enum Subject: Sendable {
    /// That many samples of a checkpoint.
    case samples(Generator, count: Int)
    /// Images or statistics that are there already.
    case existing(path: String)
  }

  private let subject: Subject
  private let referencePath: String
  private let weights: String?
  private let workload: Workload
  private let arguments: [String]

  /// Describes an evaluation.
  ///
  /// - Parameters:
  ///   - subject: What is judged.
  ///   - reference: Path of images or statistics to compare with.
  ///   - weights: The extractor's weights; nil to find them by the reference or in the cache.
  ///   - workload: How much runs at once.
  ///   - arguments: The command's arguments, for the record.
  public init(
    subject: Subject, reference: String, weights: String?, workload: Workload,
    arguments: [String] = []
  ) {
    self.subject = subject
    self.referencePath = reference
    self.weights = weights
    self.workload = workload
    self.arguments = arguments
  }

  /// Computes the result.
  ///
  /// - Parameters:
  ///   - reporter: Told of progress and warnings.
  ///   - sink: Gets every sampled image in index order with its label.
  /// - Throws: ``Failure`` for whatever the inputs are refused for.
  public func run(
    reporter: Reporter, sink: (Image, Int?) throws -> Void = { _, _ in }
  ) async throws -> EvaluationResult {
    try workload.prepare()
    let clock = ContinuousClock.now
    let started = Date().formatted(.iso8601)
    var warnings: [String] = []
    func warn(_ text: String) {
      warnings.append(text)
      reporter.warn(text)
    }

    // Everything that can be refused is refused before the first sample.
    let reference = try ImagesOrStatistics(path: referencePath)
    let opened = try OpenedSubject(subject)
    let statistics = [opened.statistics, reference.statistics].compactMap(\.self)
    let extractor = try AgreedExtractor(
      statistics: statistics, weights: weights, needsNetwork: statistics.count < 2, warn: warn)

    let referenceSide = try await side(reference, extractor, "reference", reporter)
    let subjectSide: Side
    switch opened {
    case .existing(let input):
      subjectSide = try await side(input, extractor, "images", reporter)
    case .samples(let generator, let count):
      guard let network = extractor.network?.network else {
        preconditionFailure("sampling needs the network")
      }
      subjectSide = .images(
        try await collect(
          count: count, activity: "sampling", extractor: network, workload: workload,
          reporter: reporter,
          make: { (generator.image(try generator.sample($0)), generator.label($0)) }, sink: sink))
    }

    let distance = try subjectSide.distance(to: referenceSide)
    if let count = subjectSide.count, count <= extractor.provenance.dimension {
      warn(
        "\(count) images span at most \(count - 1) of \(extractor.provenance.dimension) "
          + "dimensions: the covariance is rank deficient and the distance biased upwards")
    }
    let isInception = extractor.provenance.name == inceptionName
    var metrics = [
      isInception ? "fid" : "fd": Metric(distance, floor: reference.statistics?.record?.floor)
    ]
    var skipped: [String: String] = [:]
    let scoreName = isInception ? "is" : "cs"
    switch subjectSide {
    case .statistics: skipped[scoreName] = "needs images, and statistics were given"
    case .images(let collection):
      if let score = try collection.score() {
        metrics[scoreName] = Metric(score)
      } else {
        skipped[scoreName] = "\(collection.count) images are fewer than \(scoreSplits) splits"
      }
    }

    return EvaluationResult(
      metrics: metrics, skipped: skipped,
      provenance: Provenance(
        tool: "\(Tool.name) \(Tool.version)", kernels: Tool.kernelPath, dialect: dialectName,
        num: subjectSide.count, checkpoint: generator?.checkpoint, sampler: generator?.provenance,
        images: existingPath.map(lastComponent), extractor: extractor.provenance,
        reference: referenceSide.provenance(path: referencePath), warnings: warnings),
      samplesSha256: subjectSide.sha256,
      run: Run(
        arguments: arguments, threads: workload.threads, batch: workload.batch, started: started,
        seconds: (ContinuousClock.now - clock) / .seconds(1),
        host: ProcessInfo.processInfo.hostName))
  }

  private var generator: Generator? {
    if case .samples(let generator, _) = subject { generator } else { nil }
  }

  private var existingPath: String? {
    if case .existing(let path) = subject { path } else { nil }
  }

  private func side(
    _ input: ImagesOrStatistics, _ extractor: AgreedExtractor, _ activity: String,
    _ reporter: Reporter
  ) async throws -> Side {
    switch input {
    case .statistics(let statistics): return .statistics(statistics)
    case .images(let source):
      guard let network = extractor.network?.network else {
        preconditionFailure("images need the network")
      }
      try checkEnough(source.count, "\(source)")
      return .images(
        try await collect(
          count: source.count, activity: activity, extractor: network, workload: workload,
          reporter: reporter, make: { (try source.image(at: $0), nil) }))
    }
  }
}

/// What is judged, checked as far as that goes before any work.
private enum OpenedSubject {
  case samples(Generator, count: Int)
  case existing(ImagesOrStatistics)

  init(_ subject: Evaluation.Subject) throws {
    switch subject {
    case .existing(let path): self = .existing(try ImagesOrStatistics(path: path))
    case .samples(let generator, let count):
      try generator.checkMakesImages()
      try generator.checkCovers(count)
      try checkEnough(count, "--num")
      self = .samples(generator, count: count)
    }
  }

  var statistics: ReferenceStatistics? {
    if case .existing(let input) = self { input.statistics } else { nil }
  }
}

/// - Throws: ``Failure`` `TooFewSamples`: a covariance needs two.
func checkEnough(_ count: Int, _ subject: String) throws(Failure) {
  guard count >= 2 else {
    throw Failure(
      .dataRefused, "TooFewSamples", subject, "\(count) images; a covariance needs at least 2")
  }
}

/// One side of a comparison, reduced to what the metrics need.
private enum Side {
  case images(FeatureCollection)
  case statistics(ReferenceStatistics)

  var count: Int? {
    switch self {
    case .images(let collection): collection.count
    case .statistics(let statistics): statistics.record?.count
    }
  }

  var sha256: String? {
    if case .images(let collection) = self { collection.sha256 } else { nil }
  }

  func gaussian() throws -> GaussianStatistics {
    switch self {
    case .images(let collection): try collection.gaussian.statistics()
    case .statistics(let statistics): statistics.gaussian
    }
  }

  func provenance(path: String) -> ReferenceProvenance {
    switch self {
    case .images(let collection):
      ReferenceProvenance(
        file: lastComponent(path), sha256: collection.sha256, dataset: nil,
        count: collection.count)
    case .statistics(let statistics): statistics.provenance
    }
  }

  /// With no more images than dimensions, the few rows are compared themselves: their covariance
  /// has no Cholesky factor.
  func distance(to reference: Side) throws -> FrechetDistance {
    do {
      if case .images(let collection) = self, collection.count <= collection.dimension {
        return try frechetDistance(betweenRows: collection.rows, and: reference.gaussian())
      }
      return try frechetDistance(between: gaussian(), and: reference.gaussian())
    } catch let error as MetricError {
      throw Failure(.dataRefused, error.code, "Fréchet distance", error.detail)
    }
  }
}

extension Metric {
  /// Why this version gives no interval.
  private static let noInterval = "this version computes no intervals"

  init(_ distance: FrechetDistance, floor: Floor?) {
    self.init(
      value: distance.value, intervalReason: Self.noInterval, higherIsBetter: false,
      meanTerm: distance.meanTerm,
      factorizations: distance.factorizations.map {
        .init(method: $0.method.rawValue, rank: $0.rank, clampedMass: $0.clampedMass)
      }, negativeRounding: distance.negativeRounding, floor: floor)
  }

  init(_ score: InceptionScore) {
    self.init(
      value: score.mean, intervalReason: Self.noInterval,
      standardDeviation: score.standardDeviation, higherIsBetter: true)
  }
}
