import Files

/// One evaluation as a line of a ledger: what was judged, how, and what came out.
public struct LedgerEntry: Codable, Equatable, Sendable {
  /// Name and version of this form.
  public var schema = LedgerEntry.currentSchema
  /// SHA-256 over the checkpoint's content and everything asked for that decides the result; of other
  /// results over the document.
  public var key: String
  /// The row's name.
  public var name: String
  /// Rows that belong together, such as one model during its training.
  public var family: String?
  /// Path of the checkpoint as given.
  public var checkpoint: String?
  /// SHA-256 of the checkpoint's file.
  public var checkpointSha256: String?
  /// The architecture.
  public var model: Model?
  /// Numbers in its tensors.
  public var parameters: Int?
  /// Tokens of one image.
  public var tokens: Int?
  /// Billions of operations of a forward pass.
  public var gflops: Gflops?
  /// What is known of the training until this checkpoint.
  public var training: TrainingFacts?
  /// The sampler.
  public var sampler: Sampler?
  /// Number of images scored.
  public var num: Int?
  /// The dialect of the features.
  public var dialect: String?
  /// The feature extractor.
  public var extractor: Named?
  /// What was compared with.
  public var reference: Named?
  /// The metrics by name.
  public var metrics: [String: Score]
  /// SHA-256 over all images.
  public var samplesSha256: String?
  /// Path of the whole result, relative to the ledger.
  public var result: String?
  /// Wall time.
  public var seconds: Double?
  /// Name and version of the tool.
  public var tool: String?
  /// When the evaluation began, ISO 8601.
  public var date: String?

  static let currentSchema = "dis-eval-ledger/1"

  /// A DiS architecture.
  public struct Model: Codable, Equatable, Sendable {
    /// `DiS-S/2` and the like, `custom` for a size of no name.
    public var variant: String
    /// Width of a token.
    public var embedDim: Int
    /// Blocks before and after the middle one.
    public var depth: Int
    /// Side of a patch.
    public var patchSize: Int
    /// Channels of an image or latent.
    public var channels: Int
    /// Side of an image or latent.
    public var imageSide: Int
    /// Classes, nil for an unconditional model.
    public var numClasses: Int?
    /// Whether there are long skips.
    public var skip: Bool
    /// Whether the variance is learned.
    public var learnSigma: Bool
    /// `class` or `none`.
    public var conditioning: String?
  }

  /// Billions of operations of a forward pass, counted in two ways.
  public struct Gflops: Codable, Equatable, Sendable {
    /// All of them.
    public var total: Double
    /// Without the mixers', as the DiS paper counts.
    public var thop: Double

    private enum CodingKeys: String, CodingKey { case total = "true", thop }

    package init(total: Double, thop: Double) { (self.total, self.thop) = (total, thop) }
  }

  /// A sampler.
  public struct Sampler: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Steps.
    public var steps: Int
    /// Predictions per image. A guided prediction may take two evaluations of the network.
    public var evaluations: Int
    /// Network evaluations per image, those of guidance included; nil in older files.
    public var networkEvaluations: Int?
    /// Noise of DDIM.
    public var eta: Double
    /// Guidance scale.
    public var cfgScale: Double
    /// Key of the random streams.
    public var seed: UInt64
    /// What the network multiplied, nil for float32.
    public var precision: String?
  }

  /// A file with a name.
  public struct Named: Codable, Equatable, Sendable {
    /// What it is called.
    public var name: String
    /// SHA-256 of the file.
    public var sha256: String?
  }

  /// One metric.
  public struct Score: Codable, Equatable, Sendable {
    /// The value.
    public var value: Double
    /// The interval for its expectation.
    public var interval: [Double]?
    /// An estimate of how far the value lies above its limit for infinitely many images.
    public var bias: Double?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool
  }
}
