import Files

/// The parts of a file name in `units`, if it is one that this module uses.
struct UnitFileName {
  static let suffix = ".safetensors"
  static let partialSuffix = ".partial.safetensors"

  let unit: UnitRange
  let isPartial: Bool
  let isTemporary: Bool

  init?(_ name: String) {
    let temporary = AtomicFile.name(ofTemporary: name) ?? Self.name(ofEarlierTemporary: name)
    let whole = temporary ?? name
    isTemporary = temporary != nil
    isPartial = whole.hasSuffix(Self.partialSuffix)
    let stem = whole.prefix { $0 != "." }
    let numbers = stem.split(separator: "-").map { Int($0) }
    guard numbers.count == 2, let first = numbers[0], let count = numbers[1], first >= 0,
      first <= RunRecord.maximumCount, count >= 1
    else { return nil }
    unit = UnitRange(first: first, count: count)
    guard whole == unit.name + (isPartial ? Self.partialSuffix : Self.suffix) else { return nil }
  }

  /// Returns whether a name is that of `run.json`, its lock or its temporary file, next to `units`.
  static func isOfRecord(_ name: String) -> Bool {
    ["run.json", "run.lock"].contains(name) || AtomicFile.name(ofTemporary: name) == "run.json"
  }

  /// Returns the final name of a temporary file of version 0.4.0 or earlier, such as
  /// `000064-32.safetensors.1yk2jcmqpoj4t.tmp`.
  private static func name(ofEarlierTemporary name: String) -> String? {
    name.wholeMatch(of: /([0-9]+-[0-9]+(?:\.partial)?\.safetensors)\.[0-9a-z]{11,13}\.tmp/)
      .map { String($0.1) }
  }
}
