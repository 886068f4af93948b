import Files

/// A state dict of a checkpoint file, with the keys that lead to it.
package struct NamedStateDict: Sendable {
  /// The keys from the outermost dictionary to the state dict; empty for the outermost dictionary
  /// itself.
  package let path: [String]
  /// The number of tensors.
  package let count: Int
  /// The state dict, or the reason it cannot be read.
  package let state: Result<StateDict, Failure>
  /// Whether it shares a dictionary with others, from which the last key of its path tells it apart.
  var isPart = false

  /// The name for `--checkpoint-key`: the path joined by dots, or a dot for the outermost
  /// dictionary.
  package var key: String { path.isEmpty ? "." : path.joined(separator: ".") }

  /// Whether the name says that the weights are averaged.
  var isAveraged: Bool { (isPart ? path.suffix(1) : path[...]).contains(where: isAveragedName) }

  /// Whether only `state_dict` surrounds it, as in published files.
  var isOnlyWrapped: Bool { !path.isEmpty && path.allSatisfy { $0 == Self.wrapper } }

  /// Returns whether `key` refers to this state dict. `state_dict` may be left out of the path.
  func isNamed(_ key: String) -> Bool {
    self.key == key || path.filter { $0 != Self.wrapper }.joined(separator: ".") == key
  }

  /// Returns whether it is a part of the dictionary that `key` refers to.
  func isPart(of key: String) -> Bool { isPart && path.dropLast().joined(separator: ".") == key }

  private static let wrapper = "state_dict"
}

/// Returns whether a name says that weights are averaged: it contains `averaged`, or `ema` other
/// than in the middle of a word such as `semantic`.
package func isAveragedName(_ name: String) -> Bool {
  let letters = Array(name.lowercased().utf8)
  func isLetter(_ index: Int) -> Bool {
    letters.indices.contains(index) && UInt8(ascii: "a")...UInt8(ascii: "z") ~= letters[index]
  }
  func contains(_ part: String, where isMeant: (Range<Int>) -> Bool = { _ in true }) -> Bool {
    let part = Array(part.utf8)
    return letters.indices.contains { start in
      letters[start...].starts(with: part) && isMeant(start..<start + part.count)
    }
  }
  return contains("averaged")
    || contains("ema") { !isLetter($0.lowerBound - 1) || !isLetter($0.upperBound) }
}

/// A search for the state dicts in a pickled dictionary and the dictionaries within it.
struct StateDictSearch {
  /// The state dicts found, in file order.
  private(set) var found: [NamedStateDict] = []
  /// Entries named like averaged weights that are not state dicts, for messages.
  private(set) var unreadable: [String] = []

  private let pickle: TorchPickle
  private let storages: [String: Storage]
  private let reader: StorageReader
  /// Dictionaries that contain no state dict. A dictionary may be the value of many keys.
  private var barren: Set<Int> = []
  /// Values that contain no tensor.
  private var tensorless: Set<Int> = []
  /// The state dicts of dictionaries that were visited. A state dict may be the value of several
  /// keys.
  private var known: [Int: (parts: [NamedStateDict], depth: Int)] = [:]

  /// The largest depth of nested dictionaries that is searched.
  private static let maximumDepth = 12
  private static let maximumCount = 1000

  init(
    _ pickle: TorchPickle, storages: [String: Storage], reader: StorageReader
  ) throws(Failure) {
    (self.pickle, self.storages, self.reader) = (pickle, storages, reader)
    let root = pickle.graph.root
    _ = try search(root, [])
    if found.isEmpty, let entries = try pickle.entries(root, storages: storages) {
      // A dictionary that holds only tensors, of whatever type.
      found = NamedStateDict.parts(of: entries, path: [], reader)
    }
    if let twice = Dictionary(grouping: found, by: \.key).first(where: { $1.count > 1 })?.key {
      throw .refused(.duplicateKey, reader.path, "two state dicts are called '\(twice)'")
    }
  }

  /// Adds the state dicts in a dictionary.
  ///
  /// - Returns: Whether there is one.
  private mutating func search(_ value: Int, _ path: [String]) throws(Failure) -> Bool {
    guard let items = pickle.graph.dictionary(value), path.count <= Self.maximumDepth,
      !barren.contains(value), !isOptimizer(value)
    else { return false }
    let before = found.count
    found += try weights(value, path)
    guard found.count <= Self.maximumCount else {
      throw .refused(.pickleLimit, reader.path, "more than \(Self.maximumCount) state dicts")
    }
    for (key, inner) in items {
      guard let key = pickle.graph.text(key) else { continue }
      let isFound = try search(inner, path + [key])
      if !isFound, isAveragedName(key), isMeantAsWeights(inner, path) {
        let name = (path + [key]).joined(separator: ".")
        unreadable.append("'\(name)' is \(pickle.graph.description(inner))")
      }
    }
    if found.count == before { barren.insert(value) }
    return found.count > before
  }

  /// Returns the state dicts that a dictionary represents: one with text keys and at least one
  /// floating-point array, or its parts. Counters, scores and the states of random generators are not
  /// weights.
  private mutating func weights(
    _ value: Int, _ path: [String]
  ) throws(Failure) -> [NamedStateDict] {
    if let (known, depth) = known[value] {
      return known.map { $0.moved(to: path + $0.path.dropFirst(depth)) }
    }
    let items = pickle.graph.dictionary(value) ?? []
    guard path.isEmpty || items.allSatisfy({ pickle.graph.text($0.key) != nil }),
      let entries = try pickle.entries(value, storages: storages), entries.contains(where: isWeight)
    else { return [] }
    let parts = NamedStateDict.parts(of: entries, path: path, reader)
    known[value] = (parts, path.count)
    return parts
  }

  private func isWeight(_ entry: StateDict.Entry) -> Bool {
    switch entry.tensor {
    case .success(let tensor): tensor.type.isFloatingPoint && !tensor.shape.isEmpty
    case .failure(let failure): failure.code == .dtypeUnsupported
    }
  }

  /// Returns whether a value is `torch.optim.Optimizer.state_dict()`, whose moments have the shapes
  /// of weights.
  private func isOptimizer(_ value: Int) -> Bool {
    pickle.graph.value(value, "state") != nil && pickle.graph.value(value, "param_groups") != nil
  }

  /// Returns whether a value takes the place of averaged weights, such as a list of unnamed tensors
  /// or, beside the other state dicts, an empty value. A setting such as the decay does not.
  private mutating func isMeantAsWeights(_ value: Int, _ path: [String]) -> Bool {
    guard unreadable.count < 20, !pickle.isTensor(value), !isOptimizer(value) else { return false }
    if path.isEmpty {
      switch pickle.graph.values[value] {
      case .none: return true
      case .dictionary(let items) where items.isEmpty: return true
      default: break
      }
    }
    var (seen, pending): (Set<Int>, [Int]) = ([], [value])
    while let next = pending.popLast() {
      if pickle.isTensor(next) { return true }
      guard !tensorless.contains(next), seen.insert(next).inserted else { continue }
      pending += pickle.graph.values[next].children
    }
    tensorless.formUnion(seen)
    return false
  }
}

extension NamedStateDict {
  /// Returns the state dicts in the entries of one dictionary.
  ///
  /// Programs save averaged weights beside the others in one dictionary, as `ema.pos_embed` and
  /// `model.pos_embed`. They are told apart by the first component of all names if one of these says that
  /// its weights are averaged, and the names behind one of them include those behind the others.
  static func parts(
    of entries: [StateDict.Entry], path: [String], _ reader: StorageReader
  ) -> [NamedStateDict] {
    let whole = [NamedStateDict(entries, path: path, reader)]
    var parts: [(module: String, entries: [StateDict.Entry])] = []
    for entry in entries where !isBeside(entry) {
      guard let module = firstComponent(of: entry.name) else { return whole }
      let inner = (dropping(module.utf8.count + 1, of: entry.name), entry.tensor)
      if let index = parts.firstIndex(where: { $0.module == module }) {
        parts[index].entries.append(inner)
      } else {
        guard parts.count < 8 else { return whole }
        parts.append((module, [inner]))
      }
    }
    let names = parts.map { part in Set(part.entries.map { Array($0.name.utf8) }) }
    guard parts.count > 1, parts.contains(where: { isAveragedName($0.module) }),
      let all = names.max(by: { $0.count < $1.count }), names.allSatisfy(all.isSuperset)
    else { return whole }
    let beside = entries.filter(isBeside)
    return parts.map { part in
      var named = NamedStateDict(part.entries + beside, path: path + [part.module], reader)
      named.isPart = true
      return named
    }
  }

  /// Creates a state dict of `entries`, or the reason it cannot be read.
  init(_ entries: [StateDict.Entry], path: [String], _ reader: StorageReader) {
    self.init(
      path: path, count: entries.count { !isBeside($0) },
      state: Result { () throws(Failure) in try StateDict(entries, storages: reader) })
  }

  /// Returns the same state dict under a different path.
  fileprivate func moved(to path: [String]) -> NamedStateDict {
    NamedStateDict(path: path, count: count, state: state, isPart: isPart)
  }
}
