import Foundation
import Tensors

/// Returns the Vendi score of features with the cosine as similarity: the effective number of
/// different samples, from 1 for samples in one direction to min(N, D). Higher is better; no
/// reference is needed.
///
/// With the rows y of norm 1 and the eigenvalues λ of `YᵀY / N`, which are those of `YYᵀ / N`,
/// ```
/// exp(-Σ λ ln λ)        over λ > 0
/// ```
/// The smaller of the two matrices is decomposed, in float64.
///
/// - Parameter rows: `[N, D]`.
/// - Throws: ``MetricError`` `TooFewSamples` if there are no samples; `ZeroRow` with the index of
///   the sample if a row is 0, which has no direction (vendi-score keeps it as 0, so that the
///   eigenvalues no longer add up to 1); `LAPACKFailure` if `dsyevd` fails.
/// - SeeAlso: Friedman & Dieng, "The Vendi Score: A Diversity Evaluation Metric for Machine
///   Learning", arXiv 2210.02410, Definition 3.1. `vendi.score_X` of vendi-score 0.0.3.
public func vendiScore(of rows: FeatureRows) throws(MetricError) -> Double {
  try UnitRows(rows).gram().score()
}

/// Returns the jackknife of the Vendi score of features: the score of all samples and without each
/// group.
///
/// The value and the values without a group are those of ``vendiScore(of:)``, up to rounding. With
/// more samples than features, the matrix of a group is subtracted from that of all samples.
///
/// - Parameter rows: `[N, D]`, N at least ``Jackknife/minimumCount``.
/// - Throws: ``MetricError`` as ``vendiScore(of:)`` does; `TooFewSamples` if there are fewer
///   samples.
public func vendiScoreJackknife(of rows: FeatureRows) throws(MetricError) -> Jackknife {
  try .ofVendiScore(count: rows.count, dimension: rows.dimension) { (index) throws(MetricError) in
    Array(rows.values[index * rows.dimension..<(index + 1) * rows.dimension])
  }
}

extension Jackknife {
  /// Returns the jackknife of the Vendi score of samples that need not be in memory.
  ///
  /// For N > D, `YᵀY` of each group is subtracted from that of all samples, one group at a time, so
  /// that three matrices `[D, D]` are in memory. Otherwise the rows and columns of a group are
  /// removed from `YYᵀ`.
  ///
  /// - Parameters:
  ///   - count: N, at least ``minimumCount``.
  ///   - dimension: D.
  ///   - progress: Called with the number of finished groups, `1...groupCount`.
  ///   - row: Returns the features `[D]` of the sample with an index in `0..<N`. Called twice per
  ///     sample for N > D, otherwise once.
  /// - Throws: ``MetricError`` as ``vendiScore(of:)`` does; `TooFewSamples` if there are fewer
  ///   samples, `ShapeMismatch` if D is not possible or a row has another length, `NonFinite` for a
  ///   NaN or an infinity; or the error thrown by `row`.
  package static func ofVendiScore(
    count: Int, dimension: Int, progress: (Int) -> Void = { _ in },
    row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Jackknife {
    guard count >= minimumCount else { throw .tooFewSamples(count, atLeast: minimumCount) }
    try checkDimension(dimension)
    return try withoutActuallyEscaping(row) { (row) throws(MetricError) in
      let rows = UnitRows(count: count, dimension: dimension, row: row)
      let groups = groups(count: count)
      let whole = try rows.gram()
      var leftOut: [Double] = []
      for group in 0..<groupCount {
        let members = (0..<count).filter { groups[$0] == group }
        leftOut.append(try rows.gram(whole, without: members).score())
        progress(leftOut.count)
      }
      return Jackknife(value: try whole.score(), leftOut: leftOut, count: count)
    }
  }
}

/// Rows scaled to norm 1.
private struct UnitRows {
  /// The number of samples whose products are summed in one call of `dsyrk`.
  private static let blockSize = 512

  let count: Int
  let dimension: Int
  let row: (Int) throws(MetricError) -> [Float]

  init(count: Int, dimension: Int, row: @escaping (Int) throws(MetricError) -> [Float]) {
    self.count = count
    self.dimension = dimension
    self.row = row
  }

  init(_ rows: FeatureRows) {
    self.init(count: rows.count, dimension: rows.dimension) { (index) throws(MetricError) in
      Array(rows.values[index * rows.dimension..<(index + 1) * rows.dimension])
    }
  }

  /// Returns `YᵀY` for N > D, otherwise `YYᵀ`.
  func gram() throws(MetricError) -> UnitGram {
    guard count > 0 else { throw .tooFewSamples(0, atLeast: 1) }
    guard count > dimension else {
      return UnitGram(matrix: lowerOuterGram(try matrix(Array(0..<count))), count: count)
    }
    return UnitGram(matrix: try featureGram(Array(0..<count)), count: count)
  }

  /// Returns the matrix of all samples but some.
  func gram(_ whole: UnitGram, without members: [Int]) throws(MetricError) -> UnitGram {
    let rest = count - members.count
    guard count > dimension else {
      let removed = Set(members)
      let kept = (0..<count).filter { !removed.contains($0) }
      let values = kept.flatMap { row in
        kept.map { whole.matrix.values[row * count + $0] }
      }
      return UnitGram(matrix: Matrix(rows: rest, columns: rest, values: values), count: rest)
    }
    var matrix = whole.matrix
    let part = try featureGram(members)
    for index in matrix.values.indices { matrix.values[index] -= part.values[index] }
    return UnitGram(matrix: matrix, count: rest)
  }

  /// Returns the lower triangle of `YᵀY` of some samples.
  private func featureGram(_ samples: [Int]) throws(MetricError) -> Matrix {
    var sum = Matrix(
      rows: dimension, columns: dimension,
      values: [Double](repeating: 0, count: dimension * dimension))
    for start in stride(from: 0, to: samples.count, by: Self.blockSize) {
      let block = samples[start..<min(start + Self.blockSize, samples.count)]
      let part = lowerGram(try matrix(Array(block)))
      for index in sum.values.indices { sum.values[index] += part.values[index] }
    }
    return sum
  }

  private func matrix(_ samples: [Int]) throws(MetricError) -> Matrix {
    var values: [Double] = []
    values.reserveCapacity(samples.count * dimension)
    for sample in samples {
      let row = try row(sample)
      guard row.count == dimension else {
        throw MetricError(.shapeMismatch, "\(row.count) values are not a row of \(dimension)")
      }
      try checkRows(row, dimension: dimension, firstSample: sample)
      let norm = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard norm > 0 else {
        throw MetricError(.zeroRow, "all features of sample \(sample) are 0")
      }
      for value in row { values.append(Double(value) / norm) }
    }
    return Matrix(rows: samples.count, columns: dimension, values: values)
  }
}

/// The lower triangle of `YᵀY` or `YYᵀ`.
private struct UnitGram {
  var matrix: Matrix
  /// The number of samples N.
  let count: Int

  /// Returns `exp(-Σ λ ln λ)`.
  func score() throws(MetricError) -> Double {
    var symmetric = matrix
    symmetric.mirrorLowerTriangle()
    let eigenvalues = try lapack(symmetricEigenvalues(symmetric))
    let entropy = eigenvalues.reduce(0) { sum, value in
      let share = value / Double(count)
      return share > 0 ? sum - share * log(share) : sum
    }
    return exp(entropy)
  }
}
