import Files

extension Failure.Code {
  /// Neither the content of a checkpoint nor the user says what it is.
  public static let ambiguousCheckpoint = Failure.Code("AmbiguousCheckpoint")
  /// What the user says about a checkpoint is not so.
  public static let backboneMismatch = Failure.Code("BackboneMismatch")
  /// The tensors are those of no network that is read.
  public static let notABackbone = Failure.Code("NotABackbone")
  /// A state dict is not that of a DiS model.
  public static let notADiSCheckpoint = Failure.Code("NotADiSCheckpoint")
}
