import Files
import Yams

extension Policy {
  /// The name and version of the format of policy files.
  static let schema = "dis-eval-policy/1"
  /// The maximum size of a policy file in bytes.
  static let largestFile = 1 << 16

  /// Reads a policy file.
  ///
  /// - Throws: ``Failure`` `PolicyInvalid` (78) with the key and its line if the file is too large
  ///   or is not a valid policy, or the error that opening or reading the file throws.
  public init(contentsOf path: String) throws(Failure) {
    let file = try ReadableFile(path: path)
    guard file.size <= Self.largestFile else {
      throw .policy(path, "\(file.size) bytes are more than the \(Self.largestFile) of a policy")
    }
    try self.init(yaml: try file.bytes(at: 0, count: file.size), subject: path)
  }

  /// Reads the bytes of a policy file.
  ///
  /// - Parameters:
  ///   - bytes: The whole file, in UTF-8.
  ///   - subject: The file, for messages.
  /// - Throws: ``Failure`` `PolicyInvalid` (78) with the key and its line if they are not a valid
  ///   policy.
  package init(yaml bytes: [UInt8], subject: String) throws(Failure) {
    self.init()
    var schema: String?
    let document = PolicyValue(node: try document(bytes, subject), subject: subject)
    for value in try document.entries() {
      switch value.path {
      case "schema": schema = try value.text()
      case "alpha":
        alpha = try value.number()
        guard Self.possibleAlpha.contains(alpha) else {
          throw value.invalid(expected: "from 0.0001 to below 0.5")
        }
      case "tolerance": tolerance = try value.tolerance()
      case "min_samples":
        guard let count = Int(exactly: try value.number()), count > 0 else {
          throw value.invalid(expected: "a whole number from 1")
        }
        minSamples = count
      case "require_paired": requirePaired = try value.boolean()
      case "plug_in": plugIn = try value.boolean()
      case "baseline": baseline = try value.text()
      case "metrics":
        for metric in try value.entries() { metrics[metric.key] = try Rule(metric) }
      default:
        throw value.unknown(
          "alpha, baseline, metrics, min_samples, plug_in, require_paired, schema, tolerance")
      }
    }
    guard let schema else { throw .policy(subject, "'schema: \(Self.schema)' is missing") }
    guard schema == Self.schema else {
      throw .policy(subject, "schema: found '\(schema)', this version reads '\(Self.schema)'")
    }
  }
}

extension Policy.Rule {
  fileprivate init(_ metric: PolicyValue) throws(Failure) {
    self.init()
    for value in try metric.entries() {
      switch value.key {
      case "min": min = try value.number()
      case "max": max = try value.number()
      case "tolerance": tolerance = try value.tolerance()
      default: throw value.unknown("max, min, tolerance")
      }
    }
    if let contradiction {
      throw .policy(metric.subject, line: metric.line, "\(metric.path): \(contradiction)")
    }
  }
}

extension Failure {
  /// Returns the failure for an invalid policy, with the line.
  static func policy(_ subject: String, line: Int? = nil, _ detail: String) -> Failure {
    Failure(
      .invalidConfiguration, .policyInvalid, subject, (line.map { "line \($0): " } ?? "") + detail)
  }
}

/// Returns the only document of a file, with every plain scalar as text.
private func document(_ bytes: [UInt8], _ subject: String) throws(Failure) -> Node {
  // Keys are compared in full, and with anchors a few lines can expand to any size.
  if let anchor = bytes.firstIndex(of: UInt8(ascii: "&")) {
    let line = bytes[..<anchor].count { $0 == UInt8(ascii: "\n") } + 1
    throw .policy(subject, line: line, "'&' is refused everywhere, because anchors are")
  }
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw .policy(subject, "is not UTF-8")
  }
  do {
    if let node = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() {
      return node
    }
  } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(
    _, let problem, let mark, _),
    YamlError.composer(_, let problem, let mark, _)
  {
    throw .policy(subject, line: mark.line, problem)
  } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
    throw .policy(subject, line: context.mark.line, "'\(keys[0])' occurs twice")
  } catch YamlError.reader(let problem, _, _, _) {
    throw .policy(subject, problem)
  } catch {
    throw .policy(subject, "\(error)")
  }
  throw .policy(subject, "is empty; it needs at least 'schema'")
}

/// A value of a policy file, with the keys that lead to it.
private struct PolicyValue {
  /// The keys from the root, separated by dots.
  var path = ""
  /// The last key.
  var key = ""
  let node: Node
  let subject: String
  /// The line of the key; nil for the whole document.
  var line: Int?

  func entries() throws(Failure) -> [PolicyValue] {
    guard let mapping = node.mapping else { throw invalid(expected: "keys with values") }
    var entries: [PolicyValue] = []
    for (name, value) in mapping {
      guard let key = name.scalar?.string, name.tag == Tag(.str) else {
        throw .policy(subject, line: name.mark?.line, "a key is a word without a tag")
      }
      // Tags allow the same key twice, because YAML considers the two different.
      guard !entries.contains(where: { $0.key == key }) else {
        throw .policy(subject, line: name.mark?.line, "'\(key)' occurs twice")
      }
      entries.append(
        PolicyValue(
          path: path.isEmpty ? key : "\(path).\(key)", key: key, node: value, subject: subject,
          line: name.mark?.line))
    }
    return entries
  }

  /// Returns a text that is not empty, in quotes or not.
  func text() throws(Failure) -> String {
    guard let text = node.scalar?.string, !text.isEmpty else { throw invalid(expected: "a text") }
    return text
  }

  func number() throws(Failure) -> Double {
    guard let number = plain.flatMap(finiteNumber) else {
      throw invalid(expected: "a finite number as in JSON, such as 3.5")
    }
    return number
  }

  func boolean() throws(Failure) -> Bool {
    guard let value = plain.flatMap(Bool.init) else { throw invalid(expected: "true or false") }
    return value
  }

  func tolerance() throws(Failure) -> Policy.Tolerance {
    guard let text = node.scalar?.string, let tolerance = Policy.Tolerance(text),
      plain != nil || text.hasSuffix("%")
    else { throw invalid(expected: "a number from 0, or a percentage such as 1%") }
    return tolerance
  }

  func invalid(expected: String) -> Failure {
    .policy(
      subject, line: line ?? node.mark?.line,
      (path.isEmpty ? "" : "\(path): ") + "found \(found), expected \(expected)")
  }

  func unknown(_ known: String) -> Failure {
    .policy(subject, line: line, "\(path): unknown key; the keys here are \(known)")
  }

  /// The text of a plain scalar, which is neither quoted nor a block.
  private var plain: String? {
    guard let scalar = node.scalar, scalar.style == .plain else { return nil }
    return scalar.string
  }

  private var found: String {
    guard let text = node.scalar?.string else {
      return node.mapping == nil ? "a list" : "a mapping"
    }
    let short = text.count > 40 ? text.prefix(40) + "…" : text
    return plain == nil ? "the text '\(short)'" : text.isEmpty ? "nothing" : String(short)
  }
}
