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
  init(path: String, recursive: Bool) throws {
    self =
      ReferenceStatistics.isRecognised(path)
      ? .statistics(try ReferenceStatistics(path: path))
      : .images(try ImageSource(path: path, recursive: recursive))
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
          make: { (generator.image(try generator.sample($0)), generator.label($0)) }, sink: sink))
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
        sampler: generator?.provenance, images: existingPath.map(lastComponent),
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

  private var existingPath: String? {
    if case .existing(let path) = subject { path } else { nil }
  }

  /// The dialects of the two sides of every comparison.
  private func dialectPairs(
    _ subject: OpenedSubject, _ reference: ImagesOrStatistics, _ extractor: AgreedExtractor,
    _ guardian: inout CompatibilityGuard
  ) throws -> [(features: Dialect, reference: Dialect)] {
    let statistics = reference.statistics
    // An extractor that prepares images in its own one way has the same features in all dialects.
    let hasOwnPreparation = extractor.network?.network.ownPreparation != nil
    func check(_ side: ReferenceStatistics?, _ dialect: Dialect, _ asserted: Dialect?) throws {
      guard let side, !hasOwnPreparation else { return }
      try guardian.check(side, against: dialect, asserted: asserted)
    }
    switch dialects {
    case .fitting, .one:
      let known = subject.statistics?.dialect ?? statistics?.dialect
      let dialect = if case .one(let dialect) = dialects { dialect } else { known ?? .pytorchFID }
      try check(subject.statistics, dialect, nil)
      try check(statistics, dialect, referenceDialect)
      return [(dialect, statistics?.dialect ?? referenceDialect ?? dialect)]
    case .all:
      guard referenceDialect == nil else {
        throw Failure(
          .usage, "MixedDialects", "--ref-dialect", "is for one dialect, not for --dialect all")
      }
      let known = [subject.statistics, statistics].compactMap(\.?.dialect)
      let fitting = Dialect.allCases.filter { dialect in
        hasOwnPreparation
          || known.allSatisfy { $0.definition.preparation == dialect.definition.preparation }
      }
      guard let first = fitting.first else {
        throw Failure(
          .dataRefused, "DialectMismatch", self.reference, "the two sides have different dialects")
      }
      try check(subject.statistics, known.first ?? first, nil)
      try check(statistics, known.first ?? first, nil)
      return fitting.map { ($0, $0) }
    }
  }

  /// - Throws: ``Failure`` `MetricUnavailable` for a metric that was asked for by name and that the
  ///   statistics cannot give.
  private func checkAvailable(
    _ subject: OpenedSubject, _ reference: ImagesOrStatistics, _ extractor: AgreedExtractor
  ) throws {
    guard let metrics else { return }
    func refuse(_ name: MetricName, _ subject: String, _ reason: String) throws {
      guard metrics.contains(name) else { return }
      throw Failure(.dataRefused, "MetricUnavailable", subject, "\(name.rawValue): \(reason)")
    }
    for side in [subject.statistics, reference.statistics].compactMap(\.self) {
      if side.spatial == nil {
        try refuse(
          .sfid, side.path,
          "it has no mu_s and sigma_s; compare with images, or with the file of guided-diffusion")
      }
      if try side.featureRows() == nil, try side.images() == nil {
        for name in [MetricName.kid, .precision, .recall] {
          try refuse(
            name, side.path,
            "needs images or feature rows, and it has mean and covariance alone; compare with images"
          )
        }
      }
    }
    if let side = subject.statistics {
      try refuse(.inceptionScore, side.path, "needs images, and it is statistics")
    }
    if extractor.network?.network.spatialDimension == 0 {
      try refuse(.sfid, "the extractor", "has no features with positions; Inception has")
    }
  }

  /// - Throws: ``Failure`` `CountMismatch`.
  private func checkCount(_ subject: OpenedSubject) throws(Failure) {
    guard let expectedCount, let existing = subject.existing else { return }
    let count =
      switch existing {
      case .images(let source): source.count as Int?
      case .statistics(let statistics): statistics.count
      }
    guard count == expectedCount else {
      throw Failure(
        .dataRefused, "CountMismatch", existingPath ?? "",
        "\(count.map(String.init) ?? "an unknown number of") images, expected \(expectedCount) by "
          + "--num")
    }
  }

  /// Refuses statistics of images of another size: that of the samples, or of the first image.
  private func checkResolutions(
    _ subject: OpenedSubject, _ reference: ImagesOrStatistics, _ guardian: inout CompatibilityGuard
  ) throws {
    guard let statistics = reference.statistics, statistics.resolution != nil else { return }
    switch subject {
    case .samples(let generator, _):
      let side = generator.checkpoint.model.imageSide
      try guardian.checkResolution(
        statistics, width: side, height: side, subject: "a sample")
    case .existing(.images(let source)):
      let first = try source.image(at: 0)
      try guardian.checkResolution(
        statistics, width: first.width, height: first.height, subject: "the first image")
    case .existing(.statistics(let other)):
      guard let side = other.resolution else { return }
      try guardian.checkResolution(
        statistics, width: side, height: side, subject: other.path)
    }
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

/// What is judged, checked as far as that goes before any work.
private enum OpenedSubject {
  case samples(Generator, count: Int)
  case existing(ImagesOrStatistics)

  init(_ subject: Evaluation.Subject, recursive: Bool) throws {
    switch subject {
    case .existing(let path):
      self = .existing(try ImagesOrStatistics(path: path, recursive: recursive))
    case .samples(let generator, let count):
      try generator.checkMakesImages()
      try generator.checkCovers(count)
      try checkEnough(count, "--num")
      self = .samples(generator, count: count)
    }
  }

  var existing: ImagesOrStatistics? {
    if case .existing(let input) = self { input } else { nil }
  }

  var statistics: ReferenceStatistics? { existing?.statistics }
}

/// - Throws: ``Failure`` `TooFewSamples`: a covariance needs two.
func checkEnough(_ count: Int, _ subject: String) throws(Failure) {
  guard count >= 2 else {
    throw Failure(
      .dataRefused, "TooFewSamples", subject, "\(count) images; a covariance needs at least 2")
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
