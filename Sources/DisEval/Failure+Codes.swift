import Files

extension Failure.Code {
  /// A file of accumulated images is damaged, or something else.
  public static let accumulatorInvalid = Failure.Code("AccumulatorInvalid")
  /// A record does not say enough to repeat its evaluation.
  public static let cannotEvaluateAgain = Failure.Code("CannotEvaluateAgain")
  /// A checkpoint changed while it was evaluated.
  public static let checkpointChanged = Failure.Code("CheckpointChanged")
  /// A class has no image, so that images of all classes cannot be weighted.
  public static let classWithoutImages = Failure.Code("ClassWithoutImages")
  /// The number of images differs from the expected one.
  public static let countMismatch = Failure.Code("CountMismatch")
  /// Two checkpoints have the same name.
  public static let duplicateName = Failure.Code("DuplicateName")
  /// A run did not keep the features that a metric needs.
  public static let featuresNotKept = Failure.Code("FeaturesNotKept")
  /// A metric needs images, and there are only statistics.
  public static let imagesNeeded = Failure.Code("ImagesNeeded")
  /// A run did not keep the images of its samples.
  public static let imagesNotKept = Failure.Code("ImagesNotKept")
  /// Several inputs are not there.
  public static let inputsMissing = Failure.Code("InputsMissing")
  /// Images have no labels.
  public static let labelsMissing = Failure.Code("LabelsMissing")
  /// A metric cannot be computed from these numbers.
  public static let metricRefused = Failure.Code("MetricRefused")
  /// A metric that must be computed cannot be computed from the inputs.
  public static let metricUnavailable = Failure.Code("MetricUnavailable")
  /// Several dialects were requested where only one is possible.
  public static let mixedDialects = Failure.Code("MixedDialects")
  /// A result does not identify its samples one by one.
  public static let noSampleDigests = Failure.Code("NoSampleDigests")
  /// A shard was requested without a run of a checkpoint.
  public static let notAShard = Failure.Code("NotAShard")
  /// The extractor is not the recorded one.
  public static let otherExtractor = Failure.Code("OtherExtractor")
  /// The images are not those that the result was computed from.
  public static let otherImages = Failure.Code("OtherImages")
  /// The reference is not the recorded one.
  public static let otherReference = Failure.Code("OtherReference")
  /// A run is not the one that the result was computed from.
  public static let otherRun = Failure.Code("OtherRun")
  /// The names of images do not decide which of them are pairs.
  public static let pairsAmbiguous = Failure.Code("PairsAmbiguous")
  /// Images have no partner to be compared with.
  public static let pairsMissing = Failure.Code("PairsMissing")
  /// A checkpoint or decoder does not match a preset.
  public static let presetMismatch = Failure.Code("PresetMismatch")
  /// Images are not those that the reference's features were computed from.
  public static let referenceImagesMismatch = Failure.Code("ReferenceImagesMismatch")
  /// A run lacks samples.
  public static let runIncomplete = Failure.Code("RunIncomplete")
  /// Several extractors are asked for where only one is possible.
  public static let severalExtractors = Failure.Code("SeveralExtractors")
  /// There is no preset of that name.
  public static let unknownPreset = Failure.Code("UnknownPreset")
  /// A generator made the samples, and its command is not given.
  public static let generatorNotGiven = Failure.Code("GeneratorNotGiven")
  /// A generator does not say which weights it has.
  public static let generatorUnidentified = Failure.Code("GeneratorUnidentified")
}
