import CKernels
import Files
import Foundation
import Tensors

/// How much runs at once. None of it ever changes a byte of any result.
public struct Workload: Sendable {
  /// Workers, each on its own images with single-threaded kernels.
  public let threads: Int
  /// Images in flight: those being made and those that wait for their turn.
  public let batch: Int

  /// Makes a workload; both at least 1.
  public init(threads: Int, batch: Int) {
    self.threads = max(1, threads)
    self.batch = max(1, batch)
  }

  /// Makes sure that the kernels asked for are there, and memory for the matrix products of all
  /// workers; from then on, memory that comes and goes stays with the process.
  ///
  /// - Throws: `Failure` `UnknownKernels`, `KernelsUnavailable` or `OutOfMemory`.
  package func prepare() throws(Failure) {
    if let wish = ProcessInfo.processInfo.environment["DIS_EVAL_KERNELS"] {
      guard knownInstructionSets.contains(where: { $0.name == wish }) else {
        throw Failure(
          .usage, "UnknownKernels", "DIS_EVAL_KERNELS=\(wish)",
          "expected one of \(knownInstructionSets.map(\.name).joined(separator: ", "))")
      }
      guard wish == kernelInstructionSet else {
        throw Failure(
          .unavailable, "KernelsUnavailable", "DIS_EVAL_KERNELS=\(wish)",
          "this processor has no such instructions; it has "
            + knownInstructionSets.filter(\.isAvailable).map(\.name).joined(separator: ", "))
      }
    }
    dis_keep_freed_memory()
    guard prepareLinearAlgebra(callers: threads) else {
      throw Failure(
        .outOfMemory, "OutOfMemory", "--threads \(threads)",
        "OpenBLAS needs 128 MiB for every worker, which the system does not give; use fewer "
          + "threads or raise the limit")
    }
  }
}
