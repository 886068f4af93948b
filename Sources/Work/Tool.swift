import CLAPACK
import Foundation
import Tensors

/// This tool, as results name it.
public enum Tool {
  /// The name of the command.
  public static let name = "dis-eval"
  /// The version of the command and of the library, by semantic versioning.
  public static let version = "0.5.0"

  /// Whether this processor runs kernels of that name: `scalar`, `avx2`, `avx512` or `neon`.
  public static func hasInstructions(_ name: String) -> Bool {
    knownInstructionSets.contains { $0.name == name && $0.isAvailable }
  }

  /// What decides the last bits of a result: the instruction set of our kernels, and OpenBLAS's
  /// version and core. The same bytes come out only on the same path.
  public static var kernelPath: String { kernelPath(.float32) }

  /// What `--version` prints: the version, and on a line of its own the code path of networks of every
  /// precision. Runs can be continued where both are the same.
  public static var versionAndKernels: String {
    "\(name) \(version)\nkernels: \(kernelPath(.bfloat16))"
  }

  /// The same of networks of some precision: not every processor with AVX-512 multiplies bfloat16,
  /// and the sums of those that do underflow sooner.
  package static func kernelPath(_ precision: Precision?) -> String {
    let configuration = String(cString: openblas_get_config())
    let release = configuration.split(separator: " ").prefix(2).joined(separator: " ")
    let products =
      precision == .bfloat16 ? ", \(Precision.bfloat16.rawValue) by \(bfloat16InstructionSet)" : ""
    return "\(kernelInstructionSet)\(products), \(release) "
      + String(cString: openblas_get_corename())
  }
}
