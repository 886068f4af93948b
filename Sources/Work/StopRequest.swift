import Synchronization

/// Lets a command end long work from another thread, such as one that waits for signals.
public final class StopRequest: Sendable {
  private let action = Mutex<(@Sendable () throws -> Void)?>(nil)

  /// A request that nobody has made yet.
  public init() {}

  /// Says what is to be saved when the request is made.
  package func attach(_ action: @escaping @Sendable () throws -> Void) {
    self.action.withLock { $0 = action }
  }

  /// Saves what is being made; the process can end afterwards. Takes as long as writing it does.
  ///
  /// - Returns: Whether the work had begun, so that there was something to save.
  /// - Throws: `Failure` when it could not be written.
  @discardableResult public func stop() throws -> Bool {
    try action.withLock { action in
      try action?()
      return action != nil
    }
  }
}
