import Files
import Generators
import Testing
import _TestSupport

@Suite("Words of a command") struct CommandWordsTests {
  @Test(
    arguments: [
      ("python3 a.py", ["python3", "a.py"]), ("  a\tb\n c ", ["a", "b", "c"]),
      ("a 'b c' d", ["a", "b c", "d"]), (#"a "b \"c\" \n" d"#, ["a", #"b "c" \n"#, "d"]),
      (#"a\ b c\'d"#, ["a b", "c'd"]), ("a '' b", ["a", "", "b"]),
      ("a$HOME*|&;>x", ["a$HOME*|&;>x"]),
      (#"sh -c 'echo "$X"'"#, ["sh", "-c", #"echo "$X""#]), ("x'y'\"z\"", ["xyz"]),
      ("é ü", ["é", "ü"]), ("'\u{301}a' b", ["\u{301}a", "b"]),
    ] as [(String, [String])])
  func byHand(text: String, words: [String]) throws {
    #expect(try commandWords(text) == words)
  }

  @Test(arguments: ["", "   ", "'a", "a \"b", "a\\", "'' b", "a\0b"])
  func refused(text: String) {
    let failure = #expect(throws: Failure.self) { try commandWords(text) }
    #expect(failure?.status == .usage && failure?.code == .invalidCommand)
  }

  /// Whatever the words are, their text gives the same words.
  @Test func roundTrip() throws {
    var random = SeededGenerator(seed: 4)
    let characters = Array("ab '\"\\$*\n\r\té\u{301};-".unicodeScalars)
    for _ in 0..<2000 {
      var words = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        (0..<Int.random(in: 0...6, using: &random)).reduce(into: "") { word, _ in
          word.unicodeScalars.append(characters.randomElement(using: &random) ?? "a")
        }
      }
      words[0] = "p" + words[0]
      #expect(try commandWords(commandText(words)) == words)
    }
  }
}
