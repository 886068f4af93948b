/// The class with the largest logit of each image, by a classifier.
package struct PredictedClasses: Sendable {
  /// The class of each image, `[N]`, from 0.
  package private(set) var indices: [Int] = []
  /// The number of images of each class, `[K]`; empty without images or classes.
  package private(set) var counts: [Int] = []

  /// Creates a collection without images.
  package init() {}

  /// Adds an image, unless it has no logits.
  ///
  /// - Parameter logits: `[K]`, with the same K for all images.
  package mutating func append(_ logits: ArraySlice<Float>) {
    guard let largest = logits.indices.max(by: { logits[$0] < logits[$1] }) else { return }
    if counts.isEmpty { counts = [Int](repeating: 0, count: logits.count) }
    let index = largest - logits.startIndex
    indices.append(index)
    counts[index] += 1
  }
}
