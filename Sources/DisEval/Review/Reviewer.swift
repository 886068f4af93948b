import Crypto
import FeatureExtractors
import Files
import Generators
import GenerativeMetrics
import Images
import References
import Results
import Sampling
import Tensors
import Work

/// Creates a ``SampleReview`` of a result from the files that it was computed from.
public struct Reviewer: Sendable {
  /// The source of the images.
  public enum Source: Sendable {
    /// The images are sampled again.
    case samples(SampleSource)
    /// The images exist.
    case images(ImageSource)
  }

  /// The result.
  public let result: EvaluationResult
  /// The source of its images.
  public let source: Source
  /// The number of images to show.
  public var count = 64
  /// The number of best and of worst images to show.
  public var extremes = 5
  /// The folder of a run with all features; nil to extract those of the images shown.
  public var run: String?
  /// The result's reference; nil if it is not available.
  public var reference: String?
  /// The images behind the reference's features, in order; nil if they are not available.
  public var referenceImages: String?
  /// Whether subfolders of those are searched; nil to refuse images both outside and in them.
  public var recursive: Bool?
  /// The extractor's weights; nil to find them.
  public var weights: String?
  /// The influence of each image on a distance, by the name of the metric, from the files beside the result.
  public var influences: [String: [Float]] = [:]
  /// The amount of work that runs at once.
  public var workload: Workload

  private static let neighbors = 3
  /// The largest side in pixels of pictures; larger ones are reduced.
  public static let largestSide = 256

  /// Creates a reviewer that shows 64 images.
  ///
  /// - Parameters:
  ///   - result: The result, whose images are shown.
  ///   - source: The source of its images.
  ///   - workload: The amount of work that runs at once.
  public init(of result: EvaluationResult, source: Source, workload: Workload = .default) {
    self.result = result
    self.source = source
    self.workload = workload
  }

  /// Reads or samples the images to show, and ranks them if features of the reference are
  /// available.
  ///
  /// - Parameter reporter: Receives the progress.
  /// - Throws: `Failure` `SettingOutOfRange` (64) if ``count`` or ``extremes`` is negative; (65)
  ///   `OtherRun`, `OtherReference`, `OtherImages`, `ExtractorMismatch` or
  ///   `ReferenceImagesMismatch` if they are not the result's, `RunIncomplete` or `NoImages`
  ///   if images are missing or their number is unknown; or the error of reading or sampling.
  public func review(reporter: Reporter = .silent) async throws -> SampleReview {
    guard count >= 0 else { throw Failure.outOfRange("count", count, "at least 0") }
    guard extremes >= 0 else { throw Failure.outOfRange("extremes", extremes, "at least 0") }
    try workload.prepare()
    let total = try checkedCount()
    let stored = try run.map { try StoredFeatures(run: $0, result: result, count: total) }
    let rows = try reference.flatMap { try referenceRows($0) }
    let extractor =
      rows != nil && (stored == nil || referenceImages != nil) ? try loadedExtractor() : nil

    var review = SampleReview()
    let first = Array(0..<min(count, total))
    let drawn = try await images(
      first, stored == nil ? extractor : nil, activity: "samples", reporter)
    review.items = drawn.map(\.item)
    review.isReduced = drawn.contains { $0.isReduced }
    review.identity = identity(of: drawn, stored: stored, total: total)
    review.influential = try await influential(drawn, total: total, reporter)
    (review.copies, review.duplicates) = try await likenesses(drawn, total: total, reporter)
    guard let reference, let rows else {
      review.unranked =
        reference == nil
        ? "the reference is not available; give `reference`"
        : "the reference has no rows of features, which statistics made with `keptRows` have"
      return review
    }

    let features: FeatureRows
    if let stored {
      features = stored.rows
    } else {
      features = try FeatureRows(drawn.flatMap(\.features), dimension: rows.dimension)
    }
    guard features.count > 0 else { return review }
    guard features.dimension == rows.dimension else {
      throw otherReference(
        reference, "features of \(rows.dimension) numbers, the images' have \(features.dimension)")
    }
    review.ranking = try await ranking(drawn, features, rows, extractor, reporter)
    return review
  }

  /// Returns the images that raise each distance most, beginning with the one that raises it most.
  ///
  /// - Parameter drawn: The first images, which need not be drawn again.
  private func influential(
    _ drawn: [Made], total: Int, _ reporter: Reporter
  ) async throws -> [String: [SampleReview.Item]] {
    let ranked = influences.filter { $0.value.count == total }.mapValues { values in
      Array(values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }.prefix(extremes))
    }
    let missing = Set(ranked.values.joined()).filter { $0 >= drawn.count }.sorted()
    let later = try await images(missing, nil, activity: "most influential", reporter)
    let items = Dictionary((drawn + later).map { ($0.item.index, $0.item) }) { first, _ in first }
    return ranked.mapValues { indices in indices.compactMap { items[$0] } }
  }

  /// Returns the images that resemble one of the reference most, and those that resemble another one most.
  ///
  /// - Parameter drawn: The first images, which need not be drawn again.
  private func likenesses(
    _ drawn: [Made], total: Int, _ reporter: Reporter
  ) async throws -> (copies: [SampleReview.Likeness], duplicates: [SampleReview.Likeness]) {
    let copies = result.metrics.values.compactMap(\.nearestCopies).joined().prefix(2 * extremes)
    let pairs = result.metrics.values.compactMap(\.nearestPairs).joined().prefix(2 * extremes)
    let indices = copies.map(\.sample) + pairs.flatMap { [$0.first, $0.second] }
    if let outside = indices.first(where: { !(0..<total).contains($0) }) {
      throw Failure(
        .dataRefused, .noImages, "the result", "names image \(outside) of \(total) images")
    }
    let missing = Set(indices).filter { $0 >= drawn.count }.sorted()
    let later = try await images(missing, nil, activity: "copies", reporter)
    let made = Dictionary((drawn + later).map { ($0.item.index, $0) }) { first, _ in first }
    let items = made.mapValues(\.item)
    let known =
      copies.map { ($0.sample, $0.digests?.first ?? nil) }
      + pairs.flatMap {
        [($0.first, $0.digests?.first ?? nil), ($0.second, $0.digests?.last ?? nil)]
      }
    for (index, digest) in known {
      guard let digest, let found = made[index], SampleDigests.text(of: found.digest) != digest
      else { continue }
      throw Failure(
        .dataRefused, .otherImages, "image \(index)",
        "the SHA-256 of its pixels is not that of the image that was scored")
    }
    let references = try referencePictures(copies.map { ($0.training, $0.digests?.last ?? nil) })
    return (
      copies.compactMap { copy in
        items[copy.sample].map {
          SampleReview.Likeness(
            item: $0, other: copy.training, distance: copy.distance,
            image: references[copy.training])
        }
      },
      pairs.compactMap { pair in
        items[pair.first].map {
          SampleReview.Likeness(
            item: $0, other: pair.second, distance: pair.distance,
            image: items[pair.second]?.image)
        }
      }
    )
  }

  /// The images nearest to the reference and farthest from it, by the distance of their features.
  ///
  /// - Parameters:
  ///   - drawn: The first images, which need not be drawn again.
  ///   - features: The features of all images.
  ///   - rows: Those of the reference.
  private func ranking(
    _ drawn: [Made], _ features: FeatureRows, _ rows: FeatureRows, _ extractor: LoadedExtractor?,
    _ reporter: Reporter
  ) async throws -> SampleReview.Ranking {
    let nearest = try nearestNeighbors(of: features, in: rows, count: Self.neighbors)
    let order = nearest.indices.sorted {
      (nearest[$0][0].distance, $0) < (nearest[$1][0].distance, $1)
    }
    let best = order.prefix(extremes)
    let worst = order.dropFirst(best.count).suffix(extremes).reversed()
    let missing = (best + worst).filter { $0 >= drawn.count }
    let later = try await images(missing, nil, activity: "best and worst", reporter)
    let items = Dictionary((drawn + later).map { ($0.item.index, $0.item) }) { first, _ in first }
    let pictures = try neighborImages(
      Set((best + worst).flatMap { nearest[$0].map(\.index) }), rows, extractor)
    func ranked(_ indices: some Sequence<Int>) -> [SampleReview.Ranked] {
      indices.compactMap { index in
        items[index].map {
          SampleReview.Ranked(
            item: $0,
            neighbors: nearest[index].map {
              SampleReview.Neighbor(
                index: $0.index, distance: $0.distance, image: pictures[$0.index])
            })
        }
      }
    }
    return SampleReview.Ranking(
      best: ranked(best), worst: ranked(worst), count: features.count, referenceCount: rows.count)
  }
}

// MARK: - Checks

extension Reviewer {
  /// Returns the number of images of the result, which the source must match.
  private func checkedCount() throws(Failure) -> Int {
    let found: Int? =
      if case .images(let images) = source { images.count } else { nil }
    guard let count = result.provenance.num ?? found, count >= 1 else {
      throw Failure(
        .dataRefused, .noImages, "the result", "does not say how many images it was computed from")
    }
    guard found == nil || found == count else {
      throw Failure(
        .dataRefused, .otherImages, "`images`",
        "\(found ?? 0) images, but the result was computed from \(count)")
    }
    return count
  }

  /// The preparation of the result's features; of all dialects, pytorch-fid's.
  static func preparation(_ result: EvaluationResult) -> Preparation {
    (Dialect(rawValue: result.provenance.dialect) ?? .pytorchFID).definition.preparation
  }

  private func otherReference(_ path: String, _ detail: String) -> Failure {
    Failure(.dataRefused, .otherReference, path, detail)
  }

  /// Returns the rows of the reference's features; nil if the file has none.
  private func referenceRows(_ reference: String) throws -> FeatureRows? {
    let path = try resolveReference(reference)
    guard ReferenceStatistics.isRecognised(path) else { return nil }
    let statistics = try ReferenceStatistics(path: path)
    guard statistics.sha256 == result.provenance.reference.sha256 else {
      throw otherReference(
        path,
        "SHA-256 \(statistics.sha256), but the result was compared with "
          + "\(result.provenance.reference.sha256 ?? "images")")
    }
    return try statistics.featureRows().flatMap { $0.count > 0 ? $0 : nil }
  }

  private func loadedExtractor() throws -> LoadedExtractor {
    let scored = result.provenance.extractor
    let statistics = try reference.map { try ReferenceStatistics(path: resolveReference($0)) }
    let loaded = try LoadedExtractor.choose(
      weights: weights, name: scored.requestedName, reference: statistics,
      precision: scored.precision ?? .float32)
    guard loaded.provenance.sha256 == scored.sha256 else {
      throw Failure(
        .dataRefused, .extractorMismatch, weights ?? loaded.provenance.file ?? loaded.network.name,
        "SHA-256 \(loaded.provenance.sha256 ?? "unknown"), but the result's extractor has "
          + "\(scored.sha256 ?? "unknown"); give `weights`")
    }
    return loaded
  }

  /// Returns whether the images are those that were scored, as far as hashes show.
  private func identity(of drawn: [Made], stored: StoredFeatures?, total: Int) -> String {
    if let stored {
      let equal = drawn.count { stored.digests[$0.item.index] == $0.digest }
      return equal == drawn.count
        ? "Each of them has the SHA-256 that the run recorded when it was scored."
        : "\(drawn.count - equal) of \(drawn.count) have another SHA-256 than the run recorded: "
          + "\(otherBits)."
    }
    guard drawn.count == total, let scored = result.samplesSha256 else {
      if let digests = result.sampleDigests.flatMap(SampleDigests.init), digests.count == total {
        let equal = drawn.count { digests.isSame($0.item.index, $0.digest) }
        return equal == drawn.count
          ? "Each of them has the SHA-256 that the result recorded."
          : "\(drawn.count - equal) of \(drawn.count) have another SHA-256 than the result recorded: "
            + "\(otherBits)."
      }
      return "The SHA-256 of the result is that of all \(total), so it was not compared."
    }
    var hash = SHA256()
    for image in drawn { hash.update(data: image.digest) }
    return hexadecimal(hash.finalize()) == scored
      ? "Together they have the SHA-256 of the images that were scored."
      : "Their SHA-256 is not that of the images that were scored: \(otherBits)."
  }

  private var otherBits: String {
    "the result was made by \(result.provenance.tool) on \(result.provenance.kernels), these by "
      + "\(Tool.name) \(Tool.version) on \(Tool.kernelPath(result.provenance.sampler?.precision))"
  }
}
