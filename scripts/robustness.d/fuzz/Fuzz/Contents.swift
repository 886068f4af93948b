import Checkpoints
import Crypto
import Files
import Foundation

/// What dis-eval loads of a file, for the comparison with other programs in differential.py.
struct Contents: Encodable {
  /// The code of the failure; nil if the file is loaded.
  var code: String?
  /// The keys of the state dicts, for a checkpoint.
  var stateDicts: [[String]] = []
  var tensors: [Loaded] = []

  /// A tensor or array, or why it is none.
  struct Loaded: Encodable {
    /// The keys that lead to it.
    let keys: [String]
    var code: String?
    var type: String?
    var shape: [Int]?
    /// The SHA-256 of the little-endian elements, the last axis varying fastest.
    var sha256: String?

    /// Reads a tensor, unless it is so large that it takes long.
    init(_ keys: [String], _ read: () throws(Failure) -> NPYArray) {
      self.keys = keys
      do {
        let array = try read()
        (type, shape) = (array.type.rawValue, array.shape)
        sha256 = hexadecimal(SHA256.hash(data: array.bytes))
      } catch {
        code = error.code.rawValue
      }
    }
  }

  /// Prints the contents of every file whose path is a line of standard input, as a line of JSON.
  static func printAll() throws {
    while let path = readLine() {
      let line = try JSONEncoder().encode(Contents(path: path))
      FileHandle.standardOutput.write(line + [UInt8(ascii: "\n")])
    }
  }

  init(path: String) {
    do throws(Failure) {
      if path.hasSuffix(".npy") {
        let array = try NPYArray.read(path)
        tensors = [Loaded([], { array })]
      } else if path.hasSuffix(".npz") {
        let file = try NPZ.read(path)
        tensors = file.names.map { name in
          Loaded([name]) { () throws(Failure) in try file.array(name) }
        }
      } else {
        try read(try CheckpointFile.open(path))
      }
    } catch {
      code = error.code.rawValue
    }
  }

  private mutating func read(_ file: CheckpointFile) throws(Failure) {
    for named in file.stateDicts {
      guard let state = try? named.state.get() else { continue }
      stateDicts.append(named.path)
      for name in state.names {
        tensors.append(
          Loaded(named.path + [name]) { () throws(Failure) in try state.array(name) })
      }
    }
  }
}
