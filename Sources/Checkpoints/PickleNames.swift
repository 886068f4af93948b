/// Returns whether a pickle may contain the name of a class or function.
///
/// The name must not be dotted, because a dotted name accesses attributes, and so reaches what a
/// module has imported. The module must not belong to a package that runs, imports or calls things.
/// Of the built-in names and of `functools`, only those are harmless that Python writes for plain values
/// and types.
func isHarmless(module: [UInt8], name: String) -> Bool {
  let path = module.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  let package = String(decoding: path[0], as: UTF8.self)
  return path.allSatisfy(isIdentifier) && isIdentifier(name.utf8)
    && (harmlessNames[package].map { path.count == 1 && $0.contains(name) }
      ?? !forbiddenPackages.contains(package))
}

/// Returns whether `name` consists of ASCII letters, digits and underscores.
private func isIdentifier(_ name: some Collection<UInt8>) -> Bool {
  !name.isEmpty
    && name.allSatisfy { byte in
      switch UnicodeScalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "_": true
      default: false
      }
    }
}

/// The names of plain values and types, by their package. Protocol 2 calls `range` `xrange`, and Python 2
/// has `long`, `unicode` and `basestring`.
private let harmlessBuiltIns: Set<String> = [
  "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object",
  "range", "set", "slice", "str", "tuple", "type", "Ellipsis", "NotImplemented",
  "xrange", "long", "unicode", "basestring",
]
private let harmlessNames: [String: Set<String>] = [
  "builtins": harmlessBuiltIns, "__builtin__": harmlessBuiltIns, "functools": ["partial"],
]

/// Packages that run, import or call things. A file that names one is refused, even if the name is
/// never used.
private let forbiddenPackages: Set<String> = [
  "os", "posix", "nt", "sys", "subprocess", "runpy", "importlib", "imp", "pkgutil", "pydoc",
  "pickle", "_pickle", "cPickle", "marshal", "ctypes", "operator", "_operator", "code", "pty",
]
