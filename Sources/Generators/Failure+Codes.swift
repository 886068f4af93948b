import Files

extension Failure.Code {
  /// A program did not answer in time.
  public static let generatorTimeout = Failure.Code("GeneratorTimeout")
  /// A program could not be started.
  public static let generatorNotStarted = Failure.Code("GeneratorNotStarted")
  /// A program ended although it was not asked to, or reported an error.
  public static let generatorStopped = Failure.Code("GeneratorStopped")
  /// A program answered something that the protocol does not allow.
  public static let generatorAnswer = Failure.Code("GeneratorAnswer")
  /// A program did not confirm a setting.
  public static let settingNotConfirmed = Failure.Code("SettingNotConfirmed")
  /// A program is not the one with which the work began.
  public static let otherGenerator = Failure.Code("OtherGenerator")
  /// A command is not words.
  public static let invalidCommand = Failure.Code("InvalidCommand")
}
