import FeatureExtractors
import Features
import Files
import Foundation
import GenerativeMetrics
import Generators
import Images
import References
import Results
import Sampling
import Work

/// An evaluation whose inputs are open and checked, so that whatever can be refused is refused
/// before the first sample.
public struct PreparedEvaluation: Sendable {
  let request: EvaluationRequest
  /// Whether a side is in memory, so that the request names no file for it.
  private let isInMemory: Bool
  var execution: Execution
  let reporter: Reporter
  let scoring: ScoringSettings
  let subject: OpenedSubject
  let reference: OpenedReference
  /// The path of the reference.
  let referencePath: String
  let extractor: AgreedExtractor
  /// The dialects of the two sides of every comparison.
  let pairs: [(features: Dialect, reference: Dialect)]
  var guardian: CompatibilityGuard
  /// The classes of the samples; nil until they are known, and for models without classes.
  private(set) var labels: LabelTally?
  private let clock = ContinuousClock.now
  private let date = Date.now

  /// Opens and checks the inputs of a request.
  ///
  /// - Parameter subject: The subject that a different evaluation opened; nil to open it.
  init(
    _ request: EvaluationRequest, _ execution: Execution, reporter: Reporter,
    subject: OpenedSubject? = nil
  ) throws {
    try execution.run?.check()
    try execution.workload.prepare()
    let scoring = try ScoringSettings(request)
    var missing = MissingInputs()
    func open() throws -> OpenedSubject {
      try OpenedSubject(request, preset: scoring.preset, execution: execution, reporter: reporter)
    }
    var opened = request.generator == nil ? try subject ?? missing.open(open) : subject
    let path = try missing.open { try resolveReference(request.reference) }
    let found = try missing.open {
      try path.map {
        try ImagesOrStatistics(
          path: $0, recursive: request.recursive, skipsBroken: request.skipsBroken ?? false,
          extractor: request.extractor)
      }
    }
    if path == nil, opened?.statistics == nil {
      // Statistics that are to be fetched name no extractor of ours: it is the one of the cache.
      _ = try missing.open {
        try LoadedExtractor.choose(
          weights: request.weights, name: request.extractor, reference: nil,
          precision: request.precision)
      }
    }
    try missing.check()
    // It may take minutes to load its model, and is started only if everything else is there.
    if request.generator != nil, opened == nil { opened = try open() }
    guard let opened, let path, let reference = found ?? nil else {
      preconditionFailure("what is not open is missing")
    }
    try request.checkCount(of: opened)
    try self.init(
      request, execution, reporter: reporter, scoring: scoring, subject: opened,
      reference: .files(reference), path: path)
  }

  /// Checks opened inputs.
  ///
  /// - Parameters:
  ///   - path: The path of the reference, or its name if it is in memory.
  ///   - loaded: The extractor that already scored images; nil to choose one.
  ///   - isInMemory: Whether an input is in memory, in which case the result records no request.
  init(
    _ request: EvaluationRequest, _ execution: Execution, reporter: Reporter,
    scoring: ScoringSettings, subject: OpenedSubject, reference: OpenedReference, path: String,
    loaded: LoadedExtractor? = nil, isInMemory: Bool = false
  ) throws {
    self.isInMemory = isInMemory
    (self.request, self.execution, self.reporter) = (request, execution, reporter)
    (self.scoring, self.subject, self.reference, referencePath) = (
      scoring, subject, reference, path
    )
    guardian = CompatibilityGuard(allowsMismatch: request.allowsMismatch, reporter: reporter)
    for source in [subject.images, reference.images].compactMap(\.self) where source.ignored > 0 {
      guardian.warn("\(source): \(source.ignored) other files were left out")
    }
    for source in [subject.images, reference.images].compactMap(\.self) {
      if let warning = source.warningOfBroken { guardian.warn(warning) }
    }
    let statistics = [subject.statistics, reference.statistics].compactMap(\.self)
    for note in statistics.flatMap(\.notes) { guardian.warn(note) }
    extractor = try AgreedExtractor(
      statistics: statistics, weights: request.weights, name: request.extractor,
      precision: request.precision,
      needsNetwork: statistics.count < 2, loaded: loaded, guardian: &guardian)
    pairs = try scoring.dialectPairs(subject, reference, extractor, &guardian)
    try scoring.checkAvailable(subject, reference, extractor)
    try scoring.checkResolutions(subject, reference, &guardian)
    if case .samples(let source, let count) = subject,
      let labels = source.labelCounts(first: count)
    {
      note(LabelTally(counts: labels.counts, unlabelled: labels.unlabelled))
    }
  }

  /// Records the classes of the samples, and warns if they are not those of the reference.
  mutating func note(_ labels: LabelTally) {
    self.labels = labels
    guard let policy = subject.origin?.labels else { return }
    let known =
      switch reference {
      case .files(.images(let source)): source.labelCounts
      case .files(.statistics(let statistics)): statistics.record?.labels
      case .accumulated: nil as LabelCounts?
      }
    let warning = labels.warning(
      policy: policy, reference: known, named: lastComponent(referencePath))
    if let warning { guardian.warn(warning) }
  }

  /// The number of samples drawn or merged; nil if there are none, or if it depends on what exists.
  public var sampleCount: Int? { subject.sampleCount }

  /// The number of classes of the evaluated model; nil if there is no model or it has no classes.
  public var classCount: Int? { subject.origin?.classCount }

  /// Returns why the result will have no metric with the given name, whatever the inputs; nil if it
  /// may have one.
  public func reasonWithout(_ title: MetricTitle) -> String? {
    let called = title.named(by: extractor.provenance.name)
    guard called == title else {
      return "the result has \(called.rawValue) instead of \(title.rawValue), because of the "
        + "extractor '\(extractor.provenance.name)'"
    }
    return nil
  }

  /// Checks that this evaluation repeats a recorded one.
  ///
  /// - Parameters:
  ///   - provenance: The record of the evaluation.
  ///   - isSameCheckpoint: Whether the checkpoint must be the recorded one.
  /// - Throws: `Failure` (65) `OtherExtractor` if the extractor differs, `OtherLabels` if the
  ///   labels differ, `CannotSampleAgain` if the record does not name the weights or this version
  ///   would sample differently.
  public func check(repeats provenance: Provenance, isSameCheckpoint: Bool) throws {
    if case .samples(let source, _) = subject {
      try source.check(repeats: provenance, isSame: isSameCheckpoint)
    }
    let recorded = provenance.extractor
    // What was made with it may be called unknown, if the reference does not name its extractor.
    guard let found = extractor.network?.provenance, found.isSame(as: recorded) != true,
      extractor.provenance.isSame(as: recorded) != true
    else { return }
    throw Failure(
      .dataRefused, .otherExtractor, request.weights ?? found.file ?? found.name,
      "\(found.name) with SHA-256 \(found.sha256 ?? "unknown"), but the record is of "
        + "\(recorded.name) with \(recorded.sha256 ?? "unknown"); give `weights`")
  }
}

// MARK: - Running

extension PreparedEvaluation {
  /// Draws or reads the images, extracts their features and computes the metrics.
  ///
  /// - Throws: `Failure` such as `NotFinite` or `RunIncomplete` (65) if samples cannot be drawn,
  ///   read or kept.
  public func run() async throws -> EvaluationResult { try await run(sink: nil) }

  /// Evaluates, and passes the samples on.
  ///
  /// - Parameter sink: Receives every sampled image, `[H, W, C]`, in index order, with its class or
  ///   nil; nil to pass on nothing.
  /// - Throws: As ``run()``, or the error thrown by `sink`.
  package func run(sink: ((Image, Int?) throws -> Void)?) async throws -> EvaluationResult {
    var evaluation = self
    let reference = try await referenceSide()
    return try evaluation.score(try await evaluation.subjectSide(sink), reference)
  }

  /// The features that several evaluations had computed together.
  struct Collected {
    let subject: FeatureCollection
    /// Nil for a reference that is not images.
    let reference: FeatureCollection?
  }

  /// Computes the metrics from features.
  func run(collected: Collected) async throws -> EvaluationResult {
    var evaluation = self
    let reference =
      if let images = collected.reference { Side.images(images) } else { try await referenceSide() }
    return try evaluation.score(.images(collected.subject), reference)
  }

  private func referenceSide() async throws -> Side {
    switch reference {
    case .files(let input): try await side(input, referenceDemands, "reference")
    case .accumulated(let images): .images(try images.collection(referenceDemands))
    }
  }

  private mutating func score(
    _ subjectSide: Side, _ referenceSide: Side
  ) throws -> EvaluationResult {
    warn(subjectSide, referenceSide)
    var computation = MetricComputation(
      subjectSide, against: referenceSide, extractor: extractor.network?.network,
      extractorName: extractor.provenance.name, wanted: scoring.wanted,
      intervals: scoring.intervals, reporter: reporter)
    var results: [String: EvaluationResult.DialectResult] = [:]
    for pair in pairs {
      results[pair.features.rawValue] = try computation.result(
        pair.features, reference: pair.reference)
    }
    let only = results.count == 1 && scoring.dialect != .all ? results.first : nil
    if scoring.metrics != nil {
      for (name, reason) in (only?.value.skipped ?? [:]).sorted(by: { $0.key < $1.key }) {
        guardian.warn("\(name) was asked for and is not computed: \(reason)")
      }
    }
    let diagnosis =
      only != nil && scoring.wantsDiagnosis
      ? try computation.diagnosis(pairs[0].features, reference: pairs[0].reference) : nil
    for (name, metric) in (only?.value.metrics ?? [:]).sorted(by: { $0.key < $1.key }) {
      metric.notes(of: name, count: subjectSide.count ?? 0).forEach { guardian.warn($0) }
    }
    let check = scoring.card?.check(scoredProtocol(subjectSide, referenceSide, of: only?.key))
    for departure in check?.departures ?? [] {
      guardian.warn("not as in the preset \(request.preset ?? ""): \(departure)")
    }
    var result = EvaluationResult(
      metrics: only?.value.metrics ?? [:], skipped: only?.value.skipped ?? [:],
      dialects: only == nil ? results : nil,
      provenance: provenance(subjectSide, referenceSide, of: only),
      samplesSha256: subjectSide.sha256,
      sampleDigests: subject.origin.flatMap { _ in subjectSide.digests?.text },
      sampleMeans: subject.origin?.generator?.differs == .lastBits
        ? subjectSide.means?.text : nil,
      run: EvaluationResult.Run(
        arguments: execution.arguments, request: isInMemory ? nil : request,
        threads: execution.workload.threads,
        batch: execution.workload.batch, started: date.formatted(.iso8601),
        seconds: (ContinuousClock.now - clock) / .seconds(1),
        host: ProcessInfo.processInfo.hostName))
    result.diagnosis = diagnosis
    result.provenance.protocolCheck = check
    return result
  }

  /// - Parameter only: The dialect and its metrics; nil if there are several.
  private func provenance(
    _ subjectSide: Side, _ referenceSide: Side,
    of only: (key: String, value: EvaluationResult.DialectResult)?
  ) -> Provenance {
    let origin = subject.origin
    var extractor = extractor.provenance
    extractor.preprocessing = only?.value.preprocessing
    let leftOut = [subject.images, reference.images].compactMap(\.self).flatMap(\.leftOut)
    return Provenance(
      tool: "\(Tool.name) \(Tool.version)",
      kernels: Tool.kernelPath(extractor.precision ?? origin?.sampler?.precision),
      dialect: only?.key ?? DialectChoice.all.name, num: subjectSide.count,
      checkpoint: origin?.checkpoint, sampler: origin?.sampler, generator: origin?.generator,
      labels: labels?.summary,
      decoder: origin?.decoder, images: request.images.map(lastComponent),
      preset: scoring.preset?.name ?? scoring.card?.name, extractor: extractor,
      reference: referenceSide.provenance(
        path: referencePath, dialect: only == nil ? nil : pairs[0].reference),
      allowedMismatches: guardian.allowed.isEmpty ? nil : guardian.allowed,
      leftOut: leftOut.isEmpty ? nil : leftOut.map { "\($0.subject): \($0.code): \($0.detail)" },
      warnings: guardian.warnings)
  }

  /// Returns what is known of the images, to be compared with a protocol.
  ///
  /// - Parameter only: The dialect; nil if there are several.
  private func scoredProtocol(
    _ subjectSide: Side, _ referenceSide: Side, of only: String?
  ) -> ScoredProtocol {
    let isStatistics = if case .statistics = referenceSide { true } else { false }
    var scored = ScoredProtocol(
      extractor: extractor.provenance, dialects: only == nil ? nil : pairs[0],
      reference: referenceSide.provenance(
        path: referencePath, dialect: only == nil ? nil : pairs[0].reference),
      hasStatistics: isStatistics)
    scored.count = subjectSide.count
    scored.sizes =
      subjectSide.tally?.sizes ?? subject.statistics?.resolution.map { "\($0) x \($0)" }
    scored.labels = subject.images?.labels
    scored.referenceSHA256 = scoring.card.flatMap { StatisticsCache.knownSHA256(of: $0.reference) }
    return scored
  }

  /// Issues the warnings about the images of both sides.
  private mutating func warn(_ subject: Side, _ reference: Side) {
    let names = [request.images ?? "samples", referencePath].map(lastComponent)
    for (side, name) in zip([subject, reference], names) {
      side.tally?.notes(name).forEach { guardian.warn($0) }
    }
    if self.subject.statistics == nil, let count = subject.count,
      count <= extractor.provenance.dimension
    {
      guardian.warn(
        "\(count) images span at most \(count - 1) of \(extractor.provenance.dimension) "
          + "dimensions: the covariance is rank deficient and the distance biased upwards")
    }
  }
}

// MARK: - Features

extension PreparedEvaluation {
  private func part(_ demands: [FeatureDemand]) -> FeatureCollector.Part {
    guard let network = extractor.network?.network else {
      preconditionFailure("images need the network")
    }
    return FeatureCollector.Part(network, demands)
  }

  /// The extractor, with what the metrics need of the evaluated images.
  var subjectPart: FeatureCollector.Part { part(subjectDemands) }

  /// The extractor, with what the metrics need of the reference's images.
  var referencePart: FeatureCollector.Part { part(referenceDemands) }

  private func collector(_ demands: [FeatureDemand]) -> FeatureCollector {
    FeatureCollector([part(demands)], workload: execution.workload, reporter: reporter)
  }

  private func demands(_ dialects: [Dialect], isSubject: Bool) -> [FeatureDemand] {
    FeatureDemand.of(
      dialects, metrics: scoring.wanted, isSubject: isSubject,
      intervals: scoring.intervals == .computed,
      extractor: extractor.network?.network)
  }

  /// The features that the metrics need from the evaluated images.
  var subjectDemands: [FeatureDemand] { demands(pairs.map(\.features), isSubject: true) }

  private var referenceDemands: [FeatureDemand] {
    demands(pairs.map(\.reference), isSubject: false)
  }

  private mutating func subjectSide(_ sink: ((Image, Int?) throws -> Void)?) async throws -> Side {
    switch subject {
    case .existing(let input): return try await side(input, subjectDemands, "images")
    case .accumulated(let images): return .images(try images.collection(subjectDemands))
    case .run(let directory, let count, let isPartial):
      return .images(try stored(directory, count: count, isPartial: isPartial, sink: sink))
    case .samples(let source, let count):
      if let run = execution.run {
        let directory = try await makeUnits(
          of: source, count: count, settings: run, keepsImages: sink != nil)
        return .images(try stored(directory, count: count, isPartial: false, sink: sink))
      }
      return .images(
        try await collector(subjectDemands).collect(try await supply(of: source, count: count)) {
          try sink?($0.image, $0.label)
        })
    }
  }

  private func side(
    _ input: ImagesOrStatistics, _ demands: [FeatureDemand], _ activity: String
  ) async throws -> Side {
    func features(_ source: ImageSource, _ activity: String) async throws -> FeatureCollection {
      try checkEnough(source.count, "\(source)")
      return try await collector(demands).collect(ImageSupply(source, activity: activity))
    }
    switch input {
    case .images(let source): return .images(try await features(source, activity))
    case .statistics(let statistics):
      guard extractor.network != nil, !scoring.wanted.isDisjoint(with: MetricName.ofRows),
        !statistics.hasFeatureRows, let source = try statistics.images()
      else { return .statistics(statistics, images: nil) }
      return .statistics(statistics, images: try await features(source, "images of the reference"))
    }
  }
}

extension PreparedEvaluation {
  /// Returns the evaluated images, which are read or drawn, as a supply.
  func subjectSupply() async throws -> ImageSupply {
    switch subject {
    case .samples(let source, let count): return try await supply(of: source, count: count)
    case .existing(.images(let source)):
      try checkEnough(source.count, "\(source)")
      return ImageSupply(source, activity: "images")
    case .existing(.statistics), .accumulated, .run:
      preconditionFailure("they have features already")
    }
  }

  /// Returns the first `count` samples as a supply.
  private func supply(of source: SampleSource, count: Int) async throws -> ImageSupply {
    switch source {
    case .checkpoint(let generator):
      // A worker takes one at a time, because sampling takes longer than extracting features.
      return ImageSupply(count: count, activity: "sampling", together: 1) {
        (try generator.image(try generator.sample($0), index: $0), generator.label($0))
      }
    case .program(let program):
      let part = min(program.provenance.batch, count)
      let seconds = try await program.time(0..<part) / Double(part * program.processCount)
      reporter.note(
        "\(count) samples to make: about \(readable(seconds: seconds * Double(count))), by the time "
          + "of the first \(part)")
      return ImageSupply(
        count: count, activity: "sampling", part: part, makers: program.processCount
      ) { range in
        let samples = try await program.samples(range)
        return {
          try zip(range, samples).map {
            (try program.image($1, index: $0), program.label($0))
          }
        }
      }
    }
  }
}
