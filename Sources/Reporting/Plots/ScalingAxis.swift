import Results

/// The quantity that evaluations are plotted against.
public enum ScalingAxis: String, CaseIterable, Sendable {
  /// Steps of training.
  case trainingSteps = "training-steps"
  /// Images seen in training.
  case trainingImages = "training-images"
  /// Operations of training, in GFLOP.
  case trainingCompute = "training-compute"
  /// Parameters of the network.
  case parameters
  /// All operations of a forward pass, in GFLOP.
  case gflops
  /// The operations of a forward pass that the DiS paper counts, in GFLOP.
  case gflopsThop = "gflops-thop"
  /// Tokens of an image.
  case tokens
  /// Steps of the sampler.
  case samplingSteps = "sampling-steps"
  /// Operations for one sample, in GFLOP.
  case samplingCompute = "sampling-compute"
  /// The scale of guidance.
  case guidance

  /// The label of the axis, with its unit.
  var label: String {
    switch self {
    case .trainingSteps: "Training steps"
    case .trainingImages: "Training images"
    case .trainingCompute: "Training, GFLOP (3 × forward × images; a multiply-add is 2)"
    case .parameters: "Parameters"
    case .gflops: "Forward pass, GFLOP (all operations; a multiply-add is 2)"
    case .gflopsThop: "Forward pass, GFLOP as thop counts (without the mixers)"
    case .tokens: "Tokens"
    case .samplingSteps: "Sampling steps"
    case .samplingCompute: "Sampling, GFLOP per image (all operations; a multiply-add is 2)"
    case .guidance: "Guidance scale"
    }
  }

  var isLogarithmic: Bool { self != .guidance }

  /// Whether a law is fitted by default, because theory predicts one.
  public var hasLaw: Bool {
    switch self {
    case .trainingCompute, .parameters, .gflops, .gflopsThop: true
    default: false
    }
  }

  /// Whether the same checkpoint can be at several places.
  public var isOfSampling: Bool {
    switch self {
    case .samplingSteps, .samplingCompute, .guidance: true
    default: false
    }
  }

  /// The settings that differ along the axis.
  var freedSettings: Set<Setting> {
    switch self {
    case .trainingSteps, .trainingImages: []
    case .trainingCompute, .parameters, .gflops, .gflopsThop: [.width, .depth, .patchSize]
    case .tokens: [.patchSize, .imageSide]
    case .samplingSteps: [.steps]
    case .samplingCompute: [.steps, .width, .depth, .patchSize]
    case .guidance: [.guidance]
    }
  }

  /// Returns the place of an evaluation; nil if it is unknown.
  func value(of entry: LedgerEntry) -> Double? {
    let value: Double? =
      switch self {
      case .trainingSteps: entry.training?.step.map(Double.init)
      case .trainingImages: entry.training?.images.map(Double.init)
      case .trainingCompute: entry.training?.gflops
      case .parameters: entry.parameters.map(Double.init)
      case .gflops: entry.gflops?.total
      case .gflopsThop: entry.gflops?.thop
      case .tokens: entry.tokens.map(Double.init)
      case .samplingSteps: (entry.sampler?.steps).map(Double.init)
      case .samplingCompute:
        entry.gflops.flatMap { gflops in
          entry.sampler?.knownNetworkEvaluations.map { gflops.total * Double($0) }
        }
      case .guidance: entry.sampler?.cfgScale
      }
    guard let value, value.isFinite, !isLogarithmic || value > 0 else { return nil }
    return value
  }
}

extension LedgerEntry.Sampler {
  /// The number of network evaluations per image. Older files do not contain it; without guidance
  /// it is the number of predictions.
  fileprivate var knownNetworkEvaluations: Int? {
    networkEvaluations ?? (cfgScale == 1 ? evaluations : nil)
  }
}
