import Tensors

/// The Monge Inception Distance (MIND) of generated features from a reference: the sliced Wasserstein distance along
/// random directions. Lower is better; in units of the squared features.
///
/// With the directions u of norm 1, in number M, and the projections of n samples of each set in ascending order,
/// ```
/// 3 D mean over u and j of (sort(X u)[j] - sort(Y u)[j])²
/// ```
/// The larger of the two sets is cut to the first n of a random permutation, where n is the number of samples of the
/// smaller one. The permutation and the directions are those of PyTorch's generator. The distance is biased upward by an
/// amount that depends on n, so that only values of equal n and seed are comparable.
public struct MongeInceptionDistance: Equatable, Sendable {
  /// The distance.
  public let value: Double
  /// n, the number of samples of each set.
  public let count: Int
  /// The seed of the permutation and the directions.
  public let seed: UInt32
  /// M, the number of directions.
  public let directionCount: Int

  /// The seed of torch-fidelity.
  public static let defaultSeed: UInt32 = 2020
  /// The number of directions of torch-fidelity.
  public static let defaultDirectionCount = 1000

  /// Computes the distance.
  ///
  /// Sums and products are in float64; the tools use float32, which moves the distance by 5e-8 of itself.
  ///
  /// - Parameters:
  ///   - generated: y, `[N, D]`.
  ///   - reference: x, `[K, D]`.
  ///   - seed: The seed of the permutation and the directions.
  ///   - directionCount: M, such that M D is at least 16.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if one is empty,
  ///   `ShapeMismatch` if there are too few directions.
  /// - SeeAlso: Berthet et al., "MIND: Monge Inception Distance for Generative Models Evaluation", arXiv 2605.06797;
  ///   `metric_mind.py` in toshas/torch-fidelity at 5e211a9.
  public init(
    of generated: FeatureRows, from reference: FeatureRows, seed: UInt32 = defaultSeed,
    directionCount: Int = defaultDirectionCount
  ) throws(MetricError) {
    try checkPair(generated, reference, atLeast: 1)
    let dimension = reference.dimension
    guard directionCount >= 1, directionCount * dimension >= 16 else {
      throw MetricError(
        .shapeMismatch,
        "\(directionCount) directions of \(dimension) features, expected at least 16 numbers")
    }
    let count = min(generated.count, reference.count)
    var generator = TorchGenerator(seed: seed)
    func chosen(_ rows: FeatureRows, _ generator: inout TorchGenerator) -> [Int] {
      rows.count == count
        ? Array(0..<count) : Array(generator.permutation(rows.count).prefix(count))
    }
    let y = chosen(generated, &generator)
    let x = chosen(reference, &generator)
    let directions = generator.normals(directionCount * dimension)
    var sum = 0.0
    for first in stride(from: 0, to: directionCount, by: Self.directionsTogether) {
      let block = (first..<min(first + Self.directionsTogether, directionCount)).map { index in
        unit(directions[index * dimension..<(index + 1) * dimension])
      }
      let u = Matrix(rows: block.count, columns: dimension, values: block.flatMap(\.self))
      let (own, others) = (projections(generated, y, u), projections(reference, x, u))
      for (first, second) in zip(own, others) {
        sum += zip(first, second).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    value = 3 * Double(dimension) * sum / Double(count * directionCount)
    (self.count, self.seed, self.directionCount) = (count, seed, directionCount)
  }

  /// The number of directions whose projections are in memory at a time.
  private static let directionsTogether = 64
}

private func unit(_ direction: ArraySlice<Double>) -> [Double] {
  let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
  return direction.map { $0 / max(norm, 1e-12) }
}

/// Returns the projections of samples on each direction, in ascending order.
///
/// - Parameters:
///   - rows: `[N, D]`.
///   - samples: The indices of n samples.
///   - directions: `[B, D]`.
/// - Returns: `[B, n]`.
private func projections(
  _ rows: FeatureRows, _ samples: [Int], _ directions: Matrix
) -> [[Double]] {
  var result = [[Double]](repeating: [], count: directions.rows)
  for index in result.indices { result[index].reserveCapacity(samples.count) }
  for start in stride(from: 0, to: samples.count, by: 1024) {
    let block = rows.matrix(samples[start..<min(start + 1024, samples.count)])
    let products = product(directions, transposed: block)  // [B, rows of the block]
    for index in result.indices {
      result[index] += products.values[index * products.columns..<(index + 1) * products.columns]
    }
  }
  for index in result.indices { result[index].sort() }
  return result
}
