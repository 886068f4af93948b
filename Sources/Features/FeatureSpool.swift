import FeatureExtractors
import Files
import Foundation
import Images

/// The features of images in order, kept in a temporary file until the number of images is known.
///
/// Copies share the file until one of them changes. Memory holds about 100 bytes for each image.
package struct FeatureSpool: Sendable {
  /// The numbers kept for each image.
  package struct Layout: Equatable, Sendable {
    /// The preparations of the images, in the order of their numbers.
    package let preparations: [Preparation]
    /// The length of a feature vector, D.
    package let features: Int
    /// The number of class logits, K.
    package let logits: Int
    /// The length of the features of sFID, S; 0 if they are not kept.
    package let spatial: Int

    package init(preparations: [Preparation], features: Int, logits: Int, spatial: Int) {
      (self.preparations, self.features) = (preparations, features)
      (self.logits, self.spatial) = (logits, spatial)
    }

    /// Creates the layout that `demands` need.
    package init(_ demands: [FeatureDemand], extractor: any FeatureExtractor) {
      self.init(
        preparations: demands.map(\.preparation), features: extractor.featureDimension,
        logits: extractor.classCount,
        spatial: demands.contains(where: \.spatial) ? extractor.spatialDimension : 0)
    }

    /// The length of the numbers of one preparation.
    var part: Int { features + logits + spatial }
    /// The length of all numbers of an image.
    package var width: Int { preparations.count * part }
  }

  /// What is known of an image besides its features.
  package struct Header: Equatable, Sendable {
    package let width: Int
    package let height: Int
    package let traits: Image.Traits
    /// The SHA-256 of the pixels.
    package let digest: [UInt8]

    package init(width: Int, height: Int, traits: Image.Traits, digest: [UInt8]) {
      (self.width, self.height, self.traits, self.digest) = (width, height, traits, digest)
    }
  }

  package let layout: Layout
  package private(set) var headers: [Header] = []
  private var file: ScratchFile

  /// The number of images.
  package var count: Int { headers.count }

  /// Creates an empty spool in the system's folder for temporary files.
  ///
  /// - Throws: `Failure` `CannotCreate` (73) if the folder is missing or not writable.
  package init(_ layout: Layout) throws(Failure) {
    self.layout = layout
    file = try Self.newFile()
  }

  private static func newFile() throws(Failure) -> ScratchFile {
    try ScratchFile(folder: FileManager.default.temporaryDirectory.path)
  }

  /// Adds the next image.
  ///
  /// - Throws: `Failure` `FeaturesInvalid` (65) if the extractor did not return what it announced,
  ///   `DiskFull` or `InputOutput` (74) if the features cannot be stored.
  package mutating func append(_ image: ScoredImage) throws(Failure) {
    var row: [Float] = []
    row.reserveCapacity(layout.width)
    for preparation in layout.preparations {
      let found = image.features[preparation]
      let parts = [found?.features, found?.logits, layout.spatial > 0 ? found?.spatial : []]
        .map { $0 ?? [] }
      guard parts.map(\.count) == [layout.features, layout.logits, layout.spatial] else {
        throw Failure(
          .dataRefused, .featuresInvalid, "the extractor",
          "\(parts[0].count) features, \(parts[1].count) logits and \(parts[2].count) features "
            + "with positions, but it announced \(layout.features), \(layout.logits) and "
            + "\(layout.spatial)")
      }
      row += parts.joined()
    }
    guard row.allSatisfy(\.isFinite) else {
      throw Failure(
        .dataRefused, .featuresInvalid, "the extractor",
        "image \(count): features that are not finite")
    }
    try append(
      [
        Header(
          width: image.width, height: image.height, traits: image.traits, digest: image.digest)
      ], row)
  }

  /// Adds the images of another spool after those of this one.
  ///
  /// - Throws: `Failure` `LayoutMismatch` (65) if the spools keep different features; `DiskFull` or
  ///   `InputOutput` (74) if the features cannot be copied.
  package mutating func append(contentsOf other: FeatureSpool) throws(Failure) {
    guard other.layout == layout else {
      throw Failure(
        .dataRefused, .layoutMismatch, "the features",
        "\(other.layout.width) numbers per image in \(other.layout.preparations.count) "
          + "preparations, expected \(layout.width) in \(layout.preparations.count)")
    }
    try other.forEachBlock { (start, rows) throws(Failure) in
      try append(Array(other.headers[start..<start + rows.count / max(layout.width, 1)]), rows)
    }
  }

  /// Adds images with their numbers, `[headers.count, layout.width]`.
  package mutating func append(_ added: [Header], _ rows: [Float]) throws(Failure) {
    if !isKnownUniquelyReferenced(&file) {
      let copy = try Self.newFile()
      try forEachBlock { (start, rows) throws(Failure) in
        try copy.write(rows, at: start * layout.width)
      }
      file = copy
    }
    try file.write(rows, at: count * layout.width)
    headers += added
  }

  /// Calls `body` with the numbers of consecutive images, a few hundred at a time, and the index of
  /// the first of them.
  ///
  /// - Throws: `Failure` `InputOutput` (74) if reading fails, or the error thrown by `body`.
  package func forEachBlock(
    _ body: (Int, [Float]) throws(Failure) -> Void
  ) throws(Failure) {
    var start = 0
    while start < count {
      let number = min(256, count - start)
      try body(
        start, try file.read(at: start * layout.width, count: number * layout.width))
      start += number
    }
  }

  /// Returns the features as the metrics need them.
  ///
  /// - Throws: `Failure` `InputOutput` (74) if reading fails; `MetricError` as
  ///   ``FeatureCollection/append(_:)`` does.
  package func collection(
    _ demands: [FeatureDemand], extractor: any FeatureExtractor
  ) throws -> FeatureCollection {
    var collection = try FeatureCollection(demands, extractor: extractor, count: count)
    for index in headers.indices {
      try collection.append(scoredImage(index))
    }
    return collection
  }

  private func scoredImage(_ index: Int) throws(Failure) -> ScoredImage {
    let row = try file.read(at: index * layout.width, count: layout.width)
    var features: [Preparation: ExtractedFeatures] = [:]
    for (position, preparation) in layout.preparations.enumerated() {
      let part = row[position * layout.part..<(position + 1) * layout.part]
      features[preparation] = ExtractedFeatures(
        features: Array(part.prefix(layout.features)),
        logits: Array(part.dropFirst(layout.features).prefix(layout.logits)),
        spatial: Array(part.suffix(layout.spatial)))
    }
    let header = headers[index]
    return ScoredImage(
      width: header.width, height: header.height, traits: header.traits, digest: header.digest,
      features: features)
  }
}
