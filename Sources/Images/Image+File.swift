import Files

extension Image {
  /// What the names of image files end in, in any letter case. Which format a file has, its content
  /// says.
  static let fileSuffixes = [".png", ".jpg", ".jpeg"]

  /// Decodes a PNG or a JPEG file.
  ///
  /// - Parameters:
  ///   - file: The whole file.
  ///   - subject: The file's name, for failures.
  /// - Throws: ``Failure`` `UnsupportedFormat` when it is neither, or that of ``PNG`` or ``JPEG``.
  public init(file: [UInt8], subject: String) throws(Failure) {
    if file.starts(with: JPEG.signature) {
      self = try JPEG.decode(file, subject: subject)
    } else if file.starts(with: PNG.signature.prefix(file.count)) {
      self = try PNG.decode(file, subject: subject)
    } else {
      throw Failure(.dataRefused, "UnsupportedFormat", subject, "neither a PNG nor a JPEG file")
    }
  }
}
