import Files
import Tensors

extension EvaluationRequest {
  /// Creates the request that repeats a recorded evaluation: the same settings, metrics and number
  /// of images.
  ///
  /// Provenance names files without their folders. Every path is therefore only a file name, to be
  /// replaced by the file's location.
  ///
  /// - Throws: `Failure` `CannotSampleAgain` (65) if the labels are recorded only by their file
  ///   name.
  package init(repeating recorded: RecordedEvaluation) throws(Failure) {
    let provenance = recorded.provenance
    if let checkpoint = provenance.checkpoint, let sampler = provenance.sampler {
      subject = .checkpoint(
        CheckpointRequest(
          path: checkpoint.file, key: checkpoint.key,
          backbone: BackboneRequest(repeating: checkpoint),
          decoder: provenance.decoder.map { DecoderRequest($0, path: $0.file) },
          sampling: try SamplingRequest(repeating: sampler)))
    } else if let generator = provenance.generator {
      subject = .generator(try GeneratorRequest(repeating: generator, decoder: provenance.decoder))
    } else {
      subject = .images(provenance.images ?? "")
    }
    num = provenance.num
    reference = provenance.reference.file
    extractor = provenance.extractor.requestedName
    precision = provenance.sampler?.precision ?? provenance.extractor.precision ?? .float32
    preset = provenance.preset
    dialect = recorded.dialects == nil ? provenance.dialect : "all"
    // The same dialect need not be given, and with all dialects none may be given.
    if let other = provenance.reference.dialect, recorded.dialects == nil,
      other != provenance.dialect
    {
      referenceDialect = other
    }
    let groups = recorded.dialects.map { Array($0.values.map(\.metrics)) } ?? [recorded.metrics]
    let titles = Set(groups.flatMap(\.keys)).union(recorded.skipped.keys)
    optionalMetrics = Set(titles.compactMap(MetricName.init(title:))).map(\.rawValue).sorted()
    intervals = !groups.flatMap(\.values).contains {
      $0.intervalReason == IntervalChoice.notAskedFor
    }
    allowsMismatch = provenance.allowedMismatches != nil
  }
}

extension DecoderRequest {
  /// Creates the request to decode as recorded, with the file at `path`.
  package init(_ recorded: DecoderProvenance, path: String) {
    self.init(path: path, scale: recorded.scale, tile: recorded.tile)
    shift = recorded.shift
    (channelMeans, channelDeviations) = (recorded.channelMeans, recorded.channelDeviations)
  }
}

extension SamplingRequest {
  /// Creates the settings of a recorded sampler.
  ///
  /// - Throws: `Failure` `CannotSampleAgain` (65) if the labels came from a file whose SHA-256 is
  ///   not recorded.
  package init(repeating sampler: SamplerProvenance) throws(Failure) {
    guard sampler.labelsSha256 != nil || !sampler.labels.hasSuffix(".npy") else {
      throw Failure(
        .dataRefused, .cannotSampleAgain, "labels \(sampler.labels)",
        "the result contains neither them nor their SHA-256")
    }
    self.init(
      sampler: sampler.name, prediction: sampler.prediction, respacing: sampler.respacing,
      eta: sampler.eta, cfgScale: sampler.cfgScale, cfgInterval: sampler.cfgInterval,
      cfgChannels: sampler.cfgChannels, clip: sampler.clip, seed: sampler.seed,
      labels: sampler.labels, quantizer: sampler.quantizer)
    (diffusion, diffusionNorm) = (sampler.diffusion, sampler.diffusionNorm)
    (lastStep, lastStepSize) = (sampler.lastStep, sampler.lastStepSize)
  }
}

extension BackboneRequest {
  /// Creates what was said about a recorded checkpoint; nil if nothing was.
  package init?(repeating checkpoint: CheckpointProvenance) {
    let said = (checkpoint.decidedBy ?? [:]).filter { $0.value == "option" }
    guard !said.isEmpty else { return nil }
    self.init()
    let model = checkpoint.model
    if said["backbone"] != nil { family = model.backbone }
    if said["objective"] != nil { objective = model.objective }
    if said["path"] != nil { path = model.path }
    if said["prediction"] != nil { flowPrediction = model.flowPrediction }
    if said["heads"] != nil { heads = model.heads }
    if said["null_class"] != nil {
      nullClass = model.nullClass
      if nullClass == nil { noNullClass = true }
    }
  }
}

extension GeneratorRequest {
  /// Creates the request for samples of a recorded program, with its command.
  ///
  /// - Throws: `Failure` `CannotSampleAgain` (65) if the labels came from a file whose SHA-256 is
  ///   not recorded.
  package init(
    repeating recorded: GeneratorProvenance, decoder: DecoderProvenance?
  ) throws(Failure) {
    guard recorded.labelsSha256 != nil || !recorded.labels.hasSuffix(".npy") else {
      throw Failure(
        .dataRefused, .cannotSampleAgain, "labels \(recorded.labels)",
        "the result contains neither them nor their SHA-256")
    }
    self.init(
      command: recorded.command, seed: recorded.seed, labels: recorded.labels,
      decoder: decoder.map { DecoderRequest($0, path: $0.file) },
      quantizer: recorded.quantizer ?? "dit")
    settings = recorded.requestedSettings
  }
}

// MARK: - Older results

extension EvaluationResult {
  /// The request of the evaluation. Results of version 0.5.0 and earlier hold only the command's
  /// arguments; their request is reconstructed from the provenance and the arguments, and paths
  /// that the command did not name are empty.
  ///
  /// - Throws: `Failure` `CannotSampleAgain` (65) if an older result records its labels only by
  ///   their file name.
  public var request: EvaluationRequest {
    get throws(Failure) {
      if let request = run.request { return request }
      let arguments = Arguments(run.arguments)
      var request = try EvaluationRequest(repeating: RecordedEvaluation(self, path: ""))
      if var checkpoint = request.checkpoint {
        checkpoint.path = arguments["--ckpt"] ?? ""
        checkpoint.decoder?.path = arguments["--decoder"] ?? ""
        if provenance.sampler?.labelsSha256 != nil {
          checkpoint.sampling.labels = arguments["--labels"] ?? ""
        }
        request.checkpoint = checkpoint
      } else {
        request.subject = .images(arguments["--images"] ?? "")
      }
      request.reference = arguments["--ref"] ?? ""
      request.weights = arguments["--weights"]
      request.recursive = arguments.last(of: ["--recursive", "--no-recursive"]).map {
        $0 == "--recursive"
      }
      return request
    }
  }
}

/// The arguments of a command line.
private struct Arguments {
  private let texts: [String]

  init(_ texts: [String]) { self.texts = texts }

  /// The value of an option; nil if it was not given.
  subscript(option: String) -> String? {
    if let position = texts.lastIndex(of: option), position + 1 < texts.count {
      return texts[position + 1]
    }
    return texts.last { $0.hasPrefix("\(option)=") }.map { String($0.dropFirst(option.count + 1)) }
  }

  /// Returns the last given flag of `flags`; nil if none was given.
  func last(of flags: [String]) -> String? { texts.last(where: flags.contains) }
}
