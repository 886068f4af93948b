import Files
import GenerativeMetrics

extension Failure {
  package init(_ error: MetricError, _ subject: String) {
    self.init(.dataRefused, Code(rawValue: error.code.rawValue), subject, error.detail)
  }
}
