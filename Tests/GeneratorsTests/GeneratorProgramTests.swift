import Crypto
import Files
import Foundation
import Generators
import Results
import Sampling
import Testing
import _TestSupport

/// What a program answers is untrusted.
@Suite("Generator programs") struct GeneratorProgramTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let ready =
    #"{"type":"ready","protocol":"dis-eval-generator/1","name":"n","version":"1","image":[2,3,1],"#
    + #""differs":"nothing","classes":3,"batch":4,"settings":{"steps":5,"eta":0}}"#

  /// Starts a program that answers the bytes of a file, then reads on.
  private func program(
    answering bytes: [UInt8], seconds: Double = 20,
    _ change: (inout GeneratorRequest) -> Void = { _ in }
  ) throws -> GeneratorProgram {
    let path = folder.path("answer")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    var request = GeneratorRequest(command: ["sh", "-c", "cat \"$0\" >&3; cat > /dev/null", path])
    change(&request)
    return try GeneratorProgram(request, timeout: .seconds(seconds))
  }

  private func refusal(_ text: String) -> Failure? {
    do {
      _ = try program(answering: Array((text + "\n").utf8))
      return nil
    } catch {
      return error as? Failure
    }
  }

  @Test func whatItSaysIsRecorded() throws {
    let program = try program(answering: Array((Self.ready + "\n").utf8)) {
      $0.seed = .max
      $0.settings = ["steps": .number(5), "eta": .number(0)]
    }
    let found = program.provenance
    #expect(found.name == "n" && found.version == "1" && found.image == [2, 3, 1])
    #expect(found.classes == 3 && found.batch == 4 && found.seed == .max)
    #expect(
      program.imageExtents == [2, 3, 1] && program.parts(of: 3..<12) == [3..<7, 7..<11, 11..<12])
    let labels = (0..<3000).compactMap(program.label)
    #expect(labels.count == 3000 && Set(labels) == [0, 1, 2])
  }

  @Test(
    "Every key is checked",
    arguments: [
      (#""name":"n""#, #""name":"""#, "'name'"), (#""version":"1""#, #""version":1"#, "'version'"),
      (#"generator/1"#, "generator/2", "'protocol'"), ("[2,3,1]", "[2,3]", "'image'"),
      ("[2,3,1]", "[2,3,2]", "'image'"), ("[2,3,1]", "[2,16385,1]", "'image'"),
      ("[2,3,1]", "[2,-3,1]", "'image'"), ("[2,3,1]", "[16384,16384,3]", "'batch'"),
      ("[2,3,1]", "[2.5,3,1]", "not possible"),
      (#""image":[2,3,1],"#, "", "'image' or 'latent'"), ("nothing", "something", "'differs'"),
      (#""classes":3"#, #""classes":0"#, "'classes'"), (#""batch":4"#, #""batch":4097"#, "'batch'"),
      (#""batch":4"#, #""batch":99999999999999999999"#, "not possible"),
      (#""batch":4"#, #""network_evaluations":0"#, "'network_evaluations'"),
      (#""batch":4"#, #""weights_sha256":"ABC""#, "'weights_sha256'"),
      (#""batch":4"#, #""noise":[16384,16384,1]"#, "'noise'"),
      (#""batch":4"#, #""stream":"mine""#, "'stream'"),
      (#""batch":4"#, #""device":"""#, "'device'"),
      (#""batch":4"#, #""batch":4,"batch":5"#, "'batch'"),
    ])
  func keys(_ old: String, _ new: String, _ key: String) throws {
    let failure = refusal(Self.ready.replacing(old, with: new))
    #expect(failure?.status == .dataRefused && failure?.code == .generatorAnswer)
    #expect(failure?.detail.contains(key) == true, "\(failure?.detail ?? "accepted")")
  }

  @Test func longLinesAreRefused() {
    let failure = refusal(String(repeating: " ", count: 100_000))
    #expect(failure?.code == .generatorAnswer && failure?.detail.contains("65536") == true)
  }

  @Test func settingsMustBeConfirmed() throws {
    for settings in [
      ["steps": JSONValue.integer(6)], ["steps": .text("5")], ["cfg_scale": .number(1)],
    ] {
      let failure = #expect(throws: Failure.self) {
        try program(answering: Array((Self.ready + "\n").utf8)) { $0.settings = settings }
      }
      #expect(failure?.code == .settingNotConfirmed)
    }
  }

  @Test func allSettingsCanBeAskedFor() throws {
    var settings = SamplingSettings()
    (settings.seed, settings.labels, settings.guidanceScale) = (4, .balanced, 2)
    let request = GeneratorRequest(command: ["a"], settings: settings)
    #expect(request.seed == 4 && request.labels == "balanced" && request.quantizer == "dit")
    #expect(
      request.settings == [
        "sampler": .text("ddpm"), "prediction": .text("epsilon"), "respacing": .text("250"),
        "cfg_scale": .number(2), "cfg_channels": .text("all"), "clip": .boolean(false),
        "quantizer": .text("dit"),
      ])
    let decoded = GeneratorRequest(
      command: ["a"], settings: settings, decoder: DecoderRequest(path: "d", scale: 1))
    #expect(decoded.settings["quantizer"] == nil && decoded.decoder?.path == "d")
  }

  @Test func impossibleRequestsAreRefused() {
    let request = GeneratorRequest(command: ["true"])
    for count in [0, -1, 1025] {
      let failure = #expect(throws: Failure.self) {
        try GeneratorProgram(request, processes: count)
      }
      #expect(failure?.code == .settingOutOfRange)
    }
    #expect(throws: Failure.self) { try GeneratorProgram(request, timeout: .zero) }
    #expect(throws: Failure.self) { try GeneratorProgram(GeneratorRequest(command: [])) }
  }

  /// Changed answers are accepted or refused, whatever is in them, and nothing waits for ever.
  @Test func damagedAnswers() async throws {
    let image = [UInt8](repeating: 7, count: 24)
    let header =
      Array(
        "\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) } + [1, 0, 118, 0])
      + Array("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 3, 1), }".utf8)
    let array = header + [UInt8](repeating: 32, count: 127 - header.count) + [10] + image
    let frame =
      #"{"type":"frame","first":0,"count":4,"bytes":\#(array.count),"sha256":"\#(hexadecimal(SHA256.hash(data: array)))"}"#
    let whole = Array((Self.ready + "\n" + frame + "\n").utf8) + array
    let program = try program(answering: whole)
    let images = try await program.samples(0..<4)
    #expect(images.count == 4)

    var random = SeededGenerator(seed: 9)
    var accepted = 0
    for _ in 0..<150 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes.insert(bytes[bytes.count - 1 - place], at: place)
        }
      }
      do {
        _ = try await self.program(answering: bytes, seconds: 0.3).samples(0..<4)
        accepted += 1
      } catch is Failure {
      }
    }
    #expect(accepted < 100)
  }
}
