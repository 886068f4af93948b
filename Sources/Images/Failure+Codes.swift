import Files

extension Failure.Code {
  /// A BMP file does not follow its format.
  public static let bmpMalformed = Failure.Code("BMPMalformed")
  /// A grey image of 16 bits is read differently by different tools.
  public static let gray16Ambiguous = Failure.Code("Gray16Ambiguous")
  /// A gzip file exceeds a limit.
  public static let gzipLimit = Failure.Code("GzipLimit")
  /// A gzip file does not follow its format.
  public static let gzipMalformed = Failure.Code("GzipMalformed")
  /// The bytes of an image do not match its extents.
  public static let imageInvalid = Failure.Code("ImageInvalid")
  /// An image exceeds a limit.
  public static let imageLimit = Failure.Code("ImageLimit")
  /// A folder has images both in it and in folders inside it.
  public static let imagesInside = Failure.Code("ImagesInside")
  /// A folder of images was left unfinished, or is still being written.
  public static let imagesUnfinished = Failure.Code("ImagesUnfinished")
  /// A JPEG file does not follow its format.
  public static let jpegMalformed = Failure.Code("JPEGMalformed")
  /// Labels exceed a limit.
  public static let labelsLimit = Failure.Code("LabelsLimit")
  /// Labels do not follow their format.
  public static let labelsMalformed = Failure.Code("LabelsMalformed")
  /// There are not as many labels as images.
  public static let labelsMismatch = Failure.Code("LabelsMismatch")
  /// A system library is not the one that this was compiled for.
  public static let libraryMismatch = Failure.Code("LibraryMismatch")
  /// There are no images.
  public static let noImages = Failure.Code("NoImages")
  /// A file does not hold images.
  public static let notImages = Failure.Code("NotImages")
  /// A chunk of a PNG file does not have its checksum.
  public static let pngCRC = Failure.Code("PNGCRC")
  /// A PNG file does not follow its format.
  public static let pngMalformed = Failure.Code("PNGMalformed")
  /// A PNM file does not follow its format.
  public static let pnmMalformed = Failure.Code("PNMMalformed")
  /// A file is in a format that is not read.
  public static let unsupportedFormat = Failure.Code("UnsupportedFormat")
  /// A WebP file does not follow its format.
  public static let webPMalformed = Failure.Code("WebPMalformed")
}
