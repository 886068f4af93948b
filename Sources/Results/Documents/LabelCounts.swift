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

  /// Summarizes the number of images of each class.
  ///
  /// - Parameters:
  ///   - counts: Images of each class; at least one class.
  ///   - unlabelled: Images without a class.
  package init(counts: [Int], unlabelled: Int) {
    classes = counts.count
    distinct = counts.count { $0 > 0 }
    smallest = counts.min() ?? 0
    largest = counts.max() ?? 0
    self.unlabelled = unlabelled > 0 ? unlabelled : nil
    self.counts = counts.count <= Self.maximumListed ? counts : nil
  }

  /// Counts labels; those that are not below `classes` count as unlabelled.
  package init(_ labels: some Sequence<Int>, classes: Int) {
    var counts = [Int](repeating: 0, count: classes)
    var unlabelled = 0
    for label in labels {
      if counts.indices.contains(label) { counts[label] += 1 } else { unlabelled += 1 }
    }
    self.init(counts: counts, unlabelled: unlabelled)
  }

  /// Whether a document that was read can be true.
  package var isPlausible: Bool {
    let listed = counts ?? [smallest, largest]
    return (1...1 << 20).contains(classes) && (0...classes).contains(distinct)
      && smallest <= largest && listed.allSatisfy { (0...1 << 40).contains($0) }
      && (counts == nil || counts?.count == classes) && (unlabelled ?? 0) >= 0
  }

  /// Images that have a class; nil if that is not known.
  package var total: Int? {
    counts?.reduce(0, +) ?? (smallest == largest ? largest * classes : nil)
  }

  /// The share of each of `classes` classes, of which these may be the first; nil if that is not known.
  package func shares(of classes: Int) -> [Double]? {
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
