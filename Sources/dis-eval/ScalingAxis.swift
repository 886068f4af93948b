import ArgumentParser
import DisEval

/// What evaluations are drawn against.
enum ScalingAxis: String, CaseIterable, ExpressibleByArgument {
  case trainingSteps = "training-steps"
  case trainingImages = "training-images"
  case trainingCompute = "training-compute"
  case parameters
  case gflops
  case gflopsThop = "gflops-thop"
  case tokens
  case samplingSteps = "sampling-steps"
  case samplingCompute = "sampling-compute"
  case guidance

  /// Text of the axis, with unit.
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

  /// Whether a law is fitted unless asked otherwise: where theory expects one.
  var hasLaw: Bool {
    switch self {
    case .trainingCompute, .parameters, .gflops, .gflopsThop: true
    default: false
    }
  }

  /// Whether the same checkpoint stands at several places.
  var isOfSampling: Bool {
    switch self {
    case .samplingSteps, .samplingCompute, .guidance: true
    default: false
    }
  }

  /// Settings that differ along the axis.
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

  /// Where an evaluation stands; nil when it does not say.
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
  /// Evaluations of the network per image. Older files do not say them; without guidance there are as
  /// many as predictions.
  fileprivate var knownNetworkEvaluations: Int? {
    networkEvaluations ?? (cfgScale == 1 ? evaluations : nil)
  }
}

/// What evaluations of one drawing have in common, or what families differ by.
enum Setting: String, CaseIterable, ExpressibleByArgument {
  case family, variant, name, data
  case patchSize = "patch-size"
  case skip, conditioning, depth, width
  case imageSide = "image-side"
  case num, dialect, extractor, reference
  case sampler, steps, guidance, eta, precision

  /// Its value as people read it; nil when an evaluation does not say.
  func value(of entry: LedgerEntry) -> String? {
    func count(_ value: Int?, _ unit: String) -> String? { value.map { "\($0) \(unit)" } }
    return switch self {
    case .family: entry.family
    case .variant: entry.model?.variant
    case .name: entry.name
    case .data: entry.training?.data
    case .patchSize: entry.model.map { "patch size \($0.patchSize)" }
    case .skip: entry.model.map { $0.skip ? "long skips" : "no long skips" }
    case .conditioning:
      entry.model?.conditioning.map { $0 == "none" ? "unconditional" : "conditional: \($0)" }
    case .depth: count(entry.model?.depth, "blocks")
    case .width: count(entry.model?.embedDim, "channels")
    case .imageSide: entry.model.map { "\($0.channels) x \($0.imageSide) x \($0.imageSide)" }
    case .num: count(entry.num, "samples")
    case .dialect: entry.dialect.map { "dialect \($0)" }
    case .extractor: Self.named(entry.extractor)
    case .reference: Self.named(entry.reference).map { "against \($0)" }
    case .sampler: entry.sampler?.name
    case .steps: count(entry.sampler?.steps, "steps")
    case .guidance: entry.sampler.map { "guidance \($0.cfgScale)" }
    case .eta: entry.sampler.flatMap { $0.eta == 0 ? nil : "eta \($0.eta)" }
    case .precision: entry.sampler?.precision
    }
  }

  private static func named(_ file: LedgerEntry.Named?) -> String? {
    file.map { $0.name + ($0.sha256.map { " (\($0.prefix(8)))" } ?? "") }
  }

  /// Settings that differ when this one does, on purpose.
  var freed: Set<Setting> {
    switch self {
    case .family, .name:
      [.family, .name, .variant, .data, .width, .depth, .patchSize, .skip, .conditioning]
    case .variant: [.variant, .width, .depth, .patchSize]
    default: [self]
    }
  }

  /// What is compared: names are not.
  static let compared = allCases.filter { ![.family, .variant, .name].contains($0) }
}
