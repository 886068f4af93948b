import Files
import Foundation

/// The first bytes of every sample's SHA-256, enough to tell whether a regenerated sample is the
/// same: 200 KB of text for 50,000 samples.
package struct SampleDigests: Sendable {
  /// The number of bytes kept for each sample: four base64 characters, with one chance in 17
  /// million that a different sample is taken for the same.
  private static let width = 3
  private var bytes: [UInt8] = []

  /// Creates an empty list.
  package init() {}

  /// Reads digests from a result; nil if the text is not valid.
  package init?(_ text: String) {
    guard let data = Data(base64Encoded: text), data.count % Self.width == 0 else { return nil }
    bytes = Array(data)
  }

  /// The number of samples.
  package var count: Int { bytes.count / Self.width }

  /// The digests in base64, four characters per sample.
  package var text: String { Data(bytes).base64EncodedString() }

  /// Adds the digest of the next sample.
  ///
  /// - Parameter sha256: The SHA-256 of the sample's pixels; only its first 3 bytes are kept.
  package mutating func append(_ sha256: [UInt8]) { bytes += sha256.prefix(Self.width) }

  /// Returns the digest of one sample in base64; nil if there is none.
  package subscript(index: Int) -> String? {
    guard index >= 0, index < count else { return nil }
    return Data(bytes[index * Self.width..<(index + 1) * Self.width]).base64EncodedString()
  }

  /// Returns the digest of a sample in base64.
  ///
  /// - Parameter sha256: The SHA-256 of the sample's pixels.
  package static func text(of sha256: [UInt8]) -> String {
    Data(sha256.prefix(width)).base64EncodedString()
  }

  /// Returns whether a hash begins with the digest of a sample.
  ///
  /// - Parameters:
  ///   - index: The index of the sample, below ``count``.
  ///   - sha256: The SHA-256 of the pixels to compare, at least 3 bytes.
  package func isSame(_ index: Int, _ sha256: some Sequence<UInt8>) -> Bool {
    bytes[index * Self.width..<(index + 1) * Self.width].elementsEqual(sha256.prefix(Self.width))
  }
}
