import Checkpoints
import Crypto
import FeatureExtractors
import Files
import Foundation
import Results
import Tensors
import Work

/// A description of a file of weights and of the published file from which it was made.
public struct WeightsRecord: Codable, Equatable, Sendable {
  /// The name and version of this document's schema.
  public var schema = "dis-eval-weights/1"
  /// The path of the file.
  public var path: String
  /// The network, such as `inception-2015`.
  public var architecture: String
  /// The layout of the original file, such as `nvidia-torchscript`.
  public var layout: String
  /// The name of the original file.
  public var sourceFile: String
  /// The SHA-256 of the original file.
  public var sourceSha256: String
  /// Whether that SHA-256 is a published one.
  public var published: Bool
  /// The SHA-256 over the names, shapes and values of all tensors in the network's order, or nil
  /// for networks that are not converted.
  public var tensorsSha256: String?

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

/// The weights in the user's cache. Those of Inception are one file, converted from any of the published
/// ones and recording which; those of vision networks are the published files themselves.
///
/// The metadata of the file hold the record of the original and a SHA-256 over the tensors, which
/// is checked whenever they are read. A file that was changed afterwards is refused. This is not a
/// signature: anyone who can write to the cache can change both.
public struct WeightStore: Sendable {
  /// The folder of the store.
  public let folder: String

  /// Creates a store in `folder`.
  public init(folder: String) { self.folder = folder }

  /// The store of the user, in `$XDG_CACHE_HOME/dis-eval` or `~/.cache/dis-eval`.
  public static var user: WeightStore {
    let environment = ProcessInfo.processInfo.environment
    if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty {
      return WeightStore(folder: "\(cache)/dis-eval")
    }
    return WeightStore(folder: "\(environment["HOME"] ?? ".")/.cache/dis-eval")
  }

  /// The path of the converted weights.
  public var convertedPath: String { "\(folder)/inception-2015-12-05.safetensors" }

  /// Returns the path at which the user can place a published file.
  public func path(of weights: PublishedWeights) -> String { "\(folder)/\(weights.file)" }

  /// Returns whether the published file itself is in the store.
  public func hasFile(of weights: PublishedWeights) -> Bool {
    FileManager.default.fileExists(atPath: path(of: weights))
  }

  /// Returns the path of the existing Inception weights: converted ones, or else a published file.
  func existingPath() -> String? {
    ([convertedPath] + PublishedWeights.inception.map(path))
      .first { FileManager.default.fileExists(atPath: $0) }
  }

  /// Returns the path of the published weights of a vision network, and what is known of the file.
  ///
  /// - Throws: `Failure` `WeightsUnavailable` (69), with how to get them, if they are not here.
  func existingFile(
    of name: ExtractorName
  ) throws(Failure) -> (path: String, published: PublishedWeights) {
    guard
      let published = PublishedWeights.all.first(where: { $0.architecture == name.architecture })
    else {
      throw Failure(
        .unavailable, .weightsUnavailable, name.text,
        "no weights of this network are published; give `weights` FILE")
    }
    let path = path(of: published)
    guard FileManager.default.fileExists(atPath: path) else {
      throw Failure(
        .unavailable, .weightsUnavailable, path,
        "the weights of \(name.text) are not here; run dis-eval weights fetch \(published.name), or get "
          + "\(published.address)\(published.sha256.map { " (SHA-256 \($0))" } ?? "") and give `weights` FILE"
      )
    }
    return (path, published)
  }
}

// MARK: - Verbs

extension WeightStore {
  /// Converts the file at `path` into this store, or to `destination`.
  ///
  /// - Parameters:
  ///   - path: A file of Inception weights in any supported layout.
  ///   - destination: The file to write, or nil for ``convertedPath``.
  /// - Returns: The record of the written file.
  /// - Throws: `Failure` (65) as ``RecognizedWeights/init(path:family:)`` and
  ///   ``RecognizedWeights/extractor(precision:dialect:)`` do, `NotConverted` if the weights belong to a
  ///   network that needs no conversion, `WeightsChanged` if converted weights were changed
  ///   afterwards; `CannotCreate` (73), `DiskFull` or `InputOutput` (74) if the file cannot be
  ///   written.
  public func convert(_ path: String, to destination: String? = nil) throws -> WeightsRecord {
    let weights = try convertible(path)
    var record = try WeightsRecord(weights, path: path)
    guard let names = weights.tensorNames else {
      throw Failure(
        .dataRefused, .notConverted, path,
        "the \(record.architecture) needs no conversion: give the file itself as `weights`, or put it into \(folder) "
          + "under its published name; only Inception of 2015 is converted")
    }
    // Weights that do not fit the network must not get into the cache.
    _ = try weights.extractor()
    record.path = destination ?? convertedPath
    if destination == nil { try Folder.create(folder) }
    try SafetensorsWriter.write(
      names, of: weights.state, metadata: record.metadata, to: record.path)
    return record
  }

  /// Recognises weights that are to be converted.
  private func convertible(_ path: String) throws(Failure) -> RecognizedWeights {
    do {
      return try LoadedExtractor.read(path, nil)
    } catch {
      guard error.code == .ambiguousExtractor else { throw error }
      throw Failure(
        .dataRefused, .notConverted, path,
        "a vision transformer, which needs no conversion; only Inception of 2015 is converted")
    }
  }

  /// Downloads published weights, and converts those of Inception. If the file is already in the folder with its
  /// published SHA-256, it is only converted; if it was converted before, nothing is done. A file of Inception
  /// without a published SHA-256 is always downloaded.
  ///
  /// - Parameters:
  ///   - weights: The published file.
  ///   - address: The address of a mirror, or nil for the published address.
  ///   - again: Whether to download and convert the file even if that was done before.
  ///   - reporter: Receives the progress and warnings.
  /// - Returns: The record of the converted file.
  /// - Throws: `Failure` `DownloadFailed` (69) with what to do by hand, `HashMismatch` or
  ///   `DownloadLimit` (65); otherwise as ``convert(_:to:)``.
  public func fetch(
    _ weights: PublishedWeights, from address: String? = nil, again: Bool = false,
    reporter: Reporter = .silent
  ) async throws -> WeightsRecord {
    if !again, weights.isInception, let sha256 = weights.sha256,
      FileManager.default.fileExists(atPath: convertedPath),
      let record = try? describe(convertedPath), record.sourceSha256 == sha256
    {
      return record
    }
    try Folder.create(folder)
    let path = path(of: weights)
    let isPlaced = FileManager.default.fileExists(atPath: path)
    // Without a published SHA-256, nothing tells a file that was downloaded from another one.
    let isThere =
      try isPlaced
      && (weights.sha256 == nil ? !weights.isInception : weights.sha256 == sha256(ofFile: path))
    if again || !isThere {
      var download = Download(address: address ?? weights.address, sha256: weights.sha256)
      download.maximumSize = weights.isInception ? 1 << 30 : 1 << 33
      let hash = try await download.fetch(to: path, reporter: reporter)
      if weights.sha256 == nil {
        reporter.warn(
          "no SHA-256 of '\(weights.file)' is published, so what came was not checked: \(hash)")
      }
    }
    guard weights.isInception else {
      return try describe(path, name: ExtractorName(ofNetwork: weights.architecture))
    }
    let record = try convert(path)
    // A file that the user placed there is kept.
    if !isThere { unlink(path) }
    return record
  }

  /// Reads and describes the weights at `path`, or those of this store if `path` is nil.
  ///
  /// - Throws: `Failure` `WeightsUnavailable` (69) if there are none, `WeightsChanged` (65) if
  ///   converted weights were changed afterwards; otherwise as ``RecognizedWeights/init(path:family:)``
  ///   and ``RecognizedWeights/extractor(precision:dialect:)``.
  public func describe(_ path: String?, name: ExtractorName? = nil) throws -> WeightsRecord {
    guard let path = path ?? existingPath() else { throw Self.unavailable(at: convertedPath) }
    if name?.family == nil, let part = PerceptualDistance.part(at: path) {
      return try WeightsRecord(part, path: path)
    }
    let weights = try LoadedExtractor.read(path, name)
    let record = try WeightsRecord(weights, path: path)
    // Any dialect reads all tensors.
    let dialect = weights.vision.flatMap { vision in
      VisionDialect.allCases.first { $0.applies(to: vision.family) }
    }
    _ = try weights.extractor(dialect: name?.dialect ?? dialect)
    return record
  }

  /// Returns the failure that tells a user how to get the weights.
  static func unavailable(at path: String) -> Failure {
    let file = PublishedWeights.all[0]
    return Failure(
      .unavailable, .weightsUnavailable, path,
      "no Inception weights are here; run dis-eval weights fetch, or get \(file.file) (SHA-256 "
        + "\(file.sha256 ?? "")) from \(file.address) and run dis-eval weights import on it")
  }
}

// MARK: - Records

extension WeightsRecord {
  /// Describes the recognised weights of the file at `path`.
  ///
  /// - Throws: `Failure` `WeightsChanged` (65) if converted weights were changed afterwards.
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
          .dataRefused, .weightsChanged, path,
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

  /// Describes a file with a part of LPIPS.
  ///
  /// - Throws: `Failure` as ``PerceptualDistance/init(network:channelWeights:)`` does.
  init(_ part: PerceptualDistance.Part, path: String) throws {
    try PerceptualDistance.check(part, at: path)
    self.path = path
    architecture = part.rawValue
    layout = part == .network ? "torchvision" : "lpips"
    sourceFile = lastComponent(path)
    sourceSha256 = try sha256(ofFile: path)
    published = PublishedWeights.includes(sha256: sourceSha256)
  }

  /// The metadata of a converted file.
  var metadata: [(String, String)] {
    [
      ("architecture", architecture), ("converter", "\(Tool.name) \(Tool.version)"),
      ("source_file", sourceFile), ("source_layout", layout), ("source_sha256", sourceSha256),
      ("tensors_sha256", tensorsSha256 ?? ""),
    ]
  }

  /// Returns the SHA-256 over all tensors: for each, the name, a line feed, the extents separated
  /// by spaces, a line feed, and the values as little-endian float32.
  private static func tensorsSHA256(_ names: [String], of state: StateDict) throws -> String {
    var hash = SHA256()
    for name in names {
      // The network's reader gives a better message for missing names.
      guard let shape = state.info(name)?.shape else { continue }
      let extents = shape.map(String.init).joined(separator: " ")
      hash.update(data: Array("\(name)\n\(extents)\n".utf8))
      try state.tensor(name, shape: shape).values.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }
    return hexadecimal(hash.finalize())
  }
}
