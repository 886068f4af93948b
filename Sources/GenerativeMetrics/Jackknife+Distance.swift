import Foundation
import Tensors

extension Jackknife {
  /// Returns the jackknife of the squared Fréchet distance of samples from `reference`.
  ///
  /// The distance without a group is, up to rounding, that of samples to which the group was never
  /// added. Apart from the number of each sample's group, the memory used does not depend on N,
  /// unless there are about as few samples as dimensions. The distances of the two halves are computed if each
  /// has more samples than features. Two to four groups are processed at the same time, each on one thread, so
  /// that their number changes no bits.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all N samples.
  ///   - samples: The moments of all N samples, N at least ``minimumCount``.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - mean: The precision in which the mean is summed.
  ///   - progress: Called with the number of finished groups, `1...groupCount`.
  ///   - row: Returns the features `[D]` of the sample with an index in `0..<N`. Called once per
  ///     sample, or up to 19 times if there are few samples.
  /// - Throws: ``MetricError`` `TooFewSamples` if there are fewer samples than ``minimumCount``; as
  ///   ``frechetDistance(between:and:)-(GaussianStatistics,_)`` does; or the error thrown by `row`.
  package static func ofDistance(
    _ value: Double, of samples: GaussianAccumulator, from reference: FactoredGaussian,
    mean: MeanPrecision = .float64, progress: (Int) -> Void = { _ in },
    row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Jackknife {
    var none: FrechetInfluence.Sums?
    return try ofDistance(
      value, of: samples, from: reference, mean: mean, influence: &none, progress: progress,
      row: row)
  }

  /// Returns the jackknife, and adds the influence of every sample to sums, because both need the same
  /// products.
  ///
  /// - Parameter influence: The sums, nil if the influence is not wanted or ``leavesMore(count:than:)`` is
  ///   not true.
  static func ofDistance(
    _ value: Double, of samples: GaussianAccumulator, from reference: FactoredGaussian,
    mean: MeanPrecision, influence: inout FrechetInfluence.Sums?, progress: (Int) -> Void,
    row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Jackknife {
    let (count, dimension) = (samples.count, samples.dimension)
    guard count >= minimumCount else { throw .tooFewSamples(count, atLeast: minimumCount) }
    guard reference.mean.count == dimension else {
      throw .dimensionMismatch(dimension, reference.mean.count)
    }
    let groups = groups(count: count)
    func rows(_ indices: some Sequence<Int>) throws(MetricError) -> [Float] {
      var rows: [Float] = []
      for index in indices { rows += try row(index) }
      return rows
    }
    var leftOut: [Double] = []
    guard leavesMore(count: count, than: dimension) else {
      for group in 0..<groupCount {
        let rest = try FactoredGaussian(
          rows: rows((0..<count).lazy.filter { groups[$0] != group }), dimension: dimension,
          mean: mean)
        leftOut.append(try frechetDistance(between: rest, and: reference).value)
        progress(leftOut.count)
      }
      return Jackknife(value: value, leftOut: leftOut, count: count)
    }

    let whole = try DistanceOfRest(
      of: samples, from: reference, mean: mean, transport: influence?.transport)
    /// Returns a distance, computed from the samples that are left if that of the sums is not known.
    func checked(
      _ distance: Result<Double?, MetricError>, without part: MappedMoments,
      _ isLeftOut: (Int) -> Bool
    ) throws(MetricError) -> Double {
      if let distance = try distance.get() { return distance }
      // What is subtracted must not be most of it.
      let isRestSummed = part.squares > whole.moments.squares / 2
      var sums = try GaussianAccumulator(dimension: dimension)
      for index in 0..<count where isLeftOut(groups[index]) != isRestSummed {
        try sums.append(rows: row(index))
      }
      let rest = isRestSummed ? sums : try samples.removing(sums)
      return try frechetDistance(
        between: FactoredGaussian(rest.statistics(mean: mean)), and: reference
      ).value
    }

    let members = (0..<groupCount).map { group in groups.indices.filter { groups[$0] == group } }
    let lanes = min(max(ProcessInfo.processInfo.activeProcessorCount, 2), 4)
    var halves = [MappedMoments?](repeating: nil, count: 2)
    for first in stride(from: 0, to: groupCount, by: lanes) {
      let together = members[first..<min(first + lanes, groupCount)]
      var sums = together.map { _ in GroupSums(whole.noMoments, influence) }
      for start in stride(from: 0, to: together.map(\.count).max() ?? 0, by: rowsTogether) {
        let blocks = try together.map { (members) throws(MetricError) in
          try rows(members.dropFirst(start).prefix(rowsTogether))
        }
        forEachConcurrently(&sums) { [influence] lane, sums in
          sums.add(blocks[lane], whole, influence)
        }
      }
      forEachConcurrently(&sums) { _, sums in sums.distance = whole.distance(without: sums.moments)
      }
      for (group, sums) in zip(first..., sums) {
        leftOut.append(try checked(sums.distance, without: sums.moments) { $0 == group })
        if let part = sums.influence { influence?.add(part, at: members[group]) }
        let half = group < groupCount / 2 ? 0 : 1
        halves[half] = halves[half].map { $0.adding(sums.moments) } ?? sums.moments
        progress(leftOut.count)
      }
    }
    let half = groupSizes(count: count).prefix(groupCount / 2).reduce(0, +)
    guard min(half, count - half) > dimension else {
      return Jackknife(value: value, leftOut: leftOut, count: count)
    }
    // A half is what is left without the other one.
    var others = halves.reversed().compactMap(\.self).map { GroupSums($0, nil) }
    forEachConcurrently(&others) { _, sums in sums.distance = whole.distance(without: sums.moments)
    }
    let ofHalves = try others.enumerated().map { (index, sums) throws(MetricError) in
      try checked(sums.distance, without: sums.moments) { ($0 >= groupCount / 2) == (index == 0) }
    }
    return Jackknife(value: value, leftOut: leftOut, count: count, halves: ofHalves)
  }

  /// Whether more than `dimension` of `count` samples are left without any group.
  static func leavesMore(count: Int, than dimension: Int) -> Bool {
    count - (groupSizes(count: count).max() ?? 0) > dimension
  }
}

/// Sums over the samples of a group, and what follows from them.
private struct GroupSums: Sendable {
  private(set) var moments: MappedMoments
  private(set) var influence: FrechetInfluence.Part?
  /// The distance without the samples, nil if it must be computed from the start.
  var distance = Result<Double?, MetricError>.success(nil)

  init(_ moments: MappedMoments, _ influence: FrechetInfluence.Sums?) {
    (self.moments, self.influence) = (moments, influence.map { .init($0.transport) })
  }

  /// Adds rows, `[n, D]`.
  mutating func add(_ rows: [Float], _ whole: DistanceOfRest, _ sums: FrechetInfluence.Sums?) {
    guard !rows.isEmpty else { return }
    let centered = centered(rows, around: whole.mean)
    let mapped = whole.mapping(centered, threads: 1)
    moments.add(rows, centered, mapped)
    if let sums { influence?.add(centered, mapped, sums) }
  }
}

/// Sums over some of the samples x, about the mean m of all of them, as a factor `F` of the reference's
/// covariance `FᵀF` maps them.
private struct MappedMoments: Sendable {
  var count: Int
  /// `Σ (x - m)`, `[D]`.
  var sum: [Double]
  /// `Σ x` in single precision, row by row.
  var singleSum: [Float]
  /// `Σ |x - m|²`.
  var squares: Double
  /// The upper triangle of `Σ F (x - m) (x - m)ᵀ Fᵀ`, `[R, R]`.
  var products: Matrix

  /// Adds samples.
  ///
  /// - Parameters:
  ///   - rows: x, `[n, D]`.
  ///   - centered: x - m, `[n, D]`.
  ///   - mapped: `(x - m) Fᵀ`, `[n, R]`.
  mutating func add(_ rows: [Float], _ centered: Matrix, _ mapped: Matrix) {
    count += centered.rows
    singleSum.add(rows: rows)
    centered.values.withUnsafeBufferPointer { centered in
      for start in stride(from: 0, to: centered.count, by: sum.count) {
        for column in sum.indices {
          let value = centered[start + column]
          sum[column] += value
          squares += value * value
        }
      }
    }
    addUpperGram(mapped, to: &products)
  }

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
/// With n samples left, whose mean is m + s, their covariance C mapped by a factor F of the reference is
/// ```
/// s = -Σ (x - m) / n        (n - 1) F C Fᵀ = Σ_all - Σ - n (F s) (F s)ᵀ
/// ```
/// where the sums without a name are over the samples that are left out. The trace of the root follows from its
/// eigenvalues. Beside them, only the samples that are left out need be multiplied.
private struct DistanceOfRest: Sendable {
  /// m, `[D]`.
  let mean: [Double]
  /// The sums over all samples.
  let moments: MappedMoments
  private let reference: FactoredGaussian
  private let precision: MeanPrecision
  /// F, `[R, D]`.
  private let map: Matrix
  private let isUpperTriangular: Bool
  /// The largest eigenvalue of Σ_all, or the largest element of its diagonal.
  private let largest: Double

  /// Computes the sums over all samples.
  ///
  /// - Parameter transport: A map from the samples to the reference, whose map becomes F; nil to map by the
  ///   reference's own factor.
  init(
    of samples: GaussianAccumulator, from reference: FactoredGaussian,
    mean precision: MeanPrecision, transport: Transport?
  ) throws(MetricError) {
    let statistics = try samples.statistics()
    let covariance = Matrix(
      rows: statistics.dimension, columns: statistics.dimension, values: statistics.covariance)
    let divisor = Double(samples.count - 1)
    (self.reference, self.precision, mean) = (reference, precision, statistics.mean)
    map = transport?.map ?? reference.factor
    isUpperTriangular = transport == nil && reference.factorization.method == .cholesky
    var products: Matrix
    if let transport {
      let rank = transport.eigenvalues.count
      products = Matrix(
        rows: rank, columns: rank, values: [Double](repeating: 0, count: rank * rank))
      for (k, value) in transport.eigenvalues.enumerated() {
        products.values[k * (rank + 1)] = divisor * value
      }
    } else {
      products = product(
        map, Self.mapping(covariance, by: map, isUpperTriangular, threads: factorizationThreads))
      products.values.withUnsafeMutableBufferPointer { values in
        for index in values.indices { values[index] *= divisor }
      }
    }
    largest = products.diagonal.max() ?? 0
    moments = MappedMoments(
      count: samples.count, sum: [Double](repeating: 0, count: mean.count),
      singleSum: samples.singleSum, squares: divisor * covariance.diagonal.reduce(0, +),
      products: products)
  }

  /// The sums over no samples.
  var noMoments: MappedMoments {
    let (dimension, rank) = (mean.count, map.rows)
    return MappedMoments(
      count: 0, sum: [Double](repeating: 0, count: dimension),
      singleSum: [Float](repeating: 0, count: dimension), squares: 0,
      products: Matrix(
        rows: rank, columns: rank, values: [Double](repeating: 0, count: rank * rank)))
  }

  /// Returns `X Fᵀ`, `[n, R]`, for rows X, `[n, D]`.
  func mapping(_ rows: Matrix, threads: Int32) -> Matrix {
    Self.mapping(rows, by: map, isUpperTriangular, threads: threads)
  }

  private static func mapping(
    _ rows: Matrix, by map: Matrix, _ isUpperTriangular: Bool, threads: Int32
  ) -> Matrix {
    isUpperTriangular
      ? product(rows, transposedUpperTriangular: map, threads: threads)
      : product(rows, transposed: map, threads: threads)
  }

  /// Returns the distance without the samples of a part; nil if it must be computed from the start.
  func distance(without part: MappedMoments) -> Result<Double?, MetricError> {
    let count = moments.count - part.count
    let shift = part.sum.map { -$0 / Double(count) }
    let mapped = mapping(Matrix(rows: 1, columns: shift.count, values: shift), threads: 1)
    let (weight, scale) = (Double(count), 1 / Double(count - 1))
    let squares = shift.reduce(0) { $0 + $1 * $1 }
    let trace = (moments.squares - part.squares - weight * squares) * scale + reference.trace
    let rank = moments.products.rows
    var outer = moments.products
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
          squares.suffix(reference.factorization.rank), ofLargest: largest * scale,
          within: 1e-9 * trace)
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
      zip(moments.singleSum, part.singleSum).map {
        Double(($0 - $1) / Float(moments.count - part.count))
      }
    }
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
