import Foundation
import Tensors

/// The definitions of the memorization-informed FID (MiFID), which divides the Fréchet distance by a distance of the
/// generated samples from copies.
public enum MemorizationPenalty: String, CaseIterable, Sendable {
  /// The mean over **reference** samples of the smallest cosine distance to a generated one, as torchmetrics computes
  /// it. It does not see a copied image.
  case torchmetrics
  /// The mean over **generated** samples of the smallest cosine distance to a reference sample, the definition of the
  /// competition that the metric was made for.
  case generated
}

/// Returns the mean smallest cosine distance that MiFID divides by: `mean min (1 - |cos|)`. Samples that are 0 are left
/// out.
///
/// - Parameters:
///   - generated: y, `[M, D]`.
///   - reference: x, `[N, D]`.
///   - penalty: Over which samples the mean is, and over which the minimum.
/// - Returns: The distance, from 0 to 1.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if one has no sample other
///   than 0.
/// - SeeAlso: Bai et al., "On Training Sample Memorization: Lessons from Benchmarking Generative Modeling with a
///   Large-scale Competition", arXiv 2106.03062; `torchmetrics/image/mifid.py` of torchmetrics 1.9.0.
public func memorizationDistance(
  of generated: FeatureRows, from reference: FeatureRows, penalty: MemorizationPenalty
) throws(MetricError) -> Double {
  try checkPair(generated, reference, atLeast: 1)
  let (averaged, searched) =
    penalty == .torchmetrics ? (reference, generated) : (generated, reference)
  let (own, others) = (UnitBlocks(averaged), UnitBlocks(searched))
  guard own.count > 0, others.count > 0 else { throw .tooFewSamples(0, atLeast: 1) }
  var sum = 0.0
  for block in own.blocks {
    var largest = [Double](repeating: 0, count: block.count)
    let rows = own.matrix(block)
    for other in others.blocks {
      let cosines = product(rows, transposed: others.matrix(other))
      for row in 0..<cosines.rows {
        for column in 0..<cosines.columns {
          largest[row] = max(largest[row], abs(cosines.values[row * cosines.columns + column]))
        }
      }
    }
    sum += largest.reduce(0) { $0 + 1 - $1 }
  }
  return sum / Double(own.count)
}

/// Returns the MiFID of a Fréchet distance and a distance of copies:
/// ```
/// FID / (d + 1e-14), where d is 1 from the threshold on; 0 for a FID of at most 1e-8
/// ```
///
/// - Parameters:
///   - distance: The Fréchet distance, which is called FID if it is of Inception features.
///   - copies: What ``memorizationDistance(of:from:penalty:)`` returns.
///   - threshold: The distance of copies from which on nothing counts as one; 0.1 in torchmetrics.
public func memorizationInformedDistance(
  _ distance: Double, copies: Double, threshold: Double = 0.1
) -> Double {
  guard distance > 1e-8 else { return 0 }
  return distance / ((copies < threshold ? copies : 1) + 10e-15)
}

/// The samples other than 0, with norm 1 in float64.
private struct UnitBlocks {
  private let rows: FeatureRows
  private let samples: [Int]

  init(_ rows: FeatureRows) {
    self.rows = rows
    samples = (0..<rows.count).filter { sample in
      rows.values[sample * rows.dimension..<(sample + 1) * rows.dimension].contains { $0 != 0 }
    }
  }

  var count: Int { samples.count }

  var blocks: [Range<Int>] {
    stride(from: 0, to: count, by: 1024).map { $0..<min($0 + 1024, count) }
  }

  func matrix(_ range: Range<Int>) -> Matrix {
    let matrix = rows.matrix(samples[range])
    let norms = (0..<matrix.rows).map { row in
      matrix.values[row * matrix.columns..<(row + 1) * matrix.columns]
        .reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    return Matrix(
      rows: matrix.rows, columns: matrix.columns,
      values: matrix.values.indices.map { matrix.values[$0] / norms[$0 / matrix.columns] })
  }
}
