/// Returns the chi-squared distance between the classes of two sets of images:
/// ```
/// d = ½ Σₖ (pₖ - qₖ)² / (pₖ + qₖ)        p, q the shares of each class
/// ```
/// It is 0 for equal shares and 1 if no class has images on both sides. Classes without images on both sides
/// contribute nothing. Unlike the statistic of ``ClassBalance``, it does not grow with the number of images, so
/// that two sets can be compared by their distances from the same reference.
///
/// Even images that are spread over the classes as the reference is have a distance of about `(K - 1) / 4` times
/// `1/N + 1/R`, for N images of K classes and R of the reference.
///
/// - Parameters:
///   - counts: The number of images of each class, `[K]`.
///   - reference: The number of reference images of each class, `[K]`.
/// - Throws: ``MetricError`` `ShapeMismatch` if the arrays differ in length or a count is negative,
///   `TooFewSamples` if a side has no images.
/// - SeeAlso: Topsøe, "Some Inequalities for Information Divergence and Related Measures of Discrimination", IEEE
///   Transactions on Information Theory 46 (2000), which calls 2d the triangular discrimination.
public func classDistance(counts: [Int], reference: [Int]) throws(MetricError) -> Double {
  guard counts.count == reference.count else {
    throw MetricError(.shapeMismatch, "\(counts.count) and \(reference.count) classes")
  }
  let (total, other) = try (ClassBalance.total(counts), ClassBalance.total(reference))
  return zip(counts, reference).reduce(0) { sum, pair in
    let (p, q) = (Double(pair.0) / total, Double(pair.1) / other)
    return p == q ? sum : sum + (p - q) * (p - q) / (p + q) / 2
  }
}

/// Returns the jackknife of the chi-squared distance between the classes of images and of a reference, which is
/// taken as fixed. See ``classDistance(counts:reference:)``.
///
/// - Parameters:
///   - classes: The class of each image, `[N]`, from 0 to K - 1.
///   - reference: The number of reference images of each class, `[K]`.
/// - Throws: ``MetricError`` `TooFewSamples` if there are fewer images than ``Jackknife/minimumCount`` or the
///   reference has none, `ShapeMismatch` for a class that the reference does not have or a negative count.
public func classDistanceJackknife(
  classes: [Int], reference: [Int]
) throws(MetricError) -> Jackknife {
  guard classes.count >= Jackknife.minimumCount else {
    throw .tooFewSamples(classes.count, atLeast: Jackknife.minimumCount)
  }
  var parts = [[Int]](
    repeating: [Int](repeating: 0, count: reference.count), count: Jackknife.groupCount)
  for (index, group) in zip(classes, Jackknife.groups(count: classes.count)) {
    guard reference.indices.contains(index) else {
      throw MetricError(.shapeMismatch, "class \(index) of \(reference.count)")
    }
    parts[group][index] += 1
  }
  func value(without left: Int? = nil) throws(MetricError) -> Double {
    var counts = [Int](repeating: 0, count: reference.count)
    for (group, part) in parts.enumerated() where group != left {
      for index in counts.indices { counts[index] += part[index] }
    }
    return try classDistance(counts: counts, reference: reference)
  }
  var leftOut: [Double] = []
  for group in parts.indices { leftOut.append(try value(without: group)) }
  return Jackknife(value: try value(), leftOut: leftOut, count: classes.count)
}
