import Foundation

/// Returns which processes of this machine have a file open, for a message about a lock that is held.
///
/// - Parameter path: The path of the locked file.
/// - Returns: Such as `process 1234 (dis-eval) on node7`; if there are none, the words for a process elsewhere.
package func holders(of path: String) -> String {
  let wanted = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  let manager = FileManager.default
  let processes = ((try? manager.contentsOfDirectory(atPath: "/proc")) ?? []).filter { process in
    guard let number = Int32(process), number != getpid() else { return false }
    let descriptors = (try? manager.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []
    return descriptors.contains {
      (try? manager.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")) == wanted
    }
  }
  guard !processes.isEmpty else { return "a process of another user or machine" }
  return processes.sorted().prefix(5).map { process in
    let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
    return "process \(process) (\(name.split(separator: "\n").joined()))"
  }.joined(separator: ", ") + " on \(ProcessInfo.processInfo.hostName)"
}
