import FeatureExtractors
import Features
import Generators
import Files
import Images
import References
import Results
import Sampling
import Work

extension PreparedEvaluation {
  /// Draws the samples of one shard without scoring them.
  ///
  /// - Throws: `Failure` `NotAShard` (64) unless a checkpoint is sampled into a run with a shard,
  ///   or the error that sampling or writing the run throws.
  public func makeShard() async throws -> ShardReport {
    guard let run = execution.run, let shard = run.shard,
      case .samples(let source, let count) = subject
    else { throw Failure(.usage, .notAShard, "`shard`", "needs samples to make and `run`") }
    let directory = try await makeUnits(
      of: source, count: count, settings: run, keepsImages: false)
    let units = directory.record.units(count: count)
    let own = units.indices.filter { $0 % shard.count == shard.index }.map { units[$0] }
    return ShardReport(
      run: run.path, shard: shard, samples: own.reduce(0) { $0 + $1.count },
      missing: units.filter { !directory.isFinished($0) }.reduce(0) { $0 + $1.count })
  }

  /// Makes the units of this process's shard, or all units that no other process makes.
  ///
  /// - Returns: The run's folder, which contains all units of the shard.
  func makeUnits(
    of source: SampleSource, count: Int, settings: RunSettings, keepsImages: Bool
  ) async throws -> RunDirectory {
    guard let loaded = extractor.network else { preconditionFailure("images need the network") }
    let asked = RunRecord(
      configuration: RunConfiguration(
        tool: "\(Tool.name) \(Tool.version)",
        kernels: Tool.kernelPath(
          loaded.provenance.precision ?? source.sampler?.precision),
        source: source, extractor: loaded.provenance,
        kept: KeptArrays(
          subjectDemands, extractor: loaded.network,
          labels: source.classCount != nil,
          images: keepsImages || settings.keepsImages, extents: source.imageExtents,
          means: source.program?.differs == .lastBits)),
      unit: 1, counts: [count],
      scoring: RunRecord.Scoring(
        request, reference: absolutePath(referencePath),
        sha256: reference.statistics?.provenance.sha256))
    let threads = execution.workload.threads
    /// Measures the work for samples of which these are the first to make.
    func preFlight(
      _ kept: KeptArrays, _ missing: Int, first: Range<Int>
    ) async throws -> PreFlight {
      let rows = subjectDemands.contains { $0.keptRows > 0 } ? count : 0
      let preFlight =
        switch source {
        case .checkpoint(let generator):
          try PreFlight(
            generator, extractor: loaded.network, kept: kept, count: missing, rows: rows,
            threads: threads)
        case .program(let program):
          try await PreFlight(
            program, making: program.parts(of: first)[0], extractor: loaded.network, kept: kept,
            count: missing, rows: rows, threads: threads)
        }
      try preFlight.check(folder: settings.path, threads: threads)
      return preFlight
    }
    let directory = try await RunDirectory.open(settings.path, asked: asked) {
      if let unit = settings.unit { return unit }
      return try await preFlight(asked.configuration.kept, count, first: 0..<count).unit
    }

    var units = directory.record.units(count: count)
    if let shard = settings.shard {
      units = units.enumerated().filter { $0.offset % shard.count == shard.index }.map(\.element)
    }
    let missing = try directory.missing(units, reporter: reporter)
    let samples = missing.reduce(0) { $0 + $1.count }
    if let first = missing.first {
      let estimate = try await preFlight(
        directory.record.configuration.kept, samples,
        first: first.first..<first.first + first.count)
      reporter.note("\(samples) samples to make on \(threads) threads: \(estimate.summary)")
    }

    let runner = UnitRunner(
      directory, source: source, extractor: loaded.network,
      saveInterval: settings.saveInterval, reporter: reporter)
    settings.stop?.attach { try runner.stop() }
    try await runner.make(missing, of: units, threads: threads)
    return directory
  }

  /// Returns the features of the first `count` samples of a run.
  ///
  /// - Throws: `Failure` (65) `RunIncomplete` with the missing samples, unless `isPartial`;
  ///   `ExtractorMismatch`, `FeaturesNotKept` or `ImagesNotKept` if the run does not have what is
  ///   needed.
  mutating func stored(
    _ directory: RunDirectory, count: Int, isPartial: Bool, sink: ((Image, Int?) throws -> Void)?
  ) throws -> FeatureCollection {
    let network = try checkKept(by: directory, wantsImages: sink != nil)
    let units = directory.record.units(count: count)
    let missing = units.filter { !directory.isFinished($0) }
    if !missing.isEmpty {
      let gaps =
        "\(missing.reduce(0) { $0 + $1.count }) of \(count) samples are missing: "
        + ranges(missing, below: count)
      guard isPartial else {
        throw Failure(
          .dataRefused, .runIncomplete, directory.path,
          "\(gaps); run the same 'dis-eval fid `run`' again, or give `isPartial`")
      }
      guardian.warn(gaps)
    }
    let there = units.filter { !missing.contains($0) }
    let number = there.reduce(0) { $0 + min($1.first + $1.count, count) - $1.first }
    try checkEnough(number, directory.path)
    var collection = try FeatureCollection(
      subjectDemands, extractor: network, count: number)
    var tally = directory.record.configuration.classCount.map {
      LabelTally(classes: $0)
    }
    for unit in there {
      let content = try directory.read(unit)
      for offset in 0..<min(unit.count, count - unit.first) {
        if let label = content.label(at: offset) { tally?.append(label) }
        try collection.append(content.scoredImage(at: offset), label: content.label(at: offset))
        if let sink, let image = content.image(at: offset) {
          try sink(image, content.label(at: offset))
        }
      }
    }
    // Nothing is lost if this fails: the samples are in the run, and a result would lack intervals for good.
    try collection.checkRows()
    // Of samples that this process was to make they are known.
    if labels == nil, let tally { note(tally) }
    return collection
  }

  /// Refuses a run that did not keep what is needed of its samples.
  ///
  /// - Returns: The network that computed its features.
  /// - Throws: `Failure` `ExtractorMismatch`, `FeaturesNotKept`, `ImagesNotKept` (65).
  private func checkKept(
    by directory: RunDirectory, wantsImages: Bool
  ) throws(Failure) -> any FeatureExtractor {
    let kept = directory.record.configuration.kept
    guard let loaded = extractor.network,
      loaded.provenance.sha256 == directory.record.configuration.extractor.sha256
    else {
      throw Failure(
        .dataRefused, .extractorMismatch, directory.path,
        "the features were made with \(directory.record.configuration.extractor.name), SHA-256 "
          + "\(directory.record.configuration.extractor.sha256 ?? "unknown"), the extractor found "
          + "is \(extractor.provenance.name), SHA-256 \(extractor.provenance.sha256 ?? "unknown")")
    }
    for demand in subjectDemands
    where !kept.preparations.contains(demand.preparation.name)
      || demand.spatial && loaded.network.spatialDimension > 0 && kept.spatial == 0
    {
      throw Failure(
        .dataRefused, .featuresNotKept, directory.path,
        "the run kept features prepared as \(kept.preparations.joined(separator: ", "))"
          + "\(kept.spatial > 0 ? "" : ", without those of sFID"); '\(demand.preparation.name)'"
          + "\(demand.spatial ? " with those of sFID" : "") is needed")
    }
    if wantsImages, !kept.images {
      throw Failure(
        .dataRefused, .imagesNotKept, directory.path,
        "the run kept no images; start it with `keepsImages` to have them")
    }
    return loaded.network
  }
}

/// Returns the samples of `units` as at most twenty ranges, such as `0-63, 128-191`, with adjacent
/// ones joined.
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
