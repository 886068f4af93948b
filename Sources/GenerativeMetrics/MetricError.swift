/// Why a metric cannot be computed from the numbers it was given.
public struct MetricError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A stable name, such as `DimensionMismatch`.
  public let code: String
  /// What was found and what was expected.
  public let detail: String

  /// Makes an error.
  public init(_ code: String, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  /// The code and the detail.
  public var description: String { "\(code): \(detail)" }
}
