import ArgumentParser
import DisEval
import Files
import Synchronization

/// The files that a command reads and those that it writes, each by the option that names it.
///
/// A command lists all of them before it begins, so that no output destroys an input or another output.
struct CommandFiles {
  private struct Input {
    let option: String
    let place: FilePlace
    /// Of a folder of images: whether those of the folders in it are read too. Nil for a file.
    var isRecursive: Bool?
  }

  private struct Output {
    enum Kind {
      /// What the option names.
      case named
      /// Written beside it.
      case beside
      /// A new folder of images.
      case images
      /// One of the files, or folders of files, that are kept in the folder that the option names.
      case kept
    }
    let option: String
    let path: String
    let place: FilePlace
    let kind: Kind

    /// Whether all that is in it, should it be a folder, is written by its option.
    var isFolder: Bool { kind == .images || kind == .kept }
  }

  private var inputs: [Input] = []
  private var outputs: [Output] = []
  /// Files beside outputs that are there and that no command of ours has made.
  private var taken: [(option: String, path: String, beside: String)] = []

  /// A file.
  mutating func reads(_ option: String, _ path: String?) {
    if let path { inputs.append(Input(option: option, place: FilePlace(path))) }
  }

  /// A file of images, or a folder, in which every new file might be one more.
  mutating func readsImages(_ option: String, _ path: String?, recursive: Bool? = nil) {
    guard let path else { return }
    inputs.append(Input(option: option, place: FilePlace(path), isRecursive: recursive ?? false))
  }

  /// Images, a statistics file with what belongs to it, or the name of fetched statistics.
  mutating func readsReference(_ option: String, _ path: String?, recursive: Bool? = nil) {
    guard let path else { return }
    let found = (try? resolveReference(path)) ?? path
    readsImages(option, found, recursive: recursive)
    for companion in ReferenceStatistics.companions(of: found) { reads(option, companion) }
  }

  /// A file.
  mutating func writes(_ option: String, _ path: String?) { add(option, path, .named) }

  /// A `.zip` or `.npz` file of images, or a new folder.
  mutating func writesImages(_ option: String, _ path: String?) { add(option, path, .images) }

  /// Files that are kept in `folder`, and folders all of whose files are.
  mutating func keeps(_ option: String, _ names: [String], in folder: String) {
    for name in names { add(option, "\(folder)/\(name)", .kept) }
  }

  /// The files of a run.
  mutating func keepsRun(_ option: String, in folder: String?) {
    if let folder { keeps(option, ["run.json", "run.lock", "units"], in: folder) }
  }

  /// A file beside an output, which only replaces one of its kind.
  mutating func writes(
    _ option: String, _ path: String, beside output: String, isFree: (String) -> Bool
  ) {
    add(option, path, .beside)
    if !isFree(path) { taken.append((option, path, output)) }
  }

  /// Statistics, and the record beside them.
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
  /// Refuses files that are in each other's way, and lets standard output be for a document that an
  /// option sends there.
  ///
  /// - Parameter json: Whether a document goes to standard output anyway.
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
        "\(option) '\(escaped(output))' also writes '\(escaped(path))', which is there and was not "
          + "made by dis-eval. Move that file, or choose another name.")
    }
    for output in outputs where output.kind == .named {
      switch FilePlace.standardOutput(output.path) {
      case .through where json:
        throw ValidationError(
          "\(output.option) '\(escaped(output.path))' and --json both write to standard output. "
            + "Leave one of them out.")
      case .through: Terminal.isOutputTaken.store(true, ordering: .relaxed)
      case .sameFile:
        throw ValidationError(
          "\(output.option) '\(escaped(output.path))' is the file that standard output is redirected "
            + "to. Leave the redirection out, or choose another path.")
      case nil: break
      }
    }
  }

  private func check(_ output: Output, _ input: Input) throws(ValidationError) {
    if output.place.isSame(as: input.place) {
      throw ValidationError(
        "\(description(output)) is a file that \(input.option) reads. Choose another path.")
    }
    if let isRecursive = input.isRecursive,
      output.place.isInside(input.place, directly: !isRecursive)
    {
      throw ValidationError(
        "\(description(output)) is in the folder that \(input.option) reads. Choose a path outside of "
          + "it.")
    }
    if output.isFolder, input.place.isInside(output.place) {
      throw ValidationError(
        "\(input.option) reads a file of the folder that \(description(output)) writes. Choose "
          + "another path.")
    }
  }

  private func check(_ output: Output, _ other: Output) throws(ValidationError) {
    if output.place.isSame(as: other.place) {
      // The last of several pictures of one name has the script.
      guard output.kind != .beside || other.kind != .beside else { return }
      throw ValidationError(
        "\(description(other)) and \(description(output)) are the same file. Choose two paths.")
    }
    for (inner, outer) in [(output, other), (other, output)]
    where outer.isFolder && inner.place.isInside(outer.place) {
      throw ValidationError(
        "\(description(inner)) is in the folder that \(description(outer)) writes. Choose a path "
          + "outside of it.")
    }
  }

  private func description(_ output: Output) -> String {
    "\(output.option) '\(escaped(output.path))'"
  }
}
