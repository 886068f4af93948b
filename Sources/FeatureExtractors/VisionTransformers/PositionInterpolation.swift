import Images
import Tensors

/// The resampling of position embeddings for images of another size than those of training.
///
/// The published codes of DINOv2 do this in four ways, which changes features by up to a quarter of
/// the largest. A grid of the stored size is not resampled by any of them.
package enum PositionInterpolation: CaseIterable, Sendable {
  /// Keys' cubic with a = -3/4 between the four nearest positions, for a grid of n + 0.1 positions:
  /// facebookresearch/dinov2 without registers.
  case cubicWithOffset
  /// The same for a grid of n positions: transformers' `Dinov2Model`.
  case cubic
  /// Keys' cubic with a = -1/2, stretched when the grid shrinks: timm, and everybody's networks with
  /// registers.
  case antialiased

  /// Resamples a square grid of embeddings along both axes, columns first.
  ///
  /// ```
  /// s = (i + 1/2) · stored / (n + offset) - 1/2      position of output row or column i
  /// ```
  /// Everything is computed in `Float`, as in the originals, which do so in networks of any type.
  ///
  /// - Parameters:
  ///   - positions: `[G · G, D]`, row by row.
  ///   - size: The side of the resulting grid, n.
  /// - Returns: `[n · n, D]`.
  /// - SeeAlso: `interpolate_pos_encoding` in facebookresearch/dinov2,
  ///   dinov2/models/vision_transformer.py; `interpolate_pos_encoding` in transformers,
  ///   models/dinov2/modeling_dinov2.py; `resample_abs_pos_embed` in timm, layers/pos_embed.py.
  package func callAsFunction(_ positions: Tensor, to size: Int) -> Tensor {
    let stored = Int(Double(positions.rows).squareRoot().rounded())
    precondition(stored * stored == positions.rows, "PositionInterpolation: \(positions.shape)")
    guard size != stored else { return positions }
    let (taps, width) = (self.taps(from: stored, to: size), positions.columns)
    let narrow = Self.resample(
      positions.values, outer: stored, inputs: stored, inner: width, taps)
    return Tensor(
      shape: [size * size, width],
      values: Self.resample(narrow, outer: 1, inputs: stored, inner: size * width, taps))
  }

  /// The stored positions that contribute to a position, with their weights.
  private typealias Taps = [[(index: Int, weight: Float)]]

  private func taps(from stored: Int, to size: Int) -> Taps {
    switch self {
    case .cubicWithOffset:
      // torch is given the factor in double precision, and divides 1 by it.
      let factor = (Double(size) + 0.1) / Double(stored)
      return Self.cubicTaps(from: stored, to: size, scale: Float(1 / factor))
    case .cubic:
      return Self.cubicTaps(from: stored, to: size, scale: Float(stored) / Float(size))
    case .antialiased:
      let taps = Images.Taps<Float>(.cubic, from: stored, to: size)
      return taps.outputs.map { output in
        taps.weights[output.weights].enumerated().map { (output.first + $0, $1) }
      }
    }
  }

  /// Returns the taps of PyTorch's bicubic interpolation without smoothing. Positions beyond an edge
  /// are those at the edge.
  ///
  /// - SeeAlso: `get_cubic_upsample_coefficients` in PyTorch, aten/src/ATen/native/UpSample.h.
  private static func cubicTaps(from stored: Int, to size: Int, scale: Float) -> Taps {
    let a: Float = -0.75
    func near(_ x: Float) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }
    func far(_ x: Float) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return (0..<size).map { output in
      let source = scale * (Float(output) + 0.5) - 0.5
      let first = min(Int(source.rounded(.down)), stored - 1)
      let t = min(max(source - Float(first), 0), 1)
      let weights = [far(t + 1), near(t), near(1 - t), far(2 - t)]
      return weights.enumerated().map { offset, weight in
        (min(max(first - 1 + offset, 0), stored - 1), weight)
      }
    }
  }

  /// Resamples the middle axis of `[outer, inputs, inner]`.
  private static func resample(
    _ values: [Float], outer: Int, inputs: Int, inner: Int, _ taps: Taps
  ) -> [Float] {
    var result = [Float](repeating: 0, count: outer * taps.count * inner)
    values.withUnsafeBufferPointer { values in
      result.withUnsafeMutableBufferPointer { result in
        for slice in 0..<outer {
          for (output, sources) in taps.enumerated() {
            let to = (slice * taps.count + output) * inner
            for (index, weight) in sources {
              let from = (slice * inputs + index) * inner
              for channel in 0..<inner {
                result[to + channel] += weight * values[from + channel]
              }
            }
          }
        }
      }
    }
    return result
  }
}
