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
