import Files

extension Image {
  /// What the names of image files end in, in any letter case. Which format a file has, its content
  /// says.
  static let fileSuffixes = [
    ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm",
  ]

  /// Decodes a PNG, JPEG, WebP, BMP or Netpbm file.
  ///
  /// - Parameters:
  ///   - file: The whole file.
  ///   - subject: The file's name, for failures.
  /// - Throws: ``Failure`` `UnsupportedFormat` when it is none of them, or that of ``PNG``, ``JPEG``,
  ///   ``WebP``, ``BMP`` or ``PNM``.
  public init(file: [UInt8], subject: String) throws(Failure) {
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
        .dataRefused, "UnsupportedFormat", subject,
        "neither a PNG, JPEG, WebP, BMP, PBM, PGM nor PPM file")
    }
  }
}
