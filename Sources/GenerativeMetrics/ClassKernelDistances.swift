/// The kernel distances (KID) of the images of each class from the reference's images of the same class.
///
/// A Fréchet distance of few images is mostly bias. These are unbiased for any number of images, so that classes with
/// few images can be compared with each other, and so can their mean.
public struct ClassKernelDistances: Equatable, Sendable {
  /// The distance of one class.
  public struct Class: Equatable, Sendable {
    /// The index of the class.
    public let index: Int
    /// The number of generated samples.
    public let count: Int
    /// The number of reference samples.
    public let referenceCount: Int
    /// The distance, and without each group of generated samples.
    public let distance: Jackknife
  }

  /// The classes with enough samples, in ascending order of their index.
  public let classes: [Class]
  /// The number of classes that have samples but not enough: fewer than ``Jackknife/minimumCount`` generated ones, or
  /// fewer than 2 of the reference.
  public let leftOut: Int

  /// The mean of the distances of all classes, and without each group of every class.
  public var mean: Jackknife {
    let n = Double(classes.count)
    return Jackknife(
      value: classes.reduce(0) { $0 + $1.distance.value } / n,
      leftOut: (0..<Jackknife.groupCount).map { group in
        classes.reduce(0) { $0 + $1.distance.leftOut[group] } / n
      }, count: classes.reduce(0) { $0 + $1.count })
  }

  /// Returns the classes whose distance is surely largest: those with the largest lower ends of their intervals, the
  /// largest first.
  ///
  /// - Parameter count: The largest number of classes.
  public func worst(_ count: Int) -> [Class] {
    let sorted = classes.sorted {
      (-$0.distance.interval.lowerBound, $0.index) < (-$1.distance.interval.lowerBound, $1.index)
    }
    return Array(sorted.prefix(max(count, 0)))
  }

  /// Computes the distances.
  ///
  /// - Parameters:
  ///   - generated: `[M, D]`.
  ///   - labels: The class of each generated sample, `[M]`.
  ///   - reference: `[N, D]`, taken as fixed.
  ///   - referenceLabels: The class of each reference sample, `[N]`.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the sets differ in D, `ShapeMismatch` if there is not one class for
  ///   each sample, `TooFewSamples` if no class has enough samples.
  public init(
    of generated: FeatureRows, labels: [Int], against reference: FeatureRows,
    referenceLabels: [Int]
  ) throws(MetricError) {
    for (rows, labels) in [(generated, labels), (reference, referenceLabels)]
    where rows.count != labels.count {
      throw MetricError(.shapeMismatch, "\(labels.count) classes of \(rows.count) samples")
    }
    let own = Dictionary(grouping: labels.indices) { labels[$0] }
    let others = Dictionary(grouping: referenceLabels.indices) { referenceLabels[$0] }
    let known = Set(own.keys).union(others.keys)
    var classes: [Class] = []
    for index in known.sorted() {
      let (rows, reals) = (own[index] ?? [], others[index] ?? [])
      guard rows.count >= Jackknife.minimumCount, reals.count >= 2 else { continue }
      classes.append(
        Class(
          index: index, count: rows.count, referenceCount: reals.count,
          distance: try kernelDistanceJackknife(
            of: generated.selected(rows), against: reference.selected(reals))))
    }
    guard !classes.isEmpty else {
      throw MetricError(
        .tooFewSamples,
        "none of \(known.count) classes has \(Jackknife.minimumCount) samples and 2 of the reference"
      )
    }
    self.classes = classes
    leftOut = known.count - classes.count
  }
}

extension FeatureRows {
  fileprivate func selected(_ samples: [Int]) throws(MetricError) -> FeatureRows {
    try FeatureRows(
      samples.flatMap { values[$0 * dimension..<($0 + 1) * dimension] }, dimension: dimension)
  }
}
