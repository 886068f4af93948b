import Files
import GenerativeMetrics

extension Failure {
  package init(_ error: MetricError, _ subject: String) {
    self.init(.dataRefused, error.code, subject, error.detail)
  }
}
