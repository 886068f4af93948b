import Files
import GenerativeMetrics

extension Failure {
  /// Creates the failure that a metric's error is reported as, with the same code and status 65.
  ///
  /// - Parameters:
  ///   - error: The error of a metric.
  ///   - subject: The file or setting that caused it, for messages.
  package init(_ error: MetricError, _ subject: String) {
    self.init(.dataRefused, Code(rawValue: error.code.rawValue), subject, error.detail)
  }
}
