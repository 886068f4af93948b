import Files

/// One evaluation as a line of a ledger: what was evaluated, how, and the result.
public struct LedgerEntry: Codable, Equatable, Sendable {
  /// The name and version of the document format.
  public var schema = LedgerEntry.currentSchema
  /// The SHA-256 over the checkpoint's contents and all settings that determine the result; for
  /// other results, over the document.
  public var key: String
  /// The name of the row.
  public var name: String
  /// The name shared by rows that belong together, such as one model during its training.
  public var family: String?
  /// The path of the checkpoint as given to a sweep, or its file name if the entry was made from a
  /// result alone; nil if no checkpoint was sampled.
  public var checkpoint: String?
  /// The SHA-256 of the checkpoint's file.
  public var checkpointSha256: String?
  /// The architecture.
  public var model: Model?
  /// The number of elements of its tensors.
  public var parameters: Int?
  /// The number of tokens of one image.
  public var tokens: Int?
  /// Billions of operations of a forward pass.
  public var gflops: Gflops?
  /// What is known about the training up to this checkpoint.
  public var training: TrainingFacts?
  /// The sampler.
  public var sampler: Sampler?
  /// The number of images scored.
  public var num: Int?
  /// The dialect of the features.
  public var dialect: String?
  /// The feature extractor.
  public var extractor: Named?
  /// The reference that the images were compared with.
  public var reference: Named?
  /// The metrics by name.
  public var metrics: [String: Score]
  /// SHA-256 over the SHA-256s of all images' pixels.
  public var samplesSha256: String?
  /// The path of the complete result, relative to the ledger.
  public var result: String?
  /// The wall time in seconds.
  public var seconds: Double?
  /// The name and version of the tool.
  public var tool: String?
  /// The start time of the evaluation, ISO 8601.
  public var date: String?

  static let currentSchema = "dis-eval-ledger/1"

  /// The architecture of a DiS model.
  public struct Model: Codable, Equatable, Sendable {
    /// `DiS-S/2` and the like; `custom` for a size without a name.
    public var variant: String
    /// The width of a token.
    public var embedDim: Int
    /// The number of blocks before and after the middle one together.
    public var depth: Int
    /// The side of a patch, in pixels of the image or latent.
    public var patchSize: Int
    /// The number of channels of an image or latent.
    public var channels: Int
    /// The side of an image or latent in pixels.
    public var imageSide: Int
    /// The number of classes; nil for an unconditional model.
    public var numClasses: Int?
    /// Whether there are long skips.
    public var skip: Bool
    /// Whether the variance is learned.
    public var learnSigma: Bool
    /// `class`, `label-in-time` for a DiS without a token for the label, or `none`.
    public var conditioning: String?
    /// The family of the backbone, such as `uvit`; nil in older files, whose models are DiS.
    public var backbone: String?
  }

  /// Billions of operations of a forward pass, and what the papers count.
  public struct Gflops: Codable, Equatable, Sendable {
    /// All operations, in billions, with a multiply-add counted as two.
    public var total: Double
    /// All operations except those of the mixers, as the DiS paper counts, in billions. Nil for other
    /// backbones.
    public var thop: Double?
    /// Billions of multiply-adds, as the papers of the transformers count. Nil for DiS.
    public var macs: Double?

    private enum CodingKeys: String, CodingKey { case total = "true", thop, macs }

    /// Creates the counts.
    ///
    /// - Parameters:
    ///   - total: All operations, in billions, with a multiply-add counted as two.
    ///   - thop: All operations except those of the mixers, as the DiS paper counts, in billions.
    ///   - macs: Billions of multiply-adds, as the papers of the transformers count.
    package init(total: Double, thop: Double?, macs: Double? = nil) {
      (self.total, self.thop, self.macs) = (total, thop, macs)
    }
  }

  /// The settings of the sampler that a scaling curve may depend on.
  public struct Sampler: Codable, Equatable, Sendable {
    /// The name of the sampler.
    public var name: String
    /// The number of steps; nil if the method chooses them for each image.
    public var steps: Int?
    /// The number of predictions per image. A guided prediction may take two evaluations of the
    /// network. Nil if it differs from image to image.
    public var evaluations: Int?
    /// The number of network evaluations per image, including those for guidance; nil in older
    /// files.
    public var networkEvaluations: Int?
    /// The noise of DDIM, 0 to 1.
    public var eta: Double
    /// The guidance scale; 1 for no guidance.
    public var cfgScale: Double
    /// The seed of the random streams.
    public var seed: UInt64
    /// The number format of the network's matrix products; nil for float32.
    public var precision: String?
  }

  /// The name and hash of an extractor or a reference.
  public struct Named: Codable, Equatable, Sendable {
    /// The name.
    public var name: String
    /// The SHA-256 of the file.
    public var sha256: String?
  }

  /// The value of one metric, without the jackknife.
  public struct Score: Codable, Equatable, Sendable {
    /// The value.
    public var value: Double
    /// The interval for the expected value; nil if there is none.
    public var interval: ClosedRange<Double>?
    /// The estimated excess of the value over its limit for infinitely many images.
    public var bias: Double?
    /// The value minus the bias; nil if there is none.
    public var debiased: Double?
    /// The interval of the debiased value.
    public var debiasedInterval: ClosedRange<Double>?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool
  }
}
