import Files

extension Failure.Code {
  /// A text does not describe timesteps.
  public static let invalidRespacing = Failure.Code("InvalidRespacing")
  /// A saved state is not one that this sampler can have left.
  public static let samplingState = Failure.Code("SamplingState")
}
