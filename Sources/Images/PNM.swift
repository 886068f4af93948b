import Files

/// A decoder of Netpbm files in memory: PBM, PGM and PPM, plain (`P1` to `P3`) and raw (`P4` to
/// `P6`).
///
/// These formats are uncompressed, so decoding amounts to checking lengths.
public enum PNM {
  /// Returns whether the bytes begin like a Netpbm file: `P`, a digit from 1 to 6, white space.
  static func hasSignature(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 3 && bytes[0] == UInt8(ascii: "P")
      && (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(bytes[1]) && isSpace(bytes[2])
  }

  /// Decodes a Netpbm file, PBM and PGM to one channel and PPM to RGB.
  ///
  /// The pixels are those of Pillow's `convert("RGB")`: samples are scaled from the file's maximum
  /// to 255 and rounded to the nearest integer, half to even.
  ///
  /// - Parameters:
  ///   - bytes: The whole file. Bytes after the image are ignored.
  ///   - subject: The name of the file, for failures.
  /// - Throws: ``Failure`` (65) `UnsupportedFormat` if this is not a PBM, PGM or PPM file;
  ///   `Truncated` if it ends early; `ImageLimit` if the image is too large; `Gray16Ambiguous` for
  ///   grey with more than 8 bits; `PNMMalformed` if the header or a sample is invalid. Samples
  ///   above the maximum, which Pillow clips in raw files, are refused.
  public static func decode(_ bytes: [UInt8], subject: String) throws(Failure) -> Image {
    guard hasSignature(bytes) else {
      throw Failure(.dataRefused, .unsupportedFormat, subject, "this is not a PBM, PGM or PPM file")
    }
    let format = bytes[1] - UInt8(ascii: "0")
    var reader = PNMReader(bytes, from: 3, subject: subject)
    let (width, height) = (try reader.header(), try reader.header())
    let isBitmap = format == 1 || format == 4
    let maximum = isBitmap ? 1 : try reader.header()
    guard width > 0, height > 0, (1...65535).contains(maximum) else {
      throw reader.malformed("\(width) x \(height) pixels with samples up to \(maximum)")
    }
    try ImageLimits.check(width: width, height: height, subject: subject)
    let channels = format == 3 || format == 6 ? 3 : 1
    guard maximum < 256 || channels == 3 else {
      throw Failure(
        .dataRefused, .gray16Ambiguous, subject,
        "grey of more than 8 bits has no agreed conversion to 8 bits; convert the file first")
    }
    let count = width * height * channels
    // In the plain formats, every sample takes at least one byte.
    let rowBytes = format == 4 ? (width + 7) / 8 : width * channels * (maximum < 256 ? 1 : 2)
    let needed = format < 4 ? count : rowBytes * height
    guard needed <= reader.remaining else {
      throw Failure(
        .dataRefused, .truncated, subject, "\(needed) bytes are needed, \(reader.remaining) follow"
      )
    }
    let pixels: [UInt8]
    switch format {
    case 1: pixels = try reader.plainBits(count)
    case 2, 3: pixels = try reader.plainSamples(count, maximum: maximum)
    case 4: pixels = reader.bits(width: width, height: height)
    default: pixels = try reader.samples(count, maximum: maximum)
    }
    return Image(
      width: width, height: height, channels: channels, pixels: pixels,
      traits: maximum > 255 ? .reducedDepth : [])
  }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

private let comment = UInt8(ascii: "#")

/// A cursor over a Netpbm file.
private struct PNMReader {
  private let bytes: [UInt8]
  private let subject: String
  private var position: Int

  init(_ bytes: [UInt8], from position: Int, subject: String) {
    (self.bytes, self.position, self.subject) = (bytes, position, subject)
  }

  var remaining: Int { bytes.count - position }

  func malformed(_ detail: String) -> Failure {
    Failure(.dataRefused, .pnmMalformed, subject, "\(detail), before offset \(position)")
  }

  /// Reads a decimal number of the header and the one byte of white space after it.
  mutating func header() throws(Failure) -> Int {
    let value = try decimal()
    guard remaining > 0 else { throw Failure(.dataRefused, .truncated, subject, "no pixels") }
    position += 1
    return value
  }

  /// Reads a decimal number of at most 10 digits, followed by white space or the end of the file.
  private mutating func decimal() throws(Failure) -> Int {
    skipSpaces()
    let digits = bytes[position...].prefix { !isSpace($0) && $0 != comment }
    guard !digits.isEmpty else {
      throw Failure(.dataRefused, .truncated, subject, "the bytes end early")
    }
    guard digits.count <= 10, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.endIndex == bytes.endIndex || bytes[digits.endIndex] != comment
    else { throw malformed("expected a decimal number") }
    position = digits.endIndex
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// Skips white space and comments, which end with their line.
  private mutating func skipSpaces() {
    while position < bytes.count, isSpace(bytes[position]) || bytes[position] == comment {
      if bytes[position] == comment {
        while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D {
          position += 1
        }
      } else {
        position += 1
      }
    }
  }

  /// Reads `count` digits, 1 for black, optionally separated by white space.
  mutating func plainBits(_ count: Int) throws(Failure) -> [UInt8] {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count)
    while pixels.count < count {
      skipSpaces()
      guard position < bytes.count else {
        throw Failure(.dataRefused, .truncated, subject, "the bytes end early")
      }
      guard bytes[position] == 0x30 || bytes[position] == 0x31 else {
        throw malformed("expected 0 or 1")
      }
      pixels.append(bytes[position] == 0x31 ? 0 : 255)
      position += 1
    }
    return pixels
  }

  mutating func plainSamples(_ count: Int, maximum: Int) throws(Failure) -> [UInt8] {
    let table = scale(maximum)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count)
    for _ in 0..<count {
      let value = try decimal()
      guard value <= maximum else {
        throw malformed("sample \(value), expected at most \(maximum)")
      }
      pixels.append(table[value])
    }
    return pixels
  }

  /// Reads rows of bits, most significant bit first, 1 for black.
  func bits(width: Int, height: Int) -> [UInt8] {
    let rowBytes = (width + 7) / 8
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height)
    for row in stride(from: position, to: position + rowBytes * height, by: rowBytes) {
      for x in 0..<width {
        pixels.append(bytes[row + x / 8] >> (7 - x % 8) & 1 == 1 ? 0 : 255)
      }
    }
    return pixels
  }

  /// Reads samples of one byte, or of two bytes with the high byte first.
  func samples(_ count: Int, maximum: Int) throws(Failure) -> [UInt8] {
    let size = maximum < 256 ? 1 : 2
    let content = bytes[position..<position + count * size]
    if maximum == 255 { return Array(content) }
    let table = scale(maximum)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count)
    for start in stride(from: content.startIndex, to: content.endIndex, by: size) {
      let value = content[start..<start + size].reduce(0) { $0 << 8 | Int($1) }
      guard value <= maximum else {
        throw malformed("sample \(value), expected at most \(maximum)")
      }
      pixels.append(table[value])
    }
    return pixels
  }

  /// Returns the value of each sample from 0 to `maximum`, in the arithmetic of Python's
  /// `round(value / maximum * 255)`.
  private func scale(_ maximum: Int) -> [UInt8] {
    (0...maximum).map { UInt8((Double($0) / Double(maximum) * 255).rounded(.toNearestOrEven)) }
  }
}
