import CImageCodecs
import Files

/// What a single image file is, for people.
public struct ImageDescription: Sendable, CustomStringConvertible {
  /// The format, such as `PNG`.
  public let format: String
  /// The width in pixels.
  public let width: Int
  /// The height in pixels.
  public let height: Int
  /// What a pixel has: `grey`, `grey with alpha`, `RGB` or `RGBA`.
  public let pixel: String
  /// The number of bits of a sample.
  public let bitDepth: Int

  /// Describes the image at `path`, which is decoded.
  ///
  /// - Throws: ``Failure`` as ``Image/init(file:subject:)`` does, `ImageLimit` (65) if the file is too
  ///   large, or the failure of reading it.
  public init(path: String) throws(Failure) {
    let file = try ReadableFile(path: path)
    try ImageLimits.check(fileSize: file.size, subject: path)
    let bytes = try file.bytes(at: 0, count: file.size)
    let image = try Image(file: bytes, subject: path)
    format =
      if bytes.starts(with: PNG.signature) {
        "PNG"
      } else if bytes.starts(with: JPEG.signature) {
        "JPEG"
      } else if WebP.hasSignature(bytes) {
        "WebP"
      } else if bytes.starts(with: BMP.signature) {
        "BMP"
      } else {
        "Netpbm"
      }
    let header = format == "PNG" ? try PNG.header(bytes, subject: path) : nil
    let hasAlpha = header?.has_alpha ?? image.traits.contains(.alphaDropped)
    pixel =
      image.channels == 1
      ? (hasAlpha ? "grey with alpha" : "grey") : (hasAlpha ? "RGBA" : "RGB")
    bitDepth = header.map { Int($0.bit_depth) } ?? 8
    (width, height) = (image.width, image.height)
  }

  /// Such as `PNG, 8 x 8, RGBA, 8 bits`.
  public var description: String {
    "\(format), \(width) x \(height), \(pixel), \(bitDepth) bit\(bitDepth == 1 ? "" : "s")"
  }
}
