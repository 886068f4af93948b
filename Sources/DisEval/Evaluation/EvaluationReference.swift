import Features
import Files
import GenerativeMetrics
import References
import Results
import Work

/// What images or statistics are compared with.
public enum EvaluationReference: Sendable {
  /// Statistics of reference images.
  case statistics(ReferenceStatistics)
  /// Reference images in memory.
  case images(ImageAccumulator)
  /// The path of images or statistics, or the name of fetched statistics.
  case path(String)

  /// Opens the reference.
  ///
  /// - Returns: The opened reference, and its path or name.
  /// - Throws: `Failure` `TooFewSamples` (65) if there are fewer than two images in memory, or the
  ///   error that opening a file throws.
  func open() throws -> (reference: OpenedReference, path: String) {
    switch self {
    case .statistics(let statistics): return (.files(.statistics(statistics)), statistics.path)
    case .images(let images):
      try checkEnough(images.count, images.name)
      return (.accumulated(images), images.name)
    case .path(let text):
      let path = try resolveReference(text)
      return (.files(try ImagesOrStatistics(path: path, recursive: nil)), path)
    }
  }
}

extension ImageAccumulator {
  /// Compares the images with a reference. More images can be added afterwards.
  ///
  /// - Parameters:
  ///   - reference: What the images are compared with.
  ///   - referenceDialect: The dialect of the reference, if it differs from ``dialect`` on purpose or
  ///     the statistics do not name it.
  ///   - intervals: Whether distances and scores have intervals, which take the time of 20 distances.
  ///   - allowsMismatch: Whether inputs that are known not to match are compared anyway. The result
  ///     records them.
  ///   - reporter: Receives progress and warnings.
  /// - Throws: `Failure` (65) as ``EvaluationRequest/prepare(_:reporter:)`` and
  ///   ``PreparedEvaluation/run()`` do: `TooFewSamples`, `DialectMismatch`,
  ///   `ExtractorMismatch`, `ResolutionMismatch`; or the error that reading the reference throws.
  public func result(
    against reference: EvaluationReference, referenceDialect: Dialect? = nil,
    intervals: Bool = true, allowsMismatch: Bool = false, reporter: Reporter = .silent
  ) async throws -> EvaluationResult {
    try checkEnough(count, name)
    if case .images(let images) = reference { try checkSameExtractor(as: images) }
    let (opened, path) = try reference.open()
    var request = EvaluationRequest(subject: .images(name), reference: path)
    request.precision = extractor.network.precision
    request.dialect = dialect.name
    request.referenceDialect = referenceDialect?.rawValue
    request.optionalMetrics = metrics.map(\.rawValue).sorted()
    (request.intervals, request.allowsMismatch) = (intervals, allowsMismatch)
    return try await PreparedEvaluation(
      request, Execution(workload: workload), reporter: reporter,
      scoring: ScoringSettings(request), subject: .accumulated(self), reference: opened,
      path: path, loaded: extractor, isInMemory: true
    ).run()
  }
}

extension ReferenceStatistics {
  /// Compares these statistics, as those of generated images, with a reference. There are no
  /// intervals and no Inception Score, which need images.
  ///
  /// - Parameters:
  ///   - reference: What the statistics are compared with.
  ///   - referenceDialect: The dialect of the reference, if it differs from that of these statistics
  ///     on purpose or its file does not name it.
  ///   - metrics: The metrics that the result contains, as far as the inputs allow.
  ///   - allowsMismatch: Whether inputs that are known not to match are compared anyway. The result
  ///     records them.
  ///   - workload: The amount of work that runs at once.
  ///   - reporter: Receives progress and warnings.
  /// - Throws: `Failure` as
  ///   ``ImageAccumulator/result(against:referenceDialect:intervals:allowsMismatch:reporter:)`` does.
  public func result(
    against reference: EvaluationReference, referenceDialect: Dialect? = nil,
    metrics: Set<MetricName> = [.fid], allowsMismatch: Bool = false,
    workload: Workload = .default, reporter: Reporter = .silent
  ) async throws -> EvaluationResult {
    let (opened, path) = try reference.open()
    var request = EvaluationRequest(subject: .images(self.path), reference: path)
    request.referenceDialect = referenceDialect?.rawValue
    request.optionalMetrics = metrics.map(\.rawValue).sorted()
    request.allowsMismatch = allowsMismatch
    let loaded: LoadedExtractor? =
      if case .images(let images) = reference { images.extractor } else { nil }
    return try await PreparedEvaluation(
      request, Execution(workload: workload), reporter: reporter,
      scoring: ScoringSettings(request), subject: .existing(.statistics(self)), reference: opened,
      path: path, loaded: loaded, isInMemory: true
    ).run()
  }
}
