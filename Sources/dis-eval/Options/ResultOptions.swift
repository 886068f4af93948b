import ArgumentParser
import DisEval
import Files
import Work

/// Where a result and pictures of its samples are written.
struct ResultOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Also write the result to this file, as JSON.", valueName: "file"))
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

  /// Adds the files to write.
  func addOutputs(to files: inout CommandFiles) {
    files.writes("--out", out)
    files.writes("--grid", grid)
    files.writesImages("--save-images", saveImages)
  }

  /// Refuses outputs that cannot be written, before hours of work.
  func check() throws(Failure) {
    for path in [out, grid].compactMap(\.self) { try AtomicFile.check(path) }
  }

  /// Writes the results of several seeds.
  func write(_ repeated: RepeatedResult, _ reporter: Reporter, quiet: Bool) throws {
    if let out { try repeated.write(to: out, warn: reporter.warn) }
    Terminal.wrote(out, quiet: quiet)
    try json ? Terminal.result(repeated.json()) : Terminal.result(summary(of: repeated))
  }

  /// Runs an evaluation and writes the requested files.
  func run(_ evaluation: PreparedEvaluation, _ reporter: Reporter, quiet: Bool) async throws {
    let saved = try saveImages.map { try ImageOutput(path: $0, count: evaluation.sampleCount) }
    var sheet = SampleGrid(classCount: evaluation.classCount)
    let result = try await evaluation.run(
      sink: wantsImages
        ? { image, label in
          sheet.append(image, label: label)
          try saved?.append(image, label: label)
        } : nil)
    try saved?.finish()
    if let grid { try sheet.write(to: grid) }
    if let out { try result.write(to: out, warn: reporter.warn) }
    Terminal.wrote(out, grid, saveImages, quiet: quiet)
    try json ? Terminal.result(result.json()) : Terminal.result(summary(of: result))
  }
}
