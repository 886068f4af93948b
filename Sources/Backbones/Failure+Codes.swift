import Files

extension Failure.Code {
  /// A state dict is not that of a DiS model.
  public static let notADiSCheckpoint = Failure.Code("NotADiSCheckpoint")
}
