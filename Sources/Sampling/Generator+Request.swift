import Backbones
import Diffusion
import Files
import Results
import Tensors

extension Generator {
  /// Loads everything that a request names: the checkpoint, its decoder and its labels.
  ///
  /// - Parameters:
  ///   - request: The paths of the files, and the settings.
  ///   - precision: The number format of the network's matrix products.
  ///   - given: Noise to use instead of the random streams; nil to use these.
  /// - Throws: `Failure` `RequestInvalid` (65) if a name or number is unknown to this version;
  ///   otherwise as ``init(checkpoint:key:settings:given:decoder:precision:)`` and
  ///   ``LoadedDecoder/init(path:scale:shift:statistics:tile:)`` do.
  public init(
    _ request: CheckpointRequest, precision: Precision = .float32, given: GivenNoise? = nil
  ) throws {
    try self.init(
      checkpoint: request.path, key: request.key, backbone: BackboneChoices(request.backbone),
      settings: try SamplingSettings(request.sampling), given: given,
      decoder: try request.decoder.map(LoadedDecoder.init), precision: precision)
  }
}

extension GeneratorRequest {
  /// Creates a request for samples of a program that must confirm all settings.
  ///
  /// - Parameters:
  ///   - command: The words of the command: the program and its arguments.
  ///   - settings: The settings, with the seed and the labels.
  ///   - decoder: The decoder that converts latents to images; nil if the program makes images, and
  ///     then it must confirm the quantiser too.
  public init(
    command: [String], settings: SamplingSettings, decoder: DecoderRequest? = nil
  ) {
    let request = settings.request
    self.init(
      command: command, seed: request.seed, labels: request.labels, decoder: decoder,
      quantizer: request.quantizer)
    self.settings = settings.generatorSettings
    if decoder == nil { self.settings["quantizer"] = .text(request.quantizer) }
  }
}

extension LoadedDecoder {
  /// Loads the decoder of a request.
  ///
  /// - Throws: As ``init(path:scale:shift:statistics:tile:)`` and
  ///   ``LatentStatistics/init(means:deviations:subject:)`` do.
  package init(_ request: DecoderRequest) throws {
    let (means, deviations) = (request.channelMeans, request.channelDeviations)
    let statistics =
      means == nil && deviations == nil
      ? nil : try LatentStatistics(means: means ?? [], deviations: deviations ?? [])
    try self.init(
      path: request.path, scale: request.scale, shift: request.shift, statistics: statistics,
      tile: request.tile)
  }
}

extension SamplingSettings {
  /// Creates the settings of a request, and reads the labels that it names.
  ///
  /// - Throws: `Failure` `RequestInvalid` (65) if a name or number is unknown to this version;
  ///   otherwise as ``LabelPolicy/init(_:)`` does.
  package init(_ request: SamplingRequest) throws {
    self.init()
    func known<Value: RawRepresentable<String>>(_ what: String, _ name: String) throws -> Value {
      guard let value = Value(rawValue: name) else { throw Failure.unknownName(what, name) }
      return value
    }
    sampler = try known("sampler", request.sampler)
    prediction = try known("prediction", request.prediction)
    guidedChannels = try known("cfg_channels", request.cfgChannels)
    quantizer = try known("quantizer", request.quantizer)
    (respacing, eta, seed) = (try Respacing(request.respacing), request.eta, request.seed)
    (guidanceScale, clips) = (request.cfgScale, request.clip)
    if let ends = request.cfgInterval {
      guard ends.count == 2, ends[0] <= ends[1] else {
        throw Failure(
          .dataRefused, .requestInvalid, "cfg_interval \(ends)",
          "expected the first and the last time of guidance")
      }
      guidanceInterval = ends[0]...ends[1]
    }
    diffusion = try request.diffusion.map { try known("diffusion", $0) } ?? diffusion
    diffusionNorm = request.diffusionNorm ?? diffusionNorm
    lastStep = try request.lastStep.map { try known("last_step", $0) } ?? lastStep
    lastStepSize = request.lastStepSize ?? lastStepSize
    labels = try LabelPolicy(request.labels)
  }

  /// All settings as a generator is asked to confirm them, but for the quantiser.
  package var generatorSettings: [String: JSONValue] {
    let request = request
    var settings: [String: JSONValue] = [
      "sampler": .text(request.sampler), "prediction": .text(request.prediction),
      "respacing": .text(request.respacing), "cfg_scale": .number(request.cfgScale),
      "clip": .boolean(request.clip),
    ]
    if sampler == .ddim { settings["eta"] = .number(request.eta) }
    if request.cfgScale != 1 {
      settings["cfg_channels"] = .text(request.cfgChannels)
      settings["cfg_interval"] = request.cfgInterval.map {
        .array($0.map(JSONValue.init))
      }
    }
    return settings
  }

  /// The settings in plain values.
  package var request: SamplingRequest {
    let labels =
      if case .file(let path, _) = labels { path } else { labels.description }
    var request = SamplingRequest(
      sampler: sampler.rawValue, prediction: prediction.rawValue, respacing: "\(respacing)",
      eta: eta, cfgScale: guidanceScale,
      cfgInterval: guidanceInterval == Guidance.everywhere
        ? nil : [guidanceInterval.lowerBound, guidanceInterval.upperBound],
      cfgChannels: guidedChannels.rawValue, clip: clips, seed: seed, labels: labels,
      quantizer: quantizer.rawValue)
    if sampler.isFlowSDE {
      (request.diffusion, request.diffusionNorm) = (diffusion.rawValue, diffusionNorm)
      (request.lastStep, request.lastStepSize) = (lastStep.rawValue, lastStepSize)
    }
    return request
  }
}
