import ArgumentParser
import DisEval
import Files
import Foundation
import Tensors

/// The option `--ref`, with the same help in every command.
struct ReferenceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Images, a statistics file or a name from 'stats list' to compare with.", valueName: "path"))
  var ref: String?
}

extension Dialect: ExpressibleByArgument {}

extension DialectChoice: ExpressibleByArgument {
  /// Parses a dialect, or `all`.
  public init?(argument: String) { self.init(name: argument) }

  /// The values that `--help` lists.
  public static var allValueStrings: [String] {
    Dialect.allCases.map(\.rawValue) + [DialectChoice.all.name]
  }
}

/// The feature extractor: its weights and its name.
struct ExtractorOptions: ParsableArguments {
  @Option(
    name: .customLong("weights"),
    help: ArgumentHelp(
      """
      The extractor's weights; of several extractors once for each. (default: those that the reference names, or in \
      the user's cache)
      """, valueName: "file"))
  var files: [String] = []

  @Option(
    name: .customLong("extractor"),
    help: ArgumentHelp(
      """
      The extractor, such as dinov2-vit-l-14.edm2, a network and the tool whose features to compute; dinov2 is \
      short for this one. fid, evaluate, features and stats make take several names, separated by commas. (default: \
      that of the reference if it names one, or inception-2015)
      """, valueName: "name"))
  var name: String?

  /// The weights of a single extractor.
  var weights: String? { files.last }

  /// The names of several extractors; empty for one or none.
  var several: [String] {
    let names =
      name?.split(separator: ",", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      } ?? []
    return names.count > 1 ? names : []
  }

  /// Returns the weights of one of several extractors.
  func weights(at index: Int) -> String? {
    files.isEmpty ? nil : files[files.count == 1 ? 0 : index]
  }

  /// Returns the file to write, or one for each of several extractors.
  func outputs(_ path: String) -> [FeatureFile] {
    guard !several.isEmpty else {
      return [FeatureFile(path: path, extractor: name, weights: weights)]
    }
    return several.enumerated().map { index, name in
      FeatureFile(
        path: JointResult.path(path, of: name), extractor: name, weights: weights(at: index))
    }
  }

  func validate() throws {
    let expected = several.isEmpty ? 1 : several.count
    guard files.count <= 1 || files.count == expected else {
      throw ValidationError(
        "--weights is given \(files.count) times, for \(expected == 1 ? "one extractor" : "\(expected) extractors")."
      )
    }
  }
}

/// How images become squares.
struct CropOptions: ParsableArguments {
  enum Method: String, CaseIterable, ExpressibleByArgument { case adm }

  @Option(
    help: """
      Make the images squares as this tool does, of --size pixels: adm is guided-diffusion's preparation of ImageNet, \
      which DiT and most papers use.
      """)
  var crop: Method?

  @Option(help: ArgumentHelp("The side of the squares in pixels.", valueName: "pixels"))
  var size: Int?

  var request: ImageCrop? { size.flatMap { size in crop.map { _ in .adm(side: size) } } }

  func validate() throws {
    guard (crop == nil) == (size == nil) else {
      throw ValidationError("--crop and --size are given together.")
    }
  }
}

/// How images are scored.
struct RuleOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Use the sampling, dialect and statistics of a published evaluation; for --images, only the "
        + "last two. See 'presets'.",
      valueName: "name"))
  var preset: String?

  @OptionGroup var extractor: ExtractorOptions

  @Option(
    help: ArgumentHelp(
      "The tool whose numbers to compute, or all. (default: that of the statistics, or pytorch-fid)"
    ))
  var dialect: DialectChoice?

  @Option(
    help: ArgumentHelp(
      "The dialect of the reference, to mix dialects deliberately or if its file does not name it.",
      valueName: "dialect"))
  var refDialect: Dialect?

  @Flag(help: "Compare inputs that are known not to match, and record it in the result.")
  var allowMismatch = false

  @OptionGroup var folders: FolderOptions

  @OptionGroup var arithmetic: PrecisionOptions
}

/// How a checkpoint is sampled and scored: the options that `fid`, `evaluate`, `gate` and `sweep`
/// share.
struct ScoringOptions: ParsableArguments {
  @OptionGroup(title: "Scoring") var rules: RuleOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Decoding") var decoding: DecoderOptions

  var preset: String? { rules.preset }
  var weights: String? { rules.extractor.weights }
  var dialect: DialectChoice? { rules.dialect }
  var refDialect: Dialect? { rules.refDialect }
  var allowMismatch: Bool { rules.allowMismatch }
  var folders: FolderOptions { rules.folders }
  var arithmetic: PrecisionOptions { rules.arithmetic }

  func validate() throws {
    if case .all = dialect, refDialect != nil {
      throw ValidationError("--ref-dialect cannot be used with --dialect all.")
    }
  }

  /// Checks that no option is given that the preset of samples fixes.
  func checkPreset() throws {
    if preset != nil {
      var others = sampling
      (others.seed, others.checkpointKey) = (0, nil)
      guard others.isUntouched, dialect == nil, refDialect == nil else {
        throw ValidationError(
          "--preset fixes sampling and dialect: leave out their options, or give "
            + "all of them without --preset.")
      }
    }
  }

  /// Adds the files to read, except the checkpoint.
  func addInputs(to files: inout CommandFiles, reference ref: String?) {
    let preset = preset.flatMap { try? ProtocolCard(named: $0).reference }
    files.readsReference("--ref", ref ?? preset, recursive: folders.recursive)
    for weights in rules.extractor.files { files.reads("--weights", weights) }
    if weights == nil { files.reads("the cache of weights", WeightStore.user.convertedPath) }
    files.reads("--decoder", decoding.decoder)
    files.reads("--latent-stats", decoding.latentStats)
    if sampling.labels.hasSuffix(".npy") { files.reads("--labels", sampling.labels) }
  }

  /// Throws an error if there is no reference.
  func check(reference ref: String?) throws {
    guard ref != nil || preset != nil else {
      throw ValidationError(
        "Give --preset, or --ref with images, a statistics file such as "
          + "reference_stats/fashion-mnist-train.npz, or a name from 'dis-eval stats list'.")
    }
  }

  /// Returns the preset; nil if there is none.
  ///
  /// - Throws: `Failure` `UnknownPreset` (64).
  func presetAsked() throws -> Preset? { try preset.map { try Preset(named: $0) } }

  /// Returns what the preset demands of images; nil if there is none.
  ///
  /// - Throws: `Failure` `UnknownPreset` (64).
  private func cardAsked() throws -> ProtocolCard? {
    try preset.map { try ProtocolCard(named: $0) }
  }

  /// Returns the request to score samples of a checkpoint, with the settings of the preset if there
  /// is one, but without metrics.
  func request(
    sampling checkpoint: String, reference: String?, count: Int?
  ) throws -> EvaluationRequest {
    let preset = try presetAsked()
    var settings = preset?.settings.request ?? sampling.request
    settings.seed = sampling.seed
    var request = try request(
      of: .checkpoint(
        CheckpointRequest(
          path: checkpoint, key: sampling.checkpointKey,
          backbone: sampling.backbone.request ?? preset?.backbone.request,
          decoder: try decoding.request(), sampling: settings)), reference: reference)
    request.num = count ?? preset?.count ?? EvaluationRequest.defaultCount
    return request
  }

  /// Returns the request to score samples of a program, with the settings of the preset if there is
  /// one, but without metrics.
  func request(
    generator command: [String], reference: String?, count: Int?
  ) throws -> EvaluationRequest {
    let preset = try presetAsked()
    var generator = GeneratorRequest(
      command: command, seed: sampling.seed, labels: sampling.labels,
      decoder: try decoding.request(),
      quantizer: (sampling.givenQuantizer ?? .dit).rawValue)
    generator.settings = generatorSettings(preset)
    var request = try request(of: .generator(generator), reference: reference)
    request.num = count ?? preset?.count ?? EvaluationRequest.defaultCount
    return request
  }

  /// The settings that a generator must confirm: those that are given, or those of the preset.
  func generatorSettings(_ preset: Preset?) -> [String: JSONValue] {
    sampling.settings(hasDecoder: decoding.decoder != nil, preset: preset?.settings)
  }

  /// Returns the request to score `subject`, but without metrics.
  func request(
    of subject: EvaluationRequest.Subject, reference ref: String?
  ) throws -> EvaluationRequest {
    let card = try cardAsked()
    var request = EvaluationRequest(
      subject: subject, reference: ref ?? card?.reference ?? "", weights: weights)
    request.extractor = rules.extractor.name
    request.precision = arithmetic.precision
    request.preset = card?.name
    request.dialect = dialect?.name ?? card?.dialect.rawValue
    // Not all public statistics name their dialect; a preset does. With a dialect that is given, it
    // must not make the mixture look deliberate.
    let isCards = ref == nil && dialect == nil
    request.referenceDialect = (refDialect ?? (isCards ? card?.referenceDialect : nil))?.rawValue
    request.allowsMismatch = allowMismatch
    request.recursive = folders.recursive
    request.skipsBroken = folders.skipBroken ? true : nil
    return request
  }

  /// Reports the settings that the preset fixes.
  ///
  /// - Parameter hasImages: Whether existing images are scored, which the preset does not sample.
  func notePreset(_ reporter: Reporter, hasImages: Bool = false) throws {
    let lines = try hasImages ? cardAsked()?.lines : presetAsked()?.lines
    guard let preset, let lines else { return }
    let pinned = lines.filter { $0.name != "time" }
      .map { "\($0.name) \($0.value)" }.joined(separator: "; ")
    reporter.note("\(preset): \(pinned)")
  }
}
