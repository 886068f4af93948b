import Checkpoints
import Foundation
import Tensors

/// The fixtures beside a test target.
package struct Goldens: Sendable {
  private let folder: URL

  /// - Parameter bundle: `Bundle.module` of the test target.
  package init(_ bundle: Bundle) {
    folder = bundle.resourceURL?.appendingPathComponent("Fixtures") ?? URL(fileURLWithPath: "/")
  }

  /// The path of a fixture.
  package func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// The `.npy` fixture of that name.
  package func array(_ name: String) throws -> NPYArray { try NPYArray.read(path("\(name).npy")) }

  /// The `.npy` fixture of that name as float32, one tensor for each index of its first axis.
  package func tensors(_ name: String) throws -> [Tensor] {
    let array = try array(name)
    let shape = Array(array.shape.dropFirst())
    let (values, size) = (array.floats(), shape.reduce(1, *))
    return (0..<array.shape[0]).map {
      Tensor(shape: shape, values: Array(values[$0 * size..<($0 + 1) * size]))
    }
  }
}

/// A folder that is deleted when the value goes away.
package final class TemporaryFolder: Sendable {
  package let url: URL

  package init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("dis-eval-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The path of a file in the folder.
  package func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}
