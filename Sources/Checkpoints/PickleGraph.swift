import Files

/// A value of a pickle. Values refer to each other by their indices in ``PickleGraph/values``, so
/// deep nesting cannot exhaust the call stack, and sharing costs nothing.
enum PickleValue: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer of more than 64 bits, whose value is not needed.
  case longInteger
  case float(Double)
  /// A string as the bytes in the file, which need not be valid UTF-8.
  case text([UInt8])
  /// A byte string.
  case data([UInt8])
  /// A byte string as protocol 2 writes it: a text whose characters have the values of the bytes.
  case latin1(text: Int)
  case tuple([Int])
  /// A list or a set.
  case list([Int])
  case dictionary([(key: Int, value: Int)])
  /// A class or function, known only by its name.
  case global(String)
  /// The result that Python would get by calling `function`. Nothing is ever called: the call is
  /// kept as a description, with the state that would be set afterwards.
  case call(function: Int, arguments: Int, state: Int?)
  /// An object outside of the pickle, such as the storage of a tensor.
  case persistent(identifier: Int)

  /// The values that this value refers to.
  var children: [Int] {
    switch self {
    case .tuple(let elements), .list(let elements): elements
    case .dictionary(let items): items.flatMap { [$0.key, $0.value] }
    case .call(let function, let arguments, let state):
      [function, arguments] + (state.map { [$0] } ?? [])
    case .persistent(let identifier): [identifier]
    case .latin1(let text): [text]
    default: []
    }
  }
}

/// The values of a pickle, without cycles and duplicate keys.
struct PickleGraph: Sendable {
  let values: [PickleValue]
  let root: Int

  /// The largest length of a name. Longer strings are never decoded, hashed or compared, because a
  /// pickle with many references to one long string would otherwise take time quadratic in its
  /// size.
  static let maximumNameLength = 512

  init(_ values: [PickleValue], root: Int, subject: String) throws(Failure) {
    self.values = values
    self.root = root
    guard Self.isAcyclic(values) else {
      throw .refused(.pickleCycle, subject, "a value contains itself")
    }
    for case .dictionary(let items) in values {
      var keys: Set<[UInt8]> = []
      for item in items {
        guard case .text(let key) = values[item.key], key.count <= Self.maximumNameLength,
          !keys.insert(key).inserted
        else { continue }
        throw .refused(
          .duplicateKey, subject, "key '\(String(decoding: key, as: UTF8.self))' occurs twice")
      }
    }
  }

  /// Returns whether no value contains itself. Repeatedly removes the values that no other value
  /// refers to, after which those on a cycle remain.
  private static func isAcyclic(_ values: [PickleValue]) -> Bool {
    var references = [Int](repeating: 0, count: values.count)
    for value in values { for child in value.children { references[child] += 1 } }
    var free = values.indices.filter { references[$0] == 0 }
    var freed = 0
    while let index = free.popLast() {
      freed += 1
      for child in values[index].children {
        references[child] -= 1
        if references[child] == 0 { free.append(child) }
      }
    }
    return freed == values.count
  }
}

/// Accessors by type, which return nil if the value has a different type.
extension PickleGraph {
  func integer(_ index: Int) -> Int? {
    if case .integer(let value) = values[index] { value } else { nil }
  }

  /// Returns a string that can be a name: short and valid UTF-8.
  func text(_ index: Int) -> String? {
    guard case .text(let bytes) = values[index], bytes.count <= Self.maximumNameLength else {
      return nil
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Returns the content of a byte string, which Python 2 writes as text; nil for a text with
  /// characters above 255.
  func data(_ index: Int) -> [UInt8]? {
    switch values[index] {
    case .data(let bytes), .text(let bytes): bytes
    case .latin1(let text):
      if case .text(let characters) = values[text] { latin1(utf8: characters) } else { nil }
    default: nil
    }
  }

  func bool(_ index: Int) -> Bool? {
    switch values[index] {
    case .bool(let value): value
    case .integer(0): false
    case .integer(1): true
    default: nil
    }
  }

  func tuple(_ index: Int) -> [Int]? {
    if case .tuple(let elements) = values[index] { elements } else { nil }
  }

  /// Returns a tuple of integers with at most as many elements as a tensor has axes.
  func integers(_ index: Int) -> [Int]? {
    guard let elements = tuple(index), elements.count <= maximumRank else { return nil }
    let integers = elements.compactMap(integer)
    return integers.count == elements.count ? integers : nil
  }

  func dictionary(_ index: Int) -> [(key: Int, value: Int)]? {
    if case .dictionary(let items) = values[index] { items } else { nil }
  }

  /// Returns the value of a dictionary's key, which may be a text or a byte string.
  func value(_ index: Int, _ key: String) -> Int? {
    dictionary(index)?.first { isName($0.key, key) }?.value
  }

  /// Returns whether a text or byte string equals `name`. Long ones are not decoded.
  private func isName(_ index: Int, _ name: String) -> Bool {
    switch values[index] {
    case .text(let bytes), .data(let bytes): bytes.elementsEqual(name.utf8)
    case .latin1(let text): isName(text, name)
    default: false
    }
  }

  func global(_ index: Int) -> String? {
    if case .global(let name) = values[index] { name } else { nil }
  }

  /// Returns the function and arguments of a call by name.
  func call(_ index: Int) -> (function: String, arguments: [Int])? {
    guard case .call(let function, let arguments, _) = values[index],
      let name = global(function), let arguments = tuple(arguments)
    else { return nil }
    return (name, arguments)
  }

  /// Returns the attributes of an object of a TorchScript class.
  func attributes(_ index: Int) -> [(key: Int, value: Int)]? {
    guard case .call(let function, _, let state?) = values[index],
      let name = global(function), name.hasPrefix("__torch__.")
    else { return nil }
    return dictionary(state)
  }

  /// Returns the texts in a dictionary or an `argparse.Namespace` that the outermost dictionary holds
  /// under the first of some keys.
  func texts(inNamespaceOf keys: [String]) -> [String: String] {
    guard let found = keys.lazy.compactMap({ value(root, $0) }).first else { return [:] }
    var items = dictionary(found)
    if case .call(let function, _, let state?) = values[found],
      global(function) == "argparse.Namespace"
    {
      items = dictionary(state)
    }
    return Dictionary(
      (items ?? []).compactMap { item in
        text(item.key).flatMap { name in text(item.value).map { (name, $0) } }
      }, uniquingKeysWith: { $1 })
  }

  /// Returns a description of the value for messages.
  func description(_ index: Int) -> String {
    switch values[index] {
    case .none: "None"
    case .bool: "a bool"
    case .integer, .longInteger: "an integer"
    case .float: "a float"
    case .text: text(index) == nil ? "no readable name" : "a string"
    case .data, .latin1: "a byte string"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .global(let name): "the name \(name)"
    case .call(let function, _, _): "an object made by \(global(function) ?? "a value")"
    case .persistent: "a storage"
    }
  }
}

/// Returns the code points of a UTF-8 text as bytes, or nil if one exceeds 255.
private func latin1(utf8 text: [UInt8]) -> [UInt8]? {
  var result: [UInt8] = []
  result.reserveCapacity(text.count)
  var index = 0
  while index < text.count {
    let byte = text[index]
    if byte < 0x80 {
      result.append(byte)
      index += 1
    } else {
      // U+0080 to U+00FF: 110000xx 10xxxxxx.
      guard byte & 0xFE == 0xC2, index + 1 < text.count, text[index + 1] & 0xC0 == 0x80 else {
        return nil
      }
      result.append(byte << 6 | text[index + 1] & 0x3F)
      index += 2
    }
  }
  return result
}
