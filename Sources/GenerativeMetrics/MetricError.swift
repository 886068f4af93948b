/// The reason a metric cannot be computed from the given numbers.
public struct MetricError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A stable name, such as `DimensionMismatch`.
  public let code: String
  /// What was found and what was expected.
  public let detail: String

  /// Creates an error.
  ///
  /// - Parameters:
  ///   - code: A stable name in UpperCamelCase.
  ///   - detail: What was found and what was expected.
  public init(_ code: String, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  /// The code and the detail.
  public var description: String { "\(code): \(detail)" }
}
