import Tensors

extension GaussianStatistics {
  /// Computes the mean and covariance of weighted feature rows.
  ///
  /// With the weights divided so that their sum is N, the mean is `m = Σ w x / N` and the covariance
  /// `Σ w (x - m)(x - m)ᵀ / (N - Σ w² / N)`. Equal weights give the statistics of the rows, with the
  /// divisor N - 1.
  ///
  /// - Parameters:
  ///   - rows: `[N, D]`.
  ///   - weights: The weight of each row, `[N]`, at least 0.
  /// - Throws: ``MetricError`` `ShapeMismatch` if there is not one weight for each row or one is
  ///   negative, `NonFinite` if one is not a finite number, `TooFewSamples` if fewer than two rows have a
  ///   weight above 0.
  package init(_ rows: FeatureRows, weights: [Double]) throws(MetricError) {
    let (count, dimension) = (rows.count, rows.dimension)
    guard weights.count == count else {
      throw MetricError(.shapeMismatch, "\(weights.count) weights for \(count) samples")
    }
    for (index, weight) in weights.enumerated() {
      guard weight.isFinite else {
        throw MetricError(.nonFinite, "the weight of sample \(index) is \(weight)")
      }
      guard weight >= 0 else {
        throw MetricError(.shapeMismatch, "the weight of sample \(index) is \(weight)")
      }
    }
    let used = weights.count { $0 > 0 }
    guard used >= 2 else { throw .tooFewSamples(used, atLeast: 2) }

    let total = weights.reduce(0, +)
    var mean = [Double](repeating: 0, count: dimension)
    for (sample, weight) in weights.enumerated() {
      let share = weight / total
      for column in 0..<dimension {
        mean[column] += share * Double(rows.values[sample * dimension + column])
      }
    }
    // Of the weights divided by their mean.
    let divisor =
      Double(count) - weights.reduce(0) { $0 + $1 * $1 } * Double(count) / (total * total)
    var covariance = Matrix(
      rows: dimension, columns: dimension,
      values: [Double](repeating: 0, count: dimension * dimension))
    for block in rows.blocks(of: GaussianAccumulator.blockSize) {
      var centered = rows.matrix(block)
      for (row, sample) in block.enumerated() {
        let scale = (weights[sample] / total * Double(count) / divisor).squareRoot()
        for column in 0..<dimension {
          let index = row * dimension + column
          centered.values[index] = (centered.values[index] - mean[column]) * scale
        }
      }
      let products = lowerGram(centered)
      for index in covariance.values.indices {
        covariance.values[index] += products.values[index]
      }
    }
    covariance.mirrorLowerTriangle()
    self.init(unchecked: count, mean: mean, covariance: covariance.values)
  }
}
