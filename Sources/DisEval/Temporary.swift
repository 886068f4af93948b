import GenerativeMetrics
import Images
import Files
extension ReferenceStatistics {
  var dialect: Dialect? { (record?.dialect).flatMap(Dialect.init(rawValue:)) }
  var count: Int? { record?.count }
  var ddof: Int? { record?.ddof }
  var resolution: Int? { nil }
  var spatial: GaussianStatistics? { nil }
  func featureRows() throws -> FeatureRows? { nil }
  func images() throws -> ImageSource? { nil }
}
func resolveReference(_ p: String) throws -> String { p }
extension ImageSource {
  init(path: String, recursive: Bool) throws(Failure) { try self.init(path: path) }
}
extension Side { var notes: [String] { [] } }
