/// The progress of a long-running activity.
public struct WorkProgress: Equatable, Sendable {
  /// The name of the activity, such as `sampling`.
  public let activity: String
  /// The number of images or bytes finished.
  public let done: Int
  /// The total number of images or bytes.
  public let total: Int
  /// The unit of ``done`` and ``total``.
  public let unit: Unit
  /// The part of ``done`` that an earlier run finished, and that does not count towards the rate of
  /// this run.
  public let doneBefore: Int

  /// The unit of ``done`` and ``total``.
  public enum Unit: Sendable {
    /// Images.
    case images
    /// Bytes.
    case bytes
  }

  /// Creates a progress value from its properties.
  ///
  /// - Parameters:
  ///   - activity: The name of the activity, such as `sampling`.
  ///   - done: The number of images or bytes finished, `0...total`.
  ///   - total: The total number of images or bytes.
  ///   - unit: The unit of the other numbers.
  ///   - doneBefore: The part of `done` that an earlier run finished, in the same unit.
  public init(
    activity: String, done: Int, total: Int, unit: Unit = .images, doneBefore: Int = 0
  ) {
    (self.activity, self.done, self.total, self.unit) = (activity, done, total, unit)
    self.doneBefore = doneBefore
  }
}

/// Receives the messages meant for people: progress, notes, and warnings that are also recorded in
/// the result.
public struct Reporter: Sendable {
  /// Called after each image, or a few times per second.
  public let progress: @Sendable (WorkProgress) -> Void
  /// Called once for each warning.
  public let warn: @Sendable (String) -> Void
  /// Called for information that is not recorded in any result.
  public let note: @Sendable (String) -> Void

  /// Creates a reporter from its callbacks.
  public init(
    progress: @escaping @Sendable (WorkProgress) -> Void,
    warn: @escaping @Sendable (String) -> Void,
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.progress = progress
    self.warn = warn
    self.note = note
  }

  /// A reporter that discards all messages.
  public static let silent = Reporter(progress: { _ in }, warn: { _ in })
}
