import Checkpoints
import Crypto
import Files

/// Which class a sample is asked for.
public enum LabelPolicy: Equatable, Sendable, CustomStringConvertible {
  /// Uniform, from the sample's own random stream.
  case uniform
  /// Sample `i` gets class `i` modulo the number of classes.
  case balanced
  /// One class for all.
  case fixed(Int)
  /// Sample `i` gets the `i`-th of the file's labels.
  case file(path: String, labels: [Int])

  /// Parses `uniform`, `balanced`, a class number, or the path of a `.npy` file of integers.
  ///
  /// - Throws: `Failure` `LabelsInvalid` for a file of anything but integers `[N]`, `InvalidLabels`.
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

  /// As it is given on the command line; of a file, its name.
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
  /// SHA-256 over the labels of a file, as little-endian int64.
  package var sha256: String? {
    guard case .file(_, let labels) = self else { return nil }
    let bytes = labels.flatMap { label in
      withUnsafeBytes(of: Int64(label).littleEndian) { Array($0) }
    }
    return hexadecimal(SHA256.hash(data: bytes))
  }
}
