/// A row near another one.
public struct NearestNeighbor: Equatable, Sendable {
  /// Its index.
  public let index: Int
  /// The Euclidean distance to it.
  public let distance: Double

  /// Names a row and its distance.
  public init(index: Int, distance: Double) {
    self.index = index
    self.distance = distance
  }
}

/// The `k` rows of `reference` nearest to each row of `rows`, the nearest first; of rows equally far,
/// those of smaller index. Fewer than `k` when the reference has fewer.
///
/// Decided by the squared distance `sum_c (x[c] - y[c])²` in float64, as in
/// ``precisionAndRecall(of:against:convention:)``.
///
/// - Parameters:
///   - rows: y, `[M, D]`.
///   - reference: x, `[N, D]`.
/// - Throws: ``MetricError`` `DimensionMismatch`; `TooFewSamples` for no row.
public func nearestNeighbors(
  of rows: FeatureRows, in reference: FeatureRows, count k: Int
) throws(MetricError) -> [[NearestNeighbor]] {
  precondition(k >= 1, "at least one neighbour")
  try checkPair(rows, reference, atLeast: 1)
  let center = reference.roundedMean
  let (x, y) = (BoundedRows(reference, center: center), BoundedRows(rows, center: center))
  // Squared distances, ascending; rows of the reference come in ascending order.
  var nearest = [[NearestNeighbor]](repeating: [], count: y.count)
  x.forEachPair(with: y) { i, j, bounds in
    if nearest[j].count == k, bounds.lower > nearest[j][k - 1].distance { return }
    let found = NearestNeighbor(index: i, distance: x.squaredDistance(i, y, j))
    let place = nearest[j].firstIndex { found.distance < $0.distance } ?? nearest[j].count
    guard place < k else { return }
    nearest[j].insert(found, at: place)
    if nearest[j].count > k { nearest[j].removeLast() }
  }
  return nearest.map { row in
    row.map { NearestNeighbor(index: $0.index, distance: $0.distance.squareRoot()) }
  }
}
