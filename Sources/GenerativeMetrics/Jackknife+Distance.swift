import Dispatch
import Synchronization
import Tensors

extension Jackknife {
  /// Returns the jackknife of the squared Fréchet distance of samples from `reference`.
  ///
  /// The distance without a group is, up to rounding, that of samples to which the group was never
  /// added. Apart from the number of each sample's group, the memory used does not depend on N,
  /// unless there are about as few samples as dimensions. The distances of the two halves are computed if each
  /// has more samples than features. Two groups are processed at the same time, each on one thread.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all N samples.
  ///   - samples: The moments of all N samples, N at least ``minimumCount``.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - mean: The precision in which the mean is summed.
  ///   - progress: Called with the number of finished groups, `1...groupCount`.
  ///   - row: Returns the features `[D]` of the sample with an index in `0..<N`. Called once per
  ///     sample, or 19 times if there are few samples.
  /// - Throws: ``MetricError`` `TooFewSamples` if there are fewer samples than ``minimumCount``; as
  ///   ``frechetDistance(between:and:)-(GaussianStatistics,_)`` does; or the error thrown by `row`.
  package static func ofDistance(
    _ value: Double, of samples: GaussianAccumulator, from reference: FactoredGaussian,
    mean: MeanPrecision = .float64, progress: (Int) -> Void = { _ in },
    row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Jackknife {
    let (count, dimension) = (samples.count, samples.dimension)
    guard count >= minimumCount else { throw .tooFewSamples(count, atLeast: minimumCount) }
    guard reference.mean.count == dimension else {
      throw .dimensionMismatch(dimension, reference.mean.count)
    }
    let groups = groups(count: count)
    let sizes = groupSizes(count: count)
    func rows(where isWanted: (Int) -> Bool) throws(MetricError) -> [Float] {
      var rows: [Float] = []
      for index in 0..<count where isWanted(groups[index]) { rows += try row(index) }
      return rows
    }
    var leftOut: [Double] = []
    guard count - (sizes.max() ?? 0) > dimension else {
      for group in 0..<groupCount {
        let rest = try FactoredGaussian(
          rows: rows { $0 != group }, dimension: dimension, mean: mean)
        leftOut.append(try frechetDistance(between: rest, and: reference).value)
        progress(leftOut.count)
      }
      return Jackknife(value: value, leftOut: leftOut, count: count)
    }
    let whole = try DistanceOfRest(of: samples, from: reference, mean: mean)
    var halves = [MappedMoments?](repeating: nil, count: 2)
    for first in stride(from: 0, to: groupCount, by: 2) {
      let both = try [first, first + 1].map { (group) throws(MetricError) in
        try rows { $0 == group }
      }
      for (rows, part) in zip(both, concurrently(both) { whole.part($0) }) {
        leftOut.append(try whole.checked(part.distance) { rows })
        let half = leftOut.count <= groupCount / 2 ? 0 : 1
        halves[half] = halves[half].map { $0.adding(part.moments) } ?? part.moments
        progress(leftOut.count)
      }
    }
    let half = sizes.prefix(groupCount / 2).reduce(0, +)
    guard min(half, count - half) > dimension else {
      return Jackknife(value: value, leftOut: leftOut, count: count)
    }
    // A half is what is left without the other one.
    let others = halves.reversed().compactMap(\.self)
    let found = concurrently(others) { whole.distance(without: $0) }
    var ofHalves: [Double] = []
    for (index, distance) in found.enumerated() {
      let other = index == 0 ? groupCount / 2..<groupCount : 0..<groupCount / 2
      ofHalves.append(
        try whole.checked(distance) { () throws(MetricError) in try rows(where: other.contains) })
    }
    return Jackknife(value: value, leftOut: leftOut, count: count, halves: ofHalves)
  }
}

/// Returns the results of calls that run at the same time, in the order of their arguments.
private func concurrently<Item: Sendable, Result: Sendable>(
  _ items: [Item], _ body: @Sendable (Item) -> Result
) -> [Result] {
  let results = Mutex([Result?](repeating: nil, count: items.count))
  DispatchQueue.concurrentPerform(iterations: items.count) { index in
    let result = body(items[index])
    results.withLock { $0[index] = result }
  }
  return results.withLock { $0.compactMap(\.self) }
}

/// Sums over some of the samples x, about the mean m of all of them, as the factor `F₀` of the reference maps
/// them.
private struct MappedMoments {
  var count: Int
  /// `Σ (x - m)`, `[D]`.
  var sum: [Double]
  /// `Σ x` in single precision, row by row.
  var singleSum: [Float]
  /// `Σ |x - m|²`.
  var squares: Double
  /// The upper triangle of `Σ F₀ (x - m) (x - m)ᵀ F₀ᵀ`, `[R, R]`.
  var products: Matrix

  func adding(_ other: MappedMoments) -> MappedMoments {
    var result = self
    result.count += other.count
    result.squares += other.squares
    for index in sum.indices { result.sum[index] += other.sum[index] }
    result.singleSum.add(rows: other.singleSum)
    result.products.values.withUnsafeMutableBufferPointer { values in
      other.products.values.withUnsafeBufferPointer { others in
        for index in values.indices { values[index] += others[index] }
      }
    }
    return result
  }
}

/// The squared Fréchet distances of samples without some of them from a reference.
///
/// With n samples left, whose mean is m + s, their covariance C mapped by the factor of the reference is
/// ```
/// s = -Σ (x - m) / n        (n - 1) F₀ C F₀ᵀ = Σ_all - Σ - n (F₀ s) (F₀ s)ᵀ
/// ```
/// where the sums without a name are over the samples that are left out. The trace of the root follows from its
/// eigenvalues. Beside them, only the samples that are left out need be multiplied.
private struct DistanceOfRest: Sendable {
  private let samples: GaussianAccumulator
  private let reference: FactoredGaussian
  private let precision: MeanPrecision
  /// m, `[D]`.
  private let mean: [Double]
  private let whole: MappedMoments

  init(
    of samples: GaussianAccumulator, from reference: FactoredGaussian, mean precision: MeanPrecision
  ) throws(MetricError) {
    let statistics = try samples.statistics()
    let covariance = Matrix(
      rows: statistics.dimension, columns: statistics.dimension, values: statistics.covariance)
    var products = product(reference.factor, reference.mapping(covariance, threads: 2))
    let divisor = Double(samples.count - 1)
    products.values.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] *= divisor }
    }
    (self.samples, self.reference, self.precision) = (samples, reference, precision)
    mean = statistics.mean
    whole = MappedMoments(
      count: samples.count, sum: [Double](repeating: 0, count: mean.count),
      singleSum: samples.singleSum, squares: divisor * covariance.diagonal.reduce(0, +),
      products: products)
  }

  /// Returns the sums over some samples, and the distance without them; nil if it must be computed from
  /// the start.
  func part(_ rows: [Float]) -> (moments: MappedMoments, distance: Result<Double?, MetricError>) {
    let moments = moments(of: rows)
    return (moments, distance(without: moments))
  }

  private func moments(of rows: [Float]) -> MappedMoments {
    let dimension = mean.count
    var (sum, squares) = ([Double](repeating: 0, count: dimension), 0.0)
    let centered = [Double](unsafeUninitializedCapacity: rows.count) { buffer, initialized in
      for start in stride(from: 0, to: rows.count, by: dimension) {
        for column in 0..<dimension {
          let value = Double(rows[start + column]) - mean[column]
          buffer[start + column] = value
          sum[column] += value
          squares += value * value
        }
      }
      initialized = rows.count
    }
    var singleSum = [Float](repeating: 0, count: dimension)
    singleSum.add(rows: rows)
    let count = rows.count / dimension
    let mapped = reference.mapping(
      Matrix(rows: count, columns: dimension, values: centered), threads: 1)
    return MappedMoments(
      count: count, sum: sum, singleSum: singleSum, squares: squares, products: upperGram(mapped))
  }

  /// Returns the distance without the samples of a part; nil if it must be computed from the start.
  func distance(without part: MappedMoments) -> Result<Double?, MetricError> {
    let count = whole.count - part.count
    let shift = part.sum.map { -$0 / Double(count) }
    let mapped = reference.mapping(
      Matrix(rows: 1, columns: shift.count, values: shift), threads: 1)
    let (weight, scale) = (Double(count), 1 / Double(count - 1))
    let squares = shift.reduce(0) { $0 + $1 * $1 }
    let trace = (whole.squares - part.squares - weight * squares) * scale + reference.trace
    let rank = whole.products.rows
    var outer = whole.products
    outer.values.withUnsafeMutableBufferPointer { values in
      part.products.values.withUnsafeBufferPointer { products in
        for row in 0..<rank {
          let factor = weight * mapped.values[row]
          for column in row..<rank {
            let index = row * rank + column
            values[index] =
              (values[index] - products[index] - factor * mapped.values[column]) * scale
          }
        }
      }
    }
    return Result { () throws(MetricError) -> Double? in
      let squares = try lapack(symmetricEigenvalues(outer, threads: 1))
      guard
        let root = sumOfRoots(
          squares.suffix(reference.factorization.rank), within: 1e-9 * trace)
      else { return nil }
      // The distance from the start says what is wrong.
      guard trace - 2 * root >= -1e-9 * trace else { return nil }
      let meanTerm = zip(mean(without: part, shift: shift), reference.mean).reduce(0) {
        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
      }
      let value = meanTerm + max(trace - 2 * root, 0)
      return value.isFinite ? value : nil
    }
  }

  private func mean(without part: MappedMoments, shift: [Double]) -> [Double] {
    switch precision {
    case .float64: zip(mean, shift).map { $0 + $1 }
    case .float32:
      zip(whole.singleSum, part.singleSum).map {
        Double(($0 - $1) / Float(whole.count - part.count))
      }
    }
  }

  /// Returns a distance, if there is none from the covariance of the samples that are left.
  ///
  /// - Parameter rows: Returns the samples that are left out.
  func checked(
    _ distance: Result<Double?, MetricError>, rows: () throws(MetricError) -> [Float]
  ) throws(MetricError) -> Double {
    if let distance = try distance.get() { return distance }
    var part = try GaussianAccumulator(dimension: mean.count)
    try part.append(rows: rows())
    let rest = try FactoredGaussian(samples.removing(part).statistics(mean: precision))
    return try frechetDistance(between: rest, and: reference).value
  }
}

extension FactoredGaussian {
  /// Returns `X Fᵀ`, `[n, R]`, for rows X, `[n, D]`.
  fileprivate func mapping(_ rows: Matrix, threads: Int32) -> Matrix {
    factorization.method == .cholesky
      ? product(rows, transposedUpperTriangular: factor, threads: threads)
      : product(rows, transposed: factor, threads: threads)
  }
}

// MARK: - Pairs

extension Jackknife {
  /// Returns the jackknife of the squared Fréchet distance of two sets of samples that correspond pairwise, such as
  /// decoded images and their originals. A pair is left out of both sets at once, so that what its two samples have in
  /// common cancels.
  ///
  /// Of 300 simulated intervals for the distance of 300 samples of 4 features from their own noisy copies,
  /// `PairedDistanceTests` demands that 92 % to 99 % contain the expectation.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all N pairs.
  ///   - samples: The moments of the first sample of every pair, N at least ``minimumCount`` and more than D + 1 after
  ///     a group is left out.
  ///   - others: The moments of the second sample of every pair, with the same D.
  ///   - mean: The precision in which the mean is summed.
  ///   - progress: Called with the number of finished groups, `1...groupCount`.
  ///   - pair: Returns the features `[D]` of both samples of the pair with an index in `0..<N`. Called once per pair.
  /// - Throws: ``MetricError`` `TooFewSamples` if there are fewer pairs than ``minimumCount``, `CountMismatch` if the
  ///   sets differ in size; as ``frechetDistance(between:and:)-(GaussianStatistics,_)`` does; or the error thrown by
  ///   `pair`.
  package static func ofPairedDistance(
    _ value: Double, between samples: GaussianAccumulator, and others: GaussianAccumulator,
    mean: MeanPrecision = .float64, progress: (Int) -> Void = { _ in },
    pair: (Int) throws(MetricError) -> (first: [Float], second: [Float])
  ) throws(MetricError) -> Jackknife {
    let (count, dimension) = (samples.count, samples.dimension)
    guard count >= minimumCount else { throw .tooFewSamples(count, atLeast: minimumCount) }
    guard others.count == count else {
      throw MetricError(
        .countMismatch, "\(count) and \(others.count) samples; pairs need as many")
    }
    let groups = groups(count: count)
    var leftOut: [Double] = []
    for group in 0..<groupCount {
      var first = try GaussianAccumulator(dimension: dimension)
      var second = first
      for index in 0..<count where groups[index] == group {
        let rows = try pair(index)
        try first.append(rows: rows.first)
        try second.append(rows: rows.second)
      }
      let rest = try FactoredGaussian(samples.removing(first).statistics(mean: mean))
      let other = try FactoredGaussian(others.removing(second).statistics(mean: mean))
      leftOut.append(try frechetDistance(between: rest, and: other).value)
      progress(leftOut.count)
    }
    return Jackknife(value: value, leftOut: leftOut, count: count)
  }
}
