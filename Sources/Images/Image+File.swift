import Files

extension Image {
  /// The suffixes of image files, in lower case. The format of a file is determined by its content,
  /// not by its suffix.
  static let fileSuffixes = [
    ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm",
  ]

  /// Decodes a PNG, JPEG, WebP, BMP or Netpbm file.
  ///
  /// - Parameters:
  ///   - file: The whole file.
  ///   - subject: The name of the file, for failures.
  /// - Throws: ``Failure`` (65) `Truncated` if the file is empty, `UnsupportedFormat` if it has none of
  ///   these formats, or the failure of ``PNG/decode(_:subject:)``, ``JPEG/decode(_:subject:)``,
  ///   ``WebP/decode(_:subject:)``, ``BMP/decode(_:subject:)`` or ``PNM/decode(_:subject:)``.
  public init(file: [UInt8], subject: String) throws(Failure) {
    guard !file.isEmpty else {
      throw Failure(.dataRefused, .truncated, subject, "the file is empty")
    }
    if file.starts(with: JPEG.signature) {
      self = try JPEG.decode(file, subject: subject)
    } else if file.starts(with: PNG.signature.prefix(file.count)) {
      self = try PNG.decode(file, subject: subject)
    } else if WebP.hasSignature(file) {
      self = try WebP.decode(file, subject: subject)
    } else if file.starts(with: BMP.signature) {
      self = try BMP.decode(file, subject: subject)
    } else if PNM.hasSignature(file) {
      self = try PNM.decode(file, subject: subject)
    } else {
      throw Failure(
        .dataRefused, .unsupportedFormat, subject,
        "neither a PNG, JPEG, WebP, BMP, PBM, PGM nor PPM file")
    }
  }
}
