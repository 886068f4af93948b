import Checkpoints
import Diffusion
import Files

/// Which class a sample is asked for.
public enum LabelPolicy: Equatable, Sendable, CustomStringConvertible {
  /// Uniform, from the sample's own random stream.
  case uniform
  /// Sample `i` gets class `i` modulo the number of classes.
  case balanced
  /// One class for all.
  case fixed(Int)
  /// Sample `i` gets the `i`-th of the file's labels.
  case file(path: String, labels: [Int])

  /// Parses `uniform`, `balanced`, a class number, or the path of a `.npy` file of integers.
  ///
  /// - Throws: ``Failure`` when the file cannot be read as integers.
  public init(_ text: String) throws {
    switch text {
    case "uniform": self = .uniform
    case "balanced": self = .balanced
    default:
      if let label = Int(text) {
        self = .fixed(label)
      } else if text.hasSuffix(".npy") {
        self = .file(path: text, labels: try NPYArray.read(text).integers())
      } else {
        throw Failure(
          .usage, "InvalidLabels", text,
          "expected uniform, balanced, a class number, or a .npy file of class numbers")
      }
    }
  }

  /// As it is given on the command line; of a file, its name.
  public var description: String {
    switch self {
    case .uniform: "uniform"
    case .balanced: "balanced"
    case .fixed(let label): "\(label)"
    case .file(let path, _): lastComponent(path)
    }
  }
}

/// The sampler's name on the command line and in results.
public enum SamplerName: String, CaseIterable, Codable, Sendable {
  /// Ancestral sampling.
  case ddpm
  /// DDIM with `eta`.
  case ddim
  /// DPM-Solver++(2M).
  case dpmSolver = "dpm-solver++"
}

/// Everything that decides what a checkpoint's samples look like.
public struct SamplingSettings: Sendable {
  /// How a step is made.
  public var sampler = SamplerName.ddpm
  /// Which timesteps are visited, as the original's strings say it.
  public var respacing = "250"
  /// Noise of DDIM, 0 to 1.
  public var eta = 0.0
  /// Scale of classifier-free guidance; at 1 the network is asked once per step.
  public var guidanceScale = 1.0
  /// Whether only the first three channels are guided, as in the original code.
  public var guidesFirst3 = false
  /// Whether predicted images are clamped to [-1, 1] at every step.
  public var clips = false
  /// Key of the random streams.
  public var seed: UInt64 = 0
  /// Which class each sample is asked for.
  public var labels = LabelPolicy.uniform
  /// Whether bytes are made as ADM does (truncating) rather than as DiT does (rounding).
  public var quantizesLikeADM = false

  /// The defaults: DDPM, 250 steps, no guidance, seed 0.
  public init() {}

  var method: SamplingMethod {
    switch sampler {
    case .ddpm: .ddpm
    case .ddim: .ddim(eta: eta)
    case .dpmSolver: .dpmSolver2M
    }
  }
  var guidedChannels: GuidedChannels { guidesFirst3 ? .first3 : .all }
  var quantizer: Quantizer { quantizesLikeADM ? .adm : .dit }
}
