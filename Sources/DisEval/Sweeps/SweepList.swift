import Files
import Foundation
import Generators
import Results

extension SweepCheckpoint {
  /// The columns of a list.
  static let columns = [
    "checkpoint", "generator", "name", "family", "step", "batch", "images", "data",
  ]
  /// The maximum size of a list in bytes.
  static let maximumListSize = 16 << 20

  /// Reads a list of checkpoints: comma-separated values with a header, or a JSON array of objects.
  /// Of the columns `checkpoint`, `generator`, `name`, `family`, `step`, `batch`, `images` and `data`
  /// only one of the first two is required. Paths of checkpoints are relative to the list; the commands
  /// of generators **are run**, and need a name.
  ///
  /// - Throws: `Failure`, with the line, `ListInvalid` (65) if the list is not valid,
  ///   `DuplicateName` (65) if two rows have the same name, or `NotFound` (66) if a checkpoint does
  ///   not exist; or the error that opening or reading the list throws.
  public static func list(_ path: String) throws -> [SweepCheckpoint] {
    let file = try ReadableFile(path: path)
    guard file.size <= maximumListSize else {
      throw Failure(
        .dataRefused, .listInvalid, path,
        "\(file.size) bytes, at most \(maximumListSize) are read")
    }
    let bytes = try file.bytes(at: 0, count: file.size)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.dataRefused, .listInvalid, path, "is not UTF-8")
    }
    let isJSON = text.first { !$0.isWhitespace } == "["
    let rows =
      isJSON ? try jsonRows(bytes, path) : try csvRows(text, path)
    guard !rows.isEmpty else {
      throw Failure(.dataRefused, .listInvalid, path, "lists no checkpoint")
    }
    let folder = (path as NSString).deletingLastPathComponent
    var names: [(name: String, place: String)] = []
    var checkpoints: [SweepCheckpoint] = []
    for row in rows {
      let checkpoint = try row.checkpoint(folder: folder)
      names.append((checkpoint.name, row.place))
      checkpoints.append(checkpoint)
    }
    try check(names)
    return checkpoints
  }

  private static func csvRows(_ text: String, _ path: String) throws(Failure) -> [ListRow] {
    let rows = try CommaSeparated.rows(text, subject: path)
    guard let header = rows.first else { return [] }
    let place = "\(path):\(header.line)"
    let names = header.cells.map { $0.lowercased() }
    if let unknown = names.first(where: { !columns.contains($0) }) {
      throw Failure(
        .dataRefused, .listInvalid, place,
        "unknown column '\(unknown)'; the first line has names of columns, of "
          + columns.joined(separator: ", "))
    }
    guard Set(names).count == names.count,
      names.contains("checkpoint") || names.contains("generator")
    else {
      throw Failure(
        .dataRefused, .listInvalid, place,
        "expected a column 'checkpoint' or 'generator', and each column once")
    }
    var result: [ListRow] = []
    for row in rows.dropFirst() {
      let place = "\(path):\(row.line)"
      guard row.cells.count == names.count else {
        throw Failure(
          .dataRefused, .listInvalid, place,
          "\(row.cells.count) cells, the first line has \(names.count)")
      }
      result.append(
        ListRow(place: place, values: Dictionary(zip(names, row.cells)) { first, _ in first }))
    }
    return result
  }

  private static func jsonRows(_ bytes: [UInt8], _ path: String) throws(Failure) -> [ListRow] {
    do {
      try checkUniqueKeys(bytes)
    } catch DecodingError.dataCorrupted(let context) {
      throw Failure(.dataRefused, .listInvalid, path, context.debugDescription)
    } catch {
      throw Failure(.dataRefused, .listInvalid, path, "\(error)")
    }
    guard let objects = try? JSONDecoder().decode([[String: Cell]].self, from: Data(bytes)) else {
      throw Failure(
        .dataRefused, .listInvalid, path,
        "expected a JSON array of objects with texts, integers or null as values")
    }
    var result: [ListRow] = []
    for (index, object) in objects.enumerated() {
      let place = "\(path): item \(index + 1)"
      if let unknown = object.keys.sorted().first(where: { !columns.contains($0) }) {
        throw Failure(
          .dataRefused, .listInvalid, place,
          "unknown key '\(unknown)'; expected \(columns.joined(separator: ", "))")
      }
      result.append(ListRow(place: place, values: object.mapValues(\.text)))
    }
    return result
  }

  /// A string, an integer or null.
  private struct Cell: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        text = ""
      } else if let number = try? container.decode(Int.self) {
        text = String(number)
      } else {
        text = try container.decode(String.self)
      }
    }
  }
}

/// The cells of a list for one checkpoint.
private struct ListRow {
  /// The file and line.
  let place: String
  let values: [String: String]

  private func text(_ column: String) -> String? {
    values[column].flatMap { $0.isEmpty ? nil : $0 }
  }

  private func number(_ column: String) throws(Failure) -> Int? {
    guard let text = text(column) else { return nil }
    guard let number = Int(text), number >= 0 else {
      throw Failure(
        .dataRefused, .listInvalid, place,
        "\(column) '\(text)': expected an integer of at least 0")
    }
    return number
  }

  func checkpoint(folder: String) throws(Failure) -> SweepCheckpoint {
    let (file, command) = (text("checkpoint"), text("generator"))
    guard (file == nil) != (command == nil) else {
      throw Failure(
        .dataRefused, .listInvalid, place,
        file == nil
          ? "names neither a checkpoint nor a generator" : "names a checkpoint and a generator")
    }
    let path = file.map { $0.hasPrefix("/") || folder.isEmpty ? $0 : "\(folder)/\($0)" }
    if let path, !FileManager.default.fileExists(atPath: path) {
      throw Failure(.inputMissing, .notFound, place, "there is no checkpoint '\(path)'")
    }
    var checkpoint = SweepCheckpoint(path: path ?? command ?? "")
    if let command {
      do throws(Failure) {
        checkpoint.generator = try commandWords(command)
      } catch {
        throw Failure(.dataRefused, .listInvalid, place, "generator: \(error.detail)")
      }
      guard text("name") != nil else {
        throw Failure(
          .dataRefused, .listInvalid, place, "a generator needs a name in the column 'name'")
      }
    }
    checkpoint.isListed = true
    checkpoint.name = text("name") ?? checkpoint.name
    checkpoint.family = text("family")
    checkpoint.training = TrainingFacts(
      step: try number("step"), batch: try number("batch"), images: try number("images"),
      data: text("data"))
    if checkpoint.training.step != nil {
      checkpoint.training.stepFrom = "list"
    } else if let path, let step = SweepCheckpoint.step(inFileName: path) {
      (checkpoint.training.step, checkpoint.training.stepFrom) = (step, "file name")
    }
    return checkpoint
  }
}
