/// What the last step does at the time that is its size away from the data. L is the size.
public enum LastStep: String, CaseIterable, Sendable {
  /// x + L d(x, t).
  case mean
  /// x + L v(x, t).
  case euler
  /// x / alpha + sigma^2 / alpha s(x, t), the expected data.
  case tweedie
  /// No separate last step: the other steps cover the whole way to the data.
  case none
}
