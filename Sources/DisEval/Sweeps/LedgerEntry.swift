import Crypto
import DiS
import Files
import Foundation

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
    /// What the value exceeds that of infinitely many images by, estimated.
    public var bias: Double?
    /// Whether a higher value is better.
    public var higherIsBetter: Bool
  }
}

/// What is known of the training of a checkpoint.
public struct TrainingFacts: Codable, Equatable, Sendable {
  /// Optimiser steps.
  public var step: Int?
  /// Where the step is from: `list`, `file name`, or `checkpoint` and a key.
  public var stepFrom: String?
  /// Images of one step.
  public var batch: Int?
  /// Images seen.
  public var images: Int?
  /// Billions of operations, three forward passes for each image: a backward pass takes two.
  public var gflops: Double?
  /// What it was trained on.
  public var data: String?

  /// Notes what is known.
  public init(
    step: Int? = nil, stepFrom: String? = nil, batch: Int? = nil, images: Int? = nil,
    data: String? = nil
  ) {
    (self.step, self.stepFrom, self.batch, self.images) = (step, stepFrom, batch, images)
    self.data = data
  }

  /// With what follows from the rest.
  func completed(forwardGflops: Double?) -> TrainingFacts {
    var facts = self
    if facts.images == nil, let step, let batch {
      let (product, overflow) = step.multipliedReportingOverflow(by: batch)
      facts.images = overflow ? nil : product
    }
    if let images = facts.images, let forwardGflops {
      facts.gflops = 3 * forwardGflops * Double(images)
    }
    return facts
  }
}

extension LedgerEntry {
  /// What an entry takes of a result document, of this or another version of the tool.
  private struct Document: Decodable {
    struct Dialect: Decodable { let metrics: [String: Score] }
    struct Checkpoint: Decodable {
      let file: String
      let sha256: String
      let model: Model
    }
    struct Extractor: Decodable {
      let name: String
      let sha256: String?
    }
    struct Reference: Decodable {
      let file: String
      let sha256: String?
      let dataset: Dataset?
    }
    struct Origin: Decodable {
      let tool: String
      let dialect: String
      let num: Int?
      let checkpoint: Checkpoint?
      let images: String?
      let sampler: Sampler?
      let extractor: Extractor
      let reference: Reference
    }
    struct Work: Decodable {
      let started: String
      let seconds: Double
    }
    let schema: String
    let metrics: [String: Score]
    let dialects: [String: Dialect]?
    let provenance: Origin
    let samplesSha256: String?
    let run: Work
  }

  /// The entries of a result: one, or one for each dialect of `--dialect all`.
  ///
  /// - Parameters:
  ///   - document: The result as JSON.
  ///   - key: What to call it by; its SHA-256 if nil.
  ///   - subject: The file, for messages.
  /// - Throws: `Failure` `ResultInvalid`.
  static func entries(
    ofResult document: [UInt8], key: String?, subject: String
  ) throws -> [LedgerEntry] {
    let found: Document = try decodedJSON(
      Data(document), subject: subject, what: "result of dis-eval", code: "ResultInvalid")
    guard found.schema == EvaluationResult.currentSchema else {
      throw Failure(
        .dataRefused, "ResultInvalid", subject,
        "schema '\(found.schema)', this version reads \(EvaluationResult.currentSchema)")
    }
    let metrics =
      found.dialects?.mapValues(\.metrics) ?? [found.provenance.dialect: found.metrics]
    return metrics.sorted { $0.key < $1.key }.map { dialect, metrics in
      LedgerEntry(
        found, key: key ?? hexadecimal(SHA256.hash(data: document + Array(dialect.utf8))),
        dialect: dialect, metrics: metrics)
    }
  }

  private init(_ found: Document, key: String, dialect: String, metrics: [String: Score]) {
    let origin = found.provenance
    self.key = key
    name = stem(origin.checkpoint?.file ?? origin.images ?? "result")
    family = origin.checkpoint?.model.variant
    checkpoint = origin.checkpoint?.file
    checkpointSha256 = origin.checkpoint?.sha256
    if var model = origin.checkpoint?.model {
      model.conditioning = model.numClasses == nil ? "none" : "class"
      self.model = model
    }
    if let configuration = model.flatMap(DiSConfiguration.init) {
      parameters = configuration.parameterCount
      tokens = configuration.tokenCount
      gflops = Gflops(
        total: configuration.cost.total / 1e9, thop: configuration.cost.thop / 1e9)
    }
    sampler = origin.sampler
    num = origin.num
    self.dialect = dialect
    extractor = Named(name: origin.extractor.name, sha256: origin.extractor.sha256)
    let dataset = origin.reference.dataset
    reference = Named(
      name: dataset.map { [$0.name, $0.split].compactMap(\.self).joined(separator: " ") }
        ?? origin.reference.file,
      sha256: origin.reference.sha256)
    self.metrics = metrics
    samplesSha256 = found.samplesSha256
    seconds = found.run.seconds
    tool = origin.tool
    date = found.run.started
  }
}

extension DiSConfiguration {
  /// Nil for sizes that no model has.
  fileprivate init?(_ model: LedgerEntry.Model) {
    let sizes = [
      model.embedDim, model.depth, model.patchSize, model.channels, model.imageSide,
      model.numClasses ?? 1,
    ]
    guard sizes.allSatisfy({ (1...1 << 14).contains($0) }) else { return nil }
    self = .small
    embeddingDimension = model.embedDim
    blocksPerHalf = model.depth / 2
    patchSize = model.patchSize
    channels = model.channels
    imageSide = model.imageSide
    classCount = model.numClasses
    learnsSigma = model.learnSigma
    hasSkips = model.skip
  }
}

/// The last component of `path` without what follows its last dot.
func stem(_ path: String) -> String {
  let name = lastComponent(path)
  guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
  return String(name[..<dot])
}
