import Checkpoints
import Crypto
import Files
import Foundation
import GenerativeMetrics

extension EvaluationResult.Metric {
  /// The error of a Fréchet distance, summarised from the influence of every image on it.
  ///
  /// The influences themselves are in a file beside the result, which is named by its hash. Two results of the
  /// same seed are compared image by image if both have theirs.
  public struct Influence: Codable, Sendable {
    /// The standard deviation of the distance to first order.
    public var standardError: Double
    /// A sixth of the skewness of the distance.
    public var acceleration: Double
    /// The curvature of the distance along the influences, in units of the standard error.
    public var curvature: Double
    /// The degrees of freedom of Student's t: the fewer, the fewer images the error comes from.
    public var degreesOfFreedom: Int
    /// The SHA-256 of the file of influences; nil for a mean over several results.
    public var sha256: String?
    /// The influence of each image, `[N]` in float32, if it is known.
    package var values: [Float]?

    private enum CodingKeys: String, CodingKey {
      case standardError, acceleration, curvature, degreesOfFreedom, sha256
    }

    /// Creates the record of influences and the hash of their file.
    package init(_ influence: FrechetInfluence) {
      self.init(influence.summary)
      setValues(influence.values)
    }

    /// Creates a record without influences.
    init(_ summary: InfluenceSummary) {
      standardError = summary.standardError
      (acceleration, curvature) = (summary.acceleration, summary.curvature)
      degreesOfFreedom = summary.degreesOfFreedom
    }

    /// Sets the influences and the hash of their file.
    mutating func setValues(_ influences: [Float]) {
      values = influences
      sha256 = Self.sha256(Self.file(influences))
    }

    /// The summary, as the library has it.
    package var summary: InfluenceSummary {
      InfluenceSummary(
        standardError: standardError, acceleration: acceleration, curvature: curvature,
        degreesOfFreedom: Double(degreesOfFreedom))
    }
  }
}

// MARK: - Files

extension EvaluationResult.Metric.Influence {
  /// Returns the contents of a file of influences, an array `[N]` of float32 in NumPy's format.
  private static func file(_ values: [Float]) -> [UInt8] {
    NPYArray(floats: values, shape: [values.count]).serialized()
  }

  private static func sha256(_ file: [UInt8]) -> String { hexadecimal(SHA256.hash(data: file)) }

  /// Returns the path of the file beside a result.
  private func path(beside result: String) -> String? {
    guard let sha256, sha256.wholeMatch(of: /[0-9a-f]{64}/) != nil else { return nil }
    let folder = (result as NSString).deletingLastPathComponent
    let name = "influence-\(sha256.prefix(16)).npy"
    return folder.isEmpty ? name : "\(folder)/\(name)"
  }

  /// Writes the influences beside a result.
  ///
  /// - Throws: `Failure` (73, 74, 77) if the file cannot be written.
  fileprivate func write(beside result: String) throws(Failure) {
    guard let values, let path = path(beside: result) else { return }
    try AtomicFile.write(Self.file(values), to: path)
  }

  /// Reads the influences from their file beside a result, if it is there.
  ///
  /// - Parameter count: The number of images.
  /// - Throws: `Failure` `InfluenceInvalid` (65) if the file is not the one that the result names.
  fileprivate mutating func read(beside result: String, count: Int?) throws(Failure) {
    guard values == nil, let sha256, let path = path(beside: result),
      FileManager.default.fileExists(atPath: path)
    else { return }
    func invalid(_ detail: String) -> Failure {
      Failure(.dataRefused, .influenceInvalid, path, detail)
    }
    let file = try ReadableFile(path: path)
    guard let count, file.size <= 4 * count + Self.largestHeader else {
      throw invalid("\(file.size) bytes are more than the influences of \(count ?? 0) images have")
    }
    let bytes = try file.bytes(at: 0, count: file.size)
    let hash = Self.sha256(bytes)
    guard hash == sha256 else {
      throw invalid(
        "its SHA-256 is \(hash), '\(result)' names \(sha256); restore the file, or remove it to do "
          + "without it")
    }
    let array = try NPYArray.parse(bytes, subject: path)
    guard array.type == .float32, array.shape == [count] else {
      throw invalid("\(array.type) \(array.shape), expected float32 [\(count)]")
    }
    let found = array.floats()
    let squares = found.reduce(0) { $0 + Double($1) * Double($1) }
    let error = squares.squareRoot() / Double(count)
    // In float32, and in single precision for each.
    guard error.isFinite, abs(error - standardError) <= 1e-5 * standardError else {
      throw invalid(
        "its values have the standard error \(error), '\(result)' has \(standardError); one of the two was "
          + "changed")
    }
    values = found
  }

  private static let largestHeader = 1 << 12
}

extension EvaluationResult {
  /// Writes the result as JSON, and the influences of the images on its distances beside it, in files that
  /// are named by their hashes. Beside a pipe or a device, there are none.
  ///
  /// - Parameters:
  ///   - path: The path of the result.
  ///   - warn: Called with a sentence if influences cannot be written. The result then stands without them.
  /// - Throws: `Failure` (73, 74, 77) if the result cannot be written; `EncodingError` if a number is not
  ///   finite.
  public func write(to path: String, warn: (String) -> Void) throws {
    try AtomicFile.write(try json(), to: path)
    metrics.writeInfluences(beside: path, warn: warn)
  }
}

extension EvaluationResult {
  /// Returns the influence of each image on every distance whose file is beside the result, by the name of the
  /// metric.
  ///
  /// - Parameter path: The path of the result.
  /// - Throws: `Failure` `InfluenceInvalid` (65) if a file is not the one that the result names.
  package func influences(beside path: String) throws(Failure) -> [String: [Float]] {
    var metrics = metrics
    try metrics.readInfluences(beside: path, count: provenance.num)
    return metrics.compactMapValues { $0.influence?.values }
  }
}

extension [String: EvaluationResult.Metric] {
  /// Writes the influences that are known beside a document, unless that is a pipe or a device.
  ///
  /// - Parameter warn: Called with a sentence if they cannot be written.
  package func writeInfluences(beside path: String, warn: (String) -> Void) {
    let isDevice = ["/dev/", "/proc/"].contains { path.hasPrefix($0) }
    let attributes = try? FileManager.default.attributesOfItem(atPath: realPath(path))
    guard !isDevice, attributes?[.type] as? FileAttributeType == .typeRegular else { return }
    for (name, metric) in sorted(by: { $0.key < $1.key }) {
      do throws(Failure) {
        try metric.influence?.write(beside: path)
      } catch {
        warn(
          "the influences of the images on \(name) are not beside '\(path)', so that pairs will be compared by "
            + "groups: \(error)")
      }
    }
  }

  /// Reads the influences whose files are beside a document.
  package mutating func readInfluences(beside path: String, count: Int?) throws(Failure) {
    for name in keys.sorted() {
      try self[name]?.influence?.read(beside: path, count: count)
    }
  }
}

/// Returns the path of the file that a path leads to.
private func realPath(_ path: String) -> String {
  URL(fileURLWithPath: path).resolvingSymlinksInPath().path
}
