import CImageCodecs
import Files

/// A decoder of JPEG files in memory.
public enum JPEG {
  /// The first three bytes of every JPEG file.
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  /// Decodes a JPEG file, grey images to one channel and all others to RGB.
  ///
  /// The pixels are those of Pillow's `convert("RGB")`, which FID implementations use. CMYK is read
  /// as inverted, as Adobe writes it; the orientation recorded by a camera and colour profiles are
  /// ignored. Baseline, progressive and arithmetic-coded files are decoded.
  ///
  /// - Parameters:
  ///   - bytes: The whole file. Bytes after the image are ignored.
  ///   - subject: The name of the file, for failures.
  /// - Throws: ``Failure`` (65) `UnsupportedFormat` if this is not a JPEG file, or one with 12
  ///   bits, lossless or hierarchical coding; `Truncated` if it ends early; `ImageLimit` if the
  ///   image is too large; `JPEGMalformed` if it is damaged. A file is refused where libjpeg warns
  ///   of corrupt data or missing scans and Pillow continues with the values that libjpeg made up.
  ///   ``Failure`` `OutOfMemory` (71) if libjpeg has no memory.
  public static func decode(_ bytes: [UInt8], subject: String) throws(Failure) -> Image {
    guard bytes.starts(with: signature.prefix(bytes.count)) else {
      throw Failure(.dataRefused, .unsupportedFormat, subject, "this is not a JPEG file")
    }
    var header = dis_jpeg_header()
    try call(subject) { dis_jpeg_read_header(&header, bytes, bytes.count, $0) }
    let (width, height) = (Int(header.width), Int(header.height))
    let channels = Int(header.channels)
    try ImageLimits.check(width: width, height: height, subject: subject)
    guard bytes.count >= header.least_bytes else {
      throw Failure(
        .dataRefused, .truncated, subject,
        "\(bytes.count) bytes for \(width) x \(height) pixels, which take \(header.least_bytes)")
    }
    var failure: Failure?
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * channels) {
      buffer, initialized in
      do throws(Failure) {
        try call(subject) { dis_jpeg_decode(buffer.baseAddress, bytes, bytes.count, $0) }
        initialized = width * height * channels
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return Image(width: width, height: height, channels: channels, pixels: pixels, traits: .lossy)
  }

  /// Calls a C function and throws a ``Failure`` for a status other than success.
  private static func call(
    _ subject: String, _ function: (UnsafeMutablePointer<CChar>) -> dis_jpeg_status
  ) throws(Failure) {
    var message = [CChar](repeating: 0, count: Int(DIS_JPEG_MESSAGE_SIZE))
    let status = message.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map(function) ?? DIS_JPEG_NO_MEMORY
    }
    let code: Failure.Code
    switch status {
    case DIS_JPEG_OK: return
    case DIS_JPEG_TRUNCATED: code = .truncated
    case DIS_JPEG_TOO_LARGE: code = .imageLimit
    case DIS_JPEG_UNSUPPORTED: code = .unsupportedFormat
    case DIS_JPEG_NO_MEMORY:
      throw Failure(.outOfMemory, .outOfMemory, subject, "libjpeg ran out of memory")
    default: code = .jpegMalformed
    }
    let text = String(
      decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw Failure(.dataRefused, code, subject, text)
  }
}
