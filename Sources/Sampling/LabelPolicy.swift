import Checkpoints
import Crypto
import Files

/// The rule that assigns a class to each sample.
public enum LabelPolicy: Equatable, Sendable, CustomStringConvertible {
  /// A uniformly random class, from the sample's own random stream.
  case uniform
  /// Class `i` modulo the number of classes for sample `i`.
  case balanced
  /// The same class for all samples.
  case fixed(Int)
  /// Label `i` of the file for sample `i`.
  case file(path: String, labels: [Int])

  /// Parses `uniform`, `balanced`, a class number, or the path of a `.npy` file of integers.
  ///
  /// - Throws: `Failure` `InvalidLabels` (64) if the text is none of these, `LabelsInvalid` (65) if
  ///   the file does not contain integers `[N]`, or the error that reading the file throws.
  public init(_ text: String) throws {
    switch text {
    case "uniform": self = .uniform
    case "balanced": self = .balanced
    default:
      if let label = Int(text) {
        self = .fixed(label)
      } else if text.hasSuffix(".npy") {
        let array = try NPYArray.read(text)
        self = .file(
          path: text, labels: try array.vectorOfIntegers(subject: text, code: .labelsInvalid))
      } else {
        throw Failure(
          .usage, .invalidLabels, text,
          "expected uniform, balanced, a class number, or a .npy file of class numbers")
      }
    }
  }

  /// The policy as given on the command line; for a file, its name.
  public var description: String {
    switch self {
    case .uniform: "uniform"
    case .balanced: "balanced"
    case .fixed(let label): "\(label)"
    case .file(let path, _): lastComponent(path)
    }
  }
}

extension LabelPolicy {
  /// The SHA-256 over the labels of a file, as little-endian int64; nil for other policies.
  package var sha256: String? {
    guard case .file(_, let labels) = self else { return nil }
    let bytes = labels.flatMap { label in
      withUnsafeBytes(of: Int64(label).littleEndian) { Array($0) }
    }
    return hexadecimal(SHA256.hash(data: bytes))
  }
}
