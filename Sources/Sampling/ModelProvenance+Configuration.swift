import Backbones
import Results

extension ModelProvenance {
  /// Creates the provenance of a DiS architecture.
  package init(_ configuration: DiSConfiguration) {
    self.init(
      variant: configuration.variantName ?? "custom", embedDim: configuration.embeddingDimension,
      depth: 2 * configuration.blocksPerHalf, patchSize: configuration.patchSize,
      channels: configuration.channels, imageSide: configuration.imageSide,
      numClasses: configuration.classCount, learnSigma: configuration.learnsSigma,
      skip: configuration.hasSkips, gflops: configuration.cost.total / 1e9,
      gflopsThop: configuration.cost.thop / 1e9)
  }
}
