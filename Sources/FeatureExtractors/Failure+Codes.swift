import Files

extension Failure.Code {
  /// Neither the content of a file of weights nor the user says what it is or how it is used.
  public static let ambiguousExtractor = Failure.Code("AmbiguousExtractor")
  /// A tool does not use a network.
  public static let dialectUnsupported = Failure.Code("DialectUnsupported")
  /// An image does not have the size or channels that an extractor takes.
  public static let imageMismatch = Failure.Code("ImageMismatch")
  /// A file does not hold a feature extractor.
  public static let notAnExtractor = Failure.Code("NotAnExtractor")
}
