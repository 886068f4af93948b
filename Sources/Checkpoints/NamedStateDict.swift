import Files

/// A state dict of a checkpoint file, with the keys that lead to it.
package struct NamedStateDict: Sendable {
  /// The keys from the outermost dictionary to the state dict; empty for the outermost dictionary
  /// itself.
  let path: [String]
  /// The number of tensors.
  package let count: Int
  /// The state dict, or the reason it cannot be read.
  let state: Result<StateDict, Failure>

  /// The name for `--checkpoint-key`: the path joined by dots, or a dot for the outermost
  /// dictionary.
  package var key: String { path.isEmpty ? "." : path.joined(separator: ".") }

  /// Whether the name says that the weights are averaged.
  var isAveraged: Bool { path.contains(where: isAveragedName) }

  /// Whether only `state_dict` surrounds it, as in published files.
  var isOnlyWrapped: Bool { !path.isEmpty && path.allSatisfy { $0 == Self.wrapper } }

  /// Returns whether `key` refers to this state dict. `state_dict` may be left out of the path.
  func isNamed(_ key: String) -> Bool {
    self.key == key || path.filter { $0 != Self.wrapper }.joined(separator: ".") == key
  }

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
  private var known: [Int: NamedStateDict] = [:]

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
      found = [NamedStateDict(entries, path: [], reader)]
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
    if let own = try weights(value, path) { found.append(own) }
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

  /// Returns the state dict that a dictionary represents: one with text keys and at least one
  /// floating-point array. Counters, scores and the states of random generators are not weights.
  private mutating func weights(
    _ value: Int, _ path: [String]
  ) throws(Failure) -> NamedStateDict? {
    if let known = known[value] {
      return NamedStateDict(path: path, count: known.count, state: known.state)
    }
    let items = pickle.graph.dictionary(value) ?? []
    guard path.isEmpty || items.allSatisfy({ pickle.graph.text($0.key) != nil }),
      let entries = try pickle.entries(value, storages: storages), entries.contains(where: isWeight)
    else { return nil }
    let state = NamedStateDict(entries, path: path, reader)
    known[value] = state
    return state
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
  /// Creates a state dict that is the whole file.
  init(flat state: StateDict) {
    self.init(path: [], count: state.names.count, state: .success(state))
  }

  fileprivate init(_ entries: [StateDict.Entry], path: [String], _ reader: StorageReader) {
    self.init(
      path: path,
      count: entries.count { entry in
        if case .failure(let failure) = entry.tensor { failure.code != .notATensor } else { true }
      },
      state: Result { () throws(Failure) in try StateDict(entries, storages: reader) })
  }
}
