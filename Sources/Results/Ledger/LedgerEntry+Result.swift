import Crypto
import Files
import Tensors

extension LedgerEntry {
  /// The size of a network, which a ledger lists and a result does not.
  public struct Size: Equatable, Sendable {
    /// The number of elements of its tensors.
    public var parameters: Int
    /// The number of tokens of one image.
    public var tokens: Int
    /// Billions of operations of a forward pass.
    public var gflops: Gflops

    /// Creates a size from its properties.
    ///
    /// - Parameters:
    ///   - parameters: The number of elements of its tensors.
    ///   - tokens: The number of tokens of one image.
    ///   - gflops: Billions of operations of a forward pass.
    package init(parameters: Int, tokens: Int, gflops: Gflops) {
      (self.parameters, self.tokens, self.gflops) = (parameters, tokens, gflops)
    }
  }

  /// Returns the entries for a result: one, or one for each dialect of `--dialect all`.
  ///
  /// - Parameters:
  ///   - result: The result.
  ///   - key: The key of the entries; nil for a SHA-256 over `document` and the dialect.
  ///   - document: The bytes of the result's file, whose hash is the key.
  ///   - size: Returns the size of a model; nil for an architecture unknown to this version.
  package static func entries(
    of result: EvaluationResult, key: String?, document: [UInt8],
    size: (ModelProvenance) -> Size?
  ) -> [LedgerEntry] {
    let metrics =
      result.dialects?.mapValues(\.metrics) ?? [result.provenance.dialect: result.metrics]
    return metrics.sorted { $0.key < $1.key }.map { dialect, metrics in
      LedgerEntry(
        result, key: key ?? hexadecimal(SHA256.hash(data: document + Array(dialect.utf8))),
        dialect: dialect, metrics: metrics,
        size: result.provenance.checkpoint.flatMap { size($0.model) })
    }
  }

  private init(
    _ result: EvaluationResult, key: String, dialect: String,
    metrics: [String: EvaluationResult.Metric], size: Size?
  ) {
    let origin = result.provenance
    self.key = key
    name = stem(origin.subjectName ?? "result")
    family = origin.checkpoint?.model.variant
    checkpoint = origin.checkpoint?.file
    checkpointSha256 = origin.checkpoint?.sha256 ?? origin.generator?.weightsSha256
    model = (origin.checkpoint?.model).map { Model($0) }
    (parameters, tokens, gflops) = (size?.parameters, size?.tokens, size?.gflops)
    sampler = origin.sampler.map { Sampler($0) }
    num = origin.num
    self.dialect = dialect
    extractor = Named(name: origin.extractor.name, sha256: origin.extractor.sha256)
    let dataset = origin.reference.dataset
    reference = Named(
      name: dataset.map { [$0.name, $0.split].compactMap(\.self).joined(separator: " ") }
        ?? origin.reference.file,
      sha256: origin.reference.sha256)
    self.metrics = metrics.mapValues { Score($0) }
    samplesSha256 = result.samplesSha256
    seconds = result.run.seconds
    tool = origin.tool
    date = result.run.started
  }
}

extension LedgerEntry.Model {
  fileprivate init(_ model: ModelProvenance) {
    self.init(
      variant: model.variant, embedDim: model.embedDim, depth: model.depth,
      patchSize: model.patchSize, channels: model.channels, imageSide: model.imageSide,
      numClasses: model.numClasses, skip: model.skip, learnSigma: model.learnSigma,
      conditioning: model.conditioning ?? (model.numClasses == nil ? "none" : "class"),
      backbone: model.backbone)
  }
}

extension LedgerEntry.Sampler {
  fileprivate init(_ sampler: SamplerProvenance) {
    self.init(
      name: sampler.name, steps: sampler.steps, evaluations: sampler.evaluations,
      networkEvaluations: sampler.networkEvaluations, eta: sampler.eta,
      cfgScale: sampler.cfgScale, seed: sampler.seed, precision: sampler.precision?.rawValue)
  }
}

extension LedgerEntry.Score {
  fileprivate init(_ metric: EvaluationResult.Metric) {
    self.init(
      value: metric.value, interval: metric.interval, bias: metric.bias,
      debiased: metric.debiased, debiasedInterval: metric.debiasedInterval,
      higherIsBetter: metric.higherIsBetter)
  }
}
