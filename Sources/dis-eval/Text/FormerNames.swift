/// The command line with every option under its current name. For one version, the former names
/// still work; no help shows them.
struct CurrentArguments {
  /// The arguments to parse.
  private(set) var arguments: [String]
  /// The former options that were given, each with its current name.
  private var renamed: [(old: String, new: String)] = []

  /// The former names of options, by command.
  private static let formerNames: [String: [String: String]] = [
    "explain": ["--base": "--dialect"],
    "gate": ["--metric": "--metrics"],
    "report": ["--samples": "--num"],
    "stats convert": [
      "--count": "--num", "--features": "--keep-features", "--resolution": "--image-side",
    ],
    "stats make": ["--features": "--keep-features"],
  ]

  /// Renames the options of a command line, which begins with the command's name.
  init(_ arguments: some Collection<String>) {
    self.arguments = Array(arguments)
    let words = self.arguments.prefix { !$0.hasPrefix("-") }
    guard
      let names = Self.formerNames[words.prefix(2).joined(separator: " ")]
        ?? Self.formerNames[words.first ?? ""]
    else { return }
    let end = self.arguments.firstIndex(of: "--") ?? self.arguments.endIndex
    for index in self.arguments[..<end].indices {
      let option = self.arguments[index].prefix { $0 != "=" }
      guard let new = names[String(option)] else { continue }
      self.arguments[index].replaceSubrange(..<option.endIndex, with: new)
      if !renamed.contains(where: { $0.old == option }) { renamed.append((String(option), new)) }
    }
  }

  /// Prints the current names of the former options that were given, unless `--quiet` was.
  func printNotes() {
    guard !arguments.contains("--quiet") else { return }
    for (old, new) in renamed { Terminal.note(renaming: old, to: new) }
  }
}

extension Terminal {
  /// Writes to standard error that a part of the command line has a new name.
  static func note(renaming old: String, to new: String) {
    note("dis-eval: note: \(old) is now \(new)")
  }
}
