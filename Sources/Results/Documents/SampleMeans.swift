import Foundation

/// The mean brightness of the four quarters of every sample, a byte each, enough to tell a sample with
/// other last bits from a different sample.
///
/// If no byte of an image changes by more than d, no mean does, and rounding adds at most 1.
package struct SampleMeans: Sendable {
  /// The number of bytes of a sample.
  package static let width = 4
  private var bytes: [UInt8] = []

  /// Creates an empty list.
  package init() {}

  /// Reads means from a result; nil if the text is not valid.
  package init?(_ text: String) {
    guard let data = Data(base64Encoded: text), data.count % Self.width == 0 else { return nil }
    bytes = Array(data)
  }

  /// The number of samples.
  package var count: Int { bytes.count / Self.width }

  /// The means in base64.
  package var text: String { Data(bytes).base64EncodedString() }

  /// Adds the means of the next sample.
  ///
  /// - Parameter means: Those of the four quarters.
  package mutating func append(_ means: [UInt8]) { bytes += means }

  /// Returns the largest difference between the means of a sample and other means.
  ///
  /// - Parameters:
  ///   - index: The index of the sample, below ``count``.
  ///   - means: The means of the four quarters of another image.
  package func distance(_ index: Int, _ means: [UInt8]) -> Int {
    zip(bytes[index * Self.width..<(index + 1) * Self.width], means)
      .map { abs(Int($0) - Int($1)) }.max() ?? 0
  }
}
