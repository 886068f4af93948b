import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Images
import References
import Results
import Sampling
import Tensors
import Work

/// One evaluation: a subject, a reference, and how to extract features.
public struct Evaluation: Sendable {
  /// What is judged.
  public enum Subject: Sendable {
    /// That many samples of a checkpoint.
    case samples(Generator, count: Int)
    /// Images or statistics that are there already.
    case existing(path: String)
    /// Samples of a run, all of them or the first `count`.
    case run(path: String, count: Int?)
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
  /// What the extractor multiplies; a ``Generator`` has its own.
  public var precision = Precision.float32
  /// In which dialects.
  public var dialects = Dialects.fitting
  /// The dialect of the reference where it is another than that of the images, or its file does not
  /// say.
  public var referenceDialect: Dialect?
  /// Metrics that must be given; nil for all that the inputs give.
  public var metrics: Set<MetricName>?
  /// The metrics to compute when none must be given.
  public var optionalMetrics: Set<MetricName> = [.fid, .inceptionScore]
  /// Whether distances and scores of one dialect get intervals.
  public var givesIntervals = true
  /// Whether what is known to differ is compared all the same.
  public var allowsMismatch = false
  /// Whether folders of images are searched with the folders in them; nil to refuse folders with images
  /// both here and inside.
  public var recursive: Bool?
  /// The preset that the settings are of.
  public var preset: Preset?
  /// How many images there must be to judge, nil for any number.
  public var expectedCount: Int?
  /// Where samples are kept as they are made, so that the work can be interrupted and shared; nil to
  /// keep nothing.
  public var run: RunSettings?
  /// Whether samples that a ``Subject/run(path:count:)`` lacks are left out rather than refused.
  public var isPartial = false
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
  /// - Throws: `Failure` for whatever the inputs are refused for.
  public func result(
    reporter: Reporter, sink: ((Image, Int?) throws -> Void)? = nil
  ) async throws -> EvaluationResult {
    let clock = ContinuousClock.now
    let started = Date().formatted(.iso8601)
    var prepared = try PreparedEvaluation(self, reporter: reporter)
    let referenceSide = try await prepared.referenceSide()
    let subjectSide = try await prepared.subjectSide(sink: sink)
    prepared.warn(subjectSide, referenceSide)

    let (extractor, wanted) = (prepared.extractor, prepared.wanted)
    var computation = MetricComputation(
      subjectSide, against: referenceSide, extractor: extractor.network?.network,
      isInception: extractor.provenance.name == MetricTitle.inception, wanted: wanted,
      noIntervals: noIntervals, reporter: reporter)
    var results: [String: DialectResult] = [:]
    for pair in prepared.pairs {
      results[pair.features.rawValue] = try computation.result(
        pair.features, reference: pair.reference)
    }

    let only = results.count == 1 && !isAll ? results.first : nil
    var extractorProvenance = extractor.provenance
    extractorProvenance.preprocessing = only?.value.preprocessing
    return EvaluationResult(
      metrics: only?.value.metrics ?? [:], skipped: only?.value.skipped ?? [:],
      dialects: only == nil ? results : nil,
      provenance: Provenance(
        tool: "\(Tool.name) \(Tool.version)",
        kernels: Tool.kernelPath(
          extractorProvenance.precision ?? prepared.origin?.sampler.precision),
        dialect: only?.key ?? "all", num: subjectSide.count,
        checkpoint: prepared.origin?.checkpoint, sampler: prepared.origin?.sampler,
        labels: prepared.labels?.summary, decoder: prepared.origin?.decoder,
        images: existingPath.map(lastComponent),
        preset: preset?.name, extractor: extractorProvenance,
        reference: referenceSide.provenance(
          path: prepared.referencePath, dialect: only == nil ? nil : prepared.pairs[0].reference),
        allowedMismatches: prepared.guardian.allowed.isEmpty ? nil : prepared.guardian.allowed,
        warnings: prepared.guardian.warnings),
      samplesSha256: subjectSide.sha256,
      sampleDigests: prepared.origin.flatMap { _ in subjectSide.digests?.text },
      run: Run(
        arguments: arguments, threads: workload.threads, batch: workload.batch, started: started,
        seconds: (ContinuousClock.now - clock) / .seconds(1),
        host: ProcessInfo.processInfo.hostName))
  }

  private var isAll: Bool {
    if case .all = dialects { true } else { false }
  }

  /// Why no intervals are computed, nil if they are. They take 20 times as long as a distance, so
  /// they are of one dialect.
  var noIntervals: String? {
    givesIntervals ? isAll ? "not computed with every dialect; ask for one" : nil : Self.notAskedFor
  }

  /// Why there are no intervals when ``givesIntervals`` is false.
  static let notAskedFor = "not asked for"

  var existingPath: String? {
    if case .existing(let path) = subject { path } else { nil }
  }
}

extension FeatureDemand {
  /// What the metrics of `dialects` need, one demand for each preparation.
  static func of(
    _ dialects: [Dialect], metrics: Set<MetricName>, isSubject: Bool, intervals: Bool,
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
            keptRows: metrics.isDisjoint(with: MetricName.ofRows) ? 0 : .max,
            intervals: intervals))
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
  var tally: ImageTally? {
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
