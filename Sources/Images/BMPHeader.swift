import Files

/// The header of a Windows bitmap file, with the palette or the masks that precede the pixels.
struct BMPHeader {
  let width: Int
  let height: Int
  /// Whether the first row of the file is the top row.
  let isTopDown: Bool
  /// The number of bits per pixel.
  let bits: Int
  let layout: Layout
  let hasAlpha: Bool
  /// The offset of the pixels in the file.
  let pixelOffset: Int

  enum Layout {
    /// Indices into these colours, each `[R, G, B]`.
    case palette([[UInt8]])
    /// The masks of red, green and blue within a pixel.
    case samples([UInt32])
  }

  var isGrey: Bool {
    guard case .palette(let colors) = layout else { return false }
    return colors.allSatisfy { $0[0] == $0[1] && $0[1] == $0[2] }
  }

  /// Reads the header of a file that begins with ``BMP/signature``.
  ///
  /// - Throws: ``Failure`` (65) `UnsupportedFormat` if the file is compressed, or has masks or a
  ///   palette that Pillow does not support or misreads; `Truncated` if the bytes end early;
  ///   `BMPMalformed` if the header contradicts itself.
  init(_ file: BMPFields) throws(Failure) {
    let information = try BMPInformation(file)
    /// The end of the header with its palette or masks.
    let end: Int
    switch information.bits {
    case 1, 4, 8:
      let colors = try file.palette(information)
      (layout, hasAlpha) = (.palette(colors), false)
      end = information.end + colors.count * information.colorSize
    case 16, 24, 32:
      let masks = try file.masks(information)
      (layout, hasAlpha) = (.samples(masks.colors), information.bits == 32 && masks.alpha != 0)
      end = information.end + (information.isFollowedByMasks ? 12 : 0)
    default:
      throw file.refusal(
        .unsupportedFormat, "a BMP file of \(information.bits) bits per pixel")
    }
    let offset = try file.integer(at: 10)
    guard offset == 0 || offset >= end else {
      throw file.refusal(
        .bmpMalformed, "pixels at offset \(offset), within the header of \(end) bytes")
    }
    pixelOffset = offset == 0 ? end : offset
    (width, height, bits) = (information.width, information.height, information.bits)
    isTopDown = information.isTopDown
  }
}

/// The part of the header that all versions have.
struct BMPInformation {
  /// The number of bytes of this part, which identifies the version.
  let size: Int
  let width: Int
  let height: Int
  let isTopDown: Bool
  let bits: Int
  /// 0 for none, 3 for none with masks; other values are refused.
  let compression: Int
  /// The number of colours of the palette; 0 for as many as ``bits`` can distinguish.
  let colorCount: Int

  /// The offset of what follows.
  var end: Int { 14 + size }
  /// The number of bytes of a colour in the palette.
  var colorSize: Int { size == 12 ? 3 : 4 }
  /// Whether masks follow; larger versions contain them.
  var isFollowedByMasks: Bool { compression == 3 && size == 40 }

  init(_ file: BMPFields) throws(Failure) {
    size = try file.integer(at: 14)
    switch size {
    case 12:
      (width, height) = (try file.integer(at: 18, size: 2), try file.integer(at: 20, size: 2))
      (isTopDown, compression, colorCount) = (false, 0, 0)
      bits = try file.integer(at: 24, size: 2)
    case 40, 52, 56, 64, 108, 124:
      let signed = Int(Int32(truncatingIfNeeded: try file.integer(at: 22)))
      (width, height, isTopDown) = (try file.integer(at: 18), abs(signed), signed < 0)
      bits = try file.integer(at: 28, size: 2)
      (compression, colorCount) = (try file.integer(at: 30), try file.integer(at: 46))
    default: throw file.refusal(.unsupportedFormat, "a BMP header of \(size) bytes")
    }
    guard width > 0, height > 0 else { throw file.refusal(.bmpMalformed, "\(width) x \(height)") }
    guard compression == 0 || compression == 3 && bits > 8 else {
      throw file.refusal(
        .unsupportedFormat, "a BMP file with compression \(compression), expected none")
    }
  }
}

/// The bytes of a file, with the integers and tables in it.
struct BMPFields {
  let bytes: [UInt8]
  let subject: String

  /// Returns the little-endian integer of `size` bytes at `offset`.
  func integer(at offset: Int, size: Int = 4) throws(Failure) -> Int {
    guard offset + size <= bytes.count else {
      throw refusal(.truncated, "the bytes end early")
    }
    return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  func refusal(_ code: Failure.Code, _ detail: String) -> Failure {
    Failure(.dataRefused, code, subject, detail)
  }
}

// MARK: - Palettes

extension BMPFields {
  /// Returns the colours that follow the header, each `[R, G, B]`.
  fileprivate func palette(_ information: BMPInformation) throws(Failure) -> [[UInt8]] {
    let bits = information.bits
    let count = information.colorCount == 0 ? 1 << bits : information.colorCount
    guard count <= 1 << bits else {
      throw refusal(.bmpMalformed, "\(count) colours for \(bits) bits")
    }
    var colors: [[UInt8]] = []
    for index in 0..<count {
      let value = try integer(at: information.end + index * information.colorSize, size: 3)
      colors.append([UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255)])
    }
    guard !Self.isMisread(colors, bits: bits) else {
      throw refusal(
        .unsupportedFormat,
        "\(bits) bits per pixel with a palette that Pillow reads as having a "
          + "different depth, so that scores would not be comparable; convert the file first")
    }
    return colors
  }

  /// Returns whether Pillow ignores the number of bits per pixel: it takes a palette of black and
  /// white for one bit, and a palette of 0, 1, 2 and so on for eight bits.
  private static func isMisread(_ colors: [[UInt8]], bits: Int) -> Bool {
    let greys = colors.count == 2 ? [0, 255] : Array(colors.indices)
    return colors.count > 1 && bits != (colors.count == 2 ? 1 : 8)
      && zip(colors, greys).allSatisfy { color, grey in color.allSatisfy { $0 == grey } }
  }
}

// MARK: - Masks

extension BMPFields {
  /// Returns the masks of red, green and blue, and that of alpha, which is 0 if there is none.
  fileprivate func masks(
    _ information: BMPInformation
  ) throws(Failure) -> (colors: [UInt32], alpha: UInt32) {
    let bits = information.bits
    guard information.compression == 3 else { return (bits == 16 ? fiveBits : eightBits, 0) }
    // After the header of 40 bytes, or at the same offset within the larger headers.
    var colors: [UInt32] = []
    for index in 0..<3 { colors.append(UInt32(try integer(at: 54 + 4 * index))) }
    var alpha = information.size >= 56 ? UInt32(try integer(at: 66)) : 0
    if bits == 32 && colors == [0, 0, 0] && alpha == 0 {
      (colors, alpha) = (eightBits, 0xFF << 24)
    }
    guard knownMasks[bits]?.contains(colors + (bits == 32 ? [alpha] : [])) ?? false else {
      throw refusal(.unsupportedFormat, "a BMP file with unusual colour masks")
    }
    return (colors, alpha)
  }
}

private let fiveBits: [UInt32] = [0x7C00, 0x3E0, 0x1F]
private let eightBits: [UInt32] = [0xFF_0000, 0xFF00, 0xFF]

/// The masks that Pillow supports, by bits per pixel; those of 32 bits include alpha.
private let knownMasks: [Int: [[UInt32]]] = [
  16: [[0xF800, 0x7E0, 0x1F], fiveBits],
  24: [eightBits],
  32: [
    eightBits + [0], [0xFF00_0000, 0xFF_0000, 0xFF00, 0], [0xFF00_0000, 0xFF00, 0xFF, 0],
    [0xFF00_0000, 0xFF_0000, 0xFF00, 0xFF], [0xFF, 0xFF00, 0xFF_0000, 0xFF00_0000],
    eightBits + [0xFF00_0000], [0xFF00_0000, 0xFF00, 0xFF, 0xFF_0000],
  ],
]
