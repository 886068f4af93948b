import Checkpoints
import Files
import Tensors
import Testing
import _TestSupport

/// Which state dict of a file is taken. Every one has a tensor `w` of one number that tells them apart.
@Suite struct StateDictChoiceTests {
  private static func weights(_ number: Float) -> TorchValue {
    .named(["w": .tensor([number], [1])])
  }
  private static let (raw, averaged) = (weights(1), weights(2))
  private static let optimizer = TorchValue.named([
    "state": .dictionary([(.integer(0), .named(["exp_avg": .tensor([3], [1])]))]),
    "param_groups": .list([]),
  ])
  private static let step = TorchValue.integers([7], [])

  private func open<Result>(
    _ value: TorchValue, _ body: (CheckpointFile) throws -> Result
  ) throws -> Result {
    try withFile(torchFile(value)) { try body(CheckpointFile.open($0)) }
  }

  private func keyTaken(_ key: String, of file: CheckpointFile) -> String? {
    try? file.taken(key).key
  }

  static let taken: [(key: String?, file: TorchValue)] = [
    ("ema", .named(["state_dict": raw, "ema": averaged, "epoch": .integer(1)])),
    ("ema", .named(["ema": averaged, "state_dict": raw])),
    ("state_dict_ema", .named(["state_dict": raw, "state_dict_ema": averaged])),
    ("ema_state_dict", .named(["state_dict": raw, "ema_state_dict": averaged])),
    ("modelEMA", .named(["model": raw, "modelEMA": averaged])),
    ("averaged_model", .named(["model": raw, "averaged_model": averaged])),
    ("ema", .named(["model": raw, "ema": averaged, "opt": optimizer, "step": step])),
    ("ema", .named(["model": raw, "ema": averaged, "ema_opt": optimizer])),
    (
      "ema.state_dict",
      .named(["model": .named(["state_dict": raw]), "ema": .named(["state_dict": averaged])])
    ),
    ("state_dict.ema", .named(["state_dict": .named(["model": raw, "ema": averaged])])),
    (
      "callbacks.EMA.weights",
      .named([
        "state_dict": raw, "callbacks": .named(["EMA": .named(["weights": averaged])]),
      ])
    ),
    // Raw weights with averaged ones inside.
    ("ema", .named(["w": .tensor([1], [1]), "ema": averaged])),
    // Nothing else is there, so nothing can be confused.
    (nil, averaged),
    (nil, .named(["w": .tensor([2], [1]), "ema": .integer(1)])),
    ("state_dict", .named(["state_dict": averaged, "epoch": .integer(1)])),
    ("state_dict.state_dict", .named(["state_dict": .named(["state_dict": averaged])])),
    // Lightning keeps scores and the state of random generators beside the weights.
    (
      "state_dict",
      .named([
        "state_dict": averaged, "callbacks": .named(["best": .named(["score": .tensor([1], [])])]),
        "rng": .named(["torch": .integers([1, 2], [2])]), "step": step, "ema_decay": .integer(1),
      ])
    ),
    // A word that contains the letters.
    ("ema", .named(["ema": averaged, "semantic": raw])),
  ]

  @Test("the averaged one is taken, or the only one", arguments: taken.indices)
  func chosen(index: Int) throws {
    let (key, value) = Self.taken[index]
    try open(value) { file in
      let taken = try file.taken(nil)
      #expect(taken.key == key)
      #expect(try taken.state.tensor("w", shape: [1]).values == [2])
    }
  }

  static let refused: [(parts: [String], file: TorchValue)] = [
    (["`checkpointKey` model"], .named(["model": raw])),
    (
      ["model (1 tensor), other (1 tensor)", "`checkpointKey` model"],
      .named(["model": raw, "other": raw])
    ),
    (
      [
        "2 averaged state dicts: ema (1 tensor), ema_2 (1 tensor), net (1 tensor)",
        "`checkpointKey` ema",
      ],
      .named(["net": raw, "ema": averaged, "ema_2": averaged])
    ),
    (
      ["ema.ema_model (1 tensor)", "ema.online_model (1 tensor)"],
      .named(["ema": .named(["online_model": raw, "ema_model": averaged]), "model": raw])
    ),
    (["state_dict (1 tensor), other (1 tensor)"], .named(["state_dict": raw, "other": raw])),
    // What is in the place of averaged weights is said, and raw ones are not offered instead.
    (["'ema' is a dictionary"], .named(["state_dict": raw, "ema": .named([:])])),
    (["'ema' is None"], .named(["state_dict": raw, "ema": .none])),
    (
      ["'ema' is a dictionary"],
      .named(["model": raw, "ema": .named(["shadow_params": .list([.tensor([2], [1])])])])
    ),
    (
      ["'callbacks.ema_weights' is a list"],
      .named([
        "state_dict": raw,
        "callbacks": .named(["ema_weights": .list([.tensor([2], [1])])]),
      ])
    ),
    (["semantic (1 tensor)"], .named(["model": raw, "semantic": raw])),
  ]

  @Test(
    "several averaged ones, or none, are refused with all that are there",
    arguments: refused.indices)
  func ambiguous(index: Int) throws {
    let (parts, value) = Self.refused[index]
    try open(value) { file in
      let failure = try #require(throws: Failure.self) { try file.taken(nil) }
      #expect(failure.code == .checkpointKeyMissing && failure.status == .dataRefused)
      for part in parts { #expect(failure.detail.contains(part), "\(failure)") }
      // A key that is listed always works.
      for key in file.stateDictKeys { #expect(keyTaken(key, of: file) == key) }
      let other = try #require(throws: Failure.self) { try file.taken(nil, option: nil) }
      #expect(!other.detail.contains("`checkpointKey`"), "\(other)")
    }
  }

  @Test func rawWeightsAreNotOfferedInPlaceOfAveragedOnes() throws {
    try open(.named(["model": Self.raw, "ema": .none])) { file in
      let failure = try #require(throws: Failure.self) { try file.taken(nil) }
      #expect(!failure.detail.contains("as in `checkpointKey`"), "\(failure)")
    }
  }

  @Test func keysMayLeaveOutStateDict() throws {
    let nested = TorchValue.named([
      "state_dict": .named(["model": Self.raw, "ema": Self.averaged])
    ])
    try open(nested) { file in
      #expect(file.stateDictKeys == ["state_dict.model", "state_dict.ema"])
      #expect(keyTaken("model", of: file) == "state_dict.model")
      #expect(keyTaken("state_dict.model", of: file) == "state_dict.model")
      #expect(code { try file.taken("state_dict") } == "CheckpointKeyMissing")
    }
    try open(.named(["w": .tensor([1], [1]), "ema": Self.averaged])) { file in
      #expect(file.stateDictKeys == [".", "ema"])
      let outermost = try file.taken(".").state
      #expect(try outermost.tensor("w", shape: [1]).values == [1])
    }
  }

  @Test func twoOfOneNameAreRefused() throws {
    let value = TorchValue.named(["a.b": Self.raw, "a": .named(["b": Self.averaged])])
    #expect(code { try open(value) { $0 } } == "DuplicateKey")
  }

  /// Two keys for each of thirty dictionaries: more paths than there is time for.
  @Test func sharedDictionariesAreSearchedOnce() throws {
    var pickle = Array("}q\0".utf8)
    for level in 1...30 {
      pickle += Array("0}(X\u{1}\0\0\0ah".utf8) + [UInt8(level - 1)]
      pickle +=
        Array("X\u{1}\0\0\0bh".utf8) + [UInt8(level - 1)] + Array("uq".utf8) + [UInt8(level)]
    }
    let legacy = torchFile(.named([:]))
    let empty = Array("}(u.".utf8)
    let start = try #require(legacy.indices.last { legacy[$0...].starts(with: empty) })
    let bytes = legacy[..<start] + pickle + legacy[(start + 3)...]
    let found = code { try withFile(Array(bytes)) { try CheckpointFile.open($0).taken(nil) } }
    #expect(found == "NotAStateDict")
  }

  /// Arguments of training may be a dictionary too, and nothing else has texts that count.
  @Test func argumentsAreTexts() throws {
    let found: [(TorchValue, [String: String])] = [
      (
        .named(["args": .named(["model": .text("DiT-S/2"), "epochs": .integer(3)])]),
        ["model": "DiT-S/2"]
      ),
      (.named(["config": .named(["model": .text("SiT")])]), ["model": "SiT"]),
      (.named(["args": .text("DiT-S/2")]), [:]), (.named(["args": .list([.text("DiT")])]), [:]),
      (.named(["model_name": .text("DiT-S/2")]), [:]),
    ]
    for (extra, arguments) in found {
      guard case .dictionary(let items) = extra else { continue }
      let file = TorchValue.dictionary([(.text("ema"), Self.averaged)] + items)
      try open(file) { #expect($0.arguments == arguments) }
    }
  }

  @Test func integersAreNotWeights() throws {
    try open(.named(["w": .integers([1, 2], [2])])) { file in
      let failure = try #require(throws: Failure.self) {
        try file.stateDict(key: nil).tensor("w", shape: [2])
      }
      #expect(failure.code == .dtypeUnsupported && failure.detail.contains("int64 [2]"))
    }
  }

  @Test(
    "the key for another file",
    arguments: [
      ("ema", "ema"), ("model", "model"), ("model_ema", nil), ("state_dict", nil), ("net", "net"),
      (nil, nil),
    ] as [(String?, String?)])
  func likeAnother(recorded: String?, key: String?) throws {
    try open(.named(["model": Self.raw, "ema": Self.averaged])) { file in
      #expect(file.key(like: recorded) == key)
    }
  }
}
