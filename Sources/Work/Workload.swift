import CKernels
import Files
import Foundation
import Tensors

/// The degree of parallelism. It never changes any byte of a result.
public struct Workload: Sendable {
  /// The number of workers, each computing its own images with single-threaded kernels.
  public let threads: Int
  /// The number of images in flight: those being computed and those waiting for their turn.
  public let batch: Int

  /// Creates a workload from its limits.
  ///
  /// - Parameters:
  ///   - threads: The number of workers. Values below 1 count as 1.
  ///   - batch: The number of images in flight. Values below 1 count as 1.
  public init(threads: Int, batch: Int) {
    self.threads = max(1, threads)
    self.batch = max(1, batch)
  }

  /// One worker for each processor, and four images in flight for each worker.
  public static let `default` = Workload(
    threads: ProcessInfo.processInfo.activeProcessorCount,
    batch: 4 * ProcessInfo.processInfo.activeProcessorCount)

  /// Checks that the requested kernels are available and that there is memory for the matrix
  /// products of all workers. From then on, the process keeps memory that it frees.
  ///
  /// - Throws: `Failure` `UnknownKernels` (64) if `DIS_EVAL_KERNELS` does not name an instruction
  ///   set, `KernelsUnavailable` (69) if this processor lacks it, `OutOfMemory` (71) if the system
  ///   does not provide 128 MiB for each worker.
  package func prepare() throws(Failure) {
    if let wish = ProcessInfo.processInfo.environment["DIS_EVAL_KERNELS"] {
      guard knownInstructionSets.contains(where: { $0.name == wish }) else {
        throw Failure(
          .usage, .unknownKernels, "DIS_EVAL_KERNELS=\(wish)",
          "expected one of \(knownInstructionSets.map(\.name).joined(separator: ", "))")
      }
      guard wish == kernelInstructionSet else {
        throw Failure(
          .unavailable, .kernelsUnavailable, "DIS_EVAL_KERNELS=\(wish)",
          "this processor has no such instructions; it has "
            + knownInstructionSets.filter(\.isAvailable).map(\.name).joined(separator: ", "))
      }
    }
    keepFreedMemory()
    guard prepareLinearAlgebra(callers: threads) else {
      throw Failure(
        .outOfMemory, .outOfMemory, "`threads` \(threads)",
        "OpenBLAS needs 128 MiB for every worker, which the system does not provide; use fewer "
          + "threads or raise the limit")
    }
  }
}

/// Makes the process keep memory that it frees, for all of its threads.
///
/// A thread that allocated memory before this call keeps a heap of its own, which other threads do
/// not use. The command therefore calls this before it starts a thread; ``Workload/prepare()`` calls
/// it for programs that use the libraries.
package func keepFreedMemory() { dis_keep_freed_memory() }
