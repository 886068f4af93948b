import Files

/// The limits on the size of images, checked before memory is allocated.
package enum ImageLimits {
  /// The largest width and height in pixels, which is also the limit of libjpeg.
  package static let side = 65_500
  /// The largest number of pixels.
  package static let pixels = 1 << 26
  /// The largest size in bytes of a file or of an entry of a zip file. The largest image,
  /// uncompressed, takes half of it.
  static let fileSize = 1 << 30

  /// Checks the size of an image.
  ///
  /// - Throws: ``Failure`` `ImageLimit` (65) if the image is too large.
  static func check(width: Int, height: Int, subject: String) throws(Failure) {
    guard width <= side, height <= side, width * height <= pixels else {
      throw Failure(
        .dataRefused, .imageLimit, subject,
        "\(width) x \(height) pixels; the limits are \(side) per side and \(pixels) in total")
    }
  }

  /// Checks the size of an image file.
  ///
  /// - Throws: ``Failure`` `ImageLimit` (65) if the file is too large.
  static func check(fileSize: Int, subject: String) throws(Failure) {
    guard fileSize <= Self.fileSize else {
      throw Failure(
        .dataRefused, .imageLimit, subject,
        "a file of \(fileSize) bytes; at most \(Self.fileSize) are read")
    }
  }
}
