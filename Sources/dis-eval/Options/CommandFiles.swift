import ArgumentParser
import DisEval
import Files
import Synchronization

/// The files that a command reads and writes, each with the option that names it.
///
/// A command adds all of them before it begins, so that no output overwrites an input or a
/// different output.
struct CommandFiles {
  private struct Input {
    let option: String
    let place: FilePlace
    /// Whether subfolders of a folder of images are read too; nil for a file.
    var isRecursive: Bool?
  }

  private struct Output {
    enum Kind {
      /// The file that the option names.
      case named
      /// A file beside it.
      case beside
      /// A new folder of images.
      case images
      /// A file, or a folder of files, that is kept in the folder that the option names.
      case kept
    }
    let option: String
    let path: String
    let place: FilePlace
    let kind: Kind

    /// Whether the option writes everything in it, if it is a folder.
    var isFolder: Bool { kind == .images || kind == .kept }
  }

  private var inputs: [Input] = []
  private var outputs: [Output] = []
  /// Existing files in the places of files beside outputs, which dis-eval did not write.
  private var taken: [(option: String, path: String, beside: String)] = []

  /// Adds a file to read.
  mutating func reads(_ option: String, _ path: String?) {
    if let path { inputs.append(Input(option: option, place: FilePlace(path))) }
  }

  /// Adds a file of images to read, or a folder, in which a new file might become one more image.
  mutating func readsImages(_ option: String, _ path: String?, recursive: Bool? = nil) {
    guard let path else { return }
    inputs.append(Input(option: option, place: FilePlace(path), isRecursive: recursive ?? false))
  }

  /// Adds images to read, a statistics file with its companions, or the name of fetched statistics.
  mutating func readsReference(_ option: String, _ path: String?, recursive: Bool? = nil) {
    guard let path else { return }
    let found = (try? resolveReference(path)) ?? path
    readsImages(option, found, recursive: recursive)
    for companion in ReferenceStatistics.companions(of: found) { reads(option, companion) }
  }

  /// Adds a file to write.
  mutating func writes(_ option: String, _ path: String?) { add(option, path, .named) }

  /// Adds a `.zip` or `.npz` file of images to write, or a new folder.
  mutating func writesImages(_ option: String, _ path: String?) { add(option, path, .images) }

  /// Adds files, and folders of files, that are kept in `folder`.
  mutating func keeps(_ option: String, _ names: [String], in folder: String) {
    for name in names { add(option, "\(folder)/\(name)", .kept) }
  }

  /// Adds the files of a run.
  mutating func keepsRun(_ option: String, in folder: String?) {
    if let folder { keeps(option, ["run.json", "run.lock", "units"], in: folder) }
  }

  /// Adds a file to write beside an output.
  ///
  /// - Parameter isFree: Returns whether the file may be written, because there is none or it is
  ///   of the same kind.
  mutating func writes(
    _ option: String, _ path: String, beside output: String, isFree: (String) -> Bool
  ) {
    add(option, path, .beside)
    if !isFree(path) { taken.append((option, path, output)) }
  }

  /// Adds statistics to write, and the record beside them.
  mutating func writesStatistics(_ option: String, _ path: String) {
    writes(option, path)
    writes(
      option, ReferenceStatistics.recordPath(path), beside: path,
      isFree: ReferenceStatistics.isFreeForRecord)
  }

  private mutating func add(_ option: String, _ path: String?, _ kind: Output.Kind) {
    guard let path else { return }
    outputs.append(Output(option: option, path: path, place: FilePlace(path), kind: kind))
  }
}

// MARK: - Checking

extension CommandFiles {
  /// Refuses files that would overwrite each other, and reserves standard output for a document
  /// that an option sends there.
  ///
  /// - Parameter json: Whether the command writes a document to standard output in any case.
  func check(json: Bool = false) throws(ValidationError) {
    for output in outputs {
      for input in inputs { try check(output, input) }
    }
    for (index, output) in outputs.enumerated() where output.kind != .kept {
      for (position, other) in outputs.enumerated()
      where other.kind == .kept || position < index { try check(output, other) }
    }
    if let (option, path, output) = taken.first {
      throw ValidationError(
        "\(option) '\(escaped(output))' also writes '\(escaped(path))', which exists and was not "
          + "written by dis-eval. Move that file, or choose a different name.")
    }
    for output in outputs where output.kind == .named {
      switch FilePlace.standardOutput(output.path) {
      case .through where json:
        throw ValidationError(
          "\(output.option) '\(escaped(output.path))' and --json both write to standard output. "
            + "Leave out one of them.")
      case .through: Terminal.isOutputTaken.store(true, ordering: .relaxed)
      case .sameFile:
        throw ValidationError(
          "\(output.option) '\(escaped(output.path))' is the file that standard output is "
            + "redirected to. Remove the redirection, or choose a different path.")
      case nil: break
      }
    }
  }

  private func check(_ output: Output, _ input: Input) throws(ValidationError) {
    if output.place.isSame(as: input.place) {
      throw ValidationError(
        "\(description(output)) is a file that \(input.option) reads. Choose a different path.")
    }
    if let isRecursive = input.isRecursive,
      output.place.isInside(input.place, directly: !isRecursive)
    {
      throw ValidationError(
        "\(description(output)) is in the folder that \(input.option) reads. Choose a path outside "
          + "it.")
    }
    if output.isFolder, input.place.isInside(output.place) {
      throw ValidationError(
        "\(input.option) reads a file in the folder that \(description(output)) writes. Choose a "
          + "different path.")
    }
  }

  private func check(_ output: Output, _ other: Output) throws(ValidationError) {
    if output.place.isSame(as: other.place) {
      // The script of several pictures with the same name is that of the last one.
      guard output.kind != .beside || other.kind != .beside else { return }
      throw ValidationError(
        "\(description(other)) and \(description(output)) are the same file. Choose two "
          + "different paths."
      )
    }
    for (inner, outer) in [(output, other), (other, output)]
    where outer.isFolder && inner.place.isInside(outer.place) {
      throw ValidationError(
        "\(description(inner)) is in the folder that \(description(outer)) writes. Choose a path "
          + "outside it.")
    }
  }

  private func description(_ output: Output) -> String {
    "\(output.option) '\(escaped(output.path))'"
  }
}
