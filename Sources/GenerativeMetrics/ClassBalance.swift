/// Pearson's chi-squared test of the number of images in each class.
///
/// The question is whether images are spread over classes as the reference is. Classes may be given
/// labels or those that a classifier predicts; in the second case, both sides need the same
/// classifier.
///
/// Rules for few counts:
///
/// - A class without images on both sides (or with probability 0 and without images) says nothing.
///   It is left out and does not count as a degree of freedom.
/// - Images of a class with probability 0 are impossible: the statistic is infinite and ``pValue``
///   0.
/// - Classes are never pooled, which would change the question. The p-value is an approximation for
///   large expected counts; ``isDependable`` says by Cochran's rule whether they are large enough.
///
/// - SeeAlso: Pearson, "On the criterion that a given system of deviations ...", Philosophical
///   Magazine 50 (1900). Cochran, "Some Methods for Strengthening the Common χ² Tests", Biometrics
///   10 (1954), for the rule. Haberman, "The Analysis of Residuals in Cross-Classified Tables",
///   Biometrics 29 (1973), for standardised residuals.
public struct ClassBalance: Equatable, Sendable {
  /// The number of images of a class beside the number that the reference lets expect.
  public struct Deviation: Equatable, Sendable {
    /// The index of the class, from 0.
    public let index: Int
    /// The number of images.
    public let count: Int
    /// The expected number of images.
    public let expected: Double
    /// The difference in standard deviations, which is about standard normal if the images are
    /// spread as the reference is. Infinite if no image is expected.
    public let residual: Double
  }

  /// `Σ (observed - expected)² / expected` over all counts.
  public let statistic: Double
  /// The number of classes that are not left out, minus 1.
  public let degreesOfFreedom: Int
  /// The probability of a statistic at least as large if the images are spread as the reference is.
  public let pValue: Double
  /// The classes that are not left out, in ascending order.
  public let deviations: [Deviation]
  /// The smallest expected count, of either side.
  public let smallestExpected: Double
  /// The share of expected counts below 5.
  public let smallShare: Double

  /// Whether the p-value is a good approximation by Cochran's rule: no expected count is below 1,
  /// and at most a fifth of them below 5.
  public var isDependable: Bool { smallestExpected >= 1 && smallShare <= 0.2 }

  /// Returns the classes that deviate most, largest residual first. Among equal ones, those with
  /// smaller indices come first.
  ///
  /// - Parameter count: The number of classes, at least 0.
  public func mostDeviating(_ count: Int) -> [Deviation] {
    let sorted = deviations.sorted {
      (-abs($0.residual), $0.index) < (-abs($1.residual), $1.index)
    }
    return Array(sorted.prefix(max(count, 0)))
  }
}

extension ClassBalance {
  /// Compares two sets of images, both of which are samples: the test of homogeneity.
  ///
  /// With n and r images of a class out of N and R, the expected count is `E = N (n + r) / (N +
  /// R)`, that of the reference likewise, and the residual `(n - E) / √(E (1 - N / (N + R)) (1 - (n
  /// + r) / (N + R)))`.
  ///
  /// - Parameters:
  ///   - counts: The number of images of each class, `[K]`.
  ///   - reference: The number of reference images of each class, `[K]`.
  /// - Throws: ``MetricError`` `ShapeMismatch` if the arrays differ in length or a count is
  ///   negative, `TooFewSamples` if a side has no images or fewer than two classes have any.
  public init(counts: [Int], reference: [Int]) throws(MetricError) {
    let (total, other) = try (Self.total(counts), Self.total(reference))
    try Self.check(counts.count, reference.count)
    let share = total / (total + other)
    let cells = counts.indices.filter { counts[$0] > 0 || reference[$0] > 0 }.map { index in
      let both = Double(counts[index]) + Double(reference[index])
      let expected = share * both
      let variance = expected * (1 - share) * (1 - both / (total + other))
      return Cell(
        index: index, count: counts[index], expected: expected, variance: variance,
        otherExpected: both - expected)
    }
    try self.init(cells)
  }

  /// Compares images with given probabilities, such as those of a reference that is taken as fixed:
  /// the test of goodness of fit.
  ///
  /// With n images of a class with probability p out of N, the expected count is `E = N p` and the
  /// residual `(n - E) / √(E (1 - p))`.
  ///
  /// - Parameters:
  ///   - counts: The number of images of each class, `[K]`.
  ///   - probabilities: The probability of each class, `[K]`. Their sum is 1 within 1e-6, by which
  ///     they are divided.
  /// - Throws: ``MetricError`` `ShapeMismatch` if the arrays differ in length, a count or a
  ///   probability is negative, or the sum is not 1; `NonFinite` for a probability that is not a
  ///   number; `TooFewSamples` if there are no images, or fewer than two classes that have any or a
  ///   probability above 0.
  public init(counts: [Int], probabilities: [Double]) throws(MetricError) {
    let total = try Self.total(counts)
    try Self.check(counts.count, probabilities.count)
    for (index, probability) in probabilities.enumerated() {
      guard probability.isFinite else {
        throw MetricError(.nonFinite, "the probability of class \(index) is \(probability)")
      }
      guard probability >= 0 else {
        throw MetricError(.shapeMismatch, "the probability of class \(index) is \(probability)")
      }
    }
    let sum = probabilities.reduce(0, +)
    guard abs(sum - 1) <= 1e-6 else {
      throw MetricError(.shapeMismatch, "the probabilities add up to \(sum), expected 1")
    }
    let cells = counts.indices.filter { counts[$0] > 0 || probabilities[$0] > 0 }.map { index in
      let expected = total * probabilities[index] / sum
      return Cell(
        index: index, count: counts[index], expected: expected,
        variance: expected * (1 - probabilities[index] / sum), otherExpected: nil)
    }
    try self.init(cells)
  }

  /// A class with the expected numbers of images and, if it is sampled, of reference images.
  private struct Cell {
    let index: Int
    let count: Int
    let expected: Double
    let variance: Double
    let otherExpected: Double?
  }

  private init(_ cells: [Cell]) throws(MetricError) {
    guard cells.count >= 2 else {
      throw MetricError(.tooFewSamples, "\(cells.count) classes; at least 2 are needed")
    }
    deviations = cells.map { cell in
      let difference = Double(cell.count) - cell.expected
      return Deviation(
        index: cell.index, count: cell.count, expected: cell.expected,
        residual: difference == 0 ? 0 : difference / cell.variance.squareRoot())
    }
    statistic = cells.reduce(0) { sum, cell in
      // The reference deviates as much in the other direction.
      let difference = Double(cell.count) - cell.expected
      let weight = 1 / cell.expected + (cell.otherExpected.map { 1 / $0 } ?? 0)
      return difference == 0 ? sum : sum + difference * difference * weight
    }
    degreesOfFreedom = cells.count - 1
    pValue = chiSquaredProbability(above: statistic, degreesOfFreedom: cells.count - 1)
    let expected = cells.flatMap { [$0.expected, $0.otherExpected].compactMap { $0 } }
    smallestExpected = expected.reduce(.infinity, min)
    smallShare = Double(expected.count { $0 < 5 }) / Double(expected.count)
  }

  private static func check(_ classes: Int, _ other: Int) throws(MetricError) {
    guard classes == other else {
      throw MetricError(.shapeMismatch, "\(classes) and \(other) classes")
    }
  }

  static func total(_ counts: [Int]) throws(MetricError) -> Double {
    if let index = counts.firstIndex(where: { $0 < 0 }) {
      throw MetricError(.shapeMismatch, "class \(index) has \(counts[index]) images")
    }
    let total = counts.reduce(0) { $0 + Double($1) }
    guard total > 0 else { throw .tooFewSamples(0, atLeast: 1) }
    return total
  }
}
