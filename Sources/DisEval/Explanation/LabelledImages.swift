import FeatureExtractors
import Features
import Files
import GenerativeMetrics
import Sampling

/// The checked classes of images, and those of the reference.
package struct LabelledImages: Equatable, Sendable {
  /// The class of each image, `[N]`.
  package let labels: [Int]
  /// The number of classes, each of which has an image.
  package let classes: Int
  /// The share of each class in the reference, `[classes]`; nil if it has no labels, or other classes.
  package let shares: [Double]?

  /// Checks labels.
  ///
  /// The classes are those from 0 to the largest label of the images or the reference.
  ///
  /// - Parameters:
  ///   - labels: The class of each image.
  ///   - reference: The class of each image of the reference; nil if it has no labels.
  ///   - path: The name of the labels in messages.
  /// - Throws: `Failure` (65) `LabelsInvalid` if a label is not a class, `ClassWithoutImages` if one of
  ///   the classes has no image or there is only one.
  package init(_ labels: [Int], reference: [Int]?, path: String) throws(Failure) {
    if let wrong = labels.first(where: { !(0..<1 << 20).contains($0) }) {
      throw Failure(
        .dataRefused, .labelsInvalid, path, "\(wrong) is not a class; expected numbers from 0 on")
    }
    let others = reference.flatMap { labels in
      labels.allSatisfy { (0..<1 << 20).contains($0) } ? labels : nil
    }
    let classes = max(labels.max() ?? 0, others?.max() ?? 0) + 1
    var tally = LabelTally(classes: classes)
    for label in labels { tally.append(label) }
    guard classes > 1 else {
      throw Failure(
        .dataRefused, .classWithoutImages, path, "all images are of one class, which is balanced")
    }
    let empty = tally.counts.indices.filter { tally.counts[$0] == 0 }
    guard empty.isEmpty else {
      throw Failure(
        .dataRefused, .classWithoutImages, path,
        "\(empty.count) of \(classes) classes have no image, such as class \(empty[0]); balanced "
          + "labels need images of all classes")
    }
    self.labels = labels
    self.classes = classes
    shares = others.map { others in
      var counts = [Int](repeating: 0, count: classes)
      for label in others { counts[label] += 1 }
      return counts.map { Double($0) / Double(others.count) }
    }
  }

  /// Returns the effect of the labels on the distance of two sides.
  func effect(
    _ preparation: Preparation, _ subject: FeatureCollection, _ reference: FeatureCollection
  ) throws -> Explanation.LabelEffect {
    guard let own = subject.prepared[preparation]?.pooled,
      let other = reference.prepared[preparation]?.pooled
    else { preconditionFailure("features of \(preparation.description) were not collected") }
    do throws(MetricError) {
      return try Explanation.LabelEffect(
        rows: FeatureRows(own.rows, dimension: own.dimension), labels: labels, classes: classes,
        against: other.factored(.float64), shares: shares)
    } catch {
      throw Failure(error, "Fréchet distance")
    }
  }
}
