import Files

extension Failure.Code {
  /// There are fewer images than a metric needs.
  public static let tooFewSamples = Failure.Code("TooFewSamples")
}
