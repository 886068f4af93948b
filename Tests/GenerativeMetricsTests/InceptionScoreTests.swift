import GenerativeMetrics
import Testing
import _TestSupport

@Suite struct InceptionScoreTests {
  @Test func certainAndEvenlySpreadPredictionsScoreTheNumberOfClasses() throws {
    let logits = (0..<12).flatMap { sample in (0..<4).map { $0 == sample % 4 ? 1e4 : Float(0) } }
    let score = try inceptionScore(logits: logits, classes: 4, convention: .init(.equal(3)))
    #expect(abs(score.mean - 4) <= 1e-14)
    #expect(score.standardDeviation == 0)
  }

  @Test("identical samples score exactly 1", arguments: [10, 101, 1000])
  func identicalSamples(count: Int) throws {
    let row: [Float] = [0.1, -2.7, 3.3, 0.9, 1e-3, -80, 7.7]
    let logits = [[Float]](repeating: row, count: count).flatMap(\.self)
    for splits in [InceptionScore.Splits.equal(10), .equal(1), .blocks(of: 7)] {
      let score = try inceptionScore(logits: logits, classes: 7, convention: .init(splits))
      #expect(score.mean == 1)
      #expect(score.standardDeviation == 0)
    }
  }

  @Test("agrees with 80 digits", arguments: Golden<ScoreCase>.read("inception_score"))
  func agreesWithMPMath(golden: ScoreCase) throws {
    let score = try inceptionScore(
      logits: golden.logits, classes: golden.classes,
      convention: .init(golden.kind == "equal" ? .equal(golden.size) : .blocks(of: golden.size)))
    #expect(abs(score.mean - golden.mean) <= 1e-14 * golden.mean)
    #expect(abs(score.standardDeviation - golden.standardDeviation) <= 1e-14 * golden.mean)
  }

  @Test(
    "agrees with each tool in its own convention",
    arguments: Golden<ScoreConventionCase>.read("score_conventions"))
  func conventions(golden: ScoreConventionCase) throws {
    let logits = features(golden.count, golden.classes, seed: 3).map { 6 * ($0 - 1) }
    #expect(abs(logits.reduce(0) { $0 + Double($1) } - golden.sum) <= 1e-9 * Double(logits.count))
    let score = try inceptionScore(
      logits: logits, classes: golden.classes, convention: golden.convention)
    #expect(abs(score.mean - golden.mean) <= 1e-13 * golden.mean)
    if let deviation = golden.standardDeviation {
      #expect(abs(score.standardDeviation - deviation) <= 1e-13 * golden.mean)
    }
  }

  @Test func addingAConstantToTheLogitsOfASampleChangesNothing() throws {
    let logits = (0..<60).map { Float($0 * 7 % 13) / 4 }
    let shifted = logits.enumerated().map { $1 + Float($0 / 3) }
    let (a, b) = try (
      inceptionScore(logits: logits, classes: 3), inceptionScore(logits: shifted, classes: 3)
    )
    #expect(a == b)
  }

  @Test(
    "malformed logits are rejected",
    arguments: [
      ("ShapeMismatch", [1, 2, 3]), ("TooFewSamples", [1, 2]), ("TooFewSamples", []),
      ("NonFinite", [1, 2, 3, .nan]), ("NonFinite", [1, 2, -.infinity, 0]),
    ] as [(String, [Float])])
  func malformed(code: String, logits: [Float]) {
    expectRejection(code, naming: code == "NonFinite" ? "sample 1" : "") {
      try inceptionScore(logits: logits, classes: 2, convention: .init(.equal(2)))
    }
  }

  @Test func noSamplesHaveNoScore() {
    expectRejection("TooFewSamples") {
      try inceptionScore(logits: [], classes: 2, convention: .init(.blocks(of: 5)))
    }
  }
}

struct ScoreConventionCase: Decodable, Sendable, CustomTestStringConvertible {
  let tool: String
  let count: Int
  let classes: Int
  let sum: Double
  let mean: Double
  let standardDeviation: Double?

  var convention: InceptionScore.Convention {
    switch tool {
    case "torch_fidelity": .torchFidelity
    case "dgm_eval": .dgmEval
    case "guided_diffusion": .guidedDiffusion
    case "torchmetrics": .torchmetrics
    default: preconditionFailure("no convention of \(tool)")
    }
  }

  var testDescription: String { "\(tool), \(count) samples" }
}

struct ScoreCase: Decodable, Sendable, CustomTestStringConvertible {
  let classes: Int
  let kind: String
  let size: Int
  let logits: [Float]
  let mean: Double
  let standardDeviation: Double

  var testDescription: String { "\(logits.count / classes) samples, \(kind) \(size)" }
}
