/// The number of images in each class.
public struct LabelCounts: Codable, Equatable, Sendable, CustomStringConvertible {
  /// The number of possible classes.
  public var classes: Int
  /// The number of classes that occur.
  public var distinct: Int
  /// The number of images in the rarest class; 0 if a class does not occur.
  public var smallest: Int
  /// The number of images in the most frequent class.
  public var largest: Int
  /// The number of images without a class; nil if every image has one.
  public var unlabelled: Int?
  /// The number of images in each class; nil if there are more than 1,000 classes.
  public var counts: [Int]?

  /// The number of classes and the range of their counts, for users.
  public var description: String {
    "\(distinct) of \(classes) classes, \(smallest) to \(largest) images each"
  }

  /// The largest number of classes for which counts are listed.
  public static let maximumListed = 1000

  /// Summarizes the number of images in each class.
  ///
  /// - Parameters:
  ///   - counts: The number of images in each class; at least one class.
  ///   - unlabelled: The number of images without a class.
  package init(counts: [Int], unlabelled: Int) {
    classes = counts.count
    distinct = counts.count { $0 > 0 }
    smallest = counts.min() ?? 0
    largest = counts.max() ?? 0
    self.unlabelled = unlabelled > 0 ? unlabelled : nil
    self.counts = counts.count <= Self.maximumListed ? counts : nil
  }

  /// Counts labels.
  ///
  /// - Parameters:
  ///   - labels: The class of each image, from 0. Labels outside `0..<classes` count as unlabelled.
  ///   - classes: The number of possible classes, at least 1.
  package init(_ labels: some Sequence<Int>, classes: Int) {
    var counts = [Int](repeating: 0, count: classes)
    var unlabelled = 0
    for label in labels {
      if counts.indices.contains(label) { counts[label] += 1 } else { unlabelled += 1 }
    }
    self.init(counts: counts, unlabelled: unlabelled)
  }

  /// Whether the values are consistent, for documents that were read.
  package var isPlausible: Bool {
    let listed = counts ?? [smallest, largest]
    return (1...1 << 20).contains(classes) && (0...classes).contains(distinct)
      && smallest <= largest && listed.allSatisfy { (0...1 << 40).contains($0) }
      && (counts == nil || counts?.count == classes) && (unlabelled ?? 0) >= 0
  }

  /// The number of images that have a class; nil if unknown.
  package var total: Int? {
    counts?.reduce(0, +) ?? (smallest == largest ? largest * classes : nil)
  }

  /// Returns the share of each class, padded with zeros if fewer classes were counted; nil if the
  /// shares are unknown.
  ///
  /// - Parameter classes: The number of classes of the model; the result is nil if more were
  ///   counted.
  /// - Returns: `[classes]`, fractions of the images that have a class, with the sum 1.
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
