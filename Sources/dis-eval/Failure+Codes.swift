import Files

extension Failure.Code {
  /// A file that a result names is not where it was.
  static let inputUnknown = Failure.Code("InputUnknown")
  /// Repeating an evaluation did not reproduce its result.
  static let notReproduced = Failure.Code("NotReproduced")
  /// No statistics have been fetched.
  static let nothingFetched = Failure.Code("NothingFetched")
  /// Standard output was lost.
  static let outputLost = Failure.Code("OutputLost")
}
