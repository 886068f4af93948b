import Foundation

/// The part of a path after the last slash.
package func lastComponent(_ path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}

/// The last component of `path` without what follows its last dot.
package func stem(_ path: String) -> String {
  let name = lastComponent(path)
  guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
  return String(name[..<dot])
}

/// `name` in the folder of `path`.
package func siblingPath(of path: String, _ name: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return name }
  return String(path[...slash]) + name
}

/// `path` as it is known from anywhere on this machine.
package func absolutePath(_ path: String) -> String { URL(fileURLWithPath: path).path }
