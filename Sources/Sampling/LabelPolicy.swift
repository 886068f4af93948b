import Checkpoints
import Crypto
import Diffusion
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

// MARK: - The labels of samples

extension LabelPolicy {
  /// Checks that a model has the requested classes.
  ///
  /// - Parameters:
  ///   - classes: The number of classes; nil for an unconditional model.
  ///   - hasNullClass: Whether the label after the last class stands for no class.
  ///   - model: What the model is called in messages.
  /// - Throws: `Failure` `UnconditionalModel` (64) if labels are requested of a model without
  ///   classes, `LabelOutOfRange` (65) if one is not a class.
  package func check(
    classes: Int?, hasNullClass: Bool = true, of model: String
  ) throws(Failure) {
    guard let classes else {
      guard self == .uniform else {
        throw Failure(.usage, .unconditionalModel, "`labels` \(self)", "\(model) has no classes")
      }
      return
    }
    let asked: [Int] =
      switch self {
      case .uniform, .balanced: []
      case .fixed(let label): [label]
      case .file(_, let labels): labels
      }
    let labels = 0..<(hasNullClass ? classes + 1 : classes)
    if let wrong = asked.first(where: { !labels.contains($0) }) {
      throw Self.notAClass(wrong, of: classes, hasNullClass: hasNullClass, model: model)
    }
  }

  static func notAClass(
    _ label: Int, of classes: Int, hasNullClass: Bool, model: String
  ) -> Failure {
    Failure(
      .dataRefused, .labelOutOfRange, "\(label)",
      "\(model) has classes 0 to \(classes - 1)"
        + (hasNullClass ? ", and \(classes) for no class" : "; no label stands for no class"))
  }

  /// Checks that labels from a file cover the first samples.
  ///
  /// - Throws: `Failure` `TooFewLabels` (65) if there are fewer than `count`.
  package func checkCovers(_ count: Int) throws(Failure) {
    guard case .file(let path, let labels) = self, labels.count < count else { return }
    throw Failure(
      .dataRefused, .tooFewLabels, path, "\(labels.count) labels for \(count) samples")
  }

  /// Returns how many of the first samples are of each class, and how many of none.
  ///
  /// - Parameters:
  ///   - count: The number of samples, which labels from a file must cover.
  ///   - classes: The number of classes.
  ///   - seed: The seed of the random streams.
  package func counts(
    first count: Int, of classes: Int, seed: UInt64
  ) -> (counts: [Int], unlabelled: Int) {
    var counts = [Int](repeating: 0, count: classes + 1)
    switch self {
    case .balanced:
      for label in 0..<classes {
        counts[label] = count / classes + (label < count % classes ? 1 : 0)
      }
    case .fixed(let label): counts[min(label, classes)] = count
    case .uniform, .file:
      for index in 0..<count { counts[min(label(index, of: classes, seed: seed), classes)] += 1 }
    }
    return (Array(counts.dropLast()), counts[classes])
  }

  /// Returns the class of a sample.
  ///
  /// - Parameters:
  ///   - index: The index of the sample, from 0. Labels from a file must include it.
  ///   - classes: The number of classes.
  ///   - seed: The seed of the random streams.
  /// - Returns: A number from 0 to `classes`, which stands for no class.
  package func label(_ index: Int, of classes: Int, seed: UInt64) -> Int {
    switch self {
    case .uniform: RandomStream(seed: seed, index: UInt64(index)).label(below: classes)
    case .balanced: index % classes
    case .fixed(let label): label
    case .file(_, let labels): labels[index]
    }
  }
}
