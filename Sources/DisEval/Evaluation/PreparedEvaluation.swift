import FeatureExtractors
import Files
import Images
import References
import Sampling
import Work

/// An evaluation whose inputs are open and checked: everything that can be refused is refused before
/// the first sample.
struct PreparedEvaluation {
  private let evaluation: Evaluation
  private let reporter: Reporter
  private let opened: OpenedSubject
  private let reference: ImagesOrStatistics
  /// Where the reference lies.
  let referencePath: String
  let extractor: AgreedExtractor
  /// The dialects of the two sides of every comparison.
  let pairs: [(features: Dialect, reference: Dialect)]
  private(set) var guardian: CompatibilityGuard
  /// The classes of the samples, nil as long as they are not known, and without classes.
  private(set) var labels: LabelTally?

  init(_ evaluation: Evaluation, reporter: Reporter) throws {
    try evaluation.workload.prepare()
    self.evaluation = evaluation
    self.reporter = reporter
    guardian = CompatibilityGuard(allowsMismatch: evaluation.allowsMismatch, reporter: reporter)
    referencePath = try resolveReference(evaluation.reference)
    reference = try ImagesOrStatistics(path: referencePath, recursive: evaluation.recursive)
    opened = try OpenedSubject(evaluation.subject, recursive: evaluation.recursive)
    try evaluation.checkCount(opened)
    for case .images(let source) in [opened.existing, reference].compactMap(\.self)
    where source.ignored > 0 {
      guardian.warn("\(source): \(source.ignored) other files were left out")
    }
    let statistics = [opened.statistics, reference.statistics].compactMap(\.self)
    extractor = try AgreedExtractor(
      statistics: statistics, weights: evaluation.weights, precision: evaluation.precision,
      needsNetwork: statistics.count < 2,
      guardian: &guardian)
    pairs = try evaluation.dialectPairs(opened, reference, extractor, &guardian)
    try evaluation.checkAvailable(opened, reference, extractor)
    try evaluation.checkResolutions(opened, reference, &guardian)
    if case .samples(let generator, let count) = opened,
      let classes = generator.checkpoint.model.numClasses
    {
      var labels = LabelTally(classes: classes)
      for index in 0..<count { labels.append(generator.label(index) ?? classes) }
      note(labels)
    }
  }

  /// Keeps the classes of the samples, and warns if they are not those of the reference.
  private mutating func note(_ labels: LabelTally) {
    self.labels = labels
    guard let policy = origin?.sampler.labels else { return }
    let known =
      switch reference {
      case .images(let source): source.labelCounts
      case .statistics(let statistics): statistics.record?.labels
      }
    let warning = labels.warning(
      policy: policy, reference: known, named: lastComponent(referencePath))
    if let warning { guardian.warn(warning) }
  }

  /// The metrics to compute.
  var wanted: Set<MetricName> { evaluation.metrics ?? evaluation.optionalMetrics }

  /// What the samples were made by, when samples are judged.
  var origin: SampleOrigin? { opened.origin }

  private var network: any FeatureExtractor {
    guard let network = extractor.network?.network else {
      preconditionFailure("images need the network")
    }
    return network
  }

  private func demands(_ dialects: [Dialect], isSubject: Bool) -> [FeatureDemand] {
    FeatureDemand.of(
      dialects, metrics: wanted, isSubject: isSubject,
      intervals: isSubject && evaluation.noIntervals == nil, extractor: extractor.network?.network)
  }

  private var subjectDemands: [FeatureDemand] {
    demands(pairs.map(\.features), isSubject: true)
  }

  func referenceSide() async throws -> Side {
    try await side(reference, demands(pairs.map(\.reference), isSubject: false), "reference")
  }

  /// - Parameter sink: Gets every sampled image in index order with its label.
  mutating func subjectSide(sink: ((Image, Int?) throws -> Void)?) async throws -> Side {
    switch opened {
    case .existing(let input): return try await side(input, subjectDemands, "images")
    case .run(let directory, let count):
      return .images(try stored(directory, count: count, sink: sink))
    case .samples(let generator, let count):
      if let run = evaluation.run {
        let directory = try await makeUnits(
          of: generator, count: count, settings: run, keepsImages: sink != nil)
        return .images(try stored(directory, count: count, sink: sink))
      }
      return .images(
        try await collect(
          count: count, activity: "sampling", extractor: network, demands: subjectDemands,
          workload: evaluation.workload, reporter: reporter,
          together: 1,  // A sample takes longer than its features.
          make: { (try generator.image(try generator.sample($0), index: $0), generator.label($0)) },
          sink: sink ?? { _, _ in }))
    }
  }

  private func side(
    _ input: ImagesOrStatistics, _ demands: [FeatureDemand], _ activity: String
  ) async throws -> Side {
    func features(_ source: ImageSource, _ activity: String) async throws -> FeatureCollection {
      try checkEnough(source.count, "\(source)")
      return try await collect(
        count: source.count, activity: activity, extractor: network, demands: demands,
        workload: evaluation.workload, reporter: reporter,
        make: { (try source.image(at: $0), nil) })
    }
    switch input {
    case .images(let source): return .images(try await features(source, activity))
    case .statistics(let statistics):
      guard extractor.network != nil, !wanted.isDisjoint(with: MetricName.ofRows),
        try statistics.featureRows() == nil, let source = try statistics.images()
      else { return .statistics(statistics, images: nil) }
      return .statistics(statistics, images: try await features(source, "images of the reference"))
    }
  }

  /// Warns of what the images of both sides are like.
  mutating func warn(_ subject: Side, _ reference: Side) {
    let names = [evaluation.existingPath ?? "samples", referencePath].map(lastComponent)
    for (side, name) in zip([subject, reference], names) {
      side.tally?.notes(name).forEach { guardian.warn($0) }
    }
    if let count = subject.count, count <= extractor.provenance.dimension {
      guardian.warn(
        "\(count) images span at most \(count - 1) of \(extractor.provenance.dimension) "
          + "dimensions: the covariance is rank deficient and the distance biased upwards")
    }
  }
}

// MARK: - Runs

extension PreparedEvaluation {
  /// Makes the units of this process's shard, or all that nobody else makes.
  ///
  /// - Returns: The run's folder, in which all units of the shard are.
  func makeUnits(
    of generator: Generator, count: Int, settings: RunSettings, keepsImages: Bool
  ) async throws -> RunDirectory {
    guard let loaded = extractor.network else { preconditionFailure("images need the network") }
    let asked = RunRecord(
      configuration: RunConfiguration(
        tool: "\(Tool.name) \(Tool.version)",
        kernels: Tool.kernelPath(
          loaded.provenance.precision ?? generator.provenance.precision),
        checkpoint: generator.checkpoint, sampler: generator.provenance,
        decoder: generator.decoder?.provenance, extractor: loaded.provenance,
        kept: KeptArrays(
          subjectDemands, extractor: loaded.network,
          labels: generator.checkpoint.model.numClasses != nil,
          images: keepsImages || settings.keepsImages, extents: generator.imageExtents)),
      unit: 1, counts: [count], scoring: scoring)
    let threads = evaluation.workload.threads
    func preFlight(_ kept: KeptArrays, _ missing: Int) throws -> PreFlight {
      let preFlight = try PreFlight(
        generator, extractor: loaded.network, kept: kept, count: missing,
        rows: subjectDemands.contains { $0.keptRows > 0 } ? count : 0, threads: threads)
      try preFlight.check(folder: settings.path, threads: threads)
      return preFlight
    }
    let directory = try await RunDirectory.open(settings.path, asked: asked) {
      if let unit = settings.unit { return unit }
      return try preFlight(asked.configuration.kept, count).unit
    }

    var units = directory.record.units(count: count)
    if let shard = settings.shard {
      units = units.enumerated().filter { $0.offset % shard.count == shard.index }.map(\.element)
    }
    let missing = try directory.missing(units, reporter: reporter)
    let samples = missing.reduce(0) { $0 + $1.count }
    if samples > 0 {
      let estimate = try preFlight(directory.record.configuration.kept, samples)
      reporter.note("\(samples) samples to make on \(threads) threads: \(estimate.summary)")
    }

    let runner = UnitRunner(
      directory, generator: generator, extractor: loaded.network,
      saveInterval: settings.saveInterval, reporter: reporter)
    settings.stop?.attach { try runner.stop() }
    try await runner.make(missing, of: units, threads: threads)
    return directory
  }

  /// The first `count` samples of a run.
  ///
  /// - Throws: `Failure` `RunIncomplete` listing what is missing, unless that is to be left out.
  private mutating func stored(
    _ directory: RunDirectory, count: Int, sink: ((Image, Int?) throws -> Void)?
  ) throws -> FeatureCollection {
    let kept = directory.record.configuration.kept
    guard let loaded = extractor.network,
      loaded.provenance.sha256 == directory.record.configuration.extractor.sha256
    else {
      throw Failure(
        .dataRefused, "ExtractorMismatch", directory.path,
        "the features are of \(directory.record.configuration.extractor.name), SHA-256 "
          + "\(directory.record.configuration.extractor.sha256 ?? "unknown"), the extractor found "
          + "is \(extractor.provenance.name), SHA-256 \(extractor.provenance.sha256 ?? "unknown")")
    }
    for demand in subjectDemands
    where !kept.preparations.contains(demand.preparation.name)
      || demand.spatial && loaded.network.spatialDimension > 0 && kept.spatial == 0
    {
      throw Failure(
        .dataRefused, "FeaturesNotKept", directory.path,
        "the run kept features prepared as \(kept.preparations.joined(separator: ", "))"
          + "\(kept.spatial > 0 ? "" : ", without those of sFID"); '\(demand.preparation.name)'"
          + "\(demand.spatial ? " with those of sFID" : "") is needed")
    }
    if sink != nil, !kept.images {
      throw Failure(
        .dataRefused, "ImagesNotKept", directory.path,
        "the run kept no images; begin it with --save-images or --grid to have them")
    }
    let units = directory.record.units(count: count)
    let missing = units.filter { !directory.isFinished($0) }
    if !missing.isEmpty {
      let gaps =
        "\(missing.reduce(0) { $0 + $1.count }) of \(count) samples are missing: "
        + ranges(missing, below: count)
      guard evaluation.isPartial else {
        throw Failure(
          .dataRefused, "RunIncomplete", directory.path,
          "\(gaps); run the same 'dis-eval fid --run' again, or give --partial")
      }
      guardian.warn(gaps)
    }
    let there = units.filter { !missing.contains($0) }
    let number = there.reduce(0) { $0 + min($1.first + $1.count, count) - $1.first }
    try checkEnough(number, directory.path)
    var collection = FeatureCollection(
      subjectDemands, extractor: loaded.network, count: number)
    var tally = directory.record.configuration.checkpoint.model.numClasses.map {
      LabelTally(classes: $0)
    }
    for unit in there {
      let content = try directory.read(unit)
      for offset in 0..<min(unit.count, count - unit.first) {
        if let label = content.label(at: offset) { tally?.append(label) }
        try collection.append(content.scoredImage(at: offset))
        if let sink, let image = content.image(at: offset) {
          try sink(image, content.label(at: offset))
        }
      }
    }
    // Of samples that this process was to make they are known.
    if labels == nil, let tally { note(tally) }
    return collection
  }

  private var scoring: RunRecord.Scoring {
    let (dialect, metrics): (String?, Set<MetricName>?) =
      switch evaluation.dialects {
      case .fitting: (nil, evaluation.metrics)
      case .one(let dialect): (dialect.rawValue, evaluation.metrics)
      case .all: ("all", evaluation.metrics)
      }
    return RunRecord.Scoring(
      reference: absolutePath(referencePath),
      referenceSha256: reference.statistics?.provenance.sha256,
      weights: evaluation.weights.map(absolutePath), preset: evaluation.preset?.name,
      dialect: dialect,
      referenceDialect: evaluation.referenceDialect?.rawValue,
      metrics: metrics?.map(\.rawValue).sorted(),
      optionalMetrics: evaluation.optionalMetrics.map(\.rawValue).sorted(),
      givesIntervals: evaluation.givesIntervals, allowsMismatch: evaluation.allowsMismatch,
      recursive: evaluation.recursive)
  }
}

/// `0-63, 128-191`: the samples of `units`, neighbours joined, at most twenty ranges.
private func ranges(_ units: [UnitRange], below count: Int) -> String {
  var joined: [Range<Int>] = []
  for unit in units {
    let indices = unit.first..<min(unit.first + unit.count, count)
    if let last = joined.last, last.upperBound == indices.lowerBound {
      joined[joined.count - 1] = last.lowerBound..<indices.upperBound
    } else {
      joined.append(indices)
    }
  }
  let shown = joined.prefix(20).map {
    $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound - 1)"
  }
  return shown.joined(separator: ", ")
    + (joined.count > shown.count ? " and \(joined.count - shown.count) more ranges" : "")
}
