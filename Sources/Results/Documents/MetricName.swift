/// A metric that can be asked for. With an extractor other than Inception, `fid` is called `fd` and
/// `is` is called `cs`.
public enum MetricName: String, CaseIterable, Sendable {
  case fid, sfid, inceptionScore = "is", kid, precision, recall

  /// Those that need the feature rows of both sides.
  package static let ofRows: Set<MetricName> = [.kid, .precision, .recall]
}

extension MetricName {
  /// The metric that results call so: `fd` is `fid` of an extractor other than Inception.
  public init?(title: String) {
    switch title {
    case "fd": self = .fid
    case "cs": self = .inceptionScore
    default: self.init(rawValue: title)
    }
  }
}
