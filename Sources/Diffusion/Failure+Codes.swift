import Files

extension Failure.Code {
  /// A text does not describe timesteps.
  public static let invalidRespacing = Failure.Code("InvalidRespacing")
  /// Settings of a sampler that are possible by themselves do not go together.
  public static let samplerSettings = Failure.Code("SamplerSettings")
  /// A saved state is not one that this sampler can have left.
  public static let samplingState = Failure.Code("SamplingState")
}
