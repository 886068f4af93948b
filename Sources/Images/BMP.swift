import Files

/// A decoder of Windows bitmap files in memory.
///
/// The supported variants are uncompressed, so decoding amounts to checking lengths.
public enum BMP {
  /// The first two bytes of every BMP file.
  static let signature = Array("BM".utf8)

  /// Decodes a BMP file, to one channel if its palette is grey and to RGB otherwise.
  ///
  /// The pixels are those of Pillow's `convert("RGB")`: samples of 5 and 6 bits are scaled to 255
  /// and truncated to integers, alpha is dropped without blending, and colour profiles are ignored.
  ///
  /// - Parameters:
  ///   - bytes: The whole file. Bytes after the image are ignored.
  ///   - subject: The name of the file, for failures.
  /// - Throws: ``Failure`` (65) `UnsupportedFormat` if this is not a BMP file, is compressed, or
  ///   has masks or a palette that Pillow does not support or misreads; `Truncated` if pixels are
  ///   missing; `ImageLimit` if the image is too large; `BMPMalformed` if the header is invalid or
  ///   an index is outside the palette.
  public static func decode(_ bytes: [UInt8], subject: String) throws(Failure) -> Image {
    guard bytes.starts(with: signature) else {
      throw Failure(.dataRefused, .unsupportedFormat, subject, "this is not a BMP file")
    }
    let header = try BMPHeader(BMPFields(bytes: bytes, subject: subject))
    let (width, height) = (header.width, header.height)
    try ImageLimits.check(width: width, height: height, subject: subject)
    // Rows are padded to a multiple of four bytes.
    let rowBytes = (width * header.bits + 31) / 32 * 4
    let (start, size) = (header.pixelOffset, rowBytes * height)
    guard start <= bytes.count, size <= bytes.count - start else {
      throw Failure(
        .dataRefused, .truncated, subject,
        "\(size) bytes of pixels at offset \(start) are needed, the file has \(bytes.count)")
    }
    let channels = header.isGrey ? 1 : 3
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * channels)
    for y in 0..<height {
      let row = bytes[(start + (header.isTopDown ? y : height - 1 - y) * rowBytes)...]
        .prefix(rowBytes)
      switch header.layout {
      case .palette(let colors):
        try append(row, of: header, colors, to: &pixels, subject)
      case .samples(let masks) where header.bits == 16:
        for at in stride(from: row.startIndex, to: row.startIndex + 2 * width, by: 2) {
          let value = UInt32(row[at]) | UInt32(row[at + 1]) << 8
          for mask in masks { pixels.append(scaled(value, mask)) }
        }
      case .samples(let masks):
        // Each mask covers one byte; its shift is the byte's offset in a little-endian pixel.
        let size = header.bits / 8
        let offsets = masks.map { $0.trailingZeroBitCount / 8 }
        for at in stride(from: row.startIndex, to: row.startIndex + size * width, by: size) {
          for offset in offsets { pixels.append(row[at + offset]) }
        }
      }
    }
    return Image(
      width: width, height: height, channels: channels, pixels: pixels,
      traits: header.hasAlpha ? .alphaDropped : [])
  }

  /// Appends the colours of one row of palette indices.
  private static func append(
    _ row: ArraySlice<UInt8>, of header: BMPHeader, _ colors: [[UInt8]], to pixels: inout [UInt8],
    _ subject: String
  ) throws(Failure) {
    let bits = header.bits
    for x in 0..<header.width {
      let bit = x * bits
      let index = Int(
        row[row.startIndex + bit / 8] >> (8 - bits - bit % 8) & UInt8((1 << bits) - 1))
      guard index < colors.count else {
        throw Failure(
          .dataRefused, .bmpMalformed, subject, "index \(index) in \(colors.count) colours")
      }
      if header.isGrey { pixels.append(colors[index][0]) } else { pixels += colors[index] }
    }
  }

  /// Returns the bits under `mask`, scaled to 255 and truncated.
  private static func scaled(_ value: UInt32, _ mask: UInt32) -> UInt8 {
    let shift = mask.trailingZeroBitCount
    return UInt8((value & mask) >> shift * 255 / (mask >> shift))
  }
}

/// Reads the little-endian integers of a file.
private struct BMPFields {
  let bytes: [UInt8]
  let subject: String

  func integer(at offset: Int, size: Int = 4) throws(Failure) -> Int {
    guard offset + size <= bytes.count else {
      throw Failure(.dataRefused, .truncated, subject, "the bytes end early")
    }
    return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

/// The header that precedes the pixels.
private struct BMPHeader {
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

  init(_ file: BMPFields) throws(Failure) {
    func refused(_ code: Failure.Code, _ detail: String) -> Failure {
      Failure(.dataRefused, code, file.subject, detail)
    }
    let size = try file.integer(at: 14)
    let compression: Int
    var colorCount: Int
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
    default: throw refused(.unsupportedFormat, "a BMP header of \(size) bytes")
    }
    guard width > 0, height > 0 else { throw refused(.bmpMalformed, "\(width) x \(height)") }
    guard compression == 0 || compression == 3 && bits > 8 else {
      throw refused(
        .unsupportedFormat, "a BMP file with compression \(compression), expected none")
    }

    var (end, alpha) = (14 + size, 0)
    switch bits {
    case 1, 4, 8:
      if colorCount == 0 { colorCount = 1 << bits }
      guard colorCount <= 1 << bits else {
        throw refused(.bmpMalformed, "\(colorCount) colours for \(bits) bits")
      }
      let stride = size == 12 ? 3 : 4
      var colors: [[UInt8]] = []
      for index in 0..<colorCount {
        let value = try file.integer(at: end + index * stride, size: 3)
        colors.append([UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255)])
      }
      guard !Self.isMisread(colors, bits: bits) else {
        throw refused(
          .unsupportedFormat,
          "\(bits) bits per pixel with a palette that Pillow reads as having a "
            + "different depth, so that scores would not be comparable; convert the file first")
      }
      end += colorCount * stride
      layout = .palette(colors)
    case 16, 24, 32:
      var masks = bits == 16 ? fiveBits : eightBits
      if compression == 3 {
        // After the header of 40 bytes, or at the same offset within the larger headers.
        for index in 0..<3 { masks[index] = UInt32(try file.integer(at: 54 + 4 * index)) }
        alpha = size >= 56 ? try file.integer(at: 66) : 0
        if size == 40 { end += 12 }
        if bits == 32 && masks == [0, 0, 0] && alpha == 0 {
          (masks, alpha) = (eightBits, 0xFF << 24)
        }
        guard knownMasks[bits]?.contains(masks + (bits == 32 ? [UInt32(alpha)] : [])) ?? false
        else {
          throw refused(.unsupportedFormat, "a BMP file with unusual colour masks")
        }
      }
      layout = .samples(masks)
    default: throw refused(.unsupportedFormat, "a BMP file of \(bits) bits per pixel")
    }
    hasAlpha = bits == 32 && alpha != 0
    let offset = try file.integer(at: 10)
    guard offset == 0 || offset >= end else {
      throw refused(.bmpMalformed, "pixels at offset \(offset), within the header of \(end) bytes")
    }
    pixelOffset = offset == 0 ? end : offset
  }

  /// Returns whether Pillow ignores the number of bits per pixel: it takes a palette of black and
  /// white for one bit, and a palette of 0, 1, 2 and so on for eight bits.
  private static func isMisread(_ colors: [[UInt8]], bits: Int) -> Bool {
    let greys = colors.count == 2 ? [0, 255] : Array(colors.indices)
    return colors.count > 1 && bits != (colors.count == 2 ? 1 : 8)
      && zip(colors, greys).allSatisfy { color, grey in color.allSatisfy { $0 == grey } }
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
