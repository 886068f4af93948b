import Files

extension Failure.Code {
  /// An image does not have the size or channels that an extractor takes.
  public static let imageMismatch = Failure.Code("ImageMismatch")
  /// A file does not hold a feature extractor.
  public static let notAnExtractor = Failure.Code("NotAnExtractor")
}
