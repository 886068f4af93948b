import Tensors

/// How an image is cut into patches, which become tokens, and put together again.
package struct PatchTokens: Sendable {
  /// The side of the square image in pixels.
  package let side: Int
  /// The side of a patch in pixels, p.
  package let patch: Int

  /// Creates the tokens of square images.
  ///
  /// - Parameters:
  ///   - side: The side of an image in pixels, a multiple of `patch`.
  ///   - patch: The side of a patch in pixels.
  package init(side: Int, patch: Int) { (self.side, self.patch) = (side, patch) }

  /// The number of patches, P.
  package var count: Int { (side / patch) * (side / patch) }

  /// Cuts `[C, H, W]` into patches `[P, C p p]`, row by row, with values in the order (C, p1, p2).
  package func cut(_ x: Tensor) -> Tensor {
    let channels = x.shape[0]
    var values: [Float] = []
    values.reserveCapacity(x.count)
    for top in stride(from: 0, to: side, by: patch) {
      for left in stride(from: 0, to: side, by: patch) {
        for channel in 0..<channels {
          for row in top..<top + patch {
            let start = (channel * side + row) * side + left
            values += x.values[start..<start + patch]
          }
        }
      }
    }
    return Tensor(shape: [count, channels * patch * patch], values: values)
  }

  /// Assembles `[E + P, p p C]` into `[C, H, W]`. Values are in the order (p1, p2, C), the channel
  /// varying fastest; the first E tokens are dropped.
  func assembled(_ tokens: Tensor, dropping extra: Int, channels: Int) -> Tensor {
    var result = Tensor(zeros: [channels, side, side])
    var source = extra * tokens.columns
    for top in stride(from: 0, to: side, by: patch) {
      for left in stride(from: 0, to: side, by: patch) {
        for row in top..<top + patch {
          for column in left..<left + patch {
            for channel in 0..<channels {
              result.values[(channel * side + row) * side + column] = tokens.values[source]
              source += 1
            }
          }
        }
      }
    }
    return result
  }
}
