import DisEval
import Files
import Foundation
import Synchronization

/// Standard output for results, standard error for people.
enum Terminal {
  /// Writes a result to standard output and makes sure that it arrived.
  ///
  /// - Throws: ``Failure`` `OutputLost` (74). A reader that went away early is no error.
  static func result(_ bytes: some Sequence<UInt8>) throws(Failure) {
    let error = Array(bytes).withUnsafeBytes { writeAll($0, to: STDOUT_FILENO) }
    guard error == 0 || error == EPIPE else {
      throw Failure(
        .inputOutput, "OutputLost", "standard output", String(cString: strerror(error)))
    }
  }

  /// Writes a line of text to standard output, or to standard error when a document goes there.
  static func result(_ text: String) throws(Failure) {
    guard !isOutputTaken.load(ordering: .relaxed) else { return note(text) }
    try result((text + "\n").utf8)
  }

  /// Whether standard output is for a document that an option such as `--out /dev/stdout` sends there.
  static let isOutputTaken = Atomic(false)

  /// Lines of columns that are as wide as they must be, the last one not padded.
  static func table(_ rows: [[String]]) -> String {
    let widths = (rows.first ?? []).indices.map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        .joined(separator: "  ").trimmingSuffix { $0 == " " }
    }.joined(separator: "\n")
  }

  /// Writes a line to standard error. When that fails there is nobody to tell.
  static func note(_ text: String) {
    _ = Array((text + "\n").utf8).withUnsafeBytes { writeAll($0, to: STDERR_FILENO) }
  }

  /// Tells people about progress, when standard error is a terminal, and about warnings.
  static func reporter(quiet: Bool) -> Reporter {
    let isTerminal = isatty(STDERR_FILENO) == 1
    let bar = Mutex(ProgressBar())
    return Reporter(
      progress: { progress in
        guard isTerminal, !quiet else { return }
        guard let line = bar.withLock({ $0.line(progress) }) else { return }
        _ = Array(line.utf8).withUnsafeBytes { writeAll($0, to: STDERR_FILENO) }
      },
      warn: { if !quiet { note("dis-eval: warning: \($0)") } },
      note: { if !quiet { note("dis-eval: \($0)") } })
  }
}

/// A line with a bar, the rate and the time left.
struct ProgressBar {
  private var activity = ""
  private var start = ContinuousClock.now
  private var shown = ContinuousClock.now

  /// The text that replaces the current line, nil if the last one is younger than a tenth of a
  /// second; it ends the line when all is done.
  mutating func line(_ progress: WorkProgress, now: ContinuousClock.Instant = .now) -> String? {
    if progress.activity != activity {
      // The first activity began when the bar was made, before its first image was done.
      if !activity.isEmpty { start = shown }
      activity = progress.activity
    } else if now - shown < .milliseconds(100), progress.done < progress.total {
      return nil
    }
    shown = now
    let seconds = (now - start) / .seconds(1)
    let rate = Double(progress.done - progress.doneBefore) / max(seconds, 1e-3)
    let left = Double(progress.total - progress.done) / max(rate, 1e-9)
    let width = 28
    let filled = width * progress.done / max(progress.total, 1)
    let bar =
      String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled)
    let (counts, rateText) =
      switch progress.unit {
      case .images:
        ("\(progress.done)/\(progress.total)", String(format: rate < 10 ? "%.2f" : "%.0f", rate))
      case .bytes:
        (
          String(format: "%.1f/%.1f MB", Double(progress.done) / 1e6, Double(progress.total) / 1e6),
          String(format: "%.1f MB", rate / 1e6)
        )
      }
    let end =
      progress.done == progress.total
      ? "in \(Self.duration(seconds))\n" : "ETA \(Self.duration(left))"
    return
      "\r\u{1B}[K\(activity) [\(bar)] \(counts)  \(rateText)/s  \(end)"
  }

  /// `1:02:03`, `2:03`.
  static func duration(_ seconds: Double) -> String {
    let total = Int(min(seconds.rounded(), 1e9))
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, rest)
      : String(format: "%d:%02d", minutes, rest)
  }
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
    var result = self
    while let last = result.last, predicate(last) { result.removeLast() }
    return result
  }
}
