import Backbones
import Checkpoints
import Diffusion
import Files
import Foundation
import Images
import Results
import Tensors

/// A checkpoint that is ready to be sampled. Sample `i` depends only on the settings and `i`.
public struct Generator: Sendable {
  /// The origin of the weights.
  public let checkpoint: CheckpointProvenance
  /// The settings.
  public let settings: SamplingSettings
  /// The decoder that converts the latents of a latent model to images.
  public let decoder: LoadedDecoder?

  /// The network.
  package let model: any Backbone
  /// The sampler, with the timesteps to visit.
  package let sampler: any Sampler
  private let given: GivenNoise?
  /// The number of classes, which is asked for with every label.
  private let classCount: Int?

  /// Loads a checkpoint.
  ///
  /// - Parameters:
  ///   - path: The path of a `.pt`, `.pth` or `.safetensors` file, recognised by content.
  ///   - key: The key path of the state dict within the file; nil for the averaged weights, or for
  ///     the only state dict.
  ///   - backbone: What the checkpoint is, as far as its content does not decide.
  ///   - settings: All settings that determine the samples.
  ///   - given: Noise to use instead of the random streams; nil to use these.
  ///   - decoder: The decoder that converts latents to images; nil for a model of pixels, or if
  ///     only latents are wanted.
  ///   - precision: The number format of the network's matrix products.
  /// - Throws: `Failure` (65) if the file is not a checkpoint that is read,
  ///   `LabelOutOfRange` if a label is not a class, `DecoderMismatch` if the decoder expects
  ///   different channels, or `NoiseShape` if given noise has a different shape; (64)
  ///   `SettingOutOfRange` if a number of the settings is not in its range, `InvalidRespacing` for a
  ///   single step of DDPM, `GuidanceNowhere` if no timestep is guided, `UnconditionalModel` if
  ///   labels or guidance are requested of a model without classes, `PixelModel` if a model of
  ///   pixels is given a decoder, or `StepNoiseMissing`; `OutOfMemory` (71) if decoding needs more
  ///   memory than the machine has.
  public init(
    checkpoint path: String, key: String? = nil, backbone: BackboneChoices = BackboneChoices(),
    settings: SamplingSettings = SamplingSettings(), given: GivenNoise? = nil,
    decoder: LoadedDecoder? = nil, precision: Precision = .float32
  ) throws {
    try settings.check()
    let file = try CheckpointFile.open(path)
    guard file.format != .torchScript else {
      throw Failure(
        .dataRefused, .torchScriptUnsupported, path,
        "a TorchScript program, whose code is not run; save its weights alone: torch.save({'ema': "
          + "torch.jit.load('model.pt').state_dict()}, 'new.pt')")
    }
    let taken = try file.taken(key, where: RecognizedBackbone.hasNames)
    let recognized = try RecognizedBackbone(
      taken.state, arguments: file.arguments, choices: backbone)
    sampler = try settings.sampler(for: recognized.architecture)
    model = try recognized.load(taken.state, precision: precision)
    checkpoint = CheckpointProvenance(
      file: lastComponent(path), sha256: try sha256(ofCheckpoint: path),
      format: file.format.rawValue, key: taken.key, prefix: taken.state.prefix,
      leftOut: taken.state.namesBeside, model: ModelProvenance(recognized.architecture),
      decidedBy: recognized.decidedBy.mapValues(\.rawValue))
    self.settings = settings
    self.given = given
    classCount = recognized.architecture.classCount
    self.decoder = decoder
    try given?.check(
      shape: recognized.architecture.inputShape, for: sampler)
    try checkLabels()
    try checkDecoder()
  }

  private func checkLabels() throws(Failure) {
    let architecture = model.architecture
    try settings.labels.check(
      classes: architecture.classCount, hasNullClass: architecture.nullClass != nil,
      of: "the checkpoint")
    guard architecture.nullClass != nil || settings.guidanceScale == 1 else {
      throw Failure(
        .usage, .unconditionalModel, "`guidanceScale` \(settings.guidanceScale)",
        architecture.classCount == nil
          ? "the checkpoint has no classes, so there is nothing to guide towards"
          : "the checkpoint has no label for no class, so that it cannot be guided")
    }
  }

  private func checkDecoder() throws(Failure) {
    let channels = model.architecture.channels
    guard let decoder else { return }
    if decoder.latentChannels == channels {
      return try decoder.checkMemory(latentSide: model.architecture.imageSide)
    }
    if [1, 3].contains(channels) {
      throw Failure(
        .usage, .pixelModel, "`decoder`",
        "the checkpoint makes images of \(channels) channels, which need no decoder; leave it out")
    }
    throw Failure(
      .dataRefused, .decoderMismatch, decoder.provenance.file,
      "takes latents of \(decoder.latentChannels) channels, but the checkpoint makes \(channels)")
  }

  /// Checks that samples are images; latents must first be decoded.
  ///
  /// - Throws: `Failure` `LatentModel` (69) if there is no decoder and the model does not have 1 or
  ///   3 channels.
  package func checkMakesImages() throws(Failure) {
    guard decoder != nil || [1, 3].contains(model.architecture.channels) else {
      throw Failure(
        .unavailable, .latentModel, checkpoint.file,
        "the model makes latents of \(model.architecture.channels) channels; give the decoder that "
          + "it was trained with, `decoder` FILE, or write the latents with 'sample `rawOut`'")
    }
  }

  /// The side of the images in pixels, after decoding.
  public var imageSide: Int { model.architecture.imageSide * (decoder?.pixelsPerLatent ?? 1) }

  /// Checks that labels and noise cover the first samples.
  ///
  /// - Parameter count: The number of samples, from sample 0 on.
  /// - Throws: `Failure` `TooFewLabels` or `TooFewNoises` (65) if there are fewer than `count`.
  package func checkCovers(_ count: Int) throws(Failure) {
    try settings.labels.checkCovers(count)
    if let given, given.count < count {
      throw Failure(
        .dataRefused, .tooFewNoises, "`noise`", "noise for \(given.count) of \(count) samples")
    }
  }

  /// Returns how many of the first samples are of each class, and how many of none; nil for an
  /// unconditional model.
  package func labelCounts(first count: Int) -> (counts: [Int], unlabelled: Int)? {
    classCount.map { settings.labels.counts(first: count, of: $0, seed: settings.seed) }
  }

  /// Returns the class of a sample; nil for an unconditional model.
  ///
  /// - Parameter index: The index of the sample, from 0. Labels from a file must include it.
  /// - Returns: A number from 0 to the number of classes - 1.
  package func label(_ index: Int) -> Int? {
    classCount.map {
      settings.labels.label(index, of: $0, seed: settings.seed)
    }
  }

  /// Computes a sample before decoding and quantisation.
  ///
  /// - Parameter index: The index of the sample, from 0.
  /// - Returns: `[C, H, W]`; for a pixel model nominally in [-1, 1].
  /// - Throws: `Failure` `NotFinite` (65) if the network produced NaN or infinity.
  package func sample(_ index: Int) throws -> Tensor {
    var state = start(index)
    while !isFinished(state) { advance(&state, index) }
    return try sample(index, from: state)
  }

  /// Returns the state of a sample before its first step.
  ///
  /// - Parameter index: The index of the sample, from 0.
  package func start(_ index: Int) -> SamplingState {
    let shape = sampleShape
    let values =
      given?.start(index)
      ?? stream(index).normals(.initialNoise, count: shape.reduce(1, *))
    return sampler.start(Tensor(shape: shape, values: values))
  }

  /// Advances a sample by one step.
  ///
  /// - Parameters:
  ///   - state: A state of this sample that is not finished.
  ///   - index: The index of the sample, from 0.
  package func advance(_ state: inout SamplingState, _ index: Int) {
    let architecture = model.architecture
    let size = sampleShape.reduce(1, *)
    let stream = stream(index)
    let label = label(index)
    let guidance = settings.guidance
    sampler.advance(
      &state,
      noise: { given?.step($0, index) ?? stream.normals(.stepNoise($0), count: size) }
    ) { x, time in
      guidance(at: time.process, imageChannels: architecture.channels) { isConditional in
        model(x, time: time.input, label: isConditional ? label : architecture.nullClass)
      }
    }
  }

  /// Restores the state of a saved sample.
  ///
  /// - Throws: `Failure` `SamplingState` (65) if this sampler cannot have produced the state.
  package func resume(_ stored: StoredSampling) throws -> SamplingState {
    try sampler.resume(
      step: stored.step, tensors: stored.tensors, shape: sampleShape, source: "a saved sample")
  }

  /// The number of steps of a sample; nil if it depends on the predictions.
  package var stepCount: Int? { sampler.stepCount }

  /// Returns whether all steps are done.
  package func isFinished(_ state: SamplingState) -> Bool { sampler.isFinished(state) }

  /// Returns a sample after its last step.
  ///
  /// - Parameters:
  ///   - index: The index of the sample, for messages.
  ///   - state: The finished state of the sample.
  /// - Returns: `[C, H, W]`.
  /// - Throws: `Failure` `NotFinite` (65) if the network produced NaN or infinity.
  package func sample(_ index: Int, from state: SamplingState) throws -> Tensor {
    let result = state.x
    guard result.values.allSatisfy(\.isFinite) else {
      throw Failure(
        .dataRefused, .notFinite, checkpoint.file,
        "sample \(index) has values that are not finite; the checkpoint or the sampler settings "
          + "are at fault")
    }
    return result
  }

  /// The extents of the images, `[H, W, C]`.
  package var imageExtents: [Int] {
    [imageSide, imageSide, decoder?.imageChannels ?? model.architecture.channels]
  }

  /// Converts a sample to an image. A latent is decoded first; then floats are quantised to bytes.
  ///
  /// - Parameters:
  ///   - sample: The sample, `[C, H, W]`, from ``sample(_:)``.
  ///   - index: The index of the sample, for messages.
  /// - Returns: `[H, W, C]`, with C 1 or 3.
  /// - Throws: `Failure` `NotFinite` (65) if the decoder produced NaN or infinity.
  package func image(_ sample: Tensor, index: Int) throws(Failure) -> Image {
    guard let decoder else { return Image(sample, by: settings.quantizer) }
    let sample = decoder(sample)
    guard sample.values.allSatisfy(\.isFinite) else { throw decoder.notFinite(sample: index) }
    return Image(sample, by: settings.quantizer)
  }

  /// The name of the random streams, or `given` for given noise.
  package var streamName: String { given == nil ? RandomStream.name : "given" }

  private func stream(_ index: Int) -> RandomStream {
    RandomStream(seed: settings.seed, index: UInt64(index))
  }
}

extension Generator {
  /// The sampler and its settings, as recorded in results.
  package var provenance: SamplerProvenance {
    let interval = settings.guidanceInterval
    var provenance = SamplerProvenance(
      name: settings.sampler.rawValue, prediction: settings.prediction.rawValue,
      respacing: "\(settings.respacing)", steps: sampler.stepCount,
      evaluations: sampler.evaluations,
      networkEvaluations: sampler.networkEvaluations(settings.guidance), eta: settings.eta,
      cfgScale: settings.guidanceScale,
      cfgInterval: interval == Guidance.everywhere
        ? nil : [interval.lowerBound, interval.upperBound],
      cfgChannels: settings.guidance.channels.rawValue,
      clip: settings.clips, seed: settings.seed, stream: streamName,
      labels: settings.labels.description, labelsSha256: settings.labels.sha256,
      quantizer: settings.quantizer.rawValue, precision: model.precision.recorded)
    let request = settings.request
    (provenance.diffusion, provenance.diffusionNorm) = (request.diffusion, request.diffusionNorm)
    (provenance.lastStep, provenance.lastStepSize) = (request.lastStep, request.lastStepSize)
    return provenance
  }
}

extension Image {
  /// Converts a sample to an image.
  ///
  /// - Parameters:
  ///   - sample: The values, `[C, H, W]`, nominally in [-1, 1] and finite.
  ///   - quantizer: How they are converted to bytes.
  package init(_ sample: Tensor, by quantizer: Quantizer) {
    let (channels, height, width) = (sample.shape[0], sample.shape[1], sample.shape[2])
    var pixels: [UInt8] = []
    pixels.reserveCapacity(sample.count)
    for pixel in 0..<height * width {
      for channel in 0..<channels {
        pixels.append(quantizer(sample.values[channel * height * width + pixel]))
      }
    }
    self.init(width: width, height: height, channels: channels, pixels: pixels)
  }
}
