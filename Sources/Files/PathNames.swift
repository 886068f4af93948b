import Foundation

/// Returns the part of a path after the last slash.
package func lastComponent(_ path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}

/// Returns the last component of `path` without its extension.
package func stem(_ path: String) -> String {
  let name = lastComponent(path)
  guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
  return String(name[..<dot])
}

/// Returns the path of `name` in the folder of `path`.
package func siblingPath(of path: String, _ name: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return name }
  return String(path[...slash]) + name
}

/// Returns `path` as an absolute path.
package func absolutePath(_ path: String) -> String { URL(fileURLWithPath: path).path }
