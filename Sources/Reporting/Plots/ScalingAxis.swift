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

  /// Returns the label of the axis, with its unit.
  ///
  /// - Parameter isOfLaw: Whether to add the letter of the quantity in laws.
  func label(isOfLaw: Bool = false) -> String {
    let (quantity, unit) =
      switch self {
      case .trainingSteps: ("Training steps", "")
      case .trainingImages: ("Training images", "")
      case .trainingCompute: ("Training compute", " (GFLOP)")
      case .parameters: ("Parameters", "")
      case .gflops: ("Forward pass", " (GFLOP)")
      case .gflopsThop: ("Forward pass as thop counts", " (GFLOP)")
      case .tokens: ("Tokens", "")
      case .samplingSteps: ("Sampling steps", "")
      case .samplingCompute: ("Sampling compute", " (GFLOP per image)")
      case .guidance: ("Guidance scale", "")
      }
    return quantity + (isOfLaw ? " \(letter)" : "") + unit
  }

  /// The letter of the quantity in laws.
  var letter: String {
    switch self {
    case .trainingSteps: "S"
    case .trainingImages: "D"
    case .trainingCompute, .samplingCompute: "C"
    case .parameters: "N"
    case .gflops, .gflopsThop: "F"
    case .tokens: "L"
    case .samplingSteps: "T"
    case .guidance: "w"
    }
  }

  /// What the label leaves out, as a sentence; nil if it leaves nothing out.
  var explanation: String? {
    switch self {
    case .trainingCompute:
      "Training compute is that of three forward passes for each image; a multiply-add is 2 operations."
    case .gflops, .samplingCompute: "All operations are counted; a multiply-add is 2."
    case .gflopsThop:
      "Operations are counted without the mixers, as thop does for the figures of the DiS paper."
    default: nil
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
