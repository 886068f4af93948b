import CWebP
import Files
import Foundation

/// A decoder of WebP files in memory.
public enum WebP {
  /// Returns whether the bytes begin like a WebP file: a RIFF container of that type.
  static func hasSignature(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: Array("RIFF".utf8)) && bytes.dropFirst(8).starts(with: Array("WEBP".utf8))
  }

  /// Decodes a WebP file to RGB.
  ///
  /// The pixels are those of Pillow's `convert("RGB")`: alpha is dropped without blending, and
  /// colour profiles and orientation are ignored.
  ///
  /// - Parameters:
  ///   - bytes: The whole file. Bytes after the image are ignored.
  ///   - subject: The name of the file, for failures.
  /// - Throws: ``Failure`` (65) `UnsupportedFormat` if this is not a WebP file, or an animation;
  ///   `Truncated` if it ends early; `ImageLimit` if the image is too large; `WebPMalformed` if
  ///   libwebp refuses it. ``Failure`` `OutOfMemory` (71) if libwebp has no memory,
  ///   `LibraryMismatch` (69) if its version differs from that of the build.
  public static func decode(_ bytes: [UInt8], subject: String) throws(Failure) -> Image {
    guard hasSignature(bytes) else {
      throw Failure(.dataRefused, .unsupportedFormat, subject, "this is not a WebP file")
    }
    var features = WebPBitstreamFeatures()
    try check(WebPGetFeatures(bytes, bytes.count, &features), subject)
    guard features.has_animation == 0 else {
      throw Failure(
        .dataRefused, .unsupportedFormat, subject, "a WebP animation, expected a single image")
    }
    let (width, height) = (Int(features.width), Int(features.height))
    try ImageLimits.check(width: width, height: height, subject: subject)
    var traits: Image.Traits = features.format == 1 ? .lossy : []
    if features.has_alpha != 0 { traits.insert(.alphaDropped) }

    var configuration = WebPDecoderConfig()
    guard WebPInitDecoderConfig(&configuration) != 0 else {
      throw Failure(
        .unavailable, .libraryMismatch, subject,
        "libwebp has a different version than at the build")
    }
    var status = VP8_STATUS_OK
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, initialized in
      configuration.output.colorspace = MODE_RGB
      configuration.output.is_external_memory = 1
      configuration.output.u.RGBA.rgba = buffer.baseAddress
      configuration.output.u.RGBA.stride = Int32(width * 3)
      configuration.output.u.RGBA.size = width * height * 3
      status = WebPDecode(bytes, bytes.count, &configuration)
      initialized = status == VP8_STATUS_OK ? width * height * 3 : 0
    }
    if status == VP8_STATUS_OUT_OF_MEMORY, hasMemory(pixels: width * height) {
      // libwebp 1.5 also reports this status for a damaged alpha plane; earlier versions call it
      // malformed.
      status = VP8_STATUS_BITSTREAM_ERROR
    }
    try check(status, subject)
    return Image(width: width, height: height, channels: 3, pixels: pixels, traits: traits)
  }

  /// Returns whether there is memory for everything that a decoder keeps of a picture: the colours,
  /// the alpha plane and its rows take less than 16 bytes per pixel.
  private static func hasMemory(pixels: Int) -> Bool {
    guard let memory = malloc(16 * pixels + (1 << 20)) else { return false }
    free(memory)
    return true
  }

  private static func check(_ status: VP8StatusCode, _ subject: String) throws(Failure) {
    switch status {
    case VP8_STATUS_OK: return
    case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED:
      throw Failure(.dataRefused, .truncated, subject, "the bytes end early")
    case VP8_STATUS_OUT_OF_MEMORY:
      throw Failure(.outOfMemory, .outOfMemory, subject, "libwebp ran out of memory")
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      throw Failure(
        .dataRefused, .unsupportedFormat, subject, "a feature that libwebp does not support")
    default: throw Failure(.dataRefused, .webPMalformed, subject, "libwebp refuses the bitstream")
    }
  }
}
