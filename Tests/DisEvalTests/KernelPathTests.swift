import DisEval
import Foundation
import Testing
import Work

/// The kernels that run are those that were asked for; otherwise `scripts/test-cores` would test others.
@Suite("The kernel path") struct KernelPathTests {
  @Test(.enabled(if: Self.environment["OPENBLAS_CORETYPE"] != nil))
  func openBLASRunsTheCoreAskedFor() throws {
    let core = try #require(Self.environment["OPENBLAS_CORETYPE"])
    let running = try #require(Tool.kernelPath.split(separator: " ").last)
    #expect(running.lowercased() == core.lowercased())
  }

  @Test(.enabled(if: Self.environment["DIS_EVAL_KERNELS"] != nil))
  func ourKernelsAreThoseAskedFor() throws {
    let kernels = try #require(Self.environment["DIS_EVAL_KERNELS"])
    #expect(Tool.kernelPath.hasPrefix("\(kernels), "))
  }

  private static var environment: [String: String] { ProcessInfo.processInfo.environment }
}
