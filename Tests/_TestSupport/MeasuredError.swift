import Foundation

/// The error, printed with its bound when `DIS_EVAL_ERRORS` is 1, for the table of `scripts/test-cores`.
package func reported(_ error: Double, bound: Double, _ what: String) -> Double {
  if ProcessInfo.processInfo.environment["DIS_EVAL_ERRORS"] == "1" {
    print("measured error\t\(error)\t\(bound)\t\(what)")
  }
  return error
}
