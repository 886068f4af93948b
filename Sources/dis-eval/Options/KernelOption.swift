import ArgumentParser
import DisEval
import Files
import Foundation

/// The value of `--kernels`: the instruction set of dis-eval's kernels and of OpenBLAS, so that
/// different machines produce the same bytes.
enum KernelOption: String, CaseIterable, ExpressibleByArgument {
  case scalar, avx2, avx512, neon

  /// OpenBLAS's name for a processor with these instructions.
  private var core: String {
    switch self {
    case .scalar: Self.leastCore
    case .avx2: "Haswell"
    case .avx512: "SkylakeX"
    case .neon: "ARMV8"
    }
  }

  #if arch(arm64)
    private static let leastCore = "ARMV8"
  #else
    private static let leastCore = "Prescott"
  #endif

  /// Makes this process use these instructions. Call it before anything else.
  ///
  /// OpenBLAS chooses its core when it is loaded. If that is a different core, the process replaces
  /// itself with a new one that has the same arguments, and this function does not return.
  ///
  /// - Throws: ``Failure`` `KernelsUnavailable` (69) if the processor lacks them.
  func select() throws(Failure) {
    guard Tool.hasInstructions(rawValue) else {
      throw Failure(
        .unavailable, .kernelsUnavailable, "--kernels \(rawValue)",
        "this processor lacks these instructions; use the best that all machines of the run have")
    }
    setenv("DIS_EVAL_KERNELS", rawValue, 1)
    let coreVariable = "OPENBLAS_CORETYPE"
    if getenv(coreVariable).map({ String(cString: $0) }) == core { return }
    setenv(coreVariable, core, 1)
    let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", arguments)
    throw Failure.system(errno, "exec", "/proc/self/exe")
  }
}
