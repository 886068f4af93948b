import Files

/// An 8-bit image, grey or RGB.
public struct Image: Sendable {
  /// The width in pixels.
  public let width: Int
  /// The height in pixels.
  public let height: Int
  /// The number of channels: 1 for grey, 3 for RGB.
  public let channels: Int
  /// The `height * width * channels` bytes in the order `[H, W, C]`: rows from top to bottom, the
  /// channel varying fastest.
  public let pixels: [UInt8]
  /// The properties of the image's file that its pixels do not show.
  public let traits: Traits

  /// Creates an image from its pixels.
  ///
  /// - Parameters:
  ///   - pixels: The `height * width * channels` bytes, `[H, W, C]`: rows from top to bottom, the
  ///     channel varying fastest.
  ///   - width: The width in pixels, 1 to 16,384.
  ///   - height: The height in pixels, 1 to 16,384.
  ///   - channels: 1 for grey, 3 for RGB.
  /// - Throws: ``Failure`` `ImageInvalid` (65) if the extents are outside of these ranges or the
  ///   number of bytes does not match them.
  public init(
    pixels: [UInt8], width: Int, height: Int, channels: Int = 3
  ) throws(Failure) {
    func invalid(_ detail: String) -> Failure {
      Failure(.dataRefused, .imageInvalid, "the image", detail)
    }
    let sides = 1...1 << 14
    guard sides.contains(width), sides.contains(height) else {
      throw invalid("\(width) x \(height) pixels, expected 1 to \(sides.upperBound) on a side")
    }
    guard channels == 1 || channels == 3 else {
      throw invalid("\(channels) channels, expected 1 for grey or 3 for RGB")
    }
    guard pixels.count == width * height * channels else {
      throw invalid(
        "\(pixels.count) bytes, expected \(width * height * channels) for \(width) x \(height) "
          + "pixels with \(channels) channels")
    }
    self.init(width: width, height: height, channels: channels, pixels: pixels)
  }

  /// Creates an image whose extents are known to match.
  ///
  /// - Parameters:
  ///   - width: The width in pixels.
  ///   - height: The height in pixels.
  ///   - channels: 1 for grey, 3 for RGB.
  ///   - pixels: The `height * width * channels` bytes, `[H, W, C]`.
  ///   - traits: The properties of the image's file that its pixels do not show.
  package init(width: Int, height: Int, channels: Int, pixels: [UInt8], traits: Traits = []) {
    precondition(channels == 1 || channels == 3, "channels must be 1 or 3")
    precondition(pixels.count == width * height * channels, "pixel count does not match extents")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
    self.traits = traits
  }
}

extension Image {
  /// Whether all pixels are equal.
  public var isConstant: Bool {
    pixels.indices.allSatisfy { pixels[$0] == pixels[$0 % channels] }
  }
}

extension Image: Equatable {
  /// Returns whether the pixels are equal. ``traits`` are not compared.
  ///
  /// - Parameters:
  ///   - left: An image, `[H, W, C]`.
  ///   - right: An image of any size.
  public static func == (left: Image, right: Image) -> Bool {
    left.width == right.width && left.height == right.height && left.channels == right.channels
      && left.pixels == right.pixels
  }
}

extension Image {
  /// Properties of an image's file that affect scores but are not visible in the pixels.
  public struct Traits: OptionSet, Hashable, Sendable {
    /// The bit mask of the traits.
    public let rawValue: UInt8

    /// Creates a set of traits from a bit mask.
    ///
    /// - Parameter rawValue: The sum of the raw values of the traits: 1, 2 and 4.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The image was stored as JPEG or as lossy WebP.
    public static let lossy = Traits(rawValue: 1)
    /// The file has an alpha channel or a transparent colour, and the colours beneath were taken
    /// unchanged.
    public static let alphaDropped = Traits(rawValue: 2)
    /// The file has more than 8 bits per sample.
    public static let reducedDepth = Traits(rawValue: 4)

    /// All pixels have the same colour. Image files do not have this trait; it is found when an image is
    /// scored.
    package static let singleColor = Traits(rawValue: 8)

    /// A sentence for people about each trait, in a fixed order.
    public var notes: [String] {
      Self.sentences.filter { contains($0.trait) }.map(\.text)
    }

    private static let sentences: [(trait: Traits, text: String)] = [
      (.lossy, "images were compressed with loss (JPEG or WebP), which moves the scores"),
      (
        .alphaDropped,
        "transparency was dropped without blending, as Pillow's convert(\"RGB\") does"
      ),
      (.reducedDepth, "samples of more than 8 bits were reduced to 8, as Pillow does"),
    ]
  }
}

extension Image {
  /// Whether all pixels have the same colour.
  package var hasSingleColor: Bool {
    pixels.indices.dropFirst(channels).allSatisfy { pixels[$0] == pixels[$0 - channels] }
  }

  /// The mean of the bytes of each quarter, rounded: top left, top right, bottom left, bottom right. A
  /// side of one pixel belongs to both halves.
  package var quarterMeans: [UInt8] {
    func halves(_ side: Int) -> [Range<Int>] { [0..<(side + 1) / 2, side / 2..<side] }
    return halves(height).flatMap { rows in
      halves(width).map { columns in
        var sum = 0
        for row in rows {
          let start = (row * width + columns.lowerBound) * channels
          sum += pixels.withUnsafeBufferPointer { pixels in
            pixels[start..<start + columns.count * channels].reduce(0) { $0 &+ Int($1) }
          }
        }
        let count = rows.count * columns.count * channels
        return UInt8((sum + count / 2) / count)
      }
    }
  }
}
