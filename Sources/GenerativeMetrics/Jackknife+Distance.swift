import Foundation
import Tensors

extension Jackknife {
  /// Returns the jackknife of the squared Fréchet distance of samples from `reference`.
  ///
  /// The distance without a group is, up to rounding, that of samples to which the group was never
  /// added. With ``DistanceOfRest/minimumDimension`` features or more it has an error of at most about
  /// twice ``DistanceOfRest/roundingTolerance`` of the traces, and two to four groups are processed at the same time,
  /// each on one thread, so that their number changes no bits. Apart from the number of each sample's group, the memory
  /// used does not depend on N, unless there are about as few samples as dimensions. The distances of the two halves
  /// are computed if each has more samples than features.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all N samples.
  ///   - samples: The moments of all N samples, N at least ``minimumCount``.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - mean: The precision in which the mean is summed.
  ///   - progress: Called with the number of finished groups, `1...groupCount`.
  ///   - row: Returns the features `[D]` of the sample with an index in `0..<N`. Called once for each sample with many
  ///     samples and features, and up to about 20 times otherwise.
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

  /// Returns the jackknife, and adds the influence of every sample to sums if both need the same products.
  ///
  /// - Parameter influence: The sums, nil if the influence is not wanted. They become nil if they were not needed,
  ///   so that no sample was added.
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
    let rest = try RestOfSamples(samples, from: reference, mean: mean)
    if leavesMore(count: count, than: dimension),
      let distances = try DistanceOfRest(
        of: samples, from: reference, mean: mean, transport: influence?.transport)
    {
      return try inOnePass(
        value, distances, rest, influence: &influence, progress: progress, row: row)
    }
    influence = nil
    var leftOut: [Double] = []
    for group in 0..<groupCount {
      leftOut.append(try rest.distance(without: group, row: row))
      progress(leftOut.count)
    }
    let halves = try (rest.hasHalves ? [0, 1] : []).map { (half) throws(MetricError) in
      try rest.distance(ofHalf: half, row: row)
    }
    return Jackknife(value: value, leftOut: leftOut, count: count, halves: halves)
  }

  /// Returns the jackknife from sums over the samples of each group, which are mapped once.
  private static func inOnePass(
    _ value: Double, _ distances: DistanceOfRest, _ rest: RestOfSamples,
    influence: inout FrechetInfluence.Sums?, progress: (Int) -> Void,
    row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Jackknife {
    let members = (0..<groupCount).map { group in
      rest.groups.indices.filter { rest.groups[$0] == group }
    }
    let lanes = min(max(ProcessInfo.processInfo.activeProcessorCount, 2), 4)
    var leftOut: [Double] = []
    var parts = [distances.noPart, distances.noPart]
    for first in stride(from: 0, to: groupCount, by: lanes) {
      let together = members[first..<min(first + lanes, groupCount)]
      var sums = together.map { _ in GroupSums(distances.noPart, influence) }
      for start in stride(from: 0, to: together.map(\.count).max() ?? 0, by: rowsTogether) {
        let blocks = try together.map { (members) throws(MetricError) in
          var rows: [Float] = []
          for index in members.dropFirst(start).prefix(rowsTogether) { rows += try row(index) }
          return rows
        }
        forEachConcurrently(&sums) { [influence] lane, sums in
          sums.add(blocks[lane], distances, influence)
        }
      }
      forEachConcurrently(&sums) { _, sums in
        sums.distance = distances.distance(without: sums.part)
      }
      for (group, sums) in zip(first..., sums) {
        if let distance = sums.distance {
          leftOut.append(distance)
        } else {
          leftOut.append(try rest.distance(without: group, row: row))
        }
        if let part = sums.influence { influence?.add(part, at: members[group]) }
        parts[group < groupCount / 2 ? 0 : 1].add(sums.part)
        progress(leftOut.count)
      }
    }
    guard rest.hasHalves else {
      return Jackknife(value: value, leftOut: leftOut, count: rest.groups.count)
    }
    // A half is what is left without the other one.
    var others = parts.reversed().map { GroupSums($0, nil) }
    forEachConcurrently(&others) { _, sums in
      sums.distance = distances.distance(without: sums.part)
    }
    let halves = try others.enumerated().map { (half, sums) throws(MetricError) in
      guard let known = sums.distance else { return try rest.distance(ofHalf: half, row: row) }
      return known
    }
    return Jackknife(value: value, leftOut: leftOut, count: rest.groups.count, halves: halves)
  }

  /// Whether more than `dimension` of `count` samples are left without any group.
  static func leavesMore(count: Int, than dimension: Int) -> Bool {
    count - (groupSizes(count: count).max() ?? 0) > dimension
  }
}

/// Samples whose distance from a reference is computed from the start without some of them.
private struct RestOfSamples {
  private let samples: GaussianAccumulator
  private let reference: FactoredGaussian
  private let mean: MeanPrecision
  /// The group of each sample.
  let groups: [Int]
  /// The mean of all samples, and `Σ |x - m|²`.
  private let center: [Double]
  private let squares: Double

  init(
    _ samples: GaussianAccumulator, from reference: FactoredGaussian, mean: MeanPrecision
  ) throws(MetricError) {
    (self.samples, self.reference, self.mean) = (samples, reference, mean)
    groups = Jackknife.groups(count: samples.count)
    center = try samples.statistics().mean
    squares = samples.squares(around: center)
  }

  /// Whether each half has more samples than features.
  var hasHalves: Bool {
    let half = Jackknife.groupSizes(count: samples.count).prefix(Jackknife.groupCount / 2)
      .reduce(0, +)
    return min(half, samples.count - half) > samples.dimension
  }

  /// Returns the distance without a group.
  func distance(
    without group: Int, row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Double {
    try distance(of: { $0 != group }, row: row)
  }

  /// Returns the distance of the first half of the groups, or of the second.
  func distance(
    ofHalf half: Int, row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Double {
    try distance(of: { ($0 < Jackknife.groupCount / 2) == (half == 0) }, row: row)
  }

  private func distance(
    of isIn: (Int) -> Bool, row: (Int) throws(MetricError) -> [Float]
  ) throws(MetricError) -> Double {
    guard Jackknife.leavesMore(count: samples.count, than: samples.dimension) else {
      var rows: [Float] = []
      for index in groups.indices where isIn(groups[index]) { rows += try row(index) }
      let rest = try FactoredGaussian(rows: rows, dimension: samples.dimension, mean: mean)
      return try frechetDistance(between: rest, and: reference).value
    }
    func sums(_ isAdded: (Int) -> Bool) throws(MetricError) -> GaussianAccumulator {
      var sums = try GaussianAccumulator(dimension: samples.dimension)
      for index in groups.indices where isAdded(groups[index]) {
        try sums.append(rows: row(index))
      }
      return sums
    }
    let part = try sums { !isIn($0) }
    // What is subtracted must not be most of it.
    let rest =
      part.squares(around: center) <= squares / 2 ? try samples.removing(part) : try sums(isIn)
    return try frechetDistance(
      between: FactoredGaussian(rest.statistics(mean: mean)), and: reference
    ).value
  }
}

/// Sums over the samples of a group, and what follows from them.
private struct GroupSums: Sendable {
  private(set) var part: DistanceOfRest.Part
  private(set) var influence: FrechetInfluence.Part?
  /// The distance without the samples, nil if it must be computed from the start.
  var distance: Double?

  init(_ part: DistanceOfRest.Part, _ influence: FrechetInfluence.Sums?) {
    (self.part, self.influence) = (part, influence.map { .init($0.transport) })
  }

  /// Adds rows, `[n, D]`.
  mutating func add(_ rows: [Float], _ distances: DistanceOfRest, _ sums: FrechetInfluence.Sums?) {
    guard !rows.isEmpty else { return }
    let centered = centered(rows, around: distances.mean)
    let mapped = distances.add(rows, centered: centered, to: &part)
    if let sums { influence?.add(centered, distances.unscaled(mapped), sums) }
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
