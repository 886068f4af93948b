import FeatureExtractors
import Files
import GenerativeMetrics
import Images
import Work

/// Images accessed by index, to be read or sampled.
package struct ImageSupply: Sendable {
  /// The number of images.
  let count: Int
  /// The name of the activity in progress reports.
  let activity: String
  /// The images that a worker takes at once.
  let division: Division
  /// Returns the work that gives the images of a range; called on any thread.
  let make: @Sendable (Range<Int>) async throws -> Work
  /// The existing images, for naming all that cannot be decoded; nil for images that are made.
  private(set) var source: ImageSource?

  /// Work of this processor that gives images and their classes.
  package typealias Work = @Sendable () throws -> [(image: Image, label: Int?)]

  /// How many images a worker takes at once.
  enum Division {
    /// As many as the extractor processes together, but not more than this number.
    case atMost(Int)
    /// This number, made elsewhere by a number of makers while features are extracted here.
    case parts(of: Int, makers: Int)
  }

  /// Creates a supply of images that are made when they are needed.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - activity: The name of the activity in progress reports.
  ///   - together: The maximum number of images that a worker processes at once, at least 1.
  ///   - make: Returns the image at an index in `0..<count`, and its class or nil; called on any
  ///     thread.
  package init(
    count: Int, activity: String, together: Int = .max,
    make: @escaping @Sendable (Int) throws -> (image: Image, label: Int?)
  ) {
    (self.count, self.activity, division) = (count, activity, .atMost(together))
    self.make = { range in { try range.map(make) } }
  }

  /// Creates a supply of images that are made elsewhere, several at once, while the features of others
  /// are extracted.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - activity: The name of the activity in progress reports.
  ///   - part: The number of images that are made at once, at least 1.
  ///   - makers: The number of parts that can be made at the same time.
  ///   - make: Makes the images of a range that begins at a multiple of `part`, without holding a
  ///     thread, and returns the rest of the work, such as decoding them.
  package init(
    count: Int, activity: String, part: Int, makers: Int,
    make: @escaping @Sendable (Range<Int>) async throws -> Work
  ) {
    (self.count, self.activity, self.make) = (count, activity, make)
    division = .parts(of: part, makers: makers)
  }
}

extension ImageSupply {
  /// Creates a supply of existing images.
  ///
  /// - Parameters:
  ///   - source: The images.
  ///   - activity: The name of the activity in progress reports.
  ///   - crop: How the images become squares; nil to leave them as they are.
  package init(_ source: ImageSource, activity: String, crop: ImageCrop? = nil) {
    self.init(source, count: source.count, activity: activity, crop: crop)
  }

  /// Creates a supply of the first existing images.
  package init(_ source: ImageSource, count: Int, activity: String, crop: ImageCrop? = nil) {
    self.init(count: count, activity: activity) { index in
      let image = try source.image(at: index)
      return (crop.map { $0(image) } ?? image, source.labels?[index])
    }
    self.source = source
  }
}

extension ImageSupply {
  /// Returns a failure that names the existing image that the extractor cannot process.
  fileprivate func naming(_ failure: Failure, at index: Int) -> Failure {
    guard let name = source?.name(of: index) else { return failure }
    return Failure(
      failure.status, failure.code, name, "\(failure.detail), by \(failure.subject)")
  }

  /// Does the work that gives images. If one of several existing images cannot be decoded, the failure
  /// names all of them.
  fileprivate func naming(_ work: Work) throws -> [(image: Image, label: Int?)] {
    do {
      return try work()
    } catch let failure as Failure {
      throw source?.naming(failure) ?? failure
    }
  }
}

/// An image whose features have been extracted.
package struct CollectedImage: Sendable {
  /// The image, `[H, W, C]`.
  package let image: Image
  /// The number of the class, from 0; nil if there are no classes.
  package let label: Int?
  /// The features of each extractor.
  let features: [ScoredImage]
}

/// A collector that extracts the features of images on all workers, with one extractor or several.
package struct FeatureCollector {
  /// An extractor, and what the metrics need of its features.
  package struct Part: Sendable {
    let extractor: any FeatureExtractor
    let demands: [FeatureDemand]

    /// Creates a part.
    ///
    /// - Parameters:
    ///   - extractor: The extractor.
    ///   - demands: What the metrics need, with one demand for each preparation.
    package init(_ extractor: any FeatureExtractor, _ demands: [FeatureDemand]) {
      (self.extractor, self.demands) = (extractor, demands)
    }

    func callAsFunction(_ images: [Image], on cores: Slots) async throws -> [ScoredImage] {
      try await ScoredImage.scoring(images, extractor, demands.map(\.preparation), on: cores)
    }

    /// Returns the index of the first image that the extractor cannot process; 0 if there is none.
    func firstRefused(_ images: [Image]) -> Int {
      images.firstIndex { (try? ScoredImage($0, extractor, demands.map(\.preparation))) == nil }
        ?? 0
    }
  }

  let parts: [Part]
  let workload: Workload
  let reporter: Reporter

  /// Creates a collector of features for some metrics.
  ///
  /// - Parameters:
  ///   - parts: The extractors, at least one.
  ///   - workload: The amount of work that runs at once.
  ///   - reporter: Receives the progress.
  package init(_ parts: [Part], workload: Workload, reporter: Reporter) {
    (self.parts, self.workload, self.reporter) = (parts, workload, reporter)
  }

  /// Creates a collector of the features of one extractor.
  package init(
    extractor: any FeatureExtractor, demands: [FeatureDemand], workload: Workload,
    reporter: Reporter
  ) {
    self.init([Part(extractor, demands)], workload: workload, reporter: reporter)
  }

  /// Collects the features of images by the only extractor, as ``collectAll(_:consume:)`` does.
  package func collect(
    _ images: ImageSupply, consume: (CollectedImage) throws -> Void = { _ in }
  ) async throws -> FeatureCollection {
    precondition(parts.count == 1, "\(parts.count) extractors")
    return try await collectAll(images, consume: consume)[0]
  }

  /// Collects the features of images in each requested preparation, in order. Every image is made once for all
  /// extractors.
  ///
  /// A worker takes as many consecutive images as the extractors process together, or fewer if
  /// there are fewer images or fewer may be in flight.
  ///
  /// - Parameters:
  ///   - images: The images, of any size that the extractors accept.
  ///   - consume: Receives every image in order.
  /// - Returns: The features of each extractor.
  /// - Throws: The error thrown by making, extracting or consuming an image.
  package func collectAll(
    _ images: ImageSupply, consume: (CollectedImage) throws -> Void = { _ in }
  ) async throws -> [FeatureCollection] {
    let (count, parts) = (images.count, parts)
    var collections = try parts.map { part throws(MetricError) in
      try FeatureCollection(part.demands, extractor: part.extractor, count: count)
    }
    let (together, width) = plan(images)
    let cores = Slots(workload.threads)
    try await forEachInOrder(
      count: (count + together - 1) / together, width: width, inFlight: workload.batch / together
    ) { index in
      let work = try await images.make(index * together..<min((index + 1) * together, count))
      let made = try await cores.use { _ in try images.naming(work) }
      var scored: [[ScoredImage]] = []
      for part in parts {
        do {
          scored.append(try await part(made.map(\.image), on: cores))
        } catch let failure as Failure where failure.code == .imageMismatch {
          let first = part.firstRefused(made.map(\.image))
          throw images.naming(failure, at: index * together + first)
        }
      }
      return made.enumerated().map { place, image in
        CollectedImage(image: image.image, label: image.label, features: scored.map { $0[place] })
      }
    } consume: { _, made in
      for image in made {
        for index in parts.indices {
          try collections[index].append(image.features[index], label: image.label)
        }
        try consume(image)
      }
      reporter.progress(
        WorkProgress(activity: images.activity, done: collections[0].count, total: count))
    }
    return collections
  }

  /// Returns the number of images that a worker takes at once, and the number of workers.
  private func plan(_ images: ImageSupply) -> (together: Int, width: Int) {
    switch images.division {
    case .atMost(let limit):
      // An extractor that processes fewer divides them.
      let shares = [
        parts.map(\.extractor.imagesTogether).max() ?? 1, limit,
        workload.batch / workload.threads, images.count / workload.threads,
      ]
      return (max(1, shares.min() ?? 1), workload.threads)
    // Some are made, twice as many wait, and the others' features are extracted.
    case .parts(let part, let makers): return (part, workload.threads + 3 * makers)
    }
  }
}
