import Backbones
import Diffusion
import Results

extension ModelProvenance {
  /// Creates the provenance of an architecture.
  package init(_ architecture: Architecture) {
    self.init(
      variant: architecture.variant ?? "custom", embedDim: architecture.width,
      depth: architecture.depth, patchSize: architecture.patchSize,
      channels: architecture.channels, imageSide: architecture.imageSide,
      numClasses: architecture.classCount, learnSigma: architecture.learnsSigma,
      skip: architecture.hasSkips, gflops: architecture.operations / 1e9)
    (backbone, heads) = (architecture.family.rawValue, architecture.heads)
    (parameters, tokens) = (architecture.parameterCount, architecture.tokenCount)
    nullClass = architecture.nullClass
    if !architecture.labelIsToken { conditioning = "label-in-time" }
    let paperOperations = architecture.paperOperations / 1e9
    if architecture.family == .dis { gflopsThop = paperOperations } else { gmacs = paperOperations }
    switch architecture.process {
    case .timesteps: break
    case .flow(let flow):
      (path, flowPrediction) = (flow.path.rawValue, flow.prediction.rawValue)
    case .continuousVP: objective = UViTObjective.vp.rawValue
    case .stableDiffusion: objective = UViTObjective.sd.rawValue
    }
  }
}
