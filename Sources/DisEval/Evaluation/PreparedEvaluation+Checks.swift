import FeatureExtractors
import Files
import Images
import References
import Results

extension EvaluationRequest {
  /// Checks the number of existing images.
  ///
  /// - Throws: `Failure` `CountMismatch` (65) if the number of images is not ``num``.
  func checkCount(of subject: OpenedSubject) throws(Failure) {
    guard let num, let images, let existing = subject.existing else { return }
    let count =
      switch existing {
      case .images(let source): source.count as Int?
      case .statistics(let statistics): statistics.count
      }
    guard count == num else {
      throw Failure(
        .dataRefused, .countMismatch, images,
        "\(count.map(String.init) ?? "an unknown number of") images, expected \(num) by `num`")
    }
  }
}

// Checks before the first image is read.
extension ScoringSettings {
  /// Returns the dialects of the two sides of every comparison.
  func dialectPairs(
    _ subject: OpenedSubject, _ reference: OpenedReference, _ extractor: AgreedExtractor,
    _ guardian: inout CompatibilityGuard
  ) throws -> [(features: Dialect, reference: Dialect)] {
    let statistics = reference.statistics
    let hasOwnPreparation =
      extractor.network?.network.ownPreparation != nil || extractor.provenance.requestedName != nil
    func check(_ side: ReferenceStatistics?, _ dialect: Dialect, _ asserted: Dialect?) throws {
      guard let side else { return }
      try guardian.check(
        side, against: dialect, asserted: asserted, hasOwnPreparation: hasOwnPreparation)
    }
    switch dialect {
    case nil, .one?:
      let known = subject.statistics?.dialect ?? statistics?.dialect
      let dialect = if case .one(let dialect)? = dialect { dialect } else { known ?? .pytorchFID }
      try check(subject.statistics, dialect, nil)
      try check(statistics, dialect, referenceDialect)
      return [(dialect, statistics?.dialect ?? referenceDialect ?? dialect)]
    case .all?:
      guard referenceDialect == nil else {
        throw Failure(
          .usage, .mixedDialects, "`referenceDialect`",
          "is for one dialect, not for `dialect` all")
      }
      let known = [subject.statistics, statistics].compactMap(\.?.dialect)
      let fitting = Dialect.allCases.filter { dialect in
        known.allSatisfy {
          $0.definition.fits(dialect.definition, hasOwnPreparation: hasOwnPreparation)
        }
      }
      guard let first = fitting.first else {
        throw Failure(
          .dataRefused, .dialectMismatch, statistics?.path ?? "",
          "the two sides have different dialects")
      }
      try check(subject.statistics, known.first ?? first, nil)
      try check(statistics, known.first ?? first, nil)
      return fitting.map { ($0, $0) }
    }
  }

  /// Checks that the inputs allow the requested metrics.
  ///
  /// - Throws: `Failure` `MetricUnavailable` (65) if a requested metric cannot be computed from the
  ///   statistics.
  func checkAvailable(
    _ subject: OpenedSubject, _ reference: OpenedReference, _ extractor: AgreedExtractor
  ) throws {
    guard let metrics else { return }
    func refuse(_ name: MetricName, _ subject: String, _ reason: String) throws {
      guard metrics.contains(name) else { return }
      throw Failure(.dataRefused, .metricUnavailable, subject, "\(name.rawValue): \(reason)")
    }
    for side in [subject.statistics, reference.statistics].compactMap(\.self) {
      if side.spatial == nil {
        try refuse(
          .sfid, side.path,
          "it has no mu_s and sigma_s; compare with images, or with the file of guided-diffusion")
      }
      if !side.hasLogits, try side.images() == nil {
        for name in [MetricName.classDistance, .classKernelDistance] {
          try refuse(
            name, side.path,
            "needs images or the logits of all of them, but it is statistics without them")
        }
      }
      if !side.hasFeatureRows, try side.images() == nil {
        for name in MetricName.ofPairedRows.sorted(by: { $0.rawValue < $1.rawValue }) {
          try refuse(
            name, side.path,
            "needs images or feature rows, but it has only mean and covariance; compare with images"
          )
        }
      }
    }
    if let side = subject.statistics {
      if !side.hasLogits {
        try refuse(
          .inceptionScore, side.path,
          "needs images or their logits, but it is statistics without them")
      }
      if !side.hasFeatureRows, try side.images() == nil {
        for name in [MetricName.totalVariance, .vendi] {
          try refuse(
            name, side.path, "needs images or feature rows, but it has only mean and covariance")
        }
      }
    }
    for (name, own) in MetricName.ofOneExtractor.sorted(by: { $0.key.rawValue < $1.key.rawValue })
    where own != extractor.provenance.name {
      try refuse(name, "the extractor '\(extractor.provenance.name)'", "it is of \(own) only")
    }
    if extractor.network?.network.classCount == 0 {
      try refuse(.classDistance, "the extractor", "has no classes; Inception has")
      try refuse(.inceptionScore, "the extractor", "has no classes; Inception has")
    }
    if extractor.network?.network.spatialDimension == 0 {
      try refuse(.sfid, "the extractor", "has no features with positions; Inception has")
    }
  }

  /// Refuses statistics of images that differ in size from the samples, or from the first image.
  func checkResolutions(
    _ subject: OpenedSubject, _ reference: OpenedReference, _ guardian: inout CompatibilityGuard
  ) throws {
    guard let statistics = reference.statistics, statistics.resolution != nil else { return }
    if let (height, width) = subject.sampleExtents {
      try guardian.checkResolution(
        statistics, width: width, height: height, subject: "a sample")
    }
    if case .accumulated(let images) = subject, let first = images.spool.headers.first {
      try guardian.checkResolution(
        statistics, width: first.width, height: first.height, subject: "the first image")
    }
    switch subject.existing {
    case nil: break
    case .images(let source):
      let first = try source.image(at: 0)
      try guardian.checkResolution(
        statistics, width: first.width, height: first.height, subject: "the first image")
    case .statistics(let other):
      guard let side = other.resolution else { return }
      try guardian.checkResolution(
        statistics, width: side, height: side, subject: other.path)
    }
  }
}

/// The inputs of an evaluation that are not there, so that all of them can be named at once.
struct MissingInputs {
  private var failures: [Failure] = []

  /// Opens an input, nil if it is not there.
  ///
  /// - Throws: What `body` throws, unless an input is missing (66) or unavailable (69).
  mutating func open<Value>(_ body: () throws -> Value) throws -> Value? {
    do {
      return try body()
    } catch let failure as Failure
      where [.inputMissing, .unavailable].contains(failure.status)
    {
      failures.append(failure)
      return nil
    }
  }

  /// - Throws: `Failure` for the missing input, or `InputsMissing` with all of them and the status of
  ///   the first.
  func check() throws(Failure) {
    guard let first = failures.first else { return }
    guard failures.count > 1 else { throw first }
    throw Failure(
      first.status, .inputsMissing, "\(failures.count) inputs",
      failures.map(\.description).joined(separator: "; "))
  }
}
