import Foundation

/// Measures how fast work proceeds, and decides when to report it.
package struct ProgressMeter {
  private var activity = ""
  private var start: ContinuousClock.Instant
  /// The time of the last reported line.
  private var last: ContinuousClock.Instant
  /// The time of the last progress.
  private var previous: ContinuousClock.Instant

  /// Creates a meter for work that begins at `now`.
  package init(now: ContinuousClock.Instant = .now) {
    (start, last, previous) = (now, now, now)
  }

  /// Returns the line to report, or nil if less than `interval` has passed since the last one. The
  /// end of an activity is always reported.
  ///
  /// - Parameters:
  ///   - progress: The progress of the work at the time `now`.
  ///   - interval: The shortest time between two lines of an activity.
  ///   - saysBeginning: Whether to report the first progress of an activity immediately.
  ///   - now: The time of the progress, not before that of the previous call.
  package mutating func line(
    _ progress: WorkProgress, every interval: Duration, saysBeginning: Bool,
    now: ContinuousClock.Instant = .now
  ) -> ProgressLine? {
    let isNew = progress.activity != activity
    if isNew {
      // An activity starts when the previous one ended, which is before its own first image is
      // finished.
      (activity, start) = (progress.activity, previous)
    }
    previous = now
    let isEnd = progress.done >= progress.total
    guard isNew && saysBeginning || isEnd || now - last >= interval else { return nil }
    last = now
    return ProgressLine(progress, seconds: (now - start) / .seconds(1))
  }
}

/// Progress formatted as text.
package struct ProgressLine {
  private let progress: WorkProgress
  private let seconds: Double

  /// Creates the text of a progress at a given time.
  ///
  /// - Parameters:
  ///   - progress: The progress to describe.
  ///   - seconds: The time in seconds that the work has taken so far.
  package init(_ progress: WorkProgress, seconds: Double) {
    (self.progress, self.seconds) = (progress, seconds)
  }

  /// Whether the activity is finished.
  package var isEnd: Bool { progress.done >= progress.total }

  /// The counts, the rate, and the remaining time, which is unknown before the first image or byte.
  package var text: String {
    let made = progress.done - progress.doneBefore
    guard made > 0, seconds > 0 else { return isEnd ? counts : "\(counts)  ETA unknown" }
    let rate = Double(made) / seconds
    let end =
      isEnd
      ? "in \(Self.duration(seconds))"
      : "ETA \(Self.duration(Double(progress.total - progress.done) / rate))"
    return "\(counts)  \(shown(rate))/s  \(end)"
  }

  /// Returns the text as one line, with a progress bar if it fits.
  ///
  /// - Parameter columns: The maximum number of characters of the line.
  package func bar(columns: Int) -> String {
    let (head, tail) = (progress.activity, text)
    let room = columns - head.count - tail.count - 4
    guard room >= 8 else { return String("\(head) \(tail)".prefix(columns)) }
    let width = min(28, room)
    let filled = min(width, width * progress.done / max(progress.total, 1))
    return head + " [" + String(repeating: "=", count: filled)
      + String(repeating: " ", count: width - filled) + "] " + tail
  }

  /// The text as a line of a log.
  package var log: String { "\(progress.activity) \(text)" }

  private var counts: String {
    switch progress.unit {
    case .images: "\(progress.done)/\(progress.total)"
    case .bytes:
      String(format: "%.1f/%.1f MB", Double(progress.done) / 1e6, Double(progress.total) / 1e6)
    }
  }

  private func shown(_ rate: Double) -> String {
    switch progress.unit {
    case .images: String(format: rate < 10 ? "%.2f" : "%.0f", rate)
    case .bytes: String(format: "%.1f MB", rate / 1e6)
    }
  }

  /// Formats a duration, such as `1:02:03` or `2:03`.
  static func duration(_ seconds: Double) -> String {
    let total = Int(min(seconds.rounded(), 1e9))
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, rest)
      : String(format: "%d:%02d", minutes, rest)
  }
}
