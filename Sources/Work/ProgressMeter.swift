import Foundation

/// How fast a piece of work goes and how long it will take, as text for people.
package struct ProgressMeter {
  private var activity = ""
  private var start: ContinuousClock.Instant
  /// When something was said.
  private var last: ContinuousClock.Instant
  /// When there was progress.
  private var previous: ContinuousClock.Instant

  /// A meter for work that begins now.
  package init(now: ContinuousClock.Instant = .now) {
    (start, last, previous) = (now, now, now)
  }

  /// What there is to say of some progress, nil if less than `interval` has passed since it was last said;
  /// the end of an activity is always said.
  ///
  /// - Parameter saysBeginning: Whether the first progress of an activity is said at once.
  package mutating func line(
    _ progress: WorkProgress, every interval: Duration, saysBeginning: Bool,
    now: ContinuousClock.Instant = .now
  ) -> ProgressLine? {
    let isNew = progress.activity != activity
    if isNew {
      // An activity begins where the one before it ended, before its own first image is done.
      (activity, start) = (progress.activity, previous)
    }
    previous = now
    let isEnd = progress.done >= progress.total
    guard isNew && saysBeginning || isEnd || now - last >= interval else { return nil }
    last = now
    return ProgressLine(progress, seconds: (now - start) / .seconds(1))
  }
}

/// Progress as text.
package struct ProgressLine {
  private let progress: WorkProgress
  private let seconds: Double

  /// - Parameter seconds: How long the work has taken so far.
  package init(_ progress: WorkProgress, seconds: Double) {
    (self.progress, self.seconds) = (progress, seconds)
  }

  /// Whether everything is done.
  package var isEnd: Bool { progress.done >= progress.total }

  /// Counts, rate and the time that is left, which is not known before the first image or byte.
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

  /// The text in one line of at most `columns` characters, with a bar if there is room for one.
  package func bar(columns: Int) -> String {
    let (head, tail) = (progress.activity, text)
    let room = columns - head.count - tail.count - 4
    guard room >= 8 else { return String("\(head) \(tail)".prefix(columns)) }
    let width = min(28, room)
    let filled = min(width, width * progress.done / max(progress.total, 1))
    return head + " [" + String(repeating: "=", count: filled)
      + String(repeating: " ", count: width - filled) + "] " + tail
  }

  /// The line for a log.
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

  /// `1:02:03`, `2:03`.
  static func duration(_ seconds: Double) -> String {
    let total = Int(min(seconds.rounded(), 1e9))
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, rest)
      : String(format: "%d:%02d", minutes, rest)
  }
}
