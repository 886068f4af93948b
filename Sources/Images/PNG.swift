import CImageCodecs
import Files

/// A decoder and encoder of PNG files in memory.
public enum PNG {
  /// The first eight bytes of every PNG file.
  package static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Decodes a PNG file, grey images (with or without alpha) to one channel and all others to RGB.
  ///
  /// The pixels are those of Pillow's `convert("RGB")`, which FID implementations use: samples of
  /// fewer than 8 bits are scaled to the full range, of 16 bits the high byte is kept, alpha and
  /// transparency are dropped without blending, and gamma and colour profiles are ignored. Of an
  /// animation, the default image is decoded.
  ///
  /// - Parameters:
  ///   - bytes: The whole file. Bytes after the image are ignored.
  ///   - subject: The name of the file, for failures.
  /// - Throws: ``Failure`` (65) `UnsupportedFormat` if this is not a PNG file; `Truncated` if it
  ///   ends early; `PNGCRC` if a checksum is wrong; `ImageLimit` if the image is too large;
  ///   `Gray16Ambiguous` for grey with 16 bits and no alpha; `PNGMalformed` for any other error
  ///   that libpng reports, including a lack of memory. A file is refused where Pillow continues
  ///   after a wrong checksum, a missing IEND or an index outside the palette.
  public static func decode(_ bytes: [UInt8], subject: String) throws(Failure) -> Image {
    try decode(bytes, subject: subject, byLibpngAlone: false)
  }

  /// Decodes a PNG file, on request without libdeflate, so that tests can compare the two.
  package static func decode(
    _ bytes: [UInt8], subject: String, byLibpngAlone: Bool
  ) throws(Failure) -> Image {
    guard bytes.starts(with: signature.prefix(bytes.count)) else {
      throw Failure(.dataRefused, .unsupportedFormat, subject, "this is not a PNG file")
    }
    let header = try header(bytes, subject: subject)
    let (width, height) = (Int(header.width), Int(header.height))
    let channels = Int(header.channels)
    try ImageLimits.check(width: width, height: height, subject: subject)
    // Pillow's conversion clips at 255, so nearly every pixel turns white; other tools divide.
    guard header.bit_depth < 16 || channels == 3 || header.has_alpha else {
      throw Failure(
        .dataRefused, .gray16Ambiguous, subject,
        "16-bit grey has no agreed conversion to 8 bits; convert the file first")
    }
    var status: Failure?
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * channels) {
      buffer, initialized in
      do throws(Failure) {
        try call(subject) {
          dis_png_decode(buffer.baseAddress, bytes, bytes.count, byLibpngAlone, $0)
        }
        initialized = buffer.count
      } catch {
        status = error
      }
    }
    if let status { throw status }
    var traits: Image.Traits = header.bit_depth == 16 ? .reducedDepth : []
    if header.has_alpha || header.has_transparent_color { traits.insert(.alphaDropped) }
    return Image(width: width, height: height, channels: channels, pixels: pixels, traits: traits)
  }

  /// Reads the header of a PNG file.
  static func header(_ bytes: [UInt8], subject: String) throws(Failure) -> dis_png_header {
    var header = dis_png_header()
    try call(subject) { dis_png_read_header(&header, bytes, bytes.count, $0) }
    return header
  }

  /// Encodes an image as an 8-bit grey or RGB file without optional chunks.
  ///
  /// The bytes depend only on the image and on the versions of libpng and zlib.
  ///
  /// - Parameter image: `[H, W, 1]` for grey, `[H, W, 3]` for RGB.
  /// - Returns: The whole file.
  /// - Throws: ``Failure`` `PNGMalformed` (65) if libpng fails, for example for lack of memory.
  public static func encode(_ image: Image) throws(Failure) -> [UInt8] {
    var file: [UInt8] = []
    try call("\(image.width) x \(image.height) image") { message in
      withUnsafeMutablePointer(to: &file) { file in
        dis_png_encode(
          { file, bytes, count in
            file?.assumingMemoryBound(to: [UInt8].self).pointee.append(
              contentsOf: UnsafeBufferPointer(start: bytes, count: count))
          }, file, image.pixels, UInt32(image.width), UInt32(image.height),
          Int32(image.channels), message)
      }
    }
    return file
  }

  /// Calls a C function and throws a ``Failure`` with its message if it fails.
  private static func call(
    _ subject: String, _ function: (UnsafeMutablePointer<CChar>) -> Int32
  ) throws(Failure) {
    var message = [CChar](repeating: 0, count: Int(DIS_PNG_MESSAGE_SIZE))
    let status = message.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map(function) ?? -1
    }
    guard status != 0 else { return }
    let text = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    let code: Failure.Code =
      if text == DIS_PNG_TRUNCATED {
        .truncated
      } else if text.contains("CRC error") {
        .pngCRC
      } else {
        .pngMalformed
      }
    throw Failure(.dataRefused, code, subject, text)
  }
}
