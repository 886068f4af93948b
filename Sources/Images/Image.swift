/// An 8-bit image: `channels` is 1 (grey) or 3 (RGB).
public struct Image: Sendable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// 1 for grey, 3 for RGB.
  public let channels: Int
  /// `height * width * channels` bytes, rows top to bottom, channel fastest (H, W, C).
  public let pixels: [UInt8]
  /// What its file held that these pixels do not show.
  public let traits: Traits

  /// Wraps `pixels`, whose count must be `width * height * channels`.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8], traits: Traits = []) {
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
  /// Whether all pixels are the same.
  public var isConstant: Bool {
    pixels.indices.allSatisfy { pixels[$0] == pixels[$0 % channels] }
  }
}

extension Image: Equatable {
  /// Whether the pixels are the same, however they were stored: ``traits`` do not count.
  public static func == (left: Image, right: Image) -> Bool {
    left.width == right.width && left.height == right.height && left.channels == right.channels
      && left.pixels == right.pixels
  }
}

extension Image {
  /// What was done to an image before or while it was decoded, and what moves a score without being
  /// seen.
  public struct Traits: OptionSet, Hashable, Sendable {
    /// A bit for each trait.
    public let rawValue: UInt8

    /// The traits of those bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Stored as JPEG or as lossy WebP.
    public static let lossy = Traits(rawValue: 1)
    /// The file has an alpha channel or a transparent colour; what lies under it is taken as it is.
    public static let alphaDropped = Traits(rawValue: 2)
    /// The file has more than 8 bits a sample.
    public static let reducedDepth = Traits(rawValue: 4)

    /// A sentence for each trait, for people, in a fixed order.
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
