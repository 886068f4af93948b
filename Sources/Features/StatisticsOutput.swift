import Checkpoints
import FeatureExtractors
import Files
import GenerativeMetrics
import Images
import References
import Results
import Tensors
import Work

/// The images and settings for a statistics file, shared by `stats make` and `features`.
package struct StatisticsOutput {
  /// The path of the `.npz` file to write.
  let path: String
  let source: ImageSource
  let extractor: LoadedExtractor
  let dialect: Dialect
  /// How images are prepared for the features.
  let preparation: Preparation
  /// How the images become squares; nil to take them as they are.
  let crop: ImageCrop?
  let workload: Workload
  let reporter: Reporter

  /// Opens the images and the extractor, and checks that the files can be written.
  ///
  /// - Parameters:
  ///   - content: The contents of the file, for messages.
  ///   - path: The path of the `.npz` file; its record is written next to it.
  ///   - weights: The path of the extractor's weights, or nil.
  ///   - name: The name of the extractor, or nil.
  ///   - crop: How the images become squares; nil to take them as they are.
  /// - Throws: `Failure` `InvalidOutput` (64) if `path` does not end in `.npz`, `TooFewSamples`
  ///   (65) if there are fewer than two images, or the error that opening a file throws.
  init(
    _ content: String, of images: String, to path: String, dialect: Dialect, weights: String?,
    name: String?, crop: ImageCrop?, recursive: Bool?, skipsBroken: Bool, precision: Precision,
    workload: Workload,
    reporter: Reporter
  ) throws {
    try workload.prepare()
    guard path.hasSuffix(".npz") else {
      throw Failure(.usage, .invalidOutput, path, "\(content) are written as a .npz file")
    }
    try AtomicFile.check(path, isReadBack: true)
    try AtomicFile.check(ReferenceStatistics.recordPath(path))
    let source = try ImageSource(path: images, recursive: recursive)
    if let crop, !ImageCrop.sides.contains(crop.side) {
      throw Failure.outOfRange(
        "crop", crop.side,
        "a side of \(ImageCrop.sides.lowerBound) to \(ImageCrop.sides.upperBound)")
    }
    self.source = skipsBroken ? try source.withoutBroken() : source
    self.source.warningOfBroken.map { reporter.warn($0) }
    try checkEnough(self.source.count, images)
    extractor = try LoadedExtractor.choose(
      weights: weights, name: name, reference: nil, precision: precision)
    preparation = extractor.network.effective(dialect.definition.preparation)
    (self.path, self.dialect, self.crop) = (path, dialect, crop)
    (self.workload, self.reporter) = (workload, reporter)
  }

  /// Extracts the features of images, those of ``source`` unless `other` is given.
  ///
  /// - Parameters:
  ///   - keptRows: The number of feature rows to keep, from the first images.
  ///   - consume: Receives the features of every image in index order.
  func features(
    of other: ImageSource? = nil, activity: String = "images", spatial: Bool, keptRows: Int = 0,
    consume: (ExtractedFeatures) throws -> Void = { _ in }
  ) async throws -> FeatureCollection {
    try await [self].features(
      of: other, activity: activity, spatial: spatial, keptRows: keptRows
    ) { _, features in
      try consume(features)
    }[0]
  }

  /// Returns what the metrics need from a collection's images in ``preparation``.
  func prepared(_ collection: FeatureCollection) -> PreparedFeatures {
    guard let prepared = collection.prepared[preparation] else {
      preconditionFailure("features were asked for")
    }
    return prepared
  }

  /// Returns `mu` `[D]` and `sigma` `[D, D]`, and those of sFID if the collection has its features.
  ///
  /// - Throws: `MetricError` `TooFewSamples` if there are fewer than two images.
  func gaussians(_ features: PreparedFeatures) throws -> [(name: String, array: NPYArray)] {
    let mean = dialect.definition.mean
    return try [(features.pooled, ""), (features.spatial, "_s")].flatMap { set, suffix in
      guard let gaussian = try set?.gaussian.statistics(mean: mean) else {
        return [(name: String, array: NPYArray)]()
      }
      let d = gaussian.dimension
      return [
        ("mu\(suffix)", NPYArray(doubles: gaussian.mean, shape: [d])),
        ("sigma\(suffix)", NPYArray(doubles: gaussian.covariance, shape: [d, d])),
      ]
    }
  }

  /// Writes the record of the file, which must exist.
  ///
  /// - Parameter keptRows: The number of feature rows in the file.
  func writeRecord(
    of collection: FeatureCollection, dataset: Dataset? = nil, keptRows: Int,
    floor: EvaluationResult.Floor? = nil
  ) throws -> StatisticsRecord {
    let definition = dialect.definition
    var made = extractor.provenance
    made.preprocessing = extractor.network.preprocessing(definition.preparation)
    var record = StatisticsRecord(
      dataset: dataset, count: collection.count, extractor: made, features: keptRows,
      npzSha256: try sha256(ofFile: path), floor: floor, dialect: dialect, ddof: definition.ddof)
    record.meanPrecision = definition.mean
    record.spatial = prepared(collection).spatial != nil
    record.resolution = collection.tally.side
    record.crop = crop?.name
    record.labels = source.labelCounts
    try AtomicFile.write(try encodedJSON(record), to: ReferenceStatistics.recordPath(path))
    return record
  }
}

extension [StatisticsOutput] {
  /// Extracts the features of the same images for each file, and makes every image only once.
  ///
  /// - Parameters:
  ///   - other: The images; nil for those of the files.
  ///   - keptRows: The number of feature rows to keep, from the first images.
  ///   - consume: Receives the index of the file and the features of every image in index order.
  /// - Returns: The features for each file.
  func features(
    of other: ImageSource? = nil, activity: String = "images", spatial: Bool, keptRows: Int = 0,
    consume: (Int, ExtractedFeatures) throws -> Void = { _, _ in }
  ) async throws -> [FeatureCollection] {
    let (first, all) = (self[0], self)
    let parts = map {
      FeatureCollector.Part(
        $0.extractor.network,
        [FeatureDemand(preparation: $0.preparation, spatial: spatial, keptRows: keptRows)])
    }
    let collector = FeatureCollector(parts, workload: first.workload, reporter: first.reporter)
    return try await collector.collectAll(
      ImageSupply(other ?? first.source, activity: activity, crop: first.crop)
    ) { image in
      for (index, scored) in image.features.enumerated() {
        guard let features = scored.features[all[index].preparation] else {
          preconditionFailure("features were asked for")
        }
        try consume(index, features)
      }
    }
  }
}
