/// The process that a network was trained for, which defines its time.
package enum DiffusionProcess: Equatable, Sendable {
  /// 1000 timesteps with linear betas. The network's time is the timestep, 0 to 999.
  case timesteps
  /// A flow between noise and data. The network's time is t in [0, 1].
  case flow(Flow)
  /// The variance-preserving process in continuous time, beta(t) = 0.1 + 19.9 t. The network's time is
  /// 999 t.
  case continuousVP
  /// The process of Stable Diffusion. The network's time is 1000 t, from 1 to 1000.
  case stableDiffusion

  /// The times that the network takes.
  package var times: ClosedRange<Double> {
    switch self {
    case .timesteps: 0...999
    case .flow: 0...1
    case .continuousVP: 0...999
    case .stableDiffusion: 1...1000
    }
  }

  /// The name for users.
  package var title: String {
    switch self {
    case .timesteps: "1000 timesteps with linear betas"
    case .flow(let flow): "a flow (path \(flow.path.rawValue), \(flow.prediction.rawValue))"
    case .continuousVP: "the variance-preserving process in continuous time"
    case .stableDiffusion: "the process of Stable Diffusion"
    }
  }
}
