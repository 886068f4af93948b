import Checkpoints
import Crypto
import DisEval
import FeatureExtractors
import Files
import Foundation
import Generators
import Images
import References
import Results
import Runs

extension Reader {
  /// What the processes of a run leave to each other, and what a generator answers.
  static let runs = [
    Reader(name: "run-record") { input in
      let folder = try runFolder(record: input.bytes)
      let directory = try RunDirectory(path: folder)
      let units = directory.record.units(count: min(directory.record.count, 4096))
      _ = units.prefix(Reader.manyEnough).map(directory.isFinished)
    },
    Reader(name: "unit") { try readUnit($0, count: 2) },
    Reader(name: "partial-unit") { try readUnit($0, count: nil) },
    Reader(name: "accumulator") { try readAccumulator($0) },
    Reader(name: "answers") { try readAnswers($0.bytes) },
    Reader(name: "command") { input in
      let words = try commandWords(String(decoding: input.bytes, as: UTF8.self))
      expect(try commandWords(commandText(words)) == words, "other words")
    },
  ]
}

/// Makes a folder with a record.
private func runFolder(record: [UInt8]) throws -> String {
  let folder = "\(Input.folder)/run"
  mkdir(folder, 0o700)
  try Data(record).write(to: URL(fileURLWithPath: RunRecord.path(in: folder)))
  return folder
}

/// Reads the file of a unit that keeps arrays of every kind. The input's checksum is corrected first.
private func readUnit(_ input: Input, count: Int?) throws {
  let kept = KeptArrays.ofEveryKind
  let path = input.file(
    withChecksum("sha256", of: input.bytes, input), suffix: ".safetensors")
  let unit = try UnitContent.read(
    path, first: 4, count: count, kept: kept, configuration: "c")
  for offset in 0..<min(unit.content.count, 2) {
    _ = unit.content.scoredImage(at: offset)
    _ = (unit.content.label(at: offset), unit.content.image(at: offset))
  }
}

extension KeptArrays {
  /// The arrays of a run in seeds.py.
  static let ofEveryKind = decoded(
    """
    {"preparations": ["pytorch"], "features": 2, "logits": 1, "spatial": 1, "labels": true,
     "images": true, "extents": [1, 2, 3], "means": true}
    """)

  private static func decoded(_ json: String) -> KeptArrays {
    do {
      return try JSONDecoder().decode(KeptArrays.self, from: Data(json.utf8))
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

/// An extractor for accumulated images in seeds.py.
private struct TwoFeatures: FeatureExtractor {
  let name = "two"
  let featureDimension = 2

  func callAsFunction(_ images: [Image], _ preparation: Preparation) -> [ExtractedFeatures] {
    images.map { _ in ExtractedFeatures(features: [0, 1], logits: [], spatial: []) }
  }
}

/// Reads accumulated images, and writes them again. The input's checksum is corrected first.
private func readAccumulator(_ input: Input) throws {
  let extractor = LoadedExtractor(TwoFeatures())
  func read(_ bytes: [UInt8]) throws -> ImageAccumulator {
    try ImageAccumulator(
      contentsOf: input.file(bytes, suffix: ".safetensors"), extractor: extractor, metrics: [.fid])
  }
  let images = try read(withChecksum("checksum", of: input.bytes, input))
  let path = "\(Input.folder)/written.safetensors"
  try images.write(to: path)
  let again = try read([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
  expect(again.count == images.count, "another number of images")
}

/// Returns the bytes of a file with the right checksum, of metadata and arrays in the order of the file,
/// in place of the one that they have.
private func withChecksum(_ name: String, of bytes: [UInt8], _ input: Input) -> [UInt8] {
  guard let file = try? CheckpointFile.open(input.file(bytes, suffix: ".safetensors")),
    let state = try? file.stateDict(key: nil),
    let old = file.metadata.first(where: { $0.0 == name })?.1, old.utf8.count == 64,
    let place = bytes.firstRange(of: Array(old.utf8))
  else { return bytes }
  var hash = SHA256()
  for (key, value) in file.metadata where key != name {
    hash.update(data: Array("\(key)=\(value)\n".utf8))
  }
  for info in state.infos {
    guard !isLarge(info.shape), let array = try? state.array(info.name) else { return bytes }
    hash.update(data: array.bytes)
  }
  var corrected = bytes
  corrected.replaceSubrange(place, with: hexadecimal(hash.finalize()).utf8)
  return corrected
}

/// Reads the answers of a generator: a line about itself, then frames of samples.
private func readAnswers(_ bytes: [UInt8]) throws {
  var ends: [Int32] = [0, 0]
  expect(pipe(&ends) == 0, "no pipe")
  defer { close(ends[0]) }
  // Seeds and mutations are shorter than what a pipe takes at once.
  let given = bytes.prefix(60_000)
  let written = given.withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
  expect(written == given.count, "the pipe is full")
  close(ends[1])
  var reader = AnswerReader(ends[0])
  do {
    let ready: ReadyMessage = try decodedJSON(
      Data(try reader.line(by: .now + .seconds(5))), subject: "ready", what: "message 'ready'",
      code: .generatorAnswer)
    _ = ready.problem
    while true {
      let frame: FrameMessage = try decodedJSON(
        Data(try reader.line(by: .now + .seconds(5))), subject: "frame", what: "message 'frame'",
        code: .generatorAnswer)
      guard (0...1 << 16).contains(frame.bytes) else { break }
      let array = try reader.bytes(frame.bytes, by: .now + .seconds(5))
      _ = try NPYArray.parse(array, subject: "frame")
    }
  } catch is AnswerReader.Problem {}
}
