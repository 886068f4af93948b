import FeatureExtractors
import Images
import Work

/// Images accessed by index, to be read or sampled.
package struct ImageSupply: Sendable {
  /// The number of images.
  let count: Int
  /// The name of the activity in progress reports.
  let activity: String
  /// The maximum number of images that a worker processes at once.
  let together: Int
  /// Returns image `index` and its label; called on any thread.
  let make: @Sendable (Int) throws -> (image: Image, label: Int?)

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
    (self.count, self.activity, self.together, self.make) = (count, activity, together, make)
  }
}

extension ImageSupply {
  /// Creates a supply of existing images.
  ///
  /// - Parameters:
  ///   - source: The images.
  ///   - activity: The name of the activity in progress reports.
  package init(_ source: ImageSource, activity: String) {
    self.init(count: source.count, activity: activity) { (try source.image(at: $0), nil) }
  }
}

/// An image whose features have been extracted.
package struct CollectedImage: Sendable {
  /// The image, `[H, W, C]`.
  package let image: Image
  /// The number of the class, from 0; nil if there are no classes.
  package let label: Int?
  let scored: ScoredImage
}

/// A collector that extracts the features of images on all workers.
package struct FeatureCollector {
  let extractor: any FeatureExtractor
  let demands: [FeatureDemand]
  let workload: Workload
  let reporter: Reporter

  /// Creates a collector of features for some metrics.
  ///
  /// - Parameters:
  ///   - extractor: The extractor.
  ///   - demands: What the metrics need, with one demand for each preparation.
  ///   - workload: The amount of work that runs at once.
  ///   - reporter: Receives the progress.
  package init(
    extractor: any FeatureExtractor, demands: [FeatureDemand], workload: Workload,
    reporter: Reporter
  ) {
    (self.extractor, self.demands) = (extractor, demands)
    (self.workload, self.reporter) = (workload, reporter)
  }

  /// Collects the features of images in each requested preparation, in order.
  ///
  /// A worker takes as many consecutive images as the extractor processes together, or fewer if
  /// there are fewer images or fewer may be in flight.
  ///
  /// - Parameters:
  ///   - images: The images, of any size that the extractor accepts.
  ///   - consume: Receives every image in order.
  /// - Throws: The error thrown by making, extracting or consuming an image.
  package func collect(
    _ images: ImageSupply, consume: (CollectedImage) throws -> Void = { _ in }
  ) async throws -> FeatureCollection {
    let (count, extractor) = (images.count, extractor)
    var collection = try FeatureCollection(demands, extractor: extractor, count: count)
    let preparations = demands.map(\.preparation)
    let shares = [
      extractor.imagesTogether, images.together, workload.batch / workload.threads,
      count / workload.threads,
    ]
    let together = max(1, shares.min() ?? 1)
    try await forEachInOrder(
      count: (count + together - 1) / together, width: workload.threads,
      inFlight: workload.batch / together
    ) { part in
      let made = try (part * together..<min((part + 1) * together, count)).map(images.make)
      let scored = try ScoredImage.scoring(made.map(\.image), extractor, preparations)
      return zip(made, scored).map { CollectedImage(image: $0.image, label: $0.label, scored: $1) }
    } consume: { _, made in
      for image in made {
        try collection.append(image.scored)
        try consume(image)
      }
      reporter.progress(
        WorkProgress(activity: images.activity, done: collection.count, total: count))
    }
    return collection
  }
}
