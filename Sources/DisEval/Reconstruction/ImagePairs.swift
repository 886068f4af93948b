import Files
import Images

/// Decoded images and their originals, paired by the names of the files without their suffixes. Two arrays are paired by
/// position.
package struct ImagePairs: Sendable {
  /// A decoded image and its original, of the same size and with the same number of channels.
  package struct Pair: Sendable {
    package let decoded, original: Image
  }

  private let decoded, originals: ImageSource
  /// The indices of the two images of each pair, in the order of the decoded images.
  private let indices: [(decoded: Int, original: Int)]
  private let crop: ImageCrop?

  /// The number of pairs, at least one.
  package var count: Int { indices.count }

  /// Pairs the images.
  ///
  /// - Parameters:
  ///   - decoded: The decoded images.
  ///   - originals: The originals.
  ///   - crop: How the originals become squares; nil to take them as they are.
  /// - Throws: `Failure` (65) `PairsMissing` with the images that have no partner and their number, if there are any;
  ///   `PairsAmbiguous` if two images have the same name without its suffix, or only one of the sources has names.
  package init(decoded: ImageSource, originals: ImageSource, crop: ImageCrop? = nil) throws(Failure)
  {
    (self.decoded, self.originals, self.crop) = (decoded, originals, crop)
    let (first, second) = (
      try Self.indices(of: decoded, "`images`"), try Self.indices(of: originals, "`reference`")
    )
    guard let first, let second else {
      guard first == nil, second == nil else {
        throw Failure(
          .dataRefused, .pairsAmbiguous, "\(first == nil ? decoded : originals)",
          "an array has no names to pair with the files of the \(first == nil ? originals : decoded); give two folders "
            + "or zip files, or two arrays in the same order")
      }
      guard decoded.count == originals.count else {
        throw Failure(
          .dataRefused, .pairsMissing, "`images`",
          "\(decoded.count) images and \(originals.count) originals in arrays, which are paired by position; expected "
            + "as many")
      }
      indices = (0..<decoded.count).map { ($0, $0) }
      return
    }
    let alone = [
      Self.missing(first, from: second, decoded, "decoded images", "original"),
      Self.missing(second, from: first, originals, "originals", "decoded image"),
    ].compactMap(\.self)
    guard alone.isEmpty else {
      throw Failure(
        .dataRefused, .pairsMissing, "`images`",
        alone.joined(separator: "; ")
          + "; images are paired by the names of their files without suffixes")
    }
    indices = first.compactMap { name, index in second[name].map { (index, $0) } }
      .sorted { $0.0 < $1.0 }
  }

  /// Returns the index of each image by the name of its file without its suffix; nil without names.
  private static func indices(
    of source: ImageSource, _ subject: String
  ) throws(Failure) -> [[UInt8]: Int]? {
    var indices: [[UInt8]: Int] = [:]
    for index in 0..<source.count {
      guard let name = source.fileName(of: index) else { return nil }
      let end = name.lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex
      if let other = indices.updateValue(index, forKey: Array(name[..<end])) {
        throw Failure(
          .dataRefused, .pairsAmbiguous, subject,
          "'\(text(source, other))' and '\(text(source, index))' have the same name without suffix, and images are "
            + "paired by it")
      }
    }
    return indices
  }

  private static func text(_ source: ImageSource, _ index: Int) -> String {
    source.fileName(of: index).map { String(decoding: $0, as: UTF8.self) } ?? "\(index)"
  }

  /// Returns how many images have no partner, and the names of up to ten of them; nil if all have one.
  private static func missing(
    _ own: [[UInt8]: Int], from others: [[UInt8]: Int], _ source: ImageSource, _ what: String,
    _ partner: String
  ) -> String? {
    let alone = own.filter { others[$0.key] == nil }.values.sorted()
    guard !alone.isEmpty else { return nil }
    let shown = alone.prefix(10).map { text(source, $0) }.joined(separator: ", ")
    return "\(alone.count) of \(source.count) \(what) have no \(partner): \(shown)"
      + (alone.count > 10 ? ", ..." : "")
  }
}

// MARK: - Images

extension ImagePairs {
  /// Returns the name of the decoded image of a pair, or its index in an array.
  ///
  /// - Parameter index: A number from 0 to ``count`` - 1.
  package func name(of index: Int) -> String { Self.text(decoded, indices[index].decoded) }

  /// Returns the decoded image of a pair.
  ///
  /// - Parameter index: A number from 0 to ``count`` - 1.
  /// - Throws: The failure of reading it, which names all images that cannot be decoded.
  package func decoded(at index: Int) throws(Failure) -> Image {
    do {
      return try decoded.image(at: indices[index].decoded)
    } catch {
      throw decoded.naming(error)
    }
  }

  /// Returns the original of a pair, as a square if that is asked for.
  ///
  /// - Parameter index: A number from 0 to ``count`` - 1.
  /// - Throws: The failure of reading it, which names all images that cannot be decoded.
  package func original(at index: Int) throws(Failure) -> Image {
    do {
      let image = try originals.image(at: indices[index].original)
      return crop.map { $0(image) } ?? image
    } catch {
      throw originals.naming(error)
    }
  }

  /// Returns both images of a pair. If only one of them is grey, it becomes RGB.
  ///
  /// - Parameter index: A number from 0 to ``count`` - 1.
  /// - Throws: `Failure` `ImageMismatch` (65) if the sizes differ, or the failure of reading an image.
  package func pair(at index: Int) throws(Failure) -> Pair {
    let (image, original) = (try decoded(at: index), try original(at: index))
    guard image.width == original.width, image.height == original.height else {
      throw Failure(
        .dataRefused, .imageMismatch, name(of: index),
        "\(image.width) x \(image.height) pixels, but the original has \(original.width) x \(original.height); the "
          + "originals must be prepared as the encoder's input was"
          + (crop == nil ? "; `crop` makes them squares" : ""))
    }
    guard image.channels != original.channels else {
      return Pair(decoded: image, original: original)
    }
    return Pair(decoded: image.colored, original: original.colored)
  }
}

extension Image {
  /// The image with three channels.
  fileprivate var colored: Image {
    guard channels == 1 else { return self }
    return Image(
      width: width, height: height, channels: 3, pixels: pixels.flatMap { [$0, $0, $0] },
      traits: traits)
  }
}
