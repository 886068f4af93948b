import Files
import Foundation
import Results

/// A count of the images of each class, one label at a time.
package struct LabelTally {
  private(set) var counts: [Int]
  private(set) var unlabelled = 0

  /// Creates a tally of no images.
  ///
  /// - Parameter classes: The number of possible classes.
  package init(classes: Int) { counts = [Int](repeating: 0, count: classes) }

  /// Creates a tally of images that were counted.
  package init(counts: [Int], unlabelled: Int) {
    (self.counts, self.unlabelled) = (counts, unlabelled)
  }

  /// The counts as recorded in results.
  package var summary: LabelCounts { LabelCounts(counts: counts, unlabelled: unlabelled) }

  /// Counts one image.
  ///
  /// - Parameter label: The class of the image. A number outside `0..<classes` counts as
  ///   unlabelled.
  package mutating func append(_ label: Int) {
    if counts.indices.contains(label) { counts[label] += 1 } else { unlabelled += 1 }
  }

  /// Returns whether independent draws of classes would give these counts with a probability below
  /// about 1e-6, because a class is missing that would not be, or Pearson's chi-square is too
  /// large. Neighbouring classes are combined until at least 5 images are expected, which
  /// chi-square requires.
  ///
  /// - Parameter shares: The probability of each class, `[classes]`, with the sum 1.
  package func isUnlike(_ shares: [Double]) -> Bool {
    let count = Double(counts.reduce(0, +))
    guard count > 0 else { return false }
    let isLeftOut = zip(counts, shares).contains { $0 == 0 && $1 > 0 }
    // By the union bound.
    let chance = shares.reduce(0) { $1 > 0 ? $0 + exp(count * log1p(-$1)) : $0 }
    if isLeftOut, chance < Self.level { return true }

    var groups: [(found: Double, expected: Double)] = [(0, 0)]
    for (found, share) in zip(counts, shares) {
      if groups[groups.count - 1].expected >= 5 { groups.append((0, 0)) }
      groups[groups.count - 1].found += Double(found)
      groups[groups.count - 1].expected += count * share
    }
    if groups.count > 1, let last = groups.last, last.expected < 5 {
      groups.removeLast()
      groups[groups.count - 1].found += last.found
      groups[groups.count - 1].expected += last.expected
    }
    guard groups.count > 1 else { return false }
    let statistic = groups.reduce(0) {
      $0 + ($1.found - $1.expected) * ($1.found - $1.expected) / $1.expected
    }
    return statistic > Self.bound(degrees: Double(groups.count - 1))
  }

  /// Returns whether these labels include classes that `reference` lacks, although as many images
  /// with the same shares would all belong to the reference's classes with a probability below
  /// 1e-6.
  ///
  /// - Parameter shares: The reference's share of each class.
  fileprivate func hasClasses(beyond reference: LabelCounts, with shares: [Double]) -> Bool {
    guard let size = reference.total else { return false }
    let shared = zip(counts, shares).reduce(0) { $0 + ($1.1 > 0 ? $1.0 : 0) }
    return pow(Double(shared) / Double(counts.reduce(0, +)), Double(size)) < Self.level
  }

  private static let level = 1e-6

  /// Returns the quantile of chi-square at 1 - 1e-6, by Wilson and Hilferty's cube root.
  private static func bound(degrees: Double) -> Double {
    let (normalQuantile, variance) = (4.753424, 2 / (9 * degrees))
    let root = 1 - variance + normalQuantile * variance.squareRoot()
    return degrees * root * root * root
  }
}

extension LabelTally {
  /// Returns a warning if the requested classes are not those of the reference; nil if they are or
  /// there is no evidence to the contrary.
  ///
  /// If the reference's classes are unknown, uniform and balanced labels are accepted, a single
  /// class gives a warning, and labels from a file are compared with a uniform distribution.
  ///
  /// - Parameters:
  ///   - policy: The label policy as recorded for the sampler.
  ///   - reference: The classes of the reference; nil if unknown.
  ///   - name: The name of the reference.
  package func warning(policy: String, reference: LabelCounts?, named name: String) -> String? {
    let (classes, total) = (counts.count, counts.reduce(0, +))
    guard classes > 1, total > 0 else { return nil }
    let one = counts.firstIndex(of: total)
    let asked = summary
    if let reference, let shares = reference.shares(of: classes) {
      let isOne = one.map { Int(policy) != nil && shares[$0] < 1 } ?? false
      guard isOne || isUnlike(shares) || hasClasses(beyond: reference, with: shares) else {
        return nil
      }
      return "labels \(policy): the samples are of \(asked), but '\(name)' has \(reference); the "
        + "distance measures this difference too"
    }
    guard !["uniform", "balanced"].contains(policy) else { return nil }
    let even = [Double](repeating: 1 / Double(classes), count: classes)
    if let one, Int(policy) != nil {
      return
        "labels \(policy): the samples are of class \(one) alone, and '\(name)' does not say its "
        + "classes; the distance is right only if it is of that class alone"
    }
    guard isUnlike(even) else { return nil }
    return
      "labels \(policy): the samples are of \(asked), and '\(name)' does not say its classes; the "
      + "distance is right only if its images are of the same classes in the same numbers"
  }
}
