import Files
import Foundation

/// Enough of every sample's SHA-256 to tell one that is made again from another: 200 KB of text for
/// 50,000 samples.
package struct SampleDigests: Sendable {
  /// Bytes kept of each: four characters of base64, and one chance in 17 million to take another sample
  /// for the same.
  private static let width = 3
  private var bytes: [UInt8] = []

  package init() {}

  /// Reads them from a result; nil when that is not what the text is.
  package init?(_ text: String) {
    guard let data = Data(base64Encoded: text), data.count % Self.width == 0 else { return nil }
    bytes = Array(data)
  }

  package var count: Int { bytes.count / Self.width }

  package var text: String { Data(bytes).base64EncodedString() }

  package mutating func append(_ sha256: [UInt8]) { bytes += sha256.prefix(Self.width) }

  package func isSame(_ index: Int, _ sha256: some Sequence<UInt8>) -> Bool {
    bytes[index * Self.width..<(index + 1) * Self.width].elementsEqual(sha256.prefix(Self.width))
  }
}
