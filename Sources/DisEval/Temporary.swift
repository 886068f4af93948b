import GenerativeMetrics
import Images
import Files
extension ImageSource {
  init(path: String, recursive: Bool) throws(Failure) { try self.init(path: path) }
}
extension Side { var notes: [String] { [] } }
