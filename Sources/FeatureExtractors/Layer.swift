import Tensors

/// A step of a convolutional network, from `[C, H, W]` to another `[C, H, W]`.
enum Layer: Sendable {
  case convolution(Conv2d)
  case maxPool(Window)

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .convolution(let convolution): convolution(x)
    case .maxPool(let window): maxPool2d(x, window)
    }
  }
}

extension [Layer] {
  /// Applies the steps one after the other.
  func callAsFunction(_ x: Tensor) -> Tensor { reduce(x) { $1($0) } }
}
