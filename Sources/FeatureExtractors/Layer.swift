import Tensors

/// A layer of a convolutional network, which maps one `[C, H, W]` to another.
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
  /// Applies the layers one after the other.
  func callAsFunction(_ x: Tensor) -> Tensor { reduce(x) { $1($0) } }
}
