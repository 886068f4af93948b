import CImageCodecs
import Files

/// JPEG files in memory.
public enum JPEG {
  /// The three bytes every JPEG file begins with.
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  /// Decodes a JPEG file: grey images to one channel, all others to RGB.
  ///
  /// The pixels are those of Pillow's `convert("RGB")`, which FID implementations use. CMYK is
  /// taken as inverted, as Adobe writes it; the orientation that a camera noted and colour profiles
  /// are ignored. Baseline, progressive and arithmetic-coded files are decoded.
  ///
  /// - Parameters:
  ///   - bytes: The whole file. Bytes after the image are ignored.
  ///   - subject: The file's name, for failures.
  /// - Throws: ``Failure`` `UnsupportedFormat` (no JPEG, or 12 bits, lossless, hierarchical),
  ///   `Truncated`, `ImageLimit`, `JPEGMalformed` or `OutOfMemory`. Where libjpeg warns of corrupt
  ///   data or lacks scans, and Pillow goes on with what libjpeg made up, the file is refused.
  public static func decode(_ bytes: [UInt8], subject: String) throws(Failure) -> Image {
    guard bytes.starts(with: signature.prefix(bytes.count)) else {
      throw Failure(.dataRefused, "UnsupportedFormat", subject, "this is no JPEG file")
    }
    var header = dis_jpeg_header()
    try call(subject) { dis_jpeg_read_header(&header, bytes, bytes.count, $0) }
    let (width, height) = (Int(header.width), Int(header.height))
    let channels = Int(header.channels)
    try ImageLimits.check(width: width, height: height, subject: subject)
    guard bytes.count >= header.least_bytes else {
      throw Failure(
        .dataRefused, "Truncated", subject,
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

  /// Turns the status and the message of a C function into a ``Failure``.
  private static func call(
    _ subject: String, _ function: (UnsafeMutablePointer<CChar>) -> dis_jpeg_status
  ) throws(Failure) {
    var message = [CChar](repeating: 0, count: Int(DIS_JPEG_MESSAGE_SIZE))
    let status = message.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map(function) ?? DIS_JPEG_NO_MEMORY
    }
    let code: String
    switch status {
    case DIS_JPEG_OK: return
    case DIS_JPEG_TRUNCATED: code = "Truncated"
    case DIS_JPEG_TOO_LARGE: code = "ImageLimit"
    case DIS_JPEG_UNSUPPORTED: code = "UnsupportedFormat"
    case DIS_JPEG_NO_MEMORY:
      throw Failure(.outOfMemory, "OutOfMemory", subject, "libjpeg has no memory")
    default: code = "JPEGMalformed"
    }
    let text = String(
      decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw Failure(.dataRefused, code, subject, text)
  }
}
