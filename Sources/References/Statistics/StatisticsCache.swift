import Files
import Foundation
import GenerativeMetrics
import Results
import Work

/// The fetched statistics of the registry, in `$XDG_CACHE_HOME/dis-eval/stats` or
/// `~/.cache/dis-eval/stats`.
///
/// Each file has a record and a lock beside it. If no hash has been published, the lock holds the
/// hash of the first download, and a later download that differs is refused.
public struct StatisticsCache: Sendable {
  /// The folder of the files.
  public let folder: String
  /// The public files.
  public let registry: StatisticsRegistry

  /// The properties of a file when it was first fetched.
  struct Lock: Codable, Equatable {
    var schema = "dis-eval-lock/1"
    var name: String
    var address: String
    var sha256: String
    var bytes: Int
    /// The shape of the covariance.
    var shape: [Int]
    /// The trace of the covariance.
    var trace: Double
  }

  /// Opens the cache of this user.
  ///
  /// - Throws: `Failure` `StatsInvalid` (65) if the registry is invalid, or the failure of reading
  ///   the file that `DIS_EVAL_REGISTRY` names.
  public init() throws {
    folder = Self.folder
    registry = try StatisticsRegistry()
  }

  private static var folder: String { WeightStore.user.folder + "/stats" }

  /// Returns the path of the file of `entry`, whether or not it exists.
  public func path(of entry: StatisticsRegistry.Entry) -> String {
    let suffix =
      switch entry.format {
      case .npz, .adm, .features, .featureRows, .cleanFeatures, .representations: "npz"
      case .pickle, .edm, .featureStats: "pkl"
      case .torch, .torchFeatures: "pt"
      }
    return "\(folder)/\(entry.name).\(suffix)"
  }

  /// Returns whether the file of `entry` was fetched.
  public func has(_ entry: StatisticsRegistry.Entry) -> Bool {
    FileManager.default.fileExists(atPath: path(of: entry))
  }

  /// The names of the fetched files.
  public var fetchedNames: [String] { registry.entries.filter(has).map(\.name) }

  /// Returns a list of statistics as JSON, each entry with the path of its file and whether it was
  /// fetched.
  ///
  /// - Parameter entries: Entries of the registry, in the order of the document.
  /// - Returns: A document in UTF-8 with sorted keys, indented, with a final newline.
  /// - Throws: `EncodingError` if a number is not finite.
  public func json(_ entries: [StatisticsRegistry.Entry]) throws -> [UInt8] {
    struct Line: Encodable {
      var entry: StatisticsRegistry.Entry
      var path: String
      var cached: Bool
    }
    struct Document: Encodable {
      var schema = "dis-eval-statistics-list/1"
      var statistics: [Line]
    }
    return try encodedJSON(
      Document(
        statistics: entries.map { Line(entry: $0, path: path(of: $0), cached: has($0)) }))
  }

  private static func lockPath(_ name: String) -> String { "\(folder)/\(name).lock" }

  /// Reads the lock with that name.
  ///
  /// - Returns: The lock, or nil if nothing was fetched.
  /// - Throws: `Failure` `StatsInvalid` (65) if the lock cannot be interpreted, or the failure of
  ///   reading it.
  static func lock(_ name: String) throws -> Lock? {
    let path = lockPath(name)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let file = try ReadableFile(path: path)
    guard file.size < 1 << 20 else {
      throw Failure(
        .dataRefused, .statsInvalid, path, "\(file.size) bytes are more than a lock has")
    }
    let lock: Lock = try decodedJSON(
      Data(try file.bytes(at: 0, count: file.size)), subject: path, what: "lock",
      code: .statsInvalid)
    guard lock.schema == "dis-eval-lock/1", isSHA256(lock.sha256) else {
      throw Failure(.dataRefused, .statsInvalid, path, "is not a lock of this version")
    }
    return lock
  }

  /// Returns the entry with this published or locked hash. A registry or lock that cannot be read
  /// is ignored here; the code that needs it reports what is wrong with it.
  static func entry(ofFileWithSHA256 sha256: String) -> StatisticsRegistry.Entry? {
    guard let registry = try? StatisticsRegistry() else { return nil }
    let hasLocks = FileManager.default.fileExists(atPath: folder)
    return registry.entries.first { entry in
      entry.sha256 == sha256 || hasLocks && (try? lock(entry.name))??.sha256 == sha256
    }
  }

  /// Returns the published hash of a file or, if there is none, that of its first download; nil if
  /// neither is known. A registry or lock that cannot be read is ignored here.
  ///
  /// - Parameter name: The name of the file in the registry.
  package static func knownSHA256(of name: String) -> (hash: String, isPublished: Bool)? {
    if let published = (try? StatisticsRegistry())?[name]?.sha256 { return (published, true) }
    return (try? lock(name))?.map { ($0.sha256, false) }
  }
}

// MARK: - Fetching

extension StatisticsCache {
  /// Fetches the file with that name from its address or a different source, or takes a file that
  /// was put in its place by hand; checks it, and writes its record and its lock.
  ///
  /// - Parameters:
  ///   - name: A name in the registry.
  ///   - source: The address of a mirror, or the path of a local file, which is copied; nil for the
  ///     address in the registry.
  ///   - again: Whether to fetch a file that exists already.
  ///   - reporter: Receives the progress of the download.
  /// - Returns: The path of the file.
  /// - Throws: `Failure` `StatsUnknown` (66) if the registry has no such name; `DownloadFailed`
  ///   (69) with the address and where to put the file; `NoDirectDownload` (69) if it must be
  ///   downloaded with a browser; `HashMismatch` (65) with both hashes; `DownloadLimit` (65) if it
  ///   is too large; `StatsInvalid` (65) if its content is different; `Busy` or `CannotCreate` (73)
  ///   if it cannot be written.
  public func fetch(
    _ name: String, from source: String? = nil, again: Bool = false, reporter: Reporter = .silent
  ) async throws -> String {
    let entry = try registry.entry(named: name)
    let path = path(of: entry)
    let lock = try Self.lock(name)
    let isNew = again || !has(entry)
    if isNew {
      guard entry.page != true || source != nil else {
        throw Failure(
          .unavailable, .noDirectDownload, name,
          "get '\(entry.file)' from \(entry.address) with a browser, put it at \(path), and run "
            + "this again to have it checked")
      }
      try Folder.create(folder)
      let expected = entry.sha256 ?? lock?.sha256
      if let source, !source.contains("://") {
        try copy(source, sha256: expected, to: path)
      } else {
        _ = try await Download(address: source ?? entry.address, sha256: expected)
          .fetch(to: path, reporter: reporter)
      }
    }
    do {
      try install(entry, lock, path)
    } catch let failure as Failure where isNew && failure.status == .dataRefused {
      // It is not the expected file, and must not be mistaken for it the next time.
      try? FileManager.default.removeItem(atPath: path)
      throw failure
    }
    return path
  }

  /// Copies a local file to `path`.
  ///
  /// - Throws: `Failure` `HashMismatch` (65) if `sha256` is known and not that of the file.
  private func copy(_ source: String, sha256 expected: String?, to path: String) throws {
    let hash = try sha256(ofFile: source)
    guard hash == expected ?? hash else {
      throw Failure(
        .dataRefused, .hashMismatch, source,
        "SHA-256 \(hash), expected \(expected ?? ""); it was not copied")
    }
    let input = try ReadableFile(path: source)
    var output = try AtomicFile(path: path)
    for offset in stride(from: 0, to: input.size, by: 1 << 20) {
      try output.write(input.bytes(at: offset, count: min(1 << 20, input.size - offset)))
    }
    try output.commit()
  }

  /// Checks the file at `path`, and writes its record and lock.
  private func install(_ entry: StatisticsRegistry.Entry, _ lock: Lock?, _ path: String) throws {
    let sha256 = try sha256(ofFile: path)
    try Self.check(sha256, of: path, entry: entry, lock: lock)
    let content = try StatisticsContent(path: path)
    let (gaussian, ddof, _) = try content.gaussian(count: entry.count)
    guard gaussian.dimension == entry.dimension else {
      throw StatisticsContent.refusal(
        path, "\(gaussian.dimension) dimensions, but the registry says \(entry.dimension)")
    }
    var record = StatisticsRecord(
      dataset: entry.dataset, count: gaussian.count,
      extractor: ExtractorProvenance(
        name: MetricTitle.inception, published: true, dimension: entry.dimension),
      features: 0, npzSha256: sha256, floor: nil, dialect: entry.dialect,
      ddof: ddof ?? entry.ddof)
    record.resolution = entry.resolution
    record.spatial = content.spatial != nil
    record.meanPrecision = content.meanPrecision
    record.source = .init(address: entry.address, sha256: sha256, format: content.format)
    try AtomicFile.write(
      try encodedJSON(record), to: ReferenceStatistics.recordPath(path))
    guard lock == nil else { return }
    try AtomicFile.write(
      try encodedJSON(
        Lock(
          name: entry.name, address: entry.address, sha256: sha256,
          bytes: try ReadableFile(path: path).size,
          shape: [gaussian.dimension, gaussian.dimension], trace: gaussian.trace)),
      to: Self.lockPath(entry.name))
  }

  /// Compares a hash with those of the registry and the lock.
  ///
  /// - Throws: `Failure` `HashMismatch` (65) with both hashes if they differ.
  static func check(
    _ sha256: String, of path: String, entry: StatisticsRegistry.Entry, lock: Lock?
  ) throws(Failure) {
    for (expected, who) in [
      (entry.sha256, "the registry says"), (lock?.sha256, "the first download was"),
    ] {
      guard let expected, expected != sha256 else { continue }
      throw Failure(
        .dataRefused, .hashMismatch, path,
        "SHA-256 \(sha256), but \(who) \(expected); remove the file and fetch it again, or, if its "
          + "maker has replaced it, also remove \(lockPath(entry.name))")
    }
  }
}

/// Returns the path of the file that `--ref` refers to: a path, or a name in the registry that was
/// fetched.
///
/// - Throws: `Failure` `StatsUnavailable` (69) for a name that was not fetched, `StatsUnknown` (66)
///   with the closest names for an unknown name, `NotFound` (66) for a path that does not exist.
package func resolveReference(_ pathOrName: String) throws -> String {
  if FileManager.default.fileExists(atPath: pathOrName) { return pathOrName }
  guard !pathOrName.contains("/"), !pathOrName.contains(".") else {
    throw Failure(.inputMissing, .notFound, pathOrName, "no such file or folder")
  }
  let cache = try StatisticsCache()
  let entry = try cache.registry.entry(named: pathOrName)
  guard cache.has(entry) else {
    throw Failure(
      .unavailable, .statsUnavailable, pathOrName,
      "not fetched yet; run: dis-eval stats fetch \(pathOrName)")
  }
  return cache.path(of: entry)
}
