import Synchronization

/// Lets a command end long work from a different thread, such as one that waits for signals.
public final class StopRequest: Sendable {
  private let action = Mutex<(@Sendable () throws -> Void)?>(nil)

  /// Creates a request that has not been made.
  public init() {}

  /// Sets the action that saves the work when the request is made.
  package func attach(_ action: @escaping @Sendable () throws -> Void) {
    self.action.withLock { $0 = action }
  }

  /// Saves the work in progress, after which the process can end. Returns when everything is
  /// written.
  ///
  /// - Returns: Whether the work had begun, so that there was something to save.
  /// - Throws: The error of the action: a `Failure` such as `DiskFull` or `InputOutput` (74) if the
  ///   work cannot be written.
  @discardableResult public func stop() throws -> Bool {
    try action.withLock { action in
      try action?()
      return action != nil
    }
  }
}
