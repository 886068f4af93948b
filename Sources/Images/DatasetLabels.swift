import Files
import Foundation

/// A reader of the labels in `dataset.json`, which the tools of StyleGAN and EDM write beside the
/// images: `{"labels": [["00000/img00000000.png", 6], ...]}`, or `null` instead of the list.
package enum DatasetLabels {
  /// The name of the file.
  static let name = Array("dataset.json".utf8)
  /// The size in bytes of the largest file that is read; ImageNet's file has 50 MB.
  static let maximumSize = 256 << 20

  private struct File: Decodable {
    let labels: [Entry]?
  }

  private struct Entry: Decodable {
    let name: String
    /// The class, or nil if the label is a vector, such as the pose of a face.
    let label: Int?

    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      name = try list.decode(String.self)
      label = try? list.decode(Int.self)
      if label == nil { _ = try list.decode([Double].self) }
      guard list.isAtEnd, label ?? 0 >= 0 else {
        throw DecodingError.dataCorruptedError(in: list, debugDescription: "not a name and a label")
      }
    }
  }

  /// Returns the label of each image.
  ///
  /// - Parameters:
  ///   - json: The content of the file.
  ///   - names: The names of the images, sorted by their bytes. The file must name exactly these.
  ///   - subject: The name of the file, for failures.
  /// - Returns: The labels in the order of `names`, or nil if the file has no labels or its labels
  ///   are not classes.
  /// - Throws: ``Failure`` (65) `LabelsMalformed` if the JSON has a different structure,
  ///   `LabelsMismatch` if it names different images.
  package static func parse(_ json: [UInt8], names: [[UInt8]], subject: String) throws(Failure)
    -> [Int]?
  {
    let entries: [Entry]
    do {
      try checkUniqueKeys(json)
      guard let list = try JSONDecoder().decode(File.self, from: Data(json)).labels else {
        return nil
      }
      entries = list
    } catch {
      throw Failure(
        .dataRefused, .labelsMalformed, subject,
        "expected JSON like {\"labels\": [[\"name.png\", 0]]} with classes from 0 on, or null labels"
      )
    }
    let sorted = entries.map { (name: Array($0.name.utf8), label: $0.label) }
      .sorted { $0.name.lexicographicallyPrecedes($1.name) }
    for (entry, name) in zip(sorted, names) where entry.name != name {
      let isUnknown = entry.name.lexicographicallyPrecedes(name)
      throw Failure(
        .dataRefused, .labelsMismatch, subject,
        "image '\(String(decoding: isUnknown ? entry.name : name, as: UTF8.self))' "
          + (isUnknown ? "has a label, but is missing or named twice" : "has no label"))
    }
    guard sorted.count == names.count else {
      throw Failure(
        .dataRefused, .labelsMismatch, subject, "\(sorted.count) labels, \(names.count) images")
    }
    let labels = sorted.compactMap(\.label)
    return labels.count == sorted.count ? labels : nil
  }
}
