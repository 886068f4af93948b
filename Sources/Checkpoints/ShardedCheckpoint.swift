import Files
import Foundation

/// A checkpoint in several safetensors files, with an index that says which file has which tensor, as
/// `save_pretrained` writes it.
struct ShardedCheckpoint {
  /// The path of the index.
  let indexPath: String
  /// The names of the files, sorted, which lie beside the index.
  let shards: [String]
  private let shardOfTensor: [[UInt8]: String]

  /// The part of an index that is needed; its metadata says nothing that the files do not.
  private struct Index: Decodable {
    let weightMap: [String: String]
    private enum CodingKeys: String, CodingKey { case weightMap = "weight_map" }
  }

  private static let suffix = ".safetensors.index.json"
  /// What to do with several files of `torch.save`.
  private static let advice =
    "only safetensors is read in several files; save the model again with safe_serialization=True, "
    + "or as one file: torch.save({'ema': weights}, 'new.pt')"
  private static let maximumIndexSize = 64 << 20

  /// Opens the index at `path`, or the only index in the folder `path`.
  ///
  /// - Returns: Nil if `path` is anything else.
  /// - Throws: ``Failure`` (65) `NotACheckpoint` for a folder without an index, `SafetensorsMalformed`
  ///   if the index is malformed or names a file that is not beside it; or the failure of reading it.
  init?(path: String) throws(Failure) {
    if let folder = try Self.folder(path) {
      let path = path.hasSuffix("/") ? String(path.dropLast()) : path
      try self.init(index: "\(path)/\(Self.indexName(in: folder))")
    } else {
      guard path.hasSuffix(Self.suffix) || path.hasSuffix(".index.json") else { return nil }
      try self.init(index: path)
    }
  }

  /// Returns the content of a folder, or nil for anything else.
  private static func folder(_ path: String) throws(Failure) -> Folder? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
    else { return nil }
    return try Folder(path: path)
  }

  private static func indexName(in folder: Folder) throws(Failure) -> String {
    let names = folder.names.map { String(decoding: $0, as: UTF8.self) }
    func refused(_ detail: String) -> Failure { .refused(.notACheckpoint, folder.path, detail) }
    let indices = names.filter { $0.hasSuffix(suffix) }
    if indices.count == 1 { return indices[0] }
    guard indices.isEmpty else {
      throw refused("a folder with several indices; choose one: \(indices.joined(separator: ", "))")
    }
    if names.contains(".metadata") {
      throw refused(ForeignContent.distributedCheckpoint.explanation)
    }
    let files = names.filter { name in
      [".safetensors", ".pt", ".pth", ".ckpt", ".bin"].contains { name.hasSuffix($0) }
    }
    if names.contains(where: { $0.hasSuffix(".bin.index.json") }) {
      throw refused("an index of files that torch.save wrote; \(advice)")
    }
    throw refused(
      "a folder without an index (*\(suffix))"
        + (files.isEmpty
          ? "; expected a file"
          : "; choose a file in it: \(files.prefix(5).joined(separator: ", "))"))
  }

  private init(index path: String) throws(Failure) {
    indexPath = path
    let file = try ReadableFile(path: path)
    func malformed(_ detail: String) -> Failure { .refused(.safetensorsMalformed, path, detail) }
    guard file.size <= Self.maximumIndexSize else {
      throw .refused(.safetensorsLimit, path, "an index of \(file.size) bytes")
    }
    let bytes = try file.bytes(at: 0, count: file.size)
    let index: Index
    do {
      try checkUniqueKeys(bytes, exactly: true)
      index = try JSONDecoder().decode(Index.self, from: Data(bytes))
    } catch {
      throw malformed("not an index of safetensors files: it has no 'weight_map' of names")
    }
    shards = Set(index.weightMap.values).sorted()
    shardOfTensor = Dictionary(
      index.weightMap.map { (Array($0.key.utf8), $0.value) }, uniquingKeysWith: { $1 })
    guard !shards.isEmpty, shards.count <= 1000 else {
      throw malformed("an index of \(shards.count) files, expected 1 to 1000")
    }
    for shard in shards {
      guard !shard.contains("/"), !shard.hasPrefix("."), !shard.utf8.contains(0) else {
        throw malformed("the index names '\(shard)', expected the name of a file beside it")
      }
      guard FileManager.default.fileExists(atPath: siblingPath(of: path, shard)) else {
        throw malformed("the index names '\(shard)', which is not beside it")
      }
    }
  }

  /// The paths of the index and the files.
  var paths: [String] { [indexPath] + shards.map { siblingPath(of: indexPath, $0) } }

  /// Opens the files and reads their headers.
  ///
  /// - Throws: ``Failure`` (65) `SafetensorsMalformed` if the files do not have exactly the tensors that
  ///   the index names for them, `DuplicateKey` if two files have a tensor of the same name; or the
  ///   failure of reading a file.
  func open() throws(Failure) -> (
    entries: [StateDict.Entry], metadata: [(String, String)], reader: StorageReader
  ) {
    var entries: [StateDict.Entry] = []
    var metadata: [(String, String)] = []
    var files: [ReadableFile] = []
    for (number, shard) in shards.enumerated() {
      let file = try ReadableFile(path: siblingPath(of: indexPath, shard))
      let head = try file.bytes(at: 0, count: min(file.size, 10))
      if head.starts(with: "PK".utf8) || head.starts(with: TorchContainer.legacyMagic) {
        throw .refused(
          .notACheckpoint, file.path, "one of several files that torch.save wrote; \(Self.advice)")
      }
      let header = try SafetensorsHeader(of: file, number: number)
      for entry in header.tensors where shardOfTensor[Array(entry.name.utf8)] != shard {
        throw .refused(
          .safetensorsMalformed, file.path,
          "has '\(entry.name)', which the index does not name for it")
      }
      files.append(file)
      entries += header.tensors
      if number == 0 { metadata = header.metadata }
    }
    guard entries.count == shardOfTensor.count else {
      throw .refused(
        .safetensorsMalformed, indexPath,
        "names \(shardOfTensor.count) tensors, the files have \(entries.count)")
    }
    return (entries, metadata, StorageReader(files, path: indexPath))
  }
}

/// Returns the SHA-256 of a checkpoint in lower-case hexadecimal: that of the file, or for several files
/// that of the lines that `sha256sum` prints for the index and the files in the order of their names.
///
/// - Throws: As ``CheckpointFile/open(_:)``, or the failure of reading a file.
package func sha256(ofCheckpoint path: String) throws -> String {
  guard let sharded = try ShardedCheckpoint(path: path) else { return try sha256(ofFile: path) }
  return hashOfLines(try sharded.paths.map { ($0, try sha256(ofFile: $0)) })
}

/// Returns the paths of the files of a checkpoint, of which all but a sharded one have one.
///
/// - Throws: As ``CheckpointFile/open(_:)``.
package func pathsOfCheckpoint(_ path: String) throws(Failure) -> [String] {
  try ShardedCheckpoint(path: path)?.paths ?? [path]
}
