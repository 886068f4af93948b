/// A row close to a given row.
public struct NearestNeighbor: Equatable, Sendable {
  /// The index of the row.
  public let index: Int
  /// The Euclidean distance to the row.
  public let distance: Double

  /// Creates a neighbour from its index and distance.
  ///
  /// - Parameters:
  ///   - index: The index of the row in the reference, from 0.
  ///   - distance: The Euclidean distance to the row, in the unit of the features.
  public init(index: Int, distance: Double) {
    self.index = index
    self.distance = distance
  }
}

/// Returns the `k` rows of `reference` nearest to each row of `rows`, the nearest first. Among rows
/// at the same distance, those with smaller indices are taken. There are fewer than `k` if the
/// reference has fewer rows.
///
/// Distances are compared by `sum_d (x[d] - y[d])²` in float64, as in
/// ``precisionAndRecall(of:against:convention:)``.
///
/// - Parameters:
///   - rows: y, `[M, D]`.
///   - reference: x, `[N, D]`.
///   - k: The number of neighbours, at least 1.
/// - Returns: The neighbours of each of the M rows.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if one of
///   them is empty.
public func nearestNeighbors(
  of rows: FeatureRows, in reference: FeatureRows, count k: Int
) throws(MetricError) -> [[NearestNeighbor]] {
  guard k >= 1 else {
    throw MetricError(.shapeMismatch, "\(k) neighbours, expected at least 1")
  }
  try checkPair(rows, reference, atLeast: 1)
  let center = reference.roundedMean
  let (x, y) = (BoundedRows(reference, center: center), BoundedRows(rows, center: center))
  // Squared distances, ascending; rows of the reference are visited in ascending order.
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
