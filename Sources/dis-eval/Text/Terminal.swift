import DisEval
import Files
import Foundation
import Synchronization
import Work

/// Standard output, which receives results, and standard error, which receives everything else.
enum Terminal {
  /// Writes a result to standard output and checks that it was written.
  ///
  /// - Throws: ``Failure`` `OutputLost` (74). A reader that closes the pipe early is not an error.
  static func result(_ bytes: some Sequence<UInt8>) throws(Failure) {
    let error = Array(bytes).withUnsafeBytes { writeAll($0, to: STDOUT_FILENO) }
    guard error == 0 || error == EPIPE else {
      throw Failure(
        .inputOutput, .outputLost, "standard output", String(cString: strerror(error)))
    }
  }

  /// Writes a line to standard output, or to standard error if standard output is for a document.
  static func result(_ text: String) throws(Failure) {
    guard !isOutputTaken.load(ordering: .relaxed) else { return note(text) }
    try result((text + "\n").utf8)
  }

  /// Whether an option such as `--out /dev/stdout` reserves standard output for a document.
  static let isOutputTaken = Atomic(false)

  /// Returns rows as aligned columns, without padding after the last one.
  static func table(_ rows: [[String]]) -> String {
    let widths = (rows.first ?? []).indices.map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      zip(row, widths).map(column)
        .joined(separator: "  ").trimmingSuffix { $0 == " " }
    }.joined(separator: "\n")
  }

  /// Writes a line to standard error, in place of a progress bar that is shown there. Errors are
  /// ignored, because they cannot be reported.
  static func note(_ text: String) {
    let isBarShown = isBarShown.exchange(false, ordering: .relaxed)
    write((isBarShown ? clearLine : "") + text + "\n")
  }

  /// Says on standard error that a file was written, for a command whose product is a document on
  /// standard output. A command whose product is the file prints its path there instead.
  ///
  /// - Parameter paths: The paths that the options name; nil for those that were not given.
  static func wrote(_ paths: String?..., quiet: Bool) {
    guard !quiet else { return }
    for case let path? in paths where FilePlace.standardOutput(path) == nil {
      note("dis-eval: wrote '\(escaped(path))'")
    }
  }

  /// Prints the path of a command's product on standard output, and facts about it on standard error.
  ///
  /// - Parameters:
  ///   - path: The path that was written.
  ///   - facts: What the file contains.
  ///   - quiet: Whether to print the path alone.
  static func product(_ path: String, _ facts: String, quiet: Bool = false) throws(Failure) {
    if !quiet { note("dis-eval: \(facts)") }
    try result(escaped(path))
  }

  /// Returns a reporter that shows warnings and progress. Progress is a bar on a terminal, and
  /// otherwise a line every minute.
  static func reporter(quiet: Bool) -> Reporter {
    let isTerminal = isatty(STDERR_FILENO) == 1
    let meter = Mutex(ProgressMeter())
    return Reporter(
      progress: { progress in
        guard !quiet else { return }
        let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(60)
        let found = meter.withLock {
          $0.line(progress, every: interval, saysBeginning: isTerminal)
        }
        guard let line = found else { return }
        if isTerminal {
          isBarShown.store(!line.isEnd, ordering: .relaxed)
          write(clearLine + line.bar(columns: columns - 1) + (line.isEnd ? "\n" : ""))
        } else if !line.isEnd {
          note("dis-eval: \(line.log)")
        }
      },
      warn: { if !quiet { note("dis-eval: warning: \(namingOptions($0))") } },
      note: { if !quiet { note("dis-eval: \(namingOptions($0))") } })
  }

  /// Whether the last line of the terminal is a progress bar.
  private static let isBarShown = Atomic(false)
  private static let clearLine = "\r\u{1B}[K"

  private static func write(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { writeAll($0, to: STDERR_FILENO) }
  }

  /// The width of the terminal, or 80 if it is unknown.
  private static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
