import CLAPACK
import Foundation
import Tensors

/// The identity of this tool, as recorded in results.
public enum Tool {
  /// The name of the command.
  public static let name = "dis-eval"
  /// The semantic version of the command and the library.
  public static let version = "0.6.0"

  /// Returns whether this processor supports the kernels with that name: `scalar`, `avx2`, `avx512`
  /// or `neon`.
  public static func hasInstructions(_ name: String) -> Bool {
    knownInstructionSets.contains { $0.name == name && $0.isAvailable }
  }

  /// The properties that determine the last bits of a result: the instruction set of the kernels,
  /// and the version and core of OpenBLAS. Results are byte-identical only on the same path.
  public static var kernelPath: String { kernelPath(.float32) }

  /// The text that `--version` prints: the version, and on a separate line the code path of
  /// networks of every precision. A run can be continued on a machine where both are equal.
  public static var versionAndKernels: String {
    "\(name) \(version)\nkernels: \(kernelPath(.bfloat16))"
  }

  /// Returns the kernel path of networks of a precision. Not every processor with AVX-512
  /// multiplies in bfloat16, and on those that do, sums underflow earlier.
  package static func kernelPath(_ precision: Precision?) -> String {
    let configuration = String(cString: openblas_get_config())
    let release = configuration.split(separator: " ").prefix(2).joined(separator: " ")
    let products =
      precision == .bfloat16 ? ", \(Precision.bfloat16.rawValue) by \(bfloat16InstructionSet)" : ""
    return "\(kernelInstructionSet)\(products), \(release) "
      + String(cString: openblas_get_corename())
  }
}
