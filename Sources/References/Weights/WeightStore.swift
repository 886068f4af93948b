import Checkpoints
import Crypto
import FeatureExtractors
import Files
import Foundation
import Results
import Tensors
import Work

/// What a file of weights is, and which published file it was made from.
public struct WeightsRecord: Codable, Equatable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-weights/1"
  /// Where it lies.
  public var path: String
  /// The network, such as `inception-2015`.
  public var architecture: String
  /// Whose layout the original file has, such as `nvidia-torchscript`.
  public var layout: String
  /// Name of the original file.
  public var sourceFile: String
  /// SHA-256 of the original file.
  public var sourceSha256: String
  /// Whether that is a published SHA-256.
  public var published: Bool
  /// SHA-256 over names, shapes and values of all tensors in the network's order; nil for networks
  /// that are not converted.
  public var tensorsSha256: String?

  /// The document as JSON.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

/// The weights of the Inception network in the user's cache: one file, converted from whichever of
/// the published ones there was, that remembers which.
///
/// The record of the original is in the file's metadata, together with a SHA-256 over the tensors,
/// which is checked whenever they are read: a file that was changed since is refused. It is no
/// signature: who can write the cache can also write both.
public struct WeightStore: Sendable {
  /// The folder.
  public let folder: String

  /// A store in `folder`.
  public init(folder: String) { self.folder = folder }

  /// `$XDG_CACHE_HOME/dis-eval`, or `~/.cache/dis-eval`.
  public static var user: WeightStore {
    let environment = ProcessInfo.processInfo.environment
    if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty {
      return WeightStore(folder: "\(cache)/dis-eval")
    }
    return WeightStore(folder: "\(environment["HOME"] ?? ".")/.cache/dis-eval")
  }

  /// Where the converted weights lie.
  public var convertedPath: String { "\(folder)/inception-2015-12-05.safetensors" }

  /// Where the file of that name lies when somebody puts it there as it was published.
  func path(of weights: PublishedWeights) -> String { "\(folder)/\(weights.file)" }

  /// The Inception weights that are there: converted ones, else a `.pth` as it was published.
  func existingPath() -> String? {
    ([convertedPath] + PublishedWeights.all.map(path))
      .first { FileManager.default.fileExists(atPath: $0) }
  }
}

// MARK: - Verbs

extension WeightStore {
  /// Converts the file at `path` into this store, or to `destination`.
  ///
  /// - Returns: The record of what was written.
  /// - Throws: `Failure` when the file is refused or cannot be written.
  public func convert(_ path: String, to destination: String? = nil) throws -> WeightsRecord {
    let weights = try RecognizedWeights(path: path)
    var record = try WeightsRecord(weights, path: path)
    guard let names = weights.tensorNames else {
      throw Failure(
        .dataRefused, "NotConverted", path,
        "the \(record.architecture) needs no conversion; expected Inception of 2015")
    }
    // What does not fit the network must not get into the cache.
    _ = try weights.extractor()
    record.path = destination ?? convertedPath
    if destination == nil { try makeFolder() }
    try SafetensorsWriter.write(
      names, of: weights.state, metadata: record.metadata, to: record.path)
    return record
  }

  /// Downloads published weights and converts them, or only converts them if somebody has put the
  /// file into the folder, or does nothing if that was done before.
  ///
  /// - Parameter address: A mirror; the published address otherwise.
  /// - Throws: `Failure` `DownloadFailed` (69) with what to do by hand, `HashMismatch` (65), or
  ///   what converting throws.
  public func fetch(
    _ weights: PublishedWeights, from address: String? = nil, reporter: Reporter
  ) async throws -> WeightsRecord {
    if let sha256 = weights.sha256, FileManager.default.fileExists(atPath: convertedPath),
      let record = try? describe(convertedPath), record.sourceSha256 == sha256
    {
      return record
    }
    try makeFolder()
    let path = path(of: weights)
    let isThere =
      try FileManager.default.fileExists(atPath: path) && weights.sha256 == sha256(ofFile: path)
    if !isThere {
      var download = Download(address: address ?? weights.address, sha256: weights.sha256)
      download.maximumSize = 1 << 30
      let hash = try await download.fetch(to: path, reporter: reporter)
      if weights.sha256 == nil {
        reporter.warn(
          "no SHA-256 of '\(weights.file)' is published, so what came was not checked: \(hash)")
      }
    }
    let record = try convert(path)
    // A file that somebody put there is theirs.
    if !isThere { unlink(path) }
    return record
  }

  /// Reads the weights at `path`, or those of this store, and says what they are.
  ///
  /// - Throws: `Failure` `WeightsUnavailable` (69) when there are none, `WeightsChanged` (65) when
  ///   converted weights are no longer what was written, or why the file is refused.
  public func describe(_ path: String?) throws -> WeightsRecord {
    guard let path = path ?? existingPath() else { throw Self.unavailable(at: convertedPath) }
    let weights = try RecognizedWeights(path: path)
    let record = try WeightsRecord(weights, path: path)
    _ = try weights.extractor()
    return record
  }

  /// Where the weights go, for somebody without them.
  static func unavailable(at path: String) -> Failure {
    let file = PublishedWeights.all[0]
    return Failure(
      .unavailable, "WeightsUnavailable", path,
      "no Inception weights are here; run dis-eval weights fetch, or get \(file.file) (SHA-256 "
        + "\(file.sha256 ?? "")) from \(file.address) and run dis-eval weights import on it")
  }

  private func makeFolder() throws(Failure) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Failure(.cannotCreate, "CannotCreate", folder, error.localizedDescription)
    }
  }
}

// MARK: - Records

extension WeightsRecord {
  /// What the recognised weights of the file at `path` are.
  ///
  /// - Throws: `Failure` `WeightsChanged` when they are converted ones and were changed since.
  init(_ weights: RecognizedWeights, path: String) throws {
    let metadata = Dictionary(weights.metadata, uniquingKeysWith: { first, _ in first })
    self.path = path
    architecture = weights.architecture
    tensorsSha256 = try weights.tensorNames.map { try Self.tensorsSHA256($0, of: weights.state) }
    if let recorded = metadata["tensors_sha256"], let file = metadata["source_file"],
      let sha256 = metadata["source_sha256"], let layout = metadata["source_layout"]
    {
      guard recorded == tensorsSha256 else {
        throw Failure(
          .dataRefused, "WeightsChanged", path,
          "tensors of SHA-256 \(tensorsSha256 ?? "none"), but \(recorded) were written; remove the "
            + "file and import \(file) again")
      }
      (sourceFile, sourceSha256, self.layout) = (file, sha256, layout)
    } else {
      sourceFile = lastComponent(path)
      sourceSha256 = try sha256(ofFile: path)
      layout = weights.layout.rawValue
    }
    published = PublishedWeights.includes(sha256: sourceSha256)
  }

  /// What a converted file says of itself.
  var metadata: [(String, String)] {
    [
      ("architecture", architecture), ("converter", "\(Tool.name) \(Tool.version)"),
      ("source_file", sourceFile), ("source_layout", layout), ("source_sha256", sourceSha256),
      ("tensors_sha256", tensorsSha256 ?? ""),
    ]
  }

  /// SHA-256 over all tensors: of each the name, a line feed, the extents with spaces between, a
  /// line feed, and the values as little-endian float32.
  private static func tensorsSHA256(_ names: [String], of state: StateDict) throws -> String {
    var hash = SHA256()
    for name in names {
      // Names that are missing the network's reader reports better.
      guard let shape = state.info(name)?.shape else { continue }
      let extents = shape.map(String.init).joined(separator: " ")
      hash.update(data: Array("\(name)\n\(extents)\n".utf8))
      try state.tensor(name, shape: shape).values.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }
    return hexadecimal(hash.finalize())
  }
}
