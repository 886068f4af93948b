import Backbones
import Diffusion
import Files
import Results
import Tensors

// The parts of which a sample is made, each by itself.
extension Generator {
  /// The extents of a sample before decoding, `[C, H, W]`.
  public var sampleShape: [Int] { model.architecture.inputShape }

  /// The extents of what the network returns, `[Co, H, W]`: C channels of the prediction, followed by
  /// C of the variance if the model learns it.
  public var predictionShape: [Int] { model.architecture.outputShape }

  /// Returns the class of a sample; nil for a model without classes.
  ///
  /// - Parameter index: The index of the sample, at least 0.
  /// - Returns: A number from 0 to the number of classes, which stands for no class.
  /// - Throws: `Failure` `IndexOutOfRange` (64) if the index is negative, `TooFewLabels` (65) if
  ///   labels were given for fewer samples.
  public func label(at index: Int) throws(Failure) -> Int? {
    try check(index)
    return label(index)
  }

  /// Returns the noise x_T from which a sample begins: standard normal numbers of its random stream,
  /// or the noise that was given.
  ///
  /// - Parameter index: The index of the sample, at least 0.
  /// - Returns: ``sampleShape`` values in row-major order.
  /// - Throws: As ``label(at:)``; `TooFewNoises` (65) if noise was given for fewer samples.
  public func noise(at index: Int) throws(Failure) -> [Float] {
    try check(index)
    return start(index).x.values
  }

  /// Evaluates the network once, without guidance.
  ///
  /// - Parameters:
  ///   - x: A noisy image or latent x_t, ``sampleShape`` values in row-major order.
  ///   - time: The time as the network takes it: the timestep of training, 0 to 999; t from 0 to 1 for
  ///     a flow; 999 t or, for the process of Stable Diffusion, 1000 t for a U-ViT.
  ///   - label: The class, from 0 to the number of classes, which stands for no class; nil for no
  ///     class.
  /// - Returns: ``predictionShape`` values in row-major order: the prediction, such as the noise, then
  ///   the logits of the variance if the model learns it.
  /// - Throws: `Failure` `NoiseShape` (65) if `x` has a different number of values,
  ///   `SettingOutOfRange` (64) if the time is not in its range, `LabelOutOfRange` (65) if the
  ///   label is not a class, `UnconditionalModel` (64) if the model has no classes and a label is
  ///   given, or no label for no class and none is given, `NotFinite` (65) if the prediction has NaN
  ///   or infinity.
  /// - SeeAlso: Fei et al., arXiv 2402.05608, section 3; `DiS.forward` of `models_dis.py` in
  ///   feizc/DiS at 3da562e.
  public func prediction(
    _ x: [Float], time: Double, label: Int? = nil
  ) throws(Failure) -> [Float] {
    guard x.count == sampleShape.reduce(1, *) else {
      throw Failure(
        .dataRefused, .noiseShape, "`x`",
        "\(x.count) values, expected [C, H, W] = \(sampleShape), which are "
          + "\(sampleShape.reduce(1, *))")
    }
    let times = model.architecture.process.times
    guard times.contains(time) else { throw .outOfRange("time", time, times.words) }
    try checkIsClass(label)
    let result = model(
      Tensor(shape: sampleShape, values: x), time: time,
      label: label ?? model.architecture.nullClass)
    guard result.values.allSatisfy(\.isFinite) else {
      throw Failure(
        .dataRefused, .notFinite, checkpoint.file,
        "the prediction at time \(time) has values that are not finite")
    }
    return result.values
  }

  private func checkIsClass(_ label: Int?) throws(Failure) {
    let hasNullClass = model.architecture.nullClass != nil
    guard let label else {
      guard model.architecture.classCount == nil || hasNullClass else {
        throw Failure(
          .usage, .unconditionalModel, "`label` nil",
          "the checkpoint has no label for no class; give a class")
      }
      return
    }
    guard let classes = model.architecture.classCount else {
      throw Failure(
        .usage, .unconditionalModel, "`label` \(label)", "the checkpoint has no classes")
    }
    guard (0..<(hasNullClass ? classes + 1 : classes)).contains(label) else {
      throw LabelPolicy.notAClass(
        label, of: classes, hasNullClass: hasNullClass, model: "the checkpoint")
    }
  }
}
