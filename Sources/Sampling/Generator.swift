import Backbones
import Checkpoints
import Diffusion
import Files
import Foundation
import Images
import Results
import Tensors

/// A checkpoint ready to be sampled: sample `i` is a function of the settings and `i` alone.
public struct Generator: Sendable {
  /// Where the weights came from.
  public let checkpoint: CheckpointProvenance
  /// The settings.
  public let settings: SamplingSettings
  /// What makes images of the latents of a latent model.
  public let decoder: LoadedDecoder?

  package let model: DiSModel
  package let sampler: Sampler
  private let given: GivenNoise?

  /// Loads a checkpoint.
  ///
  /// - Parameters:
  ///   - path: `.pt`, `.pth` or `.safetensors`, recognised by content.
  ///   - key: Which state dict of the file, a path of keys; nil for the averaged one, or the only one.
  ///   - precision: What the network's linear layers multiply.
  ///   - given: Noise to use instead of the random streams.
  ///   - decoder: What makes images of latents.
  /// - Throws: `Failure` when the file is refused, is no DiS checkpoint, or does not fit the
  ///   settings or the decoder.
  public init(
    checkpoint path: String, key: String?, settings: SamplingSettings, given: GivenNoise? = nil,
    decoder: LoadedDecoder? = nil, precision: Precision = .float32
  ) throws {
    let schedule = Schedule(try Respacing(settings.respacing))
    let file = try CheckpointFile.open(path)
    let taken = try file.taken(key)
    model = try DiSModel(taken.state, precision: precision)
    sampler = try settings.sampler(schedule)
    checkpoint = CheckpointProvenance(
      file: lastComponent(path), sha256: try sha256(ofFile: path), format: file.format.rawValue,
      key: taken.key, model: ModelProvenance(model.configuration))
    self.settings = settings
    self.given = given
    self.decoder = decoder
    try given?.check(
      configuration: model.configuration, steps: schedule.count,
      needsNoise: settings.method.isStochastic)
    try checkLabels()
    try checkDecoder()
  }

  private func checkLabels() throws(Failure) {
    guard let classes = model.configuration.classCount else {
      guard settings.labels == .uniform else {
        throw Failure(
          .usage, .unconditionalModel, "--labels \(settings.labels)",
          "the checkpoint has no classes")
      }
      guard settings.guidanceScale == 1 else {
        throw Failure(
          .usage, .unconditionalModel, "--cfg-scale \(settings.guidanceScale)",
          "the checkpoint has no classes, so there is nothing to guide towards")
      }
      return
    }
    let asked: [Int] =
      switch settings.labels {
      case .uniform, .balanced: []
      case .fixed(let label): [label]
      case .file(_, let labels): labels
      }
    if let wrong = asked.first(where: { !(0...classes).contains($0) }) {
      throw Failure(
        .dataRefused, .labelOutOfRange, "\(wrong)",
        "the checkpoint has classes 0 to \(classes - 1), and \(classes) for no class")
    }
  }

  private func checkDecoder() throws(Failure) {
    let channels = model.configuration.channels
    guard let decoder else { return }
    if decoder.latentChannels == channels {
      return try decoder.checkMemory(latentSide: model.configuration.imageSide)
    }
    if [1, 3].contains(channels) {
      throw Failure(
        .usage, .pixelModel, "--decoder",
        "the checkpoint makes images of \(channels) channels, which need no decoder; leave it out")
    }
    throw Failure(
      .dataRefused, .decoderMismatch, decoder.provenance.file,
      "takes latents of \(decoder.latentChannels) channels, but the checkpoint makes \(channels)")
  }

  /// Whether samples are images; latents need a decoder first.
  ///
  /// - Throws: `Failure` `LatentModel` for anything but 1 or 3 channels without a decoder.
  package func checkMakesImages() throws(Failure) {
    guard decoder != nil || [1, 3].contains(model.configuration.channels) else {
      throw Failure(
        .unavailable, .latentModel, checkpoint.file,
        "the model makes latents of \(model.configuration.channels) channels; give the decoder that "
          + "it was trained with, --decoder FILE, or write the latents with 'sample --raw-out'")
    }
  }

  /// Side of the images in pixels, after decoding.
  public var imageSide: Int { model.configuration.imageSide * (decoder?.pixelsPerLatent ?? 1) }

  /// - Throws: `Failure` `TooFewLabels` when a list of labels or noises is shorter than `count`.
  package func checkCovers(_ count: Int) throws(Failure) {
    if case .file(let path, let labels) = settings.labels, labels.count < count {
      throw Failure(
        .dataRefused, .tooFewLabels, path, "\(labels.count) labels for \(count) samples")
    }
    if let given, given.count < count {
      throw Failure(
        .dataRefused, .tooFewNoises, "--noise", "\(given.count) noises for \(count) samples")
    }
  }

  /// The class of sample `index`, nil for an unconditional model.
  public func label(_ index: Int) -> Int? {
    guard let classes = model.configuration.classCount else { return nil }
    switch settings.labels {
    case .uniform: return stream(index).label(below: classes)
    case .balanced: return index % classes
    case .fixed(let label): return label
    case .file(_, let labels): return labels[index]
    }
  }

  /// Sample `index` before decoding and quantisation, `[C, H, W]`; of a pixel model nominally in
  /// [-1, 1].
  ///
  /// - Throws: `Failure` `NotFinite` when the network produced NaN or infinity.
  package func sample(_ index: Int) throws -> Tensor {
    var state = start(index)
    while !isFinished(state) { advance(&state, index) }
    return try sample(index, from: state)
  }

  /// Sample `index` before its first step.
  package func start(_ index: Int) -> SamplingState {
    let configuration = model.configuration
    let shape = [configuration.channels, configuration.imageSide, configuration.imageSide]
    let values =
      given?.start(index)
      ?? stream(index).normals(.initialNoise, count: shape.reduce(1, *))
    return sampler.start(Tensor(shape: shape, values: values))
  }

  /// Takes sample `index` one step further.
  package func advance(_ state: inout SamplingState, _ index: Int) {
    let configuration = model.configuration
    let size = configuration.channels * configuration.imageSide * configuration.imageSide
    let stream = stream(index)
    let label = label(index)
    let guidance = settings.guidance
    sampler.advance(
      &state,
      noise: { given?.step($0, index) ?? stream.normals(.stepNoise($0), count: size) }
    ) { x, timestep in
      guidance(at: timestep, imageChannels: configuration.channels) { isConditional in
        model(
          x, timestep: Float(timestep), label: isConditional ? label : configuration.nullClass)
      }
    }
  }

  /// Goes on with a sample that was saved.
  ///
  /// - Throws: `Failure` `SamplingState` when this sampler cannot have left it.
  package func resume(_ stored: StoredSampling) throws -> SamplingState {
    let configuration = model.configuration
    return try sampler.resume(
      step: stored.step, tensors: stored.tensors,
      shape: [configuration.channels, configuration.imageSide, configuration.imageSide],
      source: "a saved sample")
  }

  /// Steps of a sample.
  package var stepCount: Int { sampler.schedule.count }

  /// Whether all steps are done.
  package func isFinished(_ state: SamplingState) -> Bool { sampler.isFinished(state) }

  /// Sample `index` after its last step.
  ///
  /// - Throws: `Failure` `NotFinite`.
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

  /// Height, width and channels of the images.
  package var imageExtents: [Int] {
    [imageSide, imageSide, decoder?.imageChannels ?? model.configuration.channels]
  }

  /// The image of sample `index`: a latent is decoded, then `[C, H, W]` floats of 1 or 3 channels
  /// become `[H, W, C]` bytes.
  ///
  /// - Throws: `Failure` `NotFinite` when the decoder produced NaN or infinity.
  package func image(_ sample: Tensor, index: Int) throws(Failure) -> Image {
    let sample = decoder?(sample) ?? sample
    guard sample.values.allSatisfy(\.isFinite) else {
      throw Failure(
        .dataRefused, .notFinite, decoder?.provenance.file ?? checkpoint.file,
        "the decoded sample \(index) has values that are not finite; is it the decoder that the "
          + "checkpoint was trained with?")
    }
    let (channels, height, width) = (sample.shape[0], sample.shape[1], sample.shape[2])
    var pixels: [UInt8] = []
    pixels.reserveCapacity(sample.count)
    for pixel in 0..<height * width {
      for channel in 0..<channels {
        pixels.append(settings.quantizer(sample.values[channel * height * width + pixel]))
      }
    }
    return Image(width: width, height: height, channels: channels, pixels: pixels)
  }

  /// The name of the random streams, or that noise was given.
  package var streamName: String { given == nil ? RandomStream.name : "given" }

  private func stream(_ index: Int) -> RandomStream {
    RandomStream(seed: settings.seed, index: UInt64(index))
  }
}

extension Generator {
  package var provenance: SamplerProvenance {
    let interval = settings.guidanceInterval
    return SamplerProvenance(
      name: settings.sampler.rawValue, prediction: settings.prediction.rawValue,
      respacing: settings.respacing, steps: sampler.schedule.count,
      evaluations: sampler.evaluations,
      networkEvaluations: sampler.networkEvaluations(settings.guidance), eta: settings.eta,
      cfgScale: settings.guidanceScale,
      cfgInterval: interval == Respacing.trainingTimesteps
        ? nil : [interval.lowerBound, interval.upperBound],
      cfgChannels: settings.guidance.channels.rawValue,
      clip: settings.clips, seed: settings.seed, stream: streamName,
      labels: settings.labels.description, labelsSha256: settings.labels.sha256,
      quantizer: settings.quantizer.rawValue, precision: model.precision.recorded)
  }
}
