import Crypto
import FeatureExtractors
import Files
import GenerativeMetrics
import Images
import Results
import Work

/// What is wanted of the features of images in one preparation.
struct FeatureDemand: Sendable {
  let preparation: Preparation
  /// Conventions of the score, each once.
  var scores: [InceptionScore.Convention] = []
  /// Whether the features of sFID are wanted.
  var spatial = false
  /// Feature rows to keep, of the first images.
  var keptRows = 0
  /// Whether the metrics get intervals.
  var intervals = false
}

/// Everything that metrics need of images in one preparation.
struct PreparedFeatures {
  private(set) var pooled: FeatureSet
  /// Nil when they are not wanted, or the extractor has none.
  private(set) var spatial: FeatureSet?
  private var accumulators: [InceptionScore.Convention: InceptionScoreAccumulator] = [:]

  init(_ demand: FeatureDemand, extractor: any FeatureExtractor, count: Int) {
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
  func scores(_ convention: InceptionScore.Convention) -> InceptionScoreAccumulator? {
    accumulators[convention]
  }
}

/// What is kept of an image: its size, a hash of its pixels, and its features.
struct ScoredImage: Sendable {
  let width: Int
  let height: Int
  let traits: Image.Traits
  /// SHA-256 of the pixels, `[H, W, C]`.
  let digest: [UInt8]
  let features: [Preparation: ExtractedFeatures]

  init(
    width: Int, height: Int, traits: Image.Traits = [], digest: [UInt8],
    features: [Preparation: ExtractedFeatures]
  ) {
    (self.width, self.height, self.traits) = (width, height, traits)
    (self.digest, self.features) = (digest, features)
  }

  /// Extracts the features of `image` in each preparation.
  init(
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
struct FeatureCollection {
  private(set) var count = 0
  private(set) var prepared: [Preparation: PreparedFeatures]
  private(set) var tally = ImageTally()
  private(set) var digests = SampleDigests()
  private var hash = SHA256()

  init(_ demands: [FeatureDemand], extractor: any FeatureExtractor, count: Int) {
    prepared = Dictionary(
      uniqueKeysWithValues: demands.map {
        ($0.preparation, PreparedFeatures($0, extractor: extractor, count: count))
      })
  }

  /// Takes the next image.
  mutating func append(_ image: ScoredImage) throws {
    for (preparation, features) in image.features {
      try prepared[preparation]?.append(features)
    }
    hash.update(data: image.digest)
    digests.append(image.digest)
    tally.append(image)
    count += 1
  }

  /// SHA-256 over the SHA-256s of the images in order: known without the images at hand.
  var sha256: String { hexadecimal(hash.finalize()) }
}

/// Makes `count` images on all workers, extracts their features in each wanted preparation, and
/// collects them in order.
///
/// A worker takes as many consecutive images as the extractor likes to be given together, unless
/// there are too few of them, or fewer may be in flight.
///
/// - Parameters:
///   - together: Most images that a worker takes at once.
///   - make: Image `index` and its label; called on any thread.
///   - sink: Gets every image in order.
///   - rows: Gets the features of every image in order.
func collect(
  count: Int, activity: String, extractor: any FeatureExtractor, demands: [FeatureDemand],
  workload: Workload, reporter: Reporter, together most: Int = .max,
  make: @escaping @Sendable (Int) throws -> (image: Image, label: Int?),
  sink: (Image, Int?) throws -> Void = { _, _ in },
  rows: (ScoredImage) throws -> Void = { _ in }
) async throws -> FeatureCollection {
  struct Made: Sendable {
    let image: Image
    let label: Int?
    let scored: ScoredImage
  }
  var collection = FeatureCollection(demands, extractor: extractor, count: count)
  let preparations = demands.map(\.preparation)
  let together = max(
    1,
    min(
      extractor.imagesTogether, most, workload.batch / workload.threads, count / workload.threads))
  try await forEachInOrder(
    count: (count + together - 1) / together, width: workload.threads,
    inFlight: workload.batch / together
  ) { part in
    let made = try (part * together..<min((part + 1) * together, count)).map(make)
    let scored = try ScoredImage.scoring(made.map(\.image), extractor, preparations)
    return zip(made, scored).map { Made(image: $0.image, label: $0.label, scored: $1) }
  } consume: { _, made in
    for made in made {
      try collection.append(made.scored)
      try sink(made.image, made.label)
      try rows(made.scored)
    }
    reporter.progress(WorkProgress(activity: activity, done: collection.count, total: count))
  }
  return collection
}

extension FeatureExtractor {
  /// The preparation that stands for `preparation`: an extractor with one way of its own is run once
  /// for all of them.
  func effective(_ preparation: Preparation) -> Preparation {
    ownPreparation == nil ? preparation : .pytorch
  }
}
