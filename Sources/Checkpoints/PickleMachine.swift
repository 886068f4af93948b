import Files

/// Reads a pickle without executing it.
///
/// Only the opcodes needed for data are known. Classes and functions become names, and calls become
/// descriptions of calls. Nothing is imported, constructed or called, so a hostile file cannot run
/// anything. All uses of the stack, marks and memo are checked and bounded.
struct PickleMachine {
  private var reader: ByteReader
  private var values: [PickleValue] = []
  private var stack: [Int] = []
  private var marks: [Int] = []
  private var memo: [Int: Int] = [:]
  /// The number of items that calls have copied from lists.
  private var copiedCount = 0
  private let stringLimit: Int

  static let maximumOpcodeCount = 2_000_000
  static let maximumStackDepth = 100_000
  static let maximumMemoCount = 1_000_000
  static let maximumStringLength = 1 << 20

  /// Reads the pickle at the cursor and moves the cursor past it.
  ///
  /// - Parameter stringLimit: The largest text in bytes. Arrays of protocol 2 are long texts.
  static func run(
    _ reader: inout ByteReader, subject: String, stringLimit: Int = maximumStringLength
  ) throws(Failure) -> PickleGraph {
    var machine = PickleMachine(reader: reader, stringLimit: stringLimit)
    let root = try machine.run()
    reader = machine.reader
    return try PickleGraph(machine.values, root: root, subject: subject)
  }

  private init(reader: ByteReader, stringLimit: Int) {
    self.reader = reader
    self.stringLimit = stringLimit
  }

  private mutating func run() throws(Failure) -> Int {
    for _ in 0..<Self.maximumOpcodeCount {
      let byte = try reader.integer(UInt8.self)
      guard let opcode = PickleOpcode(rawValue: byte) else {
        throw PickleOpcode.forbidden.contains(byte)
          ? forbidden("opcode 0x\(String(byte, radix: 16)) creates an object by a call")
          : reader.failure("unknown opcode 0x\(String(byte, radix: 16))")
      }
      if opcode == .stop {
        let root = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw reader.failure("values are left over") }
        return root
      }
      try execute(opcode)
      guard max(stack.count, marks.count) <= Self.maximumStackDepth else {
        throw limit("a stack of more than \(Self.maximumStackDepth) values")
      }
    }
    throw limit("more than \(Self.maximumOpcodeCount) opcodes")
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(Failure) {
    switch opcode {
    case .proto: try checkProtocol()
    case .frame: try checkFrame()
    case .stop: break  // ends the loop above

    case .none: push(.none)
    case .newTrue: push(.bool(true))
    case .newFalse: push(.bool(false))
    case .binInt: push(.integer(Int(try reader.integer(Int32.self))))
    case .binInt1: push(.integer(Int(try reader.integer(UInt8.self))))
    case .binInt2: push(.integer(Int(try reader.integer(UInt16.self))))
    case .long1: try pushLong(byteCount: Int(try reader.integer(UInt8.self)))
    case .long4: try pushLong(byteCount: Int(try reader.integer(Int32.self)))
    case .binFloat: try pushFloat()

    case .shortBinUnicode, .shortBinString:
      push(.text(try string(length: UInt64(try reader.integer(UInt8.self)))))
    case .binUnicode, .binString:
      push(.text(try string(length: UInt64(try reader.integer(UInt32.self)))))
    case .binUnicode8: push(.text(try string(length: try reader.integer(UInt64.self))))
    case .shortBinBytes: try pushData(length: UInt64(try reader.integer(UInt8.self)))
    case .binBytes: try pushData(length: UInt64(try reader.integer(UInt32.self)))
    case .binBytes8, .byteArray8: try pushData(length: try reader.integer(UInt64.self))

    case .mark: marks.append(stack.count)
    case .pop: try popValueOrMark()
    case .popMark: _ = try popToMark()
    case .dup: stack.append(try top())

    case .emptyTuple: push(.tuple([]))
    case .tuple1: push(.tuple(try pop(1)))
    case .tuple2: push(.tuple(try pop(2)))
    case .tuple3: push(.tuple(try pop(3)))
    case .tuple, .frozenSet: push(.tuple(try popToMark()))
    case .emptyList, .emptySet: push(.list([]))
    case .append: try append(try pop(1))
    case .appends, .addItems: try append(try popToMark())
    case .emptyDictionary: push(.dictionary([]))
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())

    case .binPut: try remember(Int(try reader.integer(UInt8.self)))
    case .longBinPut: try remember(Int(try reader.integer(UInt32.self)))
    case .memoize: try remember(memo.count)
    case .binGet: try recall(Int(try reader.integer(UInt8.self)))
    case .longBinGet: try recall(Int(try reader.integer(UInt32.self)))

    case .global: try pushGlobal(module: try line(), name: try line())
    case .stackGlobal: try pushGlobalOfStack()
    case .reduce, .newObject: try call()
    case .build: try build()
    case .binPersistentID: push(.persistent(identifier: try pop()))
    }
  }
}

// MARK: - Framing

extension PickleMachine {
  private mutating func checkProtocol() throws(Failure) {
    let version = try reader.integer(UInt8.self)
    guard (2...5).contains(version) else { throw reader.failure("protocol \(version)") }
  }

  private mutating func checkFrame() throws(Failure) {
    let length = try reader.integer(UInt64.self)
    guard length <= UInt64(reader.remaining) else {
      throw reader.failure("a frame of \(length) bytes")
    }
  }
}

// MARK: - Stack and memo

extension PickleMachine {
  private mutating func push(_ value: PickleValue) {
    stack.append(values.count)
    values.append(value)
  }

  /// Returns the value on top. Values below the last mark are out of reach.
  private func top() throws(Failure) -> Int {
    guard let index = stack.last, stack.count > marks.last ?? 0 else {
      throw reader.failure("the stack is empty")
    }
    return index
  }

  private mutating func pop() throws(Failure) -> Int {
    let index = try top()
    stack.removeLast()
    return index
  }

  private mutating func pop(_ count: Int) throws(Failure) -> [Int] {
    guard stack.count - count >= marks.last ?? 0 else { throw reader.failure("the stack is empty") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  /// Executes POP, which removes a mark if it is on top.
  private mutating func popValueOrMark() throws(Failure) {
    if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
  }

  private mutating func popToMark() throws(Failure) -> [Int] {
    guard let mark = marks.popLast() else { throw reader.failure("no mark is set") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func remember(_ slot: Int) throws(Failure) {
    memo[slot] = try top()
    guard memo.count <= Self.maximumMemoCount else { throw limit("too many values in the memo") }
  }

  private mutating func recall(_ slot: Int) throws(Failure) {
    guard let index = memo[slot] else { throw reader.failure("memo slot \(slot) is empty") }
    stack.append(index)
  }
}

// MARK: - Values

extension PickleMachine {
  private mutating func pushLong(byteCount: Int) throws(Failure) {
    guard byteCount <= 64 else { throw limit("an integer of \(byteCount) bytes") }
    let bytes = try reader.bytes(byteCount)
    guard byteCount <= 8 else { return push(.longInteger) }
    let negative = bytes.last.map { $0 >= 0x80 } ?? false
    push(.integer(bytes.reversed().reduce(negative ? -1 : 0) { $0 << 8 | Int($1) }))
  }

  /// Executes BINFLOAT, whose number is big-endian.
  private mutating func pushFloat() throws(Failure) {
    push(.float(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped)))
  }

  private mutating func string(length: UInt64) throws(Failure) -> [UInt8] {
    guard length <= reader.remaining else { throw reader.failure("a string does not end") }
    guard length <= stringLimit else { throw limit("a string of \(length) bytes") }
    return Array(try reader.bytes(Int(length)))
  }

  private mutating func pushData(length: UInt64) throws(Failure) {
    guard length <= reader.remaining else { throw reader.failure("a byte string does not end") }
    push(.data(Array(try reader.bytes(Int(length)))))
  }

  private mutating func append(_ elements: [Int]) throws(Failure) {
    let target = try top()
    switch values[target] {
    case .list(var list):
      values[target] = .none  // The list is now held once, so that it grows in place.
      list += elements
      values[target] = .list(list)
    case .call(let function, _, _) where !isTorchFunction(function):
      break  // The items of an inert object are not needed.
    default: throw reader.failure("elements are appended to something other than a list")
    }
  }

  private mutating func setItems(_ elements: [Int]) throws(Failure) {
    guard elements.count.isMultiple(of: 2) else { throw reader.failure("a key without a value") }
    let items = stride(from: 0, to: elements.count, by: 2).map {
      (key: elements[$0], value: elements[$0 + 1])
    }
    for item in items {
      switch values[item.key] {
      case .list, .dictionary: throw reader.failure("a list or dictionary is a key")
      default: break
      }
    }
    let target = try top()
    switch values[target] {
    case .dictionary(var dictionary):
      values[target] = .none
      dictionary += items
      values[target] = .dictionary(dictionary)
    case .call(let function, _, _) where !isTorchFunction(function): break
    default: throw reader.failure("items are set in something other than a dictionary")
    }
  }

  /// Executes REDUCE and NEWOBJ: a class or function and its arguments.
  private mutating func call() throws(Failure) {
    let operands = try pop(2)
    guard case .global(let function) = values[operands[0]],
      case .tuple(let arguments) = values[operands[1]]
    else { throw reader.failure("a call needs a name and a tuple") }
    switch function {
    case "collections.OrderedDict" where arguments.isEmpty:
      push(.dictionary([]))
    case "_codecs.encode":
      guard arguments.count == 2, case .text = values[arguments[0]],
        case .text(let codec) = values[arguments[1]], codec.elementsEqual("latin1".utf8)
      else { throw forbidden("_codecs.encode with a codec other than latin1") }
      push(.latin1(text: arguments[0]))
    default:
      if function == "collections.OrderedDict", let pairs = try pairs(arguments) {
        push(.dictionary([]))
        try setItems(pairs)
      } else {
        push(.call(function: operands[0], arguments: operands[1], state: nil))
      }
    }
  }

  /// Returns the keys and values, one after the other, if the only argument is a list of pairs, as Python 2 wrote an
  /// `OrderedDict`; nil for other arguments.
  private mutating func pairs(_ arguments: [Int]) throws(Failure) -> [Int]? {
    guard arguments.count == 1, case .list(let items) = values[arguments[0]] else { return nil }
    // A pickle of a few bytes could copy one list again and again.
    copiedCount += items.count
    guard copiedCount <= Self.maximumOpcodeCount else {
      throw limit("more than \(Self.maximumOpcodeCount) items of dictionaries made of lists")
    }
    var pairs: [Int] = []
    for item in items {
      switch values[item] {
      case .list(let pair) where pair.count == 2, .tuple(let pair) where pair.count == 2:
        pairs += pair
      default: return nil
      }
    }
    return pairs
  }

  /// Executes BUILD: the state of an object. Attributes of a dictionary, such as torch's
  /// `_metadata`, are dropped.
  private mutating func build() throws(Failure) {
    let state = try pop()
    switch values[try top()] {
    case .dictionary: break
    case .call(let function, let arguments, nil) where !isTorchFunction(function):
      values[try top()] = .call(function: function, arguments: arguments, state: state)
    default: throw reader.failure("a state is set on something other than an object")
    }
  }

  /// Returns whether the value is a function that makes tensors; they have no items or state.
  private func isTorchFunction(_ index: Int) -> Bool {
    if case .global(let name) = values[index] { name.hasPrefix("torch._utils.") } else { false }
  }

  private mutating func line() throws(Failure) -> [UInt8] {
    let line = reader.bytes { $0 != UInt8(ascii: "\n") }
    guard reader.skip("\n") else { throw reader.failure("a name does not end") }
    return Array(line)
  }

  /// Executes STACK_GLOBAL: a name whose two parts are on the stack.
  private mutating func pushGlobalOfStack() throws(Failure) {
    let names = try pop(2)
    guard case .text(let module) = values[names[0]], case .text(let name) = values[names[1]]
    else {
      throw reader.failure("a name that is not a string")
    }
    try pushGlobal(module: module, name: name)
  }

  private mutating func pushGlobal(module: [UInt8], name: [UInt8]) throws(Failure) {
    guard max(module.count, name.count) <= 128 else { throw limit("a long name") }
    let name = String(decoding: name, as: UTF8.self)
    let qualified = "\(String(decoding: module, as: UTF8.self)).\(name)"
    guard isHarmless(module: module, name: name) else { throw forbidden("the name \(qualified)") }
    push(.global(qualified))
  }

  private func forbidden(_ what: String) -> Failure {
    reader.failure(what, code: .pickleForbidden)
  }

  private func limit(_ what: String) -> Failure { reader.failure(what, code: .pickleLimit) }
}
