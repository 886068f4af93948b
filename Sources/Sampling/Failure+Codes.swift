import Files

extension Failure.Code {
  /// The number of samples is not known in advance.
  public static let countUnknown = Failure.Code("CountUnknown")
  /// A decoder does not accept the model's latents.
  public static let decoderMismatch = Failure.Code("DecoderMismatch")
  /// A decoder is needed and was not given.
  public static let decoderMissing = Failure.Code("DecoderMissing")
  /// Guidance applies to none of the timesteps.
  public static let guidanceNowhere = Failure.Code("GuidanceNowhere")
  /// A sample's index is negative.
  public static let indexOutOfRange = Failure.Code("IndexOutOfRange")
  /// A text does not describe labels.
  public static let invalidLabels = Failure.Code("InvalidLabels")
  /// The scale of latents is not a positive number.
  public static let invalidLatentScale = Failure.Code("InvalidLatentScale")
  /// The shift of latents is not a number, or given together with the means of channels.
  public static let invalidLatentShift = Failure.Code("InvalidLatentShift")
  /// The side of a tile is not possible.
  public static let invalidTile = Failure.Code("InvalidTile")
  /// A label is not a class of the model.
  public static let labelOutOfRange = Failure.Code("LabelOutOfRange")
  /// A file of labels is not valid.
  public static let labelsInvalid = Failure.Code("LabelsInvalid")
  /// The means and deviations of latents are not valid, or not for the decoder's channels.
  public static let latentStatisticsInvalid = Failure.Code("LatentStatisticsInvalid")
  /// A model of latents is used without a decoder.
  public static let latentModel = Failure.Code("LatentModel")
  /// Given noise does not have the shape of the samples.
  public static let noiseShape = Failure.Code("NoiseShape")
  /// Given noise does not have the expected element type.
  public static let noiseType = Failure.Code("NoiseType")
  /// A network or decoder produced NaN or infinity.
  public static let notFinite = Failure.Code("NotFinite")
  /// The checkpoint is not the one that the result was computed from.
  public static let otherCheckpoint = Failure.Code("OtherCheckpoint")
  /// The decoder is not the one that the result was computed from.
  public static let otherDecoder = Failure.Code("OtherDecoder")
  /// The labels are not those that the result was computed from.
  public static let otherLabels = Failure.Code("OtherLabels")
  /// A decoder was given for a model of pixels.
  public static let pixelModel = Failure.Code("PixelModel")
  /// A request contains a name or number unknown to this version.
  public static let requestInvalid = Failure.Code("RequestInvalid")
  /// A sampler is not one for the process of the checkpoint.
  public static let samplerMismatch = Failure.Code("SamplerMismatch")
  /// A sampler needs noise for every step, and none was given.
  public static let stepNoiseMissing = Failure.Code("StepNoiseMissing")
  /// There are fewer labels than samples.
  public static let tooFewLabels = Failure.Code("TooFewLabels")
  /// There are fewer given noise arrays than samples.
  public static let tooFewNoises = Failure.Code("TooFewNoises")
  /// A checkpoint is a TorchScript program.
  public static let torchScriptUnsupported = Failure.Code("TorchScriptUnsupported")
  /// A model without classes is sampled by class or with guidance.
  public static let unconditionalModel = Failure.Code("UnconditionalModel")
}
