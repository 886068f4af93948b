import Files
import Foundation
import Testing

/// The check that no key of a JSON document is there twice.
@Suite("Unique keys") struct UniqueKeysTests {
  /// What is wrong, with its place; nil when nothing is.
  func problem(_ text: String) -> String? { problem(Array(text.utf8)) }

  func problem(_ bytes: [UInt8]) -> String? {
    do {
      try checkUniqueKeys(bytes)
      return nil
    } catch DecodingError.dataCorrupted(let context) {
      return (context.codingPath.map(\.stringValue) + [context.debugDescription])
        .joined(separator: ".")
    } catch {
      return "\(error)"
    }
  }

  static let whole =
    #"{"a": [1, -2.5e+3, {"b": null, "c": [[], {}]}], "é\n\u00e9\ud83d\ude00": "x\"y", "d": {"a": true}}"#

  @Test(
    "what JSON is passes",
    arguments: [
      whole, "{}", "[]", " [ { } , [ ] ] ", "1", "\"a\"", "null", "\u{FEFF}{\"a\": 1}",
      "{\"\": {\"\": 0}}",
      "[{\"a\": 1}, {\"a\": 2}]", "{\"a\": {\"a\": {\"a\": 1}}}", "\r\n\t{\"a\":\t1}\n",
    ])
  func passes(text: String) { #expect(problem(text) == nil) }

  @Test(
    "a key that is there twice is refused with its place",
    arguments: [
      (#"{"a": 1, "a": 1}"#, "the key 'a' occurs twice, before byte 12"),
      (#"{"a": 1, "b": 2, "a": 3}"#, "the key 'a'"),
      (#"{"x": {"y": [{"a": 1, "a": 2}]}}"#, "x.y.the key 'a'"),
      (#"{"x": {"a": 1}, "y": {"b": {}, "c": 1, "b": 2}}"#, "y.the key 'b'"),
      // However it is written.
      (#"{"a": 1, "\u0061": 2}"#, "the key 'a'"), (#"{"a/": 1, "a\/": 2}"#, "the key 'a/'"),
      (#"{"😀": 1, "\ud83d\uDE00": 2}"#, "the key '😀'"),
      // What decoders and strings take for the same.
      (#"{"higher_is_better": 1, "higherIsBetter": 2}"#, "the key 'higherIsBetter'"),
      (#"{"num": 1, "Num": 2}"#, "the key 'Num'"),
      (#"{"cfg_scale": 1, "cfg__scale": 2}"#, "'cfg__scale'"),
      ("{\"\u{e9}\": 1, \"e\u{301}\": 2}", "the key"),
      ("{\"\": 1, \"\": 2}", "the key ''"),
    ])
  func refused(text: String, part: String) {
    #expect(problem(text)?.contains(part) == true, "\(problem(text) ?? "nil")")
  }

  @Test func pathsThatDifferInCaseAreTwoKeys() throws {
    try checkUniqueKeys(
      Array(#"{"/a/m_1.pt": 1, "/a/m1.pt": 2, "/a/M1.pt": 3}"#.utf8), exactly: true)
    #expect(throws: DecodingError.self) {
      try checkUniqueKeys(Array(#"{"/a/m.pt": 1, "/a/m.pt": 2}"#.utf8), exactly: true)
    }
  }

  @Test(
    "what is no JSON is refused",
    arguments: [
      "", " ", "{", "[", "{\"a\"", "{\"a\":", "{\"a\": 1", "{\"a\": 1,", "{\"a\": 1,}", "[1,]",
      "[,]", "{,}",
      "{1: 2}", "[1 2]", "{\"a\" 1}", "[1}", "{\"a\": 1]", "[}", "{]", "1 2", "{} {}", "\"a",
      "\"a\\", "{\"\\x\": 1}",
      "{\"\\u12\": 1}", "{\"\\ud83d\": 1}", "{\"\\ud83d\\u0041\": 1}", "{\"\\udc00\": 1}", "\u{0}",
      "]", "}",
      String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
    ])
  func malformed(text: String) { #expect(problem(text) != nil) }

  @Test func otherEncodingsAreRefused() throws {
    let twice = #"{"a": 1, "a": 2}"#
    for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32] {
      #expect(problem(Array(try #require(twice.data(using: encoding)))) != nil)
    }
    #expect(problem(Array("{\"".utf8) + [0xFF] + Array("\": 1}".utf8)) != nil)
  }

  /// Whatever the decoder takes has the structure that the check saw: of any text either both take it, or
  /// one of them refuses it, and nothing traps.
  @Test func prefixesAndMutationsAreReadOrRefused() {
    let whole = Array(Self.whole.utf8)
    for count in whole.indices { #expect(problem(Array(whole[..<count])) != nil) }
    for index in whole.indices {
      for byte in [0, 0x0A, 0x20, 0x22, 0x2C, 0x3A, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x80, 0xFF]
        as [UInt8]
      {
        var bytes = whole
        bytes[index] = byte
        let problem = problem(bytes)
        guard
          (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil,
          bytes.allSatisfy({ $0 != 0x80 && $0 != 0xFF }), !bytes.contains(0)
        else { continue }
        #expect(
          problem == nil || problem?.contains("twice") == true,
          "\(String(decoding: bytes, as: UTF8.self)): \(problem ?? "")")
      }
    }
  }
}
