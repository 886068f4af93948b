import Checkpoints
import Files
import Foundation
import _TestSupport

/// The path of a committed fixture.
func fixture(_ name: String) -> String {
  Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appending(path: name).path ?? name
}

/// The file of the repository at `path`.
func repositoryFile(_ path: String) -> String {
  URL(filePath: #filePath).appending(path: "../../../\(path)").standardizedFileURL.path
}

/// The state dict of a safetensors file with `tensors`.
func withStateDict<Result>(
  _ tensors: [SyntheticTensor], _ body: (_ state: StateDict, _ path: String) throws -> Result
) throws -> Result {
  let path = NSTemporaryDirectory() + "dis-eval-\(UUID().uuidString).safetensors"
  defer { unlink(path) }
  try writeSafetensors(tensors, to: URL(filePath: path))
  return try body(try CheckpointFile.open(path).stateDict(key: nil), path)
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

/// Calls `body` with the path of a temporary file that holds `bytes`.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "dis-eval-\(UUID().uuidString)"
  try Data(bytes).write(to: URL(filePath: path))
  defer { unlink(path) }
  return try body(path)
}
