import Files
import Foundation
import Reporting
import Results
import Testing
import _TestSupport

@Suite struct PolicyTests {
  static let example = """
    # What a release must keep.
    schema: dis-eval-policy/1
    alpha: 0.01
    tolerance: 2%
    min_samples: 50000
    require_paired: true
    baseline: "base line.json"
    metrics:
      fid: {min: 2, max: 3.5, tolerance: 0.05}
      is:
        min: 9
      kid: {}
    """

  /// The same as JSON, which YAML contains.
  static let exampleJSON = """
    {"schema": "dis-eval-policy/1", "alpha": 0.01, "tolerance": "2%", "min_samples": 50000,
     "require_paired": true, "baseline": "base line.json",
     "metrics": {"fid": {"min": 2, "max": 3.5, "tolerance": 0.05}, "is": {"min": 9}, "kid": {}}}
    """

  func policy(_ text: String) throws(Failure) -> Policy {
    try Policy(yaml: Array(text.utf8), subject: "gate.yml")
  }

  @Test(arguments: [example, exampleJSON]) func everyKeyIsRead(text: String) throws {
    let policy = try policy(text)
    var expected = Policy()
    expected.alpha = 0.01
    expected.tolerance = .relative(0.02)
    expected.minSamples = 50_000
    expected.requirePaired = true
    expected.baseline = "base line.json"
    expected.metrics = [
      "fid": .init(min: 2, max: 3.5, tolerance: .absolute(0.05)), "is": .init(min: 9),
      "kid": .init(),
    ]
    #expect(policy == expected)
  }

  @Test func defaults() throws {
    #expect(try policy("schema: dis-eval-policy/1") == Policy())
    #expect(Policy().alpha == 0.05 && Policy().tolerance == .relative(0.01))
  }

  /// Valid by the schema is what the parser takes, but for min above max, and nothing else.
  @Test(
    "the schema and the parser agree",
    arguments: [
      (exampleJSON, true), (#"{"schema": "dis-eval-policy/1"}"#, true), ("{}", false),
      (#"{"schema": "dis-eval-policy/2"}"#, false), ("[]", false),
      (#"{"schema": "dis-eval-policy/1", "alpha": 0.5}"#, false),
      (#"{"schema": "dis-eval-policy/1", "alpha": 0}"#, false),
      (#"{"schema": "dis-eval-policy/1", "tolerance": -1}"#, false),
      (#"{"schema": "dis-eval-policy/1", "tolerance": "-1%"}"#, false),
      (#"{"schema": "dis-eval-policy/1", "tolerance": "0.1"}"#, false),
      (#"{"schema": "dis-eval-policy/1", "tolerance": 0}"#, true),
      (#"{"schema": "dis-eval-policy/1", "min_samples": 0}"#, false),
      (#"{"schema": "dis-eval-policy/1", "min_samples": 2.5}"#, false),
      (#"{"schema": "dis-eval-policy/1", "require_paired": "true"}"#, false),
      (#"{"schema": "dis-eval-policy/1", "baseline": ""}"#, false),
      (#"{"schema": "dis-eval-policy/1", "metrics": {"fid": {"maximum": 3}}}"#, false),
      (#"{"schema": "dis-eval-policy/1", "metrics": {"fid": {"max": "3"}}}"#, false),
      (#"{"schema": "dis-eval-policy/1", "metrics": {"fid": 3}}"#, false),
      (#"{"schema": "dis-eval-policy/1", "max": 3}"#, false),
    ])
  func agreement(json: String, isValid: Bool) throws {
    #expect(try (violation(of: Array(json.utf8), by: .policy) == nil) == isValid)
    #expect(((try? policy(json)) != nil) == isValid)
  }

  @Test(
    "what is wrong is named with its line",
    arguments: [
      ("", "empty"), ("# no more", "empty"), ("a: b: c", "line 1"), ("\u{0}", "control characters"),
      ("[1]", "found a list"), ("text", "found text, expected keys"),
      ("alpha: .nan", "line 2: alpha: found .nan"), ("alpha: 0x1p-4", "alpha"),
      ("alpha: 010", "alpha"), ("alpha: 1e999", "alpha"), ("alpha:", "alpha: found nothing"),
      ("alpha: {a: b}", "a mapping"), ("alpha: '0.1'", "the text '0.1'"),
      ("tolerance: -1", "line 2: tolerance: found -1"), ("tolerance: nan%", "tolerance"),
      ("metrics:\n  fid:\n    tolerence: 1", "line 4: metrics.fid.tolerence: unknown key"),
      ("metrics: {fid: {min: 4, max: 3}}", "line 2: metrics.fid: min 4 is above max 3"),
      ("metrics:\n  fid: {max: 1}\n  'fid': {max: 2}", "line 3: 'fid' occurs twice"),
      ("alpha: &a 0.1\ntolerance: *a", "line 2: '&' is refused"),
      ("tolerance: *a", "line 2: found undefined alias"), ("!x alpha: 0.1", "line 2: a key"),
      ("alpha: 0.1\n---\nalpha: 0.2", "another document"), ("? {a: b}\n: c", "line 2: a key"),
      ("metrics: {a: {b: {c: d}}}", "metrics.a.b: unknown key"), ("schema: again", "twice"),
      ("metrics: {fid: [1, 2]}", "metrics.fid: found a list"), ("<<: {alpha: 0.1}", "<<: unknown"),
    ])
  func refusals(text: String, part: String) throws {
    let isAlone = ["", "# no more", "a: b: c", "\u{0}", "[1]", "text"].contains(text)
    let whole = isAlone ? text : "schema: dis-eval-policy/1\n" + text
    let failure = #expect(throws: Failure.self) { try policy(whole) }
    #expect(failure?.status == .invalidConfiguration && failure?.code == .policyInvalid)
    #expect(failure?.detail.contains(part) == true, "\(failure?.detail ?? "")")
  }

  @Test func bombsAreRefusedAtOnce() throws {
    for text in [
      String(repeating: "[", count: 60_000), String(repeating: "{a: ", count: 15_000),
      String(repeating: "- ", count: 30_000), String(repeating: "? ", count: 30_000),
      "a: &a x\n" + (0..<3000).map { "b\($0): &b\($0) {a: *a}" }.joined(separator: "\n"),
    ] {
      let start = threadSeconds()
      #expect(throws: Failure.self) { try policy(text) }
      #expect(threadSeconds() - start < 5)
    }
  }

  @Test func prefixesAndMutationsAreReadOrRefused() {
    let whole = Array(Self.example.utf8)
    func tryOut(_ bytes: [UInt8]) {
      do throws(Failure) {
        _ = try Policy(yaml: bytes, subject: "gate.yml")
      } catch {
        #expect(error.code == .policyInvalid)
      }
    }
    for count in whole.indices { tryOut(Array(whole[..<count])) }
    for index in whole.indices {
      for byte in [0, 0x0A, 0x22, 0x26, 0x2A, 0x3A, 0x5B, 0x7B, 0x80, 0xFF] as [UInt8] {
        var bytes = whole
        bytes[index] = byte
        tryOut(bytes)
      }
    }
  }
}

/// Processor time of the calling thread, which says how long work takes whatever else runs.
private func threadSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
