import Crypto
import FeatureExtractors
import Files
import GenerativeMetrics
import Images
import Results

/// Everything that metrics need of images in one preparation.
package struct PreparedFeatures {
  package private(set) var pooled: FeatureSet
  /// Nil when they are not wanted, or the extractor has none.
  package private(set) var spatial: FeatureSet?
  private var accumulators: [InceptionScore.Convention: InceptionScoreAccumulator] = [:]

  package init(_ demand: FeatureDemand, extractor: any FeatureExtractor, count: Int) {
    pooled = FeatureSet(
      dimension: extractor.featureDimension, keptRows: demand.keptRows,
      intervals: demand.intervals)
    if demand.spatial, extractor.spatialDimension > 0 {
      spatial = FeatureSet(
        dimension: extractor.spatialDimension, keptRows: 0, intervals: demand.intervals)
    }
    for convention in demand.scores {
      // With too few images for the splits there is no score.
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
  }

  /// The scores by that convention, nil when there were too few images for it.
  package func scores(_ convention: InceptionScore.Convention) -> InceptionScoreAccumulator? {
    accumulators[convention]
  }
}

/// What is kept of an image: its size, a hash of its pixels, and its features.
package struct ScoredImage: Sendable {
  let width: Int
  let height: Int
  let traits: Image.Traits
  /// SHA-256 of the pixels, `[H, W, C]`.
  package let digest: [UInt8]
  package let features: [Preparation: ExtractedFeatures]

  package init(
    width: Int, height: Int, traits: Image.Traits = [], digest: [UInt8],
    features: [Preparation: ExtractedFeatures]
  ) {
    (self.width, self.height, self.traits) = (width, height, traits)
    (self.digest, self.features) = (digest, features)
  }

  /// Extracts the features of `image` in each preparation.
  package init(
    _ image: Image, _ extractor: any FeatureExtractor, _ preparations: [Preparation]
  ) throws {
    self = try Self.scoring([image], extractor, preparations)[0]
  }

  /// Extracts the features of images in each preparation, all images together.
  static func scoring(
    _ images: [Image], _ extractor: any FeatureExtractor, _ preparations: [Preparation]
  ) throws -> [ScoredImage] {
    var features = [[Preparation: ExtractedFeatures]](repeating: [:], count: images.count)
    for preparation in preparations {
      for (index, extracted) in try extractor(images, preparation).enumerated() {
        features[index][preparation] = extracted
      }
    }
    return zip(images, features).map { image, features in
      ScoredImage(
        width: image.width, height: image.height, traits: image.traits,
        digest: Array(SHA256.hash(data: image.pixels)), features: features)
    }
  }
}

/// Features of images in every preparation that is wanted, and a hash of all images.
package struct FeatureCollection {
  package private(set) var count = 0
  package private(set) var prepared: [Preparation: PreparedFeatures]
  package private(set) var tally = ImageTally()
  package private(set) var digests = SampleDigests()
  private var hash = SHA256()

  package init(_ demands: [FeatureDemand], extractor: any FeatureExtractor, count: Int) {
    prepared = Dictionary(
      uniqueKeysWithValues: demands.map {
        ($0.preparation, PreparedFeatures($0, extractor: extractor, count: count))
      })
  }

  /// Takes the next image.
  package mutating func append(_ image: ScoredImage) throws {
    for (preparation, features) in image.features {
      try prepared[preparation]?.append(features)
    }
    hash.update(data: image.digest)
    digests.append(image.digest)
    tally.append(image)
    count += 1
  }

  /// SHA-256 over the SHA-256s of the images in order: known without the images at hand.
  package var sha256: String { hexadecimal(hash.finalize()) }
}

extension FeatureExtractor {
  /// The preparation that stands for `preparation`: an extractor with one way of its own is run once
  /// for all of them.
  package func effective(_ preparation: Preparation) -> Preparation {
    ownPreparation == nil ? preparation : .pytorch
  }
}
