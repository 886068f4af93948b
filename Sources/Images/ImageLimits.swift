import Files

/// The largest image that is decoded. Checked before memory is asked for.
package enum ImageLimits {
  /// Columns, and rows: what libjpeg accepts as well.
  package static let side = 65_500
  /// Columns times rows.
  package static let pixels = 1 << 26
  /// Bytes of a file, or of an entry of a zip file. The largest image has half of it, uncompressed.
  static let fileSize = 1 << 30

  /// Throws ``Failure`` `ImageLimit` when an image of these extents is too large.
  static func check(width: Int, height: Int, subject: String) throws(Failure) {
    guard width <= side, height <= side, width * height <= pixels else {
      throw Failure(
        .dataRefused, "ImageLimit", subject,
        "\(width) x \(height) pixels; the limits are \(side) a side and \(pixels) in all")
    }
  }

  /// Throws ``Failure`` `ImageLimit` when the file of an image is too large to be read.
  static func check(fileSize: Int, subject: String) throws(Failure) {
    guard fileSize <= Self.fileSize else {
      throw Failure(
        .dataRefused, "ImageLimit", subject,
        "a file of \(fileSize) bytes; at most \(Self.fileSize) are read")
    }
  }
}
