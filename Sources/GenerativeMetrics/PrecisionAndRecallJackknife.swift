/// The scores of ``PrecisionAndRecall`` for all generated samples and without each group of them.
public struct PrecisionAndRecallJackknife: Equatable, Sendable {
  /// ``PrecisionAndRecall/precision``.
  public let precision: Jackknife
  /// ``PrecisionAndRecall/recall``.
  public let recall: Jackknife
  /// ``PrecisionAndRecall/density``.
  public let density: Jackknife
  /// ``PrecisionAndRecall/coverage``.
  public let coverage: Jackknife

  /// The scores of all generated samples.
  public var scores: PrecisionAndRecall {
    PrecisionAndRecall(
      precision: precision.value, recall: recall.value, density: density.value,
      coverage: coverage.value)
  }
}

/// Returns the precision, recall, density and coverage of generated features, with the values that
/// the jackknife needs, in one pass over all pairs of samples.
///
/// All values are exactly those of ``precisionAndRecall(of:against:convention:)`` for all generated
/// samples and for those outside of each group, ties included. The reference is taken as fixed.
/// Without a group,
///
/// - a generated sample is in as many balls of the reference as with it;
/// - a reference sample is covered if its ball contains a generated sample of another group;
/// - a generated sample has a larger ball if one of its k nearest generated samples is in the
///   group. The pass over pairs of generated samples therefore keeps enough neighbours of each
///   sample that k remain without any single group.
///
/// - Parameters:
///   - generated: y, `[M, D]`.
///   - reference: x, `[N, D]`.
///   - convention: k and the comparison.
/// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `TooFewSamples` if there
///   are fewer generated samples than ``Jackknife/minimumCount``, of which more than k then remain
///   without each group, or k samples of the reference or fewer.
/// - SeeAlso: ``precisionAndRecall(of:against:convention:)`` for the definitions.
public func precisionAndRecallJackknife(
  of generated: FeatureRows, against reference: FeatureRows,
  convention: PrecisionAndRecall.Convention
) throws(MetricError) -> PrecisionAndRecallJackknife {
  let k = convention.neighbors
  try checkPair(generated, reference, atLeast: k + 1)
  guard generated.count >= Jackknife.minimumCount else {
    throw .tooFewSamples(generated.count, atLeast: Jackknife.minimumCount)
  }
  let center = reference.roundedMean
  let (x, y) = (BoundedRows(reference, center: center), BoundedRows(generated, center: center))
  let groups = Jackknife.groups(count: y.count)
  let (radii, balls) = (x.squaredRadii(neighbors: k), y.balls(neighbors: k, groups: groups))
  let largest = balls.map { $0.larger.reduce($0.squaredRadius) { max($0, $1.squaredRadius) } }

  var containing = [Int](repeating: 0, count: y.count)
  var (covered, recalled) = (
    [GroupSet](repeating: [], count: x.count), [GroupSet](repeating: [], count: x.count)
  )
  x.forEachPair(with: y) { i, j, bounds in
    if bounds.lower > max(radii[i], largest[j]) { return }
    func isInside(_ radius: Double) -> Bool {
      if bounds.upper < radius { return true }
      if bounds.lower > radius { return false }
      let distance = x.squaredDistance(i, y, j)
      return convention.includesSurface ? distance <= radius : distance < radius
    }
    let present = GroupSet.without(groups[j])
    if isInside(radii[i]) {
      containing[j] += 1
      covered[i].formUnion(present)
    }
    guard !recalled[i].isSuperset(of: present) else { return }
    if isInside(balls[j].squaredRadius) {
      recalled[i].formUnion(present)
    } else {
      for (group, radius) in balls[j].larger where isInside(radius) {
        recalled[i].insert(.of(group))
      }
    }
  }
  let counts = GroupedCounts(groups: groups, referenceCount: x.count)
  return PrecisionAndRecallJackknife(
    precision: counts.meanOverGenerated(containing.map { $0 > 0 ? 1 : 0 }, divisor: 1),
    recall: counts.shareOfReference(recalled),
    density: counts.meanOverGenerated(containing, divisor: Double(k)),
    coverage: counts.shareOfReference(covered))
}

/// Those of the sets of all samples and of the samples outside of each group in which something
/// holds.
private struct GroupSet: OptionSet {
  let rawValue: UInt32

  /// The set of all samples.
  static let whole = GroupSet(rawValue: 1 << UInt32(Jackknife.groupCount))
  /// Every set.
  static let all = GroupSet(rawValue: (2 << UInt32(Jackknife.groupCount)) - 1)

  /// The samples outside of a group.
  static func of(_ group: Int) -> GroupSet { GroupSet(rawValue: 1 << UInt32(group)) }

  /// The sets that contain a sample of a group.
  static func without(_ group: Int) -> GroupSet { all.subtracting(of(group)) }
}

/// The means of counts over all samples and without each group.
private struct GroupedCounts {
  let groups: [Int]
  let referenceCount: Int

  /// Returns the mean of a count for each generated sample, divided by `divisor`.
  func meanOverGenerated(_ counts: [Int], divisor: Double) -> Jackknife {
    var parts = [Int](repeating: 0, count: Jackknife.groupCount)
    for (count, group) in zip(counts, groups) { parts[group] += count }
    let sum = parts.reduce(0, +)
    let leftOut = zip(parts, Jackknife.groupSizes(count: groups.count)).map { part, size in
      Double(sum - part) / (divisor * Double(groups.count - size))
    }
    return Jackknife(
      value: Double(sum) / (divisor * Double(groups.count)), leftOut: leftOut, count: groups.count)
  }

  /// Returns the share of the reference samples for which something holds.
  func shareOfReference(_ sets: [GroupSet]) -> Jackknife {
    func share(_ set: GroupSet) -> Double {
      Double(sets.count { $0.isSuperset(of: set) }) / Double(referenceCount)
    }
    return Jackknife(
      value: share(.whole), leftOut: (0..<Jackknife.groupCount).map { share(.of($0)) },
      count: groups.count)
  }
}
