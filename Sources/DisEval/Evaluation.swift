import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Images
import Tensors

/// One evaluation: a subject, a reference, and how to extract features.
public struct Evaluation: Sendable {
  /// What is judged.
  public enum Subject: Sendable {
    /// That many samples of a checkpoint.
    case samples(Generator, count: Int)
    /// Images or statistics that are there already.
    case existing(path: String)
  }

  /// In which dialects the metrics are computed.
  public enum Dialects: Sendable {
    /// The reference's, if it is statistics of a known dialect, otherwise pytorch-fid.
    case fitting
    /// That of the images. The reference's may be said too, to mix them or because its file does not.
    case one(Dialect)
    /// Every one.
    case all
  }

  /// What is judged.
  public var subject: Subject
  /// Path or name of images or statistics to compare with.
  public var reference: String
  /// The extractor's weights; nil to find them by the reference or in the cache.
  public var weights: String?
  /// In which dialects.
  public var dialects = Dialects.fitting
  /// The dialect of the reference where it is another than that of the images, or its file does not
  /// say.
  public var referenceDialect: Dialect?
  /// Metrics that must be given; nil for all that the inputs give.
  public var metrics: Set<MetricName>?
  /// The metrics to compute when none must be given.
  public var optionalMetrics: Set<MetricName> = [.fid, .inceptionScore]
  /// Whether what is known to differ is compared all the same.
  public var allowsMismatch = false
  /// Whether folders are searched with the folders in them.
  public var recursive = false
  /// How many images there must be to judge, nil for any number.
  public var expectedCount: Int?
  /// How much runs at once.
  public var workload: Workload
  /// The command's arguments, for the record.
  public var arguments: [String] = []

  /// Describes an evaluation.
  public init(subject: Subject, reference: String, weights: String?, workload: Workload) {
    self.subject = subject
    self.reference = reference
    self.weights = weights
    self.workload = workload
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
    var guardian = CompatibilityGuard(allowsMismatch: allowsMismatch, reporter: reporter)

    // Everything that can be refused is refused before the first sample.
    let referencePath = try resolveReference(reference)
    let reference = try ImagesOrStatistics(path: referencePath, recursive: recursive)
    let opened = try OpenedSubject(subject, recursive: recursive)
    try checkCount(opened)
    for case .images(let source) in [opened.existing, reference].compactMap(\.self)
    where source.ignored > 0 {
      guardian.warn("\(source): \(source.ignored) other files were left out")
    }
    let statistics = [opened.statistics, reference.statistics].compactMap(\.self)
    let extractor = try AgreedExtractor(
      statistics: statistics, weights: weights, needsNetwork: statistics.count < 2,
      guardian: &guardian)
    let pairs = try dialectPairs(opened, reference, extractor, &guardian)
    try checkAvailable(opened, reference, extractor)
    try checkResolutions(opened, reference, &guardian)

    let wanted = metrics ?? optionalMetrics
    func demands(_ dialects: [Dialect], isSubject: Bool) -> [FeatureDemand] {
      FeatureDemand.of(
        dialects, metrics: wanted, isSubject: isSubject, extractor: extractor.network?.network)
    }
    let subjectDemands = demands(pairs.map(\.features), isSubject: true)
    let referenceSide = try await side(
      reference, extractor, demands(pairs.map(\.reference), isSubject: false), "reference", wanted,
      reporter)
    let subjectSide: Side
    switch opened {
    case .existing(let input):
      subjectSide = try await side(input, extractor, subjectDemands, "images", wanted, reporter)
    case .samples(let generator, let count):
      guard let network = extractor.network?.network else {
        preconditionFailure("sampling needs the network")
      }
      subjectSide = .images(
        try await collect(
          count: count, activity: "sampling", extractor: network, demands: subjectDemands,
          workload: workload, reporter: reporter,
          make: {
            (try generator.image(try generator.sample($0), index: $0), generator.label($0))
          }, sink: sink))
    }
    let names = [existingPath ?? "samples", referencePath].map(lastComponent)
    for (side, name) in zip([subjectSide, referenceSide], names) {
      side.tally?.notes(name).forEach { guardian.warn($0) }
    }

    if let count = subjectSide.count, count <= extractor.provenance.dimension {
      guardian.warn(
        "\(count) images span at most \(count - 1) of \(extractor.provenance.dimension) "
          + "dimensions: the covariance is rank deficient and the distance biased upwards")
    }
    var comparison = Comparison(
      subjectSide, against: referenceSide, extractor: extractor.network?.network,
      isInception: extractor.provenance.name == inceptionName, wanted: wanted)
    var results: [String: DialectResult] = [:]
    for pair in pairs {
      results[pair.features.rawValue] = try comparison.result(
        pair.features, reference: pair.reference)
    }

    let only = results.count == 1 && !isAll ? results.first : nil
    var extractorProvenance = extractor.provenance
    extractorProvenance.preprocessing = only?.value.preprocessing
    return EvaluationResult(
      metrics: only?.value.metrics ?? [:], skipped: only?.value.skipped ?? [:],
      dialects: only == nil ? results : nil,
      provenance: Provenance(
        tool: "\(Tool.name) \(Tool.version)", kernels: Tool.kernelPath,
        dialect: only?.key ?? "all", num: subjectSide.count, checkpoint: generator?.checkpoint,
        sampler: generator?.provenance, decoder: generator?.decoder?.provenance,
        images: existingPath.map(lastComponent),
        extractor: extractorProvenance,
        reference: referenceSide.provenance(
          path: referencePath, dialect: only == nil ? nil : pairs[0].reference),
        allowedMismatches: guardian.allowed.isEmpty ? nil : guardian.allowed,
        warnings: guardian.warnings),
      samplesSha256: subjectSide.sha256,
      run: Run(
        arguments: arguments, threads: workload.threads, batch: workload.batch, started: started,
        seconds: (ContinuousClock.now - clock) / .seconds(1),
        host: ProcessInfo.processInfo.hostName))
  }

  private var isAll: Bool {
    if case .all = dialects { true } else { false }
  }

  private var generator: Generator? {
    if case .samples(let generator, _) = subject { generator } else { nil }
  }

  var existingPath: String? {
    if case .existing(let path) = subject { path } else { nil }
  }

  private func side(
    _ input: ImagesOrStatistics, _ extractor: AgreedExtractor, _ demands: [FeatureDemand],
    _ activity: String, _ wanted: Set<MetricName>, _ reporter: Reporter
  ) async throws -> Side {
    func features(_ source: ImageSource, _ activity: String) async throws -> FeatureCollection? {
      guard let network = extractor.network?.network else { return nil }
      try checkEnough(source.count, "\(source)")
      return try await collect(
        count: source.count, activity: activity, extractor: network, demands: demands,
        workload: workload, reporter: reporter, make: { (try source.image(at: $0), nil) })
    }
    switch input {
    case .statistics(let statistics):
      guard !wanted.isDisjoint(with: MetricName.ofRows), try statistics.featureRows() == nil,
        let source = try statistics.images()
      else { return .statistics(statistics, images: nil) }
      return .statistics(statistics, images: try await features(source, "images of the reference"))
    case .images(let source):
      guard let collection = try await features(source, activity) else {
        preconditionFailure("images need the network")
      }
      return .images(collection)
    }
  }
}

extension FeatureDemand {
  /// What the metrics of `dialects` need, one demand for each preparation.
  static func of(
    _ dialects: [Dialect], metrics: Set<MetricName>, isSubject: Bool,
    extractor: (any FeatureExtractor)?
  ) -> [FeatureDemand] {
    var demands: [FeatureDemand] = []
    for dialect in dialects {
      let definition = dialect.definition
      let preparation =
        extractor?.effective(definition.preparation) ?? definition.preparation
      if !demands.contains(where: { $0.preparation == preparation }) {
        demands.append(
          FeatureDemand(
            preparation: preparation, spatial: metrics.contains(.sfid),
            keptRows: metrics.isDisjoint(with: MetricName.ofRows) ? 0 : .max))
      }
      let score = definition.score.definition
      for index in demands.indices
      where demands[index].preparation == preparation && isSubject
        && metrics.contains(.inceptionScore) && !demands[index].scores.contains(score)
      {
        demands[index].scores.append(score)
      }
    }
    return demands
  }
}

extension Side {
  /// What the images are like, nil without images.
  fileprivate var tally: ImageTally? {
    switch self {
    case .images(let collection): collection.tally
    case .statistics(_, let images): images?.tally
    }
  }

  fileprivate func provenance(path: String, dialect: Dialect?) -> ReferenceProvenance {
    switch self {
    case .images(let collection):
      ReferenceProvenance(
        file: lastComponent(path), sha256: collection.sha256, dataset: nil,
        count: collection.count, dialect: dialect?.rawValue)
    case .statistics(let statistics, _): statistics.provenance
    }
  }
}
