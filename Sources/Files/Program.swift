#if canImport(Glibc)
  import Glibc
#endif

/// Returns the path of an installed program, or nil if none of the folders of `PATH` has it.
///
/// - Parameter name: The name of the program without a folder, such as `curl`.
package func installedProgram(_ name: String) -> String? {
  let folders = getenv("PATH").map { String(cString: $0) } ?? ""
  return folders.split(separator: ":").lazy.map { "\($0)/\(name)" }.first { path in
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }
}
