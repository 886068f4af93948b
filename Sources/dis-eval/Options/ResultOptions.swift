import ArgumentParser
import DisEval
import Files
import Work

/// Where a result and pictures of its samples are written.
struct ResultOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Also write the result to this file, as JSON, and the influences of the images to a file beside it. With several \
      extractors, result.json becomes result.NAME.json for each.
      """, valueName: "file"))
  var out: String?

  @Option(
    help: ArgumentHelp("Write a contact sheet of the samples to this PNG file.", valueName: "file"))
  var grid: String?

  @Option(
    help: ArgumentHelp(
      "Write the samples: as PNG files to a new folder or to a .zip file in EDM's layout, or to an "
        + ".npz file in ADM's layout, in which grey becomes RGB.", valueName: "path"))
  var saveImages: String?

  @Flag(
    help: ArgumentHelp(
      "Do not compute intervals, which take as long as 20 distances, and space for the features of "
        + "all images in $TMPDIR."))
  var noIntervals = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  /// Whether the pixels of samples are needed.
  var wantsImages: Bool { grid != nil || saveImages != nil }

  /// The options that are given and name a file.
  var outputOptions: [String] {
    [("--out", out), ("--grid", grid), ("--save-images", saveImages)]
      .filter { $0.1 != nil }.map(\.0)
  }

  /// The files for the results of the given extractors.
  private func outputs(_ extractors: [String]) -> [String] {
    guard let out else { return [] }
    return extractors.isEmpty ? [out] : extractors.map { JointResult.path(out, of: $0) }
  }

  /// Adds the files to write.
  ///
  /// - Parameter extractors: The names of several extractors; empty for one.
  func addOutputs(to files: inout CommandFiles, extractors: [String] = []) {
    for path in outputs(extractors) { files.writes("--out", path) }
    files.writes("--grid", grid)
    files.writesImages("--save-images", saveImages)
  }

  /// Refuses outputs that cannot be written, before hours of work.
  ///
  /// - Parameter extractors: The names of several extractors; empty for one.
  func check(extractors: [String] = []) throws(Failure) {
    for path in outputs(extractors) + [grid].compactMap(\.self) { try AtomicFile.check(path) }
  }

  /// Writes the results of several seeds.
  func write(_ repeated: RepeatedResult, _ reporter: Reporter, quiet: Bool) throws {
    if let out { try repeated.write(to: out, warn: reporter.warn) }
    Terminal.wrote(out, quiet: quiet)
    try json ? Terminal.result(repeated.json()) : Terminal.result(summary(of: repeated))
  }

  /// Runs an evaluation and writes the requested files.
  func run(_ evaluation: PreparedEvaluation, _ reporter: Reporter, quiet: Bool) async throws {
    let result = try await withSink(of: evaluation) { try await evaluation.run(sink: $0) }
    if let out { try result.write(to: out, warn: reporter.warn) }
    Terminal.wrote(out, grid, saveImages, quiet: quiet)
    try json ? Terminal.result(result.json()) : Terminal.result(summary(of: result))
  }

  /// Runs evaluations of the same images and writes the requested files, a result for each extractor.
  func run(_ joint: JointEvaluation, _ reporter: Reporter, quiet: Bool) async throws {
    let results = try await withSink(of: joint.evaluations[0]) { try await joint.run(sink: $0) }
    var written: [String?] = []
    for (result, path) in zip(results, outputs(joint.names)) {
      try result.write(to: path, warn: reporter.warn)
      written.append(path)
    }
    for path in written + [grid, saveImages] { Terminal.wrote(path, quiet: quiet) }
    let document = JointResult(results)
    try json ? Terminal.result(document.json()) : Terminal.result(summary(of: results, document))
  }

  /// Calls `body` with what receives the samples, and writes the pictures that were asked for.
  private func withSink<Value>(
    of evaluation: PreparedEvaluation,
    _ body: (((Image, Int?) throws -> Void)?) async throws -> Value
  ) async throws -> Value {
    let saved = try saveImages.map { try ImageOutput(path: $0, count: evaluation.sampleCount) }
    var sheet = SampleGrid(classCount: evaluation.classCount)
    let value = try await body(
      wantsImages
        ? { image, label in
          sheet.append(image, label: label)
          try saved?.append(image, label: label)
        } : nil)
    try saved?.finish()
    if let grid { try sheet.write(to: grid) }
    return value
  }
}
