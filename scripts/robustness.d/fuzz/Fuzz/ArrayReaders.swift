import Checkpoints
import Files
import References
import Sampling

extension Reader {
  /// Arrays of NumPy, and the statistics and labels in them.
  static let arrays = [
    Reader(name: "npy") { try readArray($0) },
    Reader(name: "npz") { try readArrays($0.path) },
    Reader(name: "statistics") { try readStatistics($0.path) },
    Reader(name: "statistics-arrays") { try readStatistics(statistics($0)) },
    Reader(name: "labels", suffix: ".npy") { try readLabels($0.path) },
  ]
}

/// Reads an array in memory and in parts from a file, which must be the same.
private func readArray(_ input: Input) throws {
  let array = try NPYArray.parse(input.bytes, subject: "input")
  let reader = try NPYReader(path: input.path)
  expect(reader.shape == array.shape && reader.type == array.type, "another array in a file")
  expect(try reader.bytes(0..<array.bytes.count) == array.bytes, "other bytes in a file")
  _ = array.floats()
  _ = try? array.integers()
  let written = try NPYArray.parse(array.serialized(), subject: "written")
  expect(written.bytes == array.bytes && written.shape == array.shape, "written differently")
}

private func readArrays(_ path: String) throws {
  let file = try NPZ.read(path)
  for name in file.names.prefix(Reader.manyEnough) where try file.size(name) < Reader.largeEnough {
    let layout = try? file.layout(name)
    guard let array = try? file.array(name) else { continue }
    expect(layout?.shape == array.shape, "another layout than the array's")
  }
}

private func readStatistics(_ path: String) throws {
  _ = ReferenceStatistics.isRecognised(path)
  let statistics = try ReferenceStatistics(path: path)
  _ = try statistics.featureRows()
  _ = try statistics.images()
}

/// Makes an archive of statistics whose arrays are the parts of the input.
private func statistics(_ input: Input) -> String {
  let parts = input.parts(3)
  return archive(
    zip(["mu.npy", "sigma.npy", "features.npy"], parts).map { ($0, $1) }, input)
}

private func readLabels(_ path: String) throws {
  let labels = try LabelPolicy(path)
  try labels.checkCovers(2)
  try labels.check(classes: 10, of: "the model")
  _ = labels.sha256
}
