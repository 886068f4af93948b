import Tensors

/// A step of a convolutional network, from `[C, H, W]` to another `[C, H, W]`.
indirect enum Layer: Sendable {
  case convolution(Conv2d)
  case maxPool(Window)
  case averagePool(Window)
  /// Sequences of steps from the same input, their results joined along the channels.
  case branches([[Layer]])

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .convolution(let convolution): convolution(x)
    case .maxPool(let window): maxPool2d(x, window)
    case .averagePool(let window): averagePool2d(x, window)
    case .branches(let branches): concatenateChannels(branches.map { $0(x) })
    }
  }
}

extension [Layer] {
  /// Applies the steps one after the other.
  func callAsFunction(_ x: Tensor) -> Tensor { reduce(x) { $1($0) } }
}
