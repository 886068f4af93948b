/// How far a long piece of work has come.
public struct WorkProgress: Equatable, Sendable {
  /// What is being done, such as `sampling`.
  public let activity: String
  /// Images or bytes finished.
  public let done: Int
  /// Images or bytes in all.
  public let total: Int
  /// What is counted.
  public let unit: Unit
  /// Of ``done``, what an earlier run had done: it says nothing of the speed of this one.
  public let doneBefore: Int

  /// What ``done`` and ``total`` count.
  public enum Unit: Sendable { case images, bytes }

  /// Notes how far `activity` has come.
  public init(
    activity: String, done: Int, total: Int, unit: Unit = .images, doneBefore: Int = 0
  ) {
    (self.activity, self.done, self.total, self.unit) = (activity, done, total, unit)
    self.doneBefore = doneBefore
  }
}

/// Where the pipeline reports what is for people: progress, and warnings that are also recorded in
/// the result.
public struct Reporter: Sendable {
  /// Called after each image, or a few times a second.
  public let progress: @Sendable (WorkProgress) -> Void
  /// Called once per warning.
  public let warn: @Sendable (String) -> Void
  /// Called for what is good to know and stands in no result.
  public let note: @Sendable (String) -> Void

  /// Makes a reporter.
  public init(
    progress: @escaping @Sendable (WorkProgress) -> Void,
    warn: @escaping @Sendable (String) -> Void,
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.progress = progress
    self.warn = warn
    self.note = note
  }

  /// Reports to nobody.
  public static let silent = Reporter(progress: { _ in }, warn: { _ in })
}
