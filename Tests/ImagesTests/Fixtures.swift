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

/// The names of the files of a fixture folder.
func fixtureNames(_ folder: String) -> [String] {
  (try? FileManager.default.contentsOfDirectory(atPath: fixture(folder)))?.sorted() ?? []
}

/// Calls `body` with the path of a temporary folder.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "dis-eval-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// The failure that `body` throws, `nil` if it returns.
func failure(_ body: () throws -> some Any) -> Failure? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? Failure
  }
}
