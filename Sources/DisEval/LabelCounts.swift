import Foundation

/// How many images there are of each class.
public struct LabelCounts: Codable, Equatable, Sendable, CustomStringConvertible {
  /// Classes that there can be.
  public var classes: Int
  /// Classes that there are.
  public var distinct: Int
  /// Images of the rarest class, 0 if one is left out.
  public var smallest: Int
  /// Images of the most frequent class.
  public var largest: Int
  /// Images without a class, nil if there are none.
  public var unlabelled: Int?
  /// Images of each class; nil if there are more than 1,000 classes.
  public var counts: [Int]?

  /// For people.
  public var description: String {
    "\(distinct) of \(classes) classes, \(smallest) to \(largest) images each"
  }

  /// More classes are not listed.
  public static let maximumListed = 1000

  /// Counts labels; those that are not below `classes` count as unlabelled.
  package init(_ labels: some Sequence<Int>, classes: Int) {
    var tally = LabelTally(classes: classes)
    for label in labels { tally.append(label) }
    self.init(tally)
  }

  init(_ tally: LabelTally) {
    let counts = tally.counts
    classes = counts.count
    distinct = counts.count { $0 > 0 }
    smallest = counts.min() ?? 0
    largest = counts.max() ?? 0
    unlabelled = tally.unlabelled > 0 ? tally.unlabelled : nil
    self.counts = counts.count <= Self.maximumListed ? counts : nil
  }

  /// Whether a document that was read can be true.
  var isPlausible: Bool {
    let listed = counts ?? [smallest, largest]
    return (1...1 << 20).contains(classes) && (0...classes).contains(distinct)
      && smallest <= largest && listed.allSatisfy { (0...1 << 40).contains($0) }
      && (counts == nil || counts?.count == classes) && (unlabelled ?? 0) >= 0
  }

  /// Images that have a class; nil if that is not known.
  var total: Int? { counts?.reduce(0, +) ?? (smallest == largest ? largest * classes : nil) }

  /// The share of each of `classes` classes, of which these may be the first; nil if that is not known.
  func shares(of classes: Int) -> [Double]? {
    guard self.classes <= classes, largest > 0 else { return nil }
    let missing = [Double](repeating: 0, count: classes - self.classes)
    if let counts {
      let total = Double(counts.reduce(0, +))
      return counts.map { Double($0) / total } + missing
    }
    guard smallest == largest else { return nil }
    return [Double](repeating: 1 / Double(self.classes), count: self.classes) + missing
  }
}

/// Counts labels one by one.
package struct LabelTally {
  private(set) var counts: [Int]
  private(set) var unlabelled = 0

  package init(classes: Int) { counts = [Int](repeating: 0, count: classes) }

  package mutating func append(_ label: Int) {
    if counts.indices.contains(label) { counts[label] += 1 } else { unlabelled += 1 }
  }

  /// Whether independent draws of classes by `shares` would be so with a probability below about 1e-6:
  /// a class is left out that would not be, or Pearson's chi-square is that large. Neighbouring classes
  /// are taken together until 5 images are expected of them, which chi-square needs.
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

  /// Whether these labels have classes that `reference` lacks, although as many images with the same
  /// shares would all be of its classes with a probability below 1e-6 only.
  ///
  /// - Parameter shares: The reference's share of each class.
  fileprivate func hasClasses(beyond reference: LabelCounts, with shares: [Double]) -> Bool {
    guard let size = reference.total else { return false }
    let shared = zip(counts, shares).reduce(0) { $0 + ($1.1 > 0 ? $1.0 : 0) }
    return pow(Double(shared) / Double(counts.reduce(0, +)), Double(size)) < Self.level
  }

  private static let level = 1e-6

  /// The quantile of chi-square at 1 - 1e-6, by Wilson and Hilferty's cube root.
  private static func bound(degrees: Double) -> Double {
    let (normalQuantile, variance) = (4.753424, 2 / (9 * degrees))
    let root = 1 - variance + normalQuantile * variance.squareRoot()
    return degrees * root * root * root
  }
}

extension LabelTally {
  /// What to say when the classes asked for are not those of the reference, nil when they are or when
  /// nothing speaks against it.
  ///
  /// Labels that are uniform or balanced are what a reference of unknown classes is taken for; one class,
  /// or the labels of a file, must look like it.
  ///
  /// - Parameters:
  ///   - policy: The labels as the sampler records them.
  ///   - reference: The classes of the reference, nil if they are not known.
  ///   - name: The reference's.
  package func warning(policy: String, reference: LabelCounts?, named name: String) -> String? {
    let (classes, total) = (counts.count, counts.reduce(0, +))
    guard classes > 1, total > 0 else { return nil }
    let one = counts.firstIndex(of: total)
    let asked = LabelCounts(self)
    if let reference, let shares = reference.shares(of: classes) {
      let isOne = one.map { Int(policy) != nil && shares[$0] < 1 } ?? false
      guard isOne || isUnlike(shares) || hasClasses(beyond: reference, with: shares) else {
        return nil
      }
      return "--labels \(policy) asks for \(asked), but '\(name)' has \(reference); the distance "
        + "measures this difference too"
    }
    guard !["uniform", "balanced"].contains(policy) else { return nil }
    let even = [Double](repeating: 1 / Double(classes), count: classes)
    if let one, Int(policy) != nil {
      return
        "--labels \(policy) asks for class \(one) alone, and '\(name)' does not say its classes; "
        + "the distance is right only if it is of that class alone"
    }
    guard isUnlike(even) else { return nil }
    return
      "--labels \(policy) asks for \(asked), and '\(name)' does not say its classes; the distance "
      + "is right only if its images are of the same classes in the same numbers"
  }
}
