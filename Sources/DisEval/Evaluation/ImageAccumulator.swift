import FeatureExtractors
import Features
import Files
import GenerativeMetrics
import Images
import References
import Results
import Work

/// Images in memory that are added one by one or in batches, and scored when all of them are there.
///
/// ```swift
/// let reference = try ReferenceStatistics(path: "stats.npz")
/// var images = try ImageAccumulator(for: reference)
/// for batch in batches { try await images.append(contentsOf: batch) }
/// let result = try await images.result(against: .statistics(reference))
/// ```
///
/// The result is the one that `dis-eval fid --images` computes from the same images in the same
/// order, to the byte, with the same refusals, warnings and intervals. It does not depend on how
/// the images were divided into batches or accumulators: each task or process can fill an
/// accumulator of its own, and ``merge(_:)`` puts them together in order.
///
/// The features are kept in a temporary file, 12 KB for each image with Inception; memory holds
/// about 100 bytes for each image. A copy shares that file until one of both is changed.
public struct ImageAccumulator: Sendable {
  /// The extractor of the features.
  public let extractor: LoadedExtractor
  /// The dialect in which results are computed.
  public let dialect: DialectChoice
  /// The metrics that results contain, as far as the inputs allow.
  public let metrics: Set<MetricName>
  /// The name of the images in results and messages.
  public let name: String
  /// The amount of work that runs at once. It does not change a result.
  public var workload: Workload
  var spool: FeatureSpool

  /// The number of images.
  public var count: Int { spool.count }

  /// Creates an empty accumulator.
  ///
  /// - Parameters:
  ///   - extractor: The extractor of the features: of weights that were loaded, or your own.
  ///   - dialect: The tool whose numbers are computed. An extractor with only one preparation of
  ///     images uses that in every dialect.
  ///   - metrics: The metrics that results contain, as far as the inputs allow.
  ///   - name: The name of the images in results and messages.
  ///   - workload: The amount of work that runs at once.
  /// - Throws: `Failure` `CannotCreate` (73) if the folder for temporary files is missing or not
  ///   writable, `UnknownKernels` (64), `KernelsUnavailable` (69) or `OutOfMemory` (71) if the
  ///   workload is not possible on this machine; `FeaturesInvalid` (65) if the extractor announces
  ///   impossible lengths.
  public init(
    extractor: LoadedExtractor, dialect: DialectChoice = .one(.pytorchFID),
    metrics: Set<MetricName> = [.fid, .inceptionScore], name: String = "images",
    workload: Workload = .default
  ) throws(Failure) {
    try workload.prepare()
    try Self.check(extractor.network)
    (self.extractor, self.dialect, self.metrics) = (extractor, dialect, metrics)
    (self.name, self.workload) = (name, workload)
    spool = try FeatureSpool(
      FeatureSpool.Layout(
        Self.demands(dialect, metrics, extractor.network), extractor: extractor.network))
  }

  /// Creates an empty accumulator with the extractor and the dialect of reference statistics.
  ///
  /// - Parameters:
  ///   - reference: The statistics that the images will be compared with. Their dialect is used, or
  ///     that of pytorch-fid if it is unknown.
  ///   - weights: The file of the extractor's weights; nil for those that the statistics name, or
  ///     the Inception weights in the user's cache.
  ///   - metrics: The metrics that results contain, as far as the inputs allow.
  ///   - name: The name of the images in results and messages.
  ///   - workload: The amount of work that runs at once.
  /// - Throws: `Failure` `WeightsUnavailable` (69) if the weights are missing, `HashMismatch` (65)
  ///   if they are not those that the statistics were computed with; otherwise as
  ///   ``init(extractor:dialect:metrics:name:workload:)``.
  public init(
    for reference: ReferenceStatistics, weights: String? = nil,
    metrics: Set<MetricName> = [.fid, .inceptionScore], name: String = "images",
    workload: Workload = .default
  ) throws {
    try self.init(
      extractor: .choose(weights: weights, reference: reference),
      dialect: .one(reference.dialect ?? .pytorchFID), metrics: metrics, name: name,
      workload: workload)
  }

  /// Checks the lengths that an extractor announces.
  private static func check(_ extractor: any FeatureExtractor) throws(Failure) {
    let lengths = [extractor.featureDimension, extractor.classCount, extractor.spatialDimension]
    guard (1...GaussianStatistics.maximumDimension).contains(lengths[0]),
      lengths.dropFirst().allSatisfy((0...1 << 20).contains), extractor.imagesTogether >= 1
    else {
      throw Failure(
        .dataRefused, .featuresInvalid, "the extractor \(extractor.name)",
        "\(lengths[0]) features, \(lengths[1]) classes, \(lengths[2]) features with positions and "
          + "\(extractor.imagesTogether) images together, expected 1 to "
          + "\(GaussianStatistics.maximumDimension), at least 0, at least 0 and at least 1")
    }
  }

  private static func demands(
    _ dialect: DialectChoice, _ metrics: Set<MetricName>, _ extractor: any FeatureExtractor
  ) -> [FeatureDemand] {
    let dialects =
      switch dialect {
      case .one(let dialect): [dialect]
      case .all: Dialect.allCases
      }
    return FeatureDemand.of(
      dialects, metrics: metrics, isSubject: true, intervals: false, extractor: extractor)
  }
}

// MARK: - Adding images

extension ImageAccumulator {
  /// Extracts the features of an image, and adds it after the others.
  ///
  /// - Throws: `Failure` (65) `ImageMismatch` if the extractor cannot process the image,
  ///   `FeaturesInvalid` if it returns features of the wrong length or that are not finite;
  ///   `DiskFull` or `InputOutput` (74) if the features cannot be stored.
  public mutating func append(_ image: Image) throws {
    try spool.append(ScoredImage(image, extractor.network, spool.layout.preparations))
  }

  /// Extracts the features of images on all workers, and adds them in order after the others. If
  /// one of them is refused, the images before it have been added.
  ///
  /// - Throws: As ``append(_:)``, or `CancellationError` if the task is cancelled.
  public mutating func append(contentsOf images: [Image]) async throws {
    let (network, preparations) = (extractor.network, spool.layout.preparations)
    let together = max(
      1, min(network.imagesTogether, workload.batch / workload.threads, images.count))
    try await forEachInOrder(
      count: (images.count + together - 1) / together, width: workload.threads,
      inFlight: workload.batch / together
    ) { part in
      let range = part * together..<min((part + 1) * together, images.count)
      return try ScoredImage.scoring(Array(images[range]), network, preparations)
    } consume: { _, scored in
      for image in scored { try spool.append(image) }
    }
  }

  /// Returns an accumulator like this one that contains only the given images. An actor merges it,
  /// because it cannot change an accumulator that it stores while it awaits.
  ///
  /// ```swift
  /// try images.merge(try await images.accumulating(batch))
  /// ```
  ///
  /// - Throws: As ``append(contentsOf:)-([Image])``.
  public func accumulating(_ images: [Image]) async throws -> ImageAccumulator {
    var result = try ImageAccumulator(
      extractor: extractor, dialect: dialect, metrics: metrics, name: name, workload: workload)
    try await result.append(contentsOf: images)
    return result
  }

  /// Returns an accumulator like this one that contains only the images of a sequence.
  ///
  /// - Throws: As ``append(contentsOf:)-([Image])``, or the error thrown by the sequence.
  public func accumulating(
    _ images: some AsyncSequence<Image, any Error>
  ) async throws -> ImageAccumulator {
    var result = try ImageAccumulator(
      extractor: extractor, dialect: dialect, metrics: metrics, name: name, workload: workload)
    try await result.append(contentsOf: images)
    return result
  }

  /// Extracts the features of images as they arrive, and adds them in order after the others. At
  /// most as many images wait as the workload allows in flight.
  ///
  /// - Throws: As ``append(_:)``, the error thrown by the sequence, or `CancellationError` if the
  ///   task is cancelled.
  public mutating func append(
    contentsOf images: some AsyncSequence<Image, any Error>
  ) async throws {
    var waiting: [Image] = []
    for try await image in images {
      waiting.append(image)
      if waiting.count >= workload.batch {
        try await append(contentsOf: waiting)
        waiting = []
      }
    }
    try await append(contentsOf: waiting)
  }

  /// Adds the images of another accumulator after those of this one.
  ///
  /// - Throws: `Failure` `ExtractorMismatch` (65) if the features are of different extractors,
  ///   `LayoutMismatch` (65) if the dialects or metrics need different features; `DiskFull` or
  ///   `InputOutput` (74) if the features cannot be copied.
  public mutating func merge(_ other: ImageAccumulator) throws(Failure) {
    try checkSameExtractor(as: other)
    try spool.append(contentsOf: other.spool)
  }

  func checkSameExtractor(as other: ImageAccumulator) throws(Failure) {
    let (own, others) = (extractor.provenance, other.extractor.provenance)
    // Extractors of one's own may have no hash: their name and dimension must then agree.
    guard own.isSame(as: others) ?? (own.dimension == others.dimension),
      own.precision == others.precision
    else {
      throw Failure(
        .dataRefused, .extractorMismatch, other.name,
        "features of \(others.name) (SHA-256 \(others.sha256 ?? "unknown")), those of '\(name)' "
          + "are of \(own.name) (SHA-256 \(own.sha256 ?? "unknown"))")
    }
  }
}

// MARK: - Results

extension ImageAccumulator {
  /// Returns the features as the metrics of an evaluation need them.
  ///
  /// - Throws: `Failure` `FeaturesNotKept` (65) if the features of a preparation or of sFID are
  ///   needed, but ``dialect`` and ``metrics`` did not ask for them.
  func collection(_ demands: [FeatureDemand]) throws -> FeatureCollection {
    for demand in demands
    where !spool.layout.preparations.contains(demand.preparation)
      || demand.spatial && extractor.network.spatialDimension > 0 && spool.layout.spatial == 0
    {
      throw Failure(
        .dataRefused, .featuresNotKept, name,
        "features prepared as '\(demand.preparation.name)'\(demand.spatial ? " with those of sFID" : "") "
          + "are needed, but '\(name)' was created for other dialects or metrics")
    }
    return try spool.collection(demands, extractor: extractor.network)
  }
}
