import Files

extension Failure.Code {
  /// There are fewer images than a metric needs.
  public static let tooFewSamples = Failure.Code("TooFewSamples")
  /// An extractor returned features of another length than it announced, or that are not finite.
  public static let featuresInvalid = Failure.Code("FeaturesInvalid")
  /// Two sets of features were extracted in different ways.
  public static let layoutMismatch = Failure.Code("LayoutMismatch")
}
