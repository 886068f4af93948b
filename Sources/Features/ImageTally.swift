import Files
import Images

/// The sizes of the images of one side, and properties of their files that affect a score.
package struct ImageTally {
  private var count = 0
  private var smallest = (width: Int.max, height: Int.max)
  private var largest = (width: 0, height: 0)
  private var traits: [Image.Traits: Int] = [:]
  /// The number of images by the first 8 bytes of their hashes, so that copies are found.
  private var numberOfHash: [UInt64: Int] = [:]

  mutating func append(_ image: ScoredImage) {
    count += 1
    smallest = (min(smallest.width, image.width), min(smallest.height, image.height))
    largest = (max(largest.width, image.width), max(largest.height, image.height))
    let hash = image.digest.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    numberOfHash[hash, default: 0] += 1
    if !image.traits.isEmpty { traits[image.traits, default: 0] += 1 }
  }

  /// The side of the images in pixels; nil unless all are squares of the same size.
  var side: Int? {
    count > 0 && smallest == largest && largest.width == largest.height ? largest.width : nil
  }

  /// The sizes of the images in pixels, such as `32 x 32` or `32 to 64 x 32 to 48`, the width first;
  /// nil without images.
  package var sizes: String? {
    guard count > 0 else { return nil }
    func range(_ low: Int, _ high: Int) -> String { low == high ? "\(low)" : "\(low) to \(high)" }
    return range(smallest.width, largest.width) + " x " + range(smallest.height, largest.height)
  }

  /// Returns sentences for users, each a warning.
  ///
  /// - Parameter subject: The name of the images, such as that of their folder.
  package func notes(_ subject: String) -> [String] {
    var notes: [String] = []
    if count > 0, smallest != largest {
      notes.append(
        "'\(subject)': images of several sizes, \(smallest.width) to \(largest.width) wide and "
          + "\(smallest.height) to \(largest.height) high, are each resized to the network's input")
    }
    for trait in [Image.Traits.lossy, .alphaDropped, .reducedDepth] {
      let affected = traits.reduce(0) { $0 + ($1.key.contains(trait) ? $1.value : 0) }
      guard affected > 0 else { continue }
      notes += trait.notes.map { "'\(subject)': \(affected) of \(count) \($0)" }
    }
    return notes + alike.map { "'\(subject)': \($0)" }
  }

  /// Sentences about images that are alike, if they are more than one in a hundred.
  private var alike: [String] {
    guard count > 1 else { return [] }
    let copies = count - numberOfHash.count
    let uniform = traits.reduce(0) { $0 + ($1.key.contains(.singleColor) ? $1.value : 0) }
    var notes: [String] = []
    if copies == count - 1 {
      notes.append("all \(count) images are copies of one; no distance or score describes them")
    } else if copies * 100 > count {
      notes.append("\(copies) of \(count) images are copies of others")
    }
    if uniform * 100 > count {
      notes.append("\(uniform) of \(count) images have a single colour")
    }
    return notes
  }
}
