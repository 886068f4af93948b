import Checkpoints
import Files
import Foundation

/// The path of a committed fixture.
func fixture(_ name: String) -> String {
  Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appending(path: name).path ?? name
}

/// The bytes of a committed fixture.
func fixtureBytes(_ name: String) throws -> [UInt8] {
  let file = try ReadableFile(path: fixture(name))
  return try file.bytes(at: 0, count: file.size)
}

/// An entry of the archive of broken files that scripts/fixtures/hostile.py makes.
func hostileBytes(_ name: String) throws -> [UInt8] {
  let archive = try ZipArchive(try ReadableFile(path: fixture("hostile.zip")))
  guard let entry = archive[name] else { throw Failure(.internalError, .notFound, name, "") }
  return try archive.read(entry)
}

/// Tests write some 50,000 small files; they go to memory where the system offers that.
private let temporaryFolder =
  FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()

/// Calls `body` with the path of a temporary file that holds `bytes`.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
  let path = temporaryFolder + "dis-eval-\(UUID().uuidString)"
  try Data(bytes).write(to: URL(filePath: path))
  defer { unlink(path) }
  return try body(path)
}

/// The code of the failure that `body` throws, `nil` if it returns.
func code(_ body: () throws -> some Any) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? Failure)?.code.rawValue ?? "\(error)"
  }
}

/// Opens a checkpoint and reads every tensor of every state dict.
func loadEverything(_ path: String) throws {
  let file = try CheckpointFile.open(path)
  let keys: [String?] = file.stateDictKeys.isEmpty ? [nil] : file.stateDictKeys
  for key in keys {
    let state = try file.stateDict(key: key)
    for name in state.names {
      let info = state.info(name)
      if let info, !info.type.isFloatingPoint {
        _ = try state.array(name)
      } else {
        _ = try state.tensor(name, shape: info?.shape ?? [])
      }
    }
  }
}
