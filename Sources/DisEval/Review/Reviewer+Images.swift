import Crypto
import FeatureExtractors
import Files
import Generators
import GenerativeMetrics
import Images
import References
import Results
import Sampling
import Work

extension Reviewer {
  /// An image that was drawn or read again.
  struct Made: Sendable {
    let item: SampleReview.Item
    let digest: [UInt8]
    let isReduced: Bool
    /// Empty without an extractor.
    let features: [Float]
  }

  /// The images of those indices, with their features if there is an extractor.
  func images(
    _ indices: [Int], _ extractor: LoadedExtractor?, activity: String, _ reporter: Reporter
  ) async throws -> [Made] {
    let preparation = Self.preparation(result)
    let (source, labels) = (source, sourceLabels)
    var all: [Made] = []
    try await forEachInOrder(
      count: indices.count, width: workload.threads, inFlight: workload.batch
    ) { position in
      let index = indices[position]
      let image =
        switch source {
        case .samples(let source): try await source.image(at: index)
        case .images(let images): try images.image(at: index)
        }
      let small = image.reduced(to: Self.largestSide)
      return Made(
        item: SampleReview.Item(index: index, label: labels(index), image: small),
        digest: Array(SHA256.hash(data: image.pixels)),
        isReduced: small.width < image.width || small.height < image.height,
        features: try extractor.map { try $0.network(image, preparation).features } ?? [])
    } consume: { _, made in
      all.append(made)
      reporter.progress(
        WorkProgress(activity: activity, done: all.count, total: indices.count))
    }
    return all
  }

  private var sourceLabels: @Sendable (Int) -> Int? {
    switch source {
    case .samples(let source): { source.label($0) }
    case .images(let images): { index in images.labels?[index] }
    }
  }

  /// The images of the reference with those indices and digests; none if its images are not available.
  ///
  /// - Throws: `Failure` `ReferenceImagesMismatch` (65) if there is no such image, or if it is not the one that was
  ///   compared with.
  func referencePictures(_ wanted: [(index: Int, digest: String?)]) throws -> [Int: Image] {
    let path = try referenceImages ?? reference.map { try resolveReference($0) }
    guard !wanted.isEmpty, let path,
      referenceImages != nil || !ReferenceStatistics.isRecognised(path)
    else { return [:] }
    let images = try ImageSource(path: path, recursive: recursive)
    var pictures: [Int: Image] = [:]
    for (index, digest) in wanted where pictures[index] == nil {
      func refusal(_ detail: String) -> Failure {
        Failure(.dataRefused, .referenceImagesMismatch, path, detail)
      }
      guard (0..<images.count).contains(index) else {
        throw refusal(
          "\(images.count) images, but the result names image \(index) of the reference")
      }
      let image = try images.image(at: index)
      let found = SampleDigests.text(of: Array(SHA256.hash(data: image.pixels)))
      guard digest == nil || digest == found else {
        throw refusal(
          "the SHA-256 of image \(index) is not that of the image that was compared with")
      }
      pictures[index] = image.reduced(to: Self.largestSide)
    }
    return pictures
  }

  /// The images of rows of the reference. Each must have the features of its row, so that no other
  /// data set is taken for it.
  func neighborImages(
    _ indices: Set<Int>, _ rows: FeatureRows, _ extractor: LoadedExtractor?
  ) throws -> [Int: Image] {
    guard let referenceImages, let extractor else { return [:] }
    let images = try ImageSource(path: referenceImages, recursive: recursive)
    func refusal(_ detail: String) -> Failure {
      Failure(.dataRefused, .referenceImagesMismatch, referenceImages, detail)
    }
    guard images.count >= rows.count else {
      throw refusal("\(images.count) images, but the reference has \(rows.count) rows of features")
    }
    var pictures: [Int: Image] = [:]
    for index in indices.sorted() {
      let image = try images.image(at: index)
      let features = try extractor.network(image, Self.preparation(result)).features
      let row = rows.values[index * rows.dimension..<(index + 1) * rows.dimension]
      let scale = row.reduce(0) { max($0, abs($1)) }
      // Other kernels have other last bits.
      guard zip(features, row).allSatisfy({ abs($0 - $1) <= 1e-2 * scale }) else {
        throw refusal(
          "image \(index) does not have the features of row \(index) of the reference; give the "
            + "images that it was made from, in their order")
      }
      pictures[index] = image.reduced(to: Self.largestSide)
    }
    return pictures
  }
}

extension Image {
  /// The image with no side longer than `side`, by the mean of the pixels.
  fileprivate func reduced(to side: Int) -> Image {
    let longest = max(width, height)
    guard longest > side else { return self }
    return resizedToBytes(
      width: max(1, width * side / longest), height: max(1, height * side / longest), by: .box)
  }
}
