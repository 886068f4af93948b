import Foundation

/// The delete-a-group jackknife of a metric, which estimates how much its value would vary between
/// different draws of samples, and how far its expectation is from the limit for infinitely many
/// samples.
///
/// With the metric θ of all N samples, θ₍₋ᵦ₎ of the samples outside of group b, which has mᵦ
/// samples, and B groups:
/// ```
/// δᵦ = θ₍₋ᵦ₎ - θ        hᵦ = N / mᵦ
/// bias            = Σ (1 - mᵦ / N) δᵦ                        (B - 1) mean δ       for equal groups
/// standard error² = Σ (bias - (hᵦ - 1) δᵦ)² / (hᵦ - 1) / B    (B - 1)/B Σ (δᵦ - mean δ)²
/// ```
///
/// This bias has an error of second order, which is as large as the standard error where there are few samples
/// for each of many features: with `θ₍N₎ = θ + b₁/N + b₂/N²`, what is left is `-b₂/N²`. If the metric of halves of
/// the samples is known too, with D their mean difference from θ, the second-order jackknife removes it:
/// ```
/// bias₂           = bias + B / (B - 2) (bias - D)
/// ```
/// It varies more than the first, so that ``MetricEstimate`` subtracts the first and widens the interval by the
/// difference of the two.
///
/// Anything that is not sampled, such as reference statistics, is taken as fixed.
///
/// - SeeAlso: Busing, Meijer & van der Leeden, "Delete-m Jackknife for Unequal m", Statistics and
///   Computing 9 (1999). Efron & Stein, "The Jackknife Estimate of Variance", Annals of Statistics
///   9 (1981): if θ is not approximately linear in the samples, the standard error is too large on
///   average. Schucany, Gray & Owen, "On Bias Reduction in Estimation", J. American Statistical
///   Association 66 (1971), for the second order.
public struct Jackknife: Equatable, Sendable {
  /// The number of groups B into which samples are divided.
  public static let groupCount = 20
  /// The smallest number of samples: two per group.
  public static let minimumCount = 2 * groupCount
  /// The probability with which intervals contain the expectation.
  public static let confidence = 0.95

  /// The metric of all samples.
  public let value: Double
  /// The metric without each group, `[B]`.
  public let leftOut: [Double]
  /// The number of samples in each group, `[B]`.
  public let sizes: [Int]
  /// The metric of the samples in the first half of the groups, and in the second; empty if unknown.
  public let halves: [Double]
  /// The expected excess of the metric of all samples over its limit for infinitely many.
  public let bias: Double
  /// The estimated standard deviation of ``value``.
  public let standardError: Double

  /// The bias to second order; nil without ``halves``.
  public var secondOrderBias: Double? {
    guard !halves.isEmpty, sizes.count > 2 else { return nil }
    let difference = halves.reduce(0) { $0 + ($1 - value) } / Double(halves.count)
    let groups = Double(sizes.count)
    return bias + groups / (groups - 2) * (bias - difference)
  }

  /// Computes the jackknife from the metric with and without each group.
  ///
  /// - Parameters:
  ///   - value: The metric of all samples.
  ///   - leftOut: The metric without each group, `[B]`, B >= 2.
  ///   - sizes: The number of samples in each group, all at least 1.
  ///   - halves: The metric of each half of the samples, or none.
  package init(value: Double, leftOut: [Double], sizes: [Int], halves: [Double] = []) {
    precondition(leftOut.count == sizes.count && sizes.count >= 2, "\(sizes.count) groups")
    precondition(sizes.allSatisfy { $0 > 0 }, "a group without samples")
    let count = Double(sizes.reduce(0, +))
    let changes = leftOut.map { $0 - value }
    let bias = zip(changes, sizes).reduce(0) { $0 + $1.0 * (1 - Double($1.1) / count) }
    let variance = zip(changes, sizes).reduce(0) {
      let weight = count / Double($1.1) - 1
      let deviation = bias - weight * $1.0
      return $0 + deviation * deviation / weight
    }
    self.value = value
    self.leftOut = leftOut
    self.sizes = sizes
    self.halves = halves
    self.bias = bias
    standardError = (variance / Double(sizes.count)).squareRoot()
  }

  /// Computes the jackknife over the groups of ``groups(count:)``.
  ///
  /// - Parameters:
  ///   - value: The metric of all samples.
  ///   - leftOut: The metric without each group, `[groupCount]`.
  ///   - count: N, at least ``minimumCount``.
  ///   - halves: The metric of the first ten groups and of the others, or none.
  package init(value: Double, leftOut: [Double], count: Int, halves: [Double] = []) {
    self.init(
      value: value, leftOut: leftOut, sizes: Self.groupSizes(count: count), halves: halves)
  }

  /// Half the width of ``interval``: the standard error times Student's t with B - 1 degrees of
  /// freedom.
  public var margin: Double {
    standardError
      * studentQuantile((1 + Self.confidence) / 2, degreesOfFreedom: leftOut.count - 1)
  }

  /// ``value`` ± ``margin``: the interval for the expectation of a metric of either sign, such as a
  /// difference. Unbounded if the values are so large that the margin is not a number.
  public var interval: ClosedRange<Double> { closedRange(value - margin, value + margin) }

  /// The interval for the expectation of a metric that is never negative: ``interval`` of its
  /// logarithm, `value * exp(±margin / value)`. If the margin exceeds the value, the interval
  /// extends from 0 to a bound that continues this formula without overflow.
  ///
  /// The values of such metrics are skewed, and small values have small standard errors, so
  /// ``interval`` lies below the expectation too often. The table shows the share of 600 intervals
  /// that contain the expectation of a Fréchet distance in 64 dimensions, where r is the ratio of
  /// the distance to its bias:
  ///
  /// | features | N | r | interval | of the logarithm |
  /// |---|---|---|---|---|
  /// | Gaussian | 2000 | 24 | .972 | .972 |
  /// | | 2000 | 2.6 | .958 | .963 |
  /// | | 2000 | 0 | .988 | .992 |
  /// | | 200 | 2.4 | .940 | .945 |
  /// | | 200 | 1.0 | .967 | .972 |
  /// | | 200 | 0 | .988 | .993 |
  /// | | 50 | 4.7 | .945 | .950 |
  /// | squared rectifier | 2000 | 14 | .950 | .960 |
  /// | | 500 | 3.5 | .925 | .937 |
  /// | | 200 | 1.4 | .933 | .938 |
  /// | | 65 | 0.5 | .907 | .933 |
  /// | lognormal | 2000 | 14 | .950 | .953 |
  /// | | 200 | 1.4 | .903 | .912 |
  ///
  /// With a few hundred samples of heavy-tailed features, the interval thus still contains the
  /// expectation too rarely: the standard error is right on average, but does not account for rare
  /// samples that were not drawn. Near 0 the interval is too wide, because the standard error is
  /// too large (see Efron & Stein).
  ///
  /// Unbounded above if the values are so large that the margin is not a number, and 0 alone if
  /// ``value`` is negative beyond the margin, which such a metric cannot be.
  public var positiveInterval: ClosedRange<Double> {
    guard margin < value else { return closedRange(0, max(value + (exp(1) - 1) * margin, 0)) }
    return value * exp(-margin / value)...value * exp(margin / value)
  }

  /// Returns the jackknife of the difference of two metrics whose samples correspond pairwise, for
  /// example by a common seed. Variation common to both cancels group by group.
  ///
  /// - Parameters:
  ///   - a: The jackknife of one metric, with B groups.
  ///   - b: The jackknife of the metric that is subtracted, with the same groups.
  /// - Throws: ``MetricError`` `CountMismatch` unless both have the same number of samples in the
  ///   same groups.
  public static func pairedDifference(
    _ a: Jackknife, _ b: Jackknife
  ) throws(MetricError) -> Jackknife {
    guard a.sizes == b.sizes else {
      throw MetricError(
        .countMismatch,
        "\(a.sizes.reduce(0, +)) and \(b.sizes.reduce(0, +)) samples; pairs need as many")
    }
    return Jackknife(
      value: a.value - b.value, leftOut: zip(a.leftOut, b.leftOut).map { $0 - $1 }, sizes: a.sizes,
      halves: zip(a.halves, b.halves).map { $0 - $1 })
  }
}

/// Returns the range from `low` to `high`, or the whole line if either is not a number.
func closedRange(_ low: Double, _ high: Double) -> ClosedRange<Double> {
  low <= high ? low...high : -.infinity ... .infinity
}

extension Jackknife {
  /// Returns the jackknife of the mean of a metric over independent sets of samples, such as those
  /// of several seeds.
  ///
  /// Group b of the result is group b of every set, so that each value with a group left out is the
  /// mean of the sets' values with it left out. With R sets, the standard error is about that of
  /// one set divided by the square root of R; the bias is that of one set, because the mean over
  /// sets estimates the expectation for the number of samples of one set.
  ///
  /// Of 400 simulated intervals for the mean over three sets of 200 samples, `JackknifeTests` demands
  /// that 91.7 % to 99 % contain the expectation.
  ///
  /// - Parameter sets: The jackknife of each set, at least one.
  /// - Throws: ``MetricError`` `CountMismatch` unless all sets have the same number of samples in
  ///   the same groups.
  public static func mean(of sets: [Jackknife]) throws(MetricError) -> Jackknife {
    guard let first = sets.first, sets.allSatisfy({ $0.sizes == first.sizes }) else {
      let counts = sets.map { "\($0.sizes.reduce(0, +))" }.joined(separator: ", ")
      throw MetricError(
        .countMismatch, "\(sets.count) sets of [\(counts)] samples; a mean needs sets of one size")
    }
    func mean(_ value: (Jackknife) -> Double) -> Double {
      sets.reduce(0) { $0 + value($1) } / Double(sets.count)
    }
    return Jackknife(
      value: mean(\.value),
      leftOut: first.leftOut.indices.map { group in mean { $0.leftOut[group] } },
      sizes: first.sizes,
      halves: sets.contains { $0.halves.isEmpty }
        ? [] : first.halves.indices.map { half in mean { $0.halves[half] } })
  }
}

// MARK: - Any metric of rows

extension Jackknife {
  /// Computes the jackknife of any metric of feature rows, such as KID, precision or recall against
  /// fixed reference rows. The metric is computed ``groupCount`` + 1 times.
  ///
  /// ```swift
  /// let recall = try Jackknife(of: { try precisionAndRecall(of: $0, against: reference).recall }, rows: rows)
  /// ```
  ///
  /// Sample i is in the group that ``groups(count:)`` gives.
  ///
  /// - Parameters:
  ///   - metric: Returns the metric of rows `[n, D]` in ascending sample index.
  ///   - rows: All rows, `[N, D]`, N at least ``minimumCount``.
  /// - Throws: ``MetricError`` `TooFewSamples` if there are fewer rows, or the error that `metric`
  ///   throws.
  public init(
    of metric: (FeatureRows) throws(MetricError) -> Double, rows: FeatureRows
  ) throws(MetricError) {
    guard rows.count >= Self.minimumCount else {
      throw .tooFewSamples(rows.count, atLeast: Self.minimumCount)
    }
    let value = try metric(rows)
    let groups = Self.groups(count: rows.count)
    var leftOut: [Double] = []
    for group in 0..<Self.groupCount {
      var rest: [Float] = []
      rest.reserveCapacity(rows.values.count)
      for index in 0..<rows.count where groups[index] != group {
        rest += rows.values[index * rows.dimension..<(index + 1) * rows.dimension]
      }
      leftOut.append(try metric(FeatureRows(rest, dimension: rows.dimension)))
    }
    self.init(value: value, leftOut: leftOut, count: rows.count)
  }
}

// MARK: - Groups

extension Jackknife {
  /// Returns the group of each of a number of samples. Each of 20 consecutive samples is in a
  /// different group: sample i is in group
  /// `numpy.random.RandomState(i // 20).permutation(20)[i % 20]`.
  ///
  /// Groups therefore differ in size by at most one sample, and are similar even if samples are
  /// sorted by class or time or if classes alternate. Every split of an Inception Score has about
  /// the same number of samples from each group.
  ///
  /// - Parameter count: The number of samples, at least 0.
  /// - Returns: `[count]`, numbers in `0..<20`.
  public static func groups(count: Int) -> [Int] {
    Array((0..<(count + groupCount - 1) / groupCount).flatMap(order(ofRun:)).prefix(count))
  }

  /// Returns the number of samples in each group.
  static func groupSizes(count: Int) -> [Int] {
    let (runs, rest) = count.quotientAndRemainder(dividingBy: groupCount)
    var sizes = [Int](repeating: runs, count: groupCount)
    if rest > 0 { for group in order(ofRun: runs).prefix(rest) { sizes[group] += 1 } }
    return sizes
  }

  private static func order(ofRun run: Int) -> [Int] {
    var random = NumPyRandomState(seed: UInt32(truncatingIfNeeded: run))
    return random.permutation(groupCount)
  }
}
