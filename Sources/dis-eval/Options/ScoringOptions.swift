import ArgumentParser
import DisEval
import Files
import Tensors

/// `--dialect`: one of them, or all.
enum DialectOption: ExpressibleByArgument {
  case one(Dialect)
  case all

  init?(argument: String) {
    if argument == "all" {
      self = .all
    } else if let dialect = Dialect(rawValue: argument) {
      self = .one(dialect)
    } else {
      return nil
    }
  }

  static var allValueStrings: [String] { Dialect.allCases.map(\.rawValue) + ["all"] }
}

/// How a checkpoint is sampled and scored, whichever it is: what `fid`, `evaluate` and `sweep` have in
/// common.
struct ScoringOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Sampling, dialect and statistics of a published evaluation; 'presets' shows them.",
      valueName: "name"))
  var preset: String?

  @Option(
    help: ArgumentHelp(
      "Images, a statistics file or a name of 'stats list' to compare with.", valueName: "path"))
  var ref: String?

  @Option(
    help: ArgumentHelp(
      "Weights of the feature extractor. (default: what the reference names)", valueName: "file"))
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "The tool whose number to give, or all. (default: that of the statistics, else pytorch-fid)"))
  var dialect: DialectOption?

  @Option(
    help: ArgumentHelp(
      "The dialect of the reference, where it is mixed on purpose or its file does not say it."))
  var refDialect: Dialect?

  @Flag(help: "Compare what is known to differ, and say so in the result.")
  var allowMismatch = false

  @OptionGroup var folders: FolderOptions

  @OptionGroup var arithmetic: PrecisionOptions

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Decoding") var decoding: DecoderOptions

  func validate() throws {
    if preset != nil {
      var others = sampling
      (others.seed, others.checkpointKey) = (0, nil)
      guard others.isUntouched, dialect == nil, refDialect == nil else {
        throw ValidationError(
          "--preset is for --ckpt and pins sampling and dialect: leave their options out, or give "
            + "all of them without --preset.")
      }
    }
    if case .all = dialect, refDialect != nil {
      throw ValidationError("--ref-dialect is for one dialect, not for --dialect all.")
    }
  }

  /// The files that are read, apart from the checkpoint.
  func addInputs(to files: inout CommandFiles) {
    let preset = preset.flatMap { try? Preset(named: $0).reference }
    files.readsReference("--ref", ref ?? preset, recursive: folders.recursive)
    files.reads("--weights", weights)
    if weights == nil { files.reads("the cache of weights", WeightStore.user.convertedPath) }
    files.reads("--decoder", decoding.decoder)
    if sampling.labels.hasSuffix(".npy") { files.reads("--labels", sampling.labels) }
  }

  /// To be asked by commands that cannot do without a reference.
  func checkReference() throws {
    guard ref != nil || preset != nil else {
      throw ValidationError(
        "Give --preset, or --ref: images, a statistics file such as reference_stats/fashion-mnist-train.npz, or "
          + "a name that 'dis-eval stats list' shows.")
    }
  }

  /// The options with what a preset stands for, and the files that they name.
  struct Resolved {
    let preset: Preset?
    var settings: SamplingSettings
    let checkpointKey: String?
    let decoder: LoadedDecoder?
    let precision: Precision
    fileprivate let reference: String
    fileprivate let options: ScoringOptions

    /// An evaluation of `count` samples of a checkpoint, still without metrics.
    ///
    /// - Parameter count: Nil for the preset's number, or 50,000.
    func evaluation(sampling checkpoint: String, count: Int?, workload: Workload) throws
      -> Evaluation
    {
      let generator = try Generator(
        checkpoint: checkpoint, key: checkpointKey, settings: settings, decoder: decoder,
        precision: precision)
      try preset?.check(generator)
      return evaluation(
        of: .samples(generator, count: count ?? preset?.count ?? 50_000), workload: workload)
    }

    /// An evaluation of `subject`, still without metrics.
    func evaluation(of subject: Evaluation.Subject, workload: Workload) -> Evaluation {
      var evaluation = Evaluation(
        subject: subject, reference: reference, weights: options.weights, workload: workload)
      switch options.dialect ?? preset.map({ .one($0.dialect) }) {
      case nil: evaluation.dialects = .fitting
      case .one(let dialect): evaluation.dialects = .one(dialect)
      case .all: evaluation.dialects = .all
      }
      evaluation.precision = precision
      evaluation.preset = preset
      // Not all public statistics say their dialect; a preset does.
      evaluation.referenceDialect =
        options.refDialect ?? (options.ref == nil ? preset?.dialect : nil)
      evaluation.allowsMismatch = options.allowMismatch
      evaluation.recursive = options.folders.recursive
      return evaluation
    }
  }

  /// Says what a preset pins, and reads the decoder and labels that are named.
  func resolved(reporter: Reporter) throws -> Resolved {
    let preset = try self.preset.map { try Preset(named: $0) }
    if let preset {
      let pinned = preset.lines.map { "\($0.name) \($0.value)" }.joined(separator: "; ")
      reporter.note("\(preset.name): \(pinned)")
    }
    var settings = try preset?.settings ?? sampling.settings()
    settings.seed = sampling.seed
    return Resolved(
      preset: preset, settings: settings, checkpointKey: sampling.checkpointKey,
      decoder: try decoding.loaded(), precision: arithmetic.precision,
      reference: ref ?? preset?.reference ?? "", options: self)
  }
}
