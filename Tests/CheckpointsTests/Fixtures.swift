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

/// Calls `body` with the path of a temporary file that holds `bytes`.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "dis-eval-\(UUID().uuidString)"
  try AtomicFile.write(bytes, to: path)
  defer { unlink(path) }
  return try body(path)
}

/// The code of the failure that `body` throws, `nil` if it returns.
func code(_ body: () throws -> some Any) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? Failure)?.code ?? "\(error)"
  }
}
