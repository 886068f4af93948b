import Crypto
import FeatureExtractors
import Files
import GenerativeMetrics
import Images
import Results
import Work

/// All that the metrics need from the images in one preparation.
package struct PreparedFeatures {
  /// The pooled features, `[N, D]`.
  package private(set) var pooled: FeatureSet
  /// Nil if they are not wanted or the extractor has none.
  package private(set) var spatial: FeatureSet?
  private var accumulators: [InceptionScore.Convention: InceptionScoreAccumulator] = [:]
  /// The class of each image that the extractor predicts.
  package private(set) var predictedClasses = PredictedClasses()

  /// Creates the collection for one preparation, without images.
  ///
  /// - Parameters:
  ///   - demand: What the metrics need.
  ///   - extractor: The extractor, which determines the lengths of the vectors.
  ///   - count: The number of images that will be added, which determines the splits of the
  ///     Inception Score.
  package init(_ demand: FeatureDemand, extractor: any FeatureExtractor, count: Int)
    throws(MetricError)
  {
    pooled = try FeatureSet(
      dimension: extractor.featureDimension, keptRows: demand.keptRows,
      intervals: demand.intervals)
    if demand.spatial, extractor.spatialDimension > 0 {
      spatial = try FeatureSet(
        dimension: extractor.spatialDimension, keptRows: 0, intervals: demand.intervals)
    }
    for convention in demand.scores {
      // There is no score if there are fewer images than splits.
      accumulators[convention] = try? InceptionScoreAccumulator(
        classes: extractor.classCount, count: count, convention: convention,
        isGrouped: demand.intervals)
    }
  }

  mutating func append(_ extracted: ExtractedFeatures) throws {
    try pooled.append(extracted.features)
    try spatial?.append(extracted.spatial)
    for convention in accumulators.keys {
      try accumulators[convention]?.append(extracted.logits)
    }
    predictedClasses.append(extracted.logits[...])
  }

  /// Returns the scores by the given convention; nil if there were too few images for it.
  package func scores(_ convention: InceptionScore.Convention) -> InceptionScoreAccumulator? {
    accumulators[convention]
  }
}

/// The data kept for an image: its size, a hash of its pixels, and its features.
package struct ScoredImage: Sendable {
  let width: Int
  let height: Int
  package let traits: Image.Traits
  /// The SHA-256 of the pixels, `[H, W, C]`.
  package let digest: [UInt8]
  /// The mean of each quarter of the image, 4 bytes; empty if unknown.
  package let means: [UInt8]
  /// The features in each preparation that was requested.
  package let features: [Preparation: ExtractedFeatures]

  /// Creates the data of an image from its properties.
  ///
  /// - Parameters:
  ///   - width: The width of the image in pixels.
  ///   - height: The height of the image in pixels.
  ///   - traits: The traits of the image's file.
  ///   - digest: The SHA-256 of the pixels `[H, W, C]`, 32 bytes.
  ///   - means: The mean of each quarter of the image, 4 bytes; empty if unknown.
  ///   - features: The features in each preparation.
  package init(
    width: Int, height: Int, traits: Image.Traits = [], digest: [UInt8], means: [UInt8] = [],
    features: [Preparation: ExtractedFeatures]
  ) {
    (self.width, self.height, self.traits) = (width, height, traits)
    (self.digest, self.means, self.features) = (digest, means, features)
  }

  /// Extracts the features of an image in each preparation.
  ///
  /// - Parameters:
  ///   - image: An image of any size that the extractor accepts.
  ///   - extractor: The extractor.
  ///   - preparations: The preparations, each once.
  /// - Throws: `Failure` `ImageMismatch` (65) if the extractor cannot process the image.
  package init(
    _ image: Image, _ extractor: any FeatureExtractor, _ preparations: [Preparation]
  ) throws {
    self = try Self.scoring([image], extractor, preparations)[0]
  }

  /// Extracts the features of all images together, in each preparation.
  package static func scoring(
    _ images: [Image], _ extractor: any FeatureExtractor, _ preparations: [Preparation]
  ) throws -> [ScoredImage] {
    var features = [[Preparation: ExtractedFeatures]](repeating: [:], count: images.count)
    for preparation in preparations {
      let extracted = try extractor(images, preparation)
      guard extracted.count == images.count else {
        throw Failure(
          .dataRefused, .featuresInvalid, "the extractor \(extractor.name)",
          "\(extracted.count) results for \(images.count) images")
      }
      for (index, extracted) in extracted.enumerated() { features[index][preparation] = extracted }
    }
    return zip(images, features).map { image, features in
      ScoredImage(
        width: image.width, height: image.height,
        traits: image.hasSingleColor ? image.traits.union(.singleColor) : image.traits,
        digest: Array(SHA256.hash(data: image.pixels)), means: image.quarterMeans,
        features: features)
    }
  }
}

extension ScoredImage {
  /// Extracts the features of images on several cores, as many on each as the extractor processes
  /// together. Between these, a core is free for what else waits, such as asking for more images.
  ///
  /// - Parameter cores: The places for work on this processor.
  /// - Throws: As ``scoring(_:_:_:)`` does, or `CancellationError`.
  package static func scoring(
    _ images: [Image], _ extractor: any FeatureExtractor, _ preparations: [Preparation],
    on cores: Slots
  ) async throws -> [ScoredImage] {
    let shares = stride(from: 0, to: images.count, by: extractor.imagesTogether).map {
      Array(images[$0..<min($0 + extractor.imagesTogether, images.count)])
    }
    guard shares.count > 1 else {
      return try await cores.use { _ in try scoring(images, extractor, preparations) }
    }
    return try await withThrowingTaskGroup(of: (Int, [ScoredImage]).self) { group in
      for (index, share) in shares.enumerated() {
        group.addTask {
          (index, try await cores.use { _ in try scoring(share, extractor, preparations) })
        }
      }
      var scored = [[ScoredImage]](repeating: [], count: shares.count)
      for try await (index, part) in group { scored[index] = part }
      return scored.flatMap(\.self)
    }
  }
}

/// The features of images in every requested preparation, and a hash of all images.
package struct FeatureCollection {
  /// The number of images added.
  package private(set) var count = 0
  /// The features of the images in each preparation.
  package private(set) var prepared: [Preparation: PreparedFeatures]
  /// The sizes and traits of the images.
  package private(set) var tally = ImageTally()
  /// The first bytes of the SHA-256 of every image.
  package private(set) var digests = SampleDigests()
  /// The means of the quarters of every image, as far as they are known.
  package private(set) var means = SampleMeans()
  /// The class of each image; nil if that of any image is not known.
  package private(set) var labels: [Int]? = []
  private var hash = SHA256()

  /// Creates a collection without images.
  ///
  /// - Parameters:
  ///   - demands: What the metrics need, with one demand for each preparation.
  ///   - extractor: The extractor, which determines the lengths of the vectors.
  ///   - count: The number of images that will be added, which determines the splits of the
  ///     Inception Score.
  package init(
    _ demands: [FeatureDemand], extractor: any FeatureExtractor, count: Int
  ) throws(MetricError) {
    prepared = [:]
    for demand in demands {
      prepared[demand.preparation] = try PreparedFeatures(
        demand, extractor: extractor, count: count)
    }
  }

  /// Adds the next image.
  ///
  /// - Parameter label: Its class; nil if it is not known.
  /// - Throws: `MetricError` `ShapeMismatch` if features have a different length, or `NonFinite` if
  ///   they contain NaN or infinity.
  package mutating func append(_ image: ScoredImage, label: Int? = nil) throws {
    if let label { labels?.append(label) } else { labels = nil }
    for (preparation, features) in image.features {
      try prepared[preparation]?.append(features)
    }
    hash.update(data: image.digest)
    digests.append(image.digest)
    means.append(image.means)
    tally.append(image)
    count += 1
  }

  /// Checks that the features were kept for the intervals, unless those were not asked for.
  ///
  /// - Throws: The failure of the system that prevented it, such as `DiskFull` (74).
  package func checkRows() throws(Failure) {
    for features in prepared.values {
      try features.pooled.checkRows()
      try features.spatial?.checkRows()
    }
  }

  /// The SHA-256 over the SHA-256s of the images in order, which can be computed without the
  /// images.
  package var sha256: String { hexadecimal(hash.finalize()) }
}

extension FeatureExtractor {
  /// Returns the preparation to run for `preparation`. An extractor with its own preparation runs
  /// once for all of them.
  package func effective(_ preparation: Preparation) -> Preparation {
    ownPreparation == nil ? preparation : .pytorch
  }
}
