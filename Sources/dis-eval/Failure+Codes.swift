import Files

extension Failure.Code {
  /// A file of a result is not where it was.
  static let inputUnknown = Failure.Code("InputUnknown")
  /// A result does not follow from what it names.
  static let notReproduced = Failure.Code("NotReproduced")
  /// Nothing was fetched.
  static let nothingFetched = Failure.Code("NothingFetched")
  /// Standard output was lost.
  static let outputLost = Failure.Code("OutputLost")
}
