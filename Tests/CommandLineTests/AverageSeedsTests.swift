import Foundation
import Results
import Testing
import _TestSupport

/// `dis-eval plot --average-seeds`: trainings of one recipe.
@Suite("plot --average-seeds", .blocking) struct AverageSeedsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// An evaluation of one training, whose interval has 1.96 standard errors on each side.
  private func line(
    _ training: String, step: Int = 100, _ value: Double, error: Double? = 1, seed: Int
  ) -> String {
    let interval =
      error.map { ",\"interval\":[\(value - 1.96 * $0),\(value + 1.96 * $0)]" } ?? ""
    return """
      {"schema":"dis-eval-ledger/1","key":"\(training)-\(step)-\(seed)","name":"\(training)",\
      "checkpoint":"\(training)/\(step).pt","checkpoint_sha256":"\(training)\(step)","num":5000,\
      "training":{"step":\(step)},"sampler":{"name":"heun","steps":50,"evaluations":99,"eta":0,\
      "cfg_scale":1,"seed":\(seed)},"dialect":"tf",\
      "metrics":{"fid":{"value":\(value)\(interval),"higher_is_better":false}}}
      """
  }

  private struct Drawn {
    /// The kind, the value and the interval of each point.
    var points: [(kind: String, y: Double, interval: [Double]?)] = []
    var law: [String: Any]?
    var notes = ""

    var mean: (y: Double, interval: [Double]?)? {
      points.first { $0.kind == "mean" }.map { ($0.y, $0.interval) }
    }
  }

  private func draw(_ lines: [String], _ more: String..., out: String = "f.csv") throws -> Drawn {
    let ledger = folder.path("ledger.jsonl")
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: ledger))
    let run = try DisEvalProcess(
      ["plot", ledger, "--average-seeds", "--json", "--out", folder.path(out)] + more)
    #expect(run.status == 0, "\(run.errors)")
    let violation = try violation(of: Array(run.output.utf8), by: .plot)
    #expect(violation == nil, "\(violation ?? "")")
    let series = try #require((run.json()["series"] as? [[String: Any]])?.first)
    let points = try #require(series["points"] as? [[String: Any]])
    return Drawn(
      points: points.map {
        ($0["kind"] as? String ?? "?", $0["y"] as? Double ?? .nan, $0["interval"] as? [Double])
      }, law: series["law"] as? [String: Any],
      notes: (try run.json()["notes"] as? [String] ?? []).joined(separator: "\n"))
  }

  private func near(_ found: [Double]?, _ low: Double, _ high: Double) -> Bool {
    guard let found, found.count == 2 else { return false }
    return abs(found[0] - low) < 1e-5 && abs(found[1] - high) < 1e-5
  }

  /// Values 10, 12 and 14: the mean is 12 and S² is 4. Student's t with 2 degrees of freedom is
  /// 4.302653, and 4.302653 sqrt(4 / 3) = 4.968276.
  @Test func differentSamplingSeeds() throws {
    let drawn = try draw([10, 12, 14].enumerated().map { line("t\($0)", $1, seed: $0) })
    let mean = try #require(drawn.mean)
    #expect(mean.y == 12 && near(mean.interval, 12 - 4.968276, 12 + 4.968276), "\(mean)")
    #expect(drawn.points.count { $0.kind == "training" } == 3 && drawn.points.count == 4)
    // sqrt(4 - 1) between trainings.
    #expect(
      drawn.notes.contains("standard deviation between trainings 1.73, of sampling 1\n"),
      "\(drawn.notes)")
    #expect(!drawn.notes.contains("upper bounds") && !drawn.notes.contains("one training"))
  }

  /// The variance is 4 / 3 + 1, and 4.302653 sqrt(7 / 3) = 6.572409.
  @Test func sharedSamplingSeed() throws {
    let drawn = try draw([10, 12, 14].enumerated().map { line("t\($0)", $1, seed: 7) })
    let mean = try #require(drawn.mean)
    #expect(mean.y == 12 && near(mean.interval, 12 - 6.572409, 12 + 6.572409), "\(mean)")
    #expect(drawn.notes.contains("between trainings 1.73 to 2, of sampling 1"), "\(drawn.notes)")
    #expect(drawn.notes.contains("their intervals are upper bounds"))
  }

  /// Two evaluations of one training are averaged first: 10 and 12 are 11, with a standard error of
  /// sqrt(1 + 1) / 2. With 13 and an error of 1, S² is 2 and the mean of squared errors 0.75. Student's t
  /// with one degree of freedom is 12.706205, which reaches below 0.
  @Test func severalEvaluationsOfATraining() throws {
    let lines = [line("a", 10, seed: 0), line("a", 12, seed: 1), line("b", 13, seed: 2)]
    let drawn = try draw(lines, "--linear")
    let mean = try #require(drawn.mean)
    #expect(mean.y == 12 && near(mean.interval, 12 - 12.706205, 12 + 12.706205), "\(mean)")
    #expect(drawn.notes.contains("between trainings 1.12, of sampling 0.866"), "\(drawn.notes)")
    let logarithmic = try draw(lines)
    #expect(logarithmic.mean?.interval == nil)
    #expect(
      logarithmic.notes.contains("1 interval reaches 0, which a logarithmic axis cannot show"))
  }

  /// The standard errors of sampling are needed only if seeds are shared.
  @Test func trainingsWithoutIntervals() throws {
    let apart = try draw(
      [10, 12, 14].enumerated().map { line("t\($0)", $1, error: nil, seed: $0) })
    #expect(near(apart.mean?.interval, 12 - 4.968276, 12 + 4.968276))
    #expect(!apart.notes.contains("standard deviation"))
    let shared = try draw(
      [10, 12, 14].enumerated().map { line("t\($0)", $1, error: nil, seed: 0) })
    #expect(shared.mean?.y == 12 && shared.mean?.interval == nil)
    #expect(shared.notes.contains("1 mean has no interval"), "\(shared.notes)")
  }

  /// A place with one training keeps its point, and fits use every training.
  @Test func singleTrainingsAndLaws() throws {
    let lines =
      [10, 12, 14].enumerated().map { line("t\($0)", $1, seed: $0) } + [
        line("t0", step: 1000, 5, seed: 0), line("t0", step: 2000, 4, seed: 0),
      ]
    let drawn = try draw(lines, "--fit", "power")
    #expect(drawn.law?["count"] as? Int == 5)
    let alone = drawn.points.filter { $0.kind == "evaluation" }
    #expect(alone.map(\.y) == [5, 4])
    #expect(near(alone[0].interval, 5 - 1.96, 5 + 1.96))
    #expect(drawn.notes.contains("2 places have one training, whose interval says nothing of"))
  }

  /// Every format tells means from trainings.
  @Test func formats() throws {
    let lines = [10, 12, 14].enumerated().map { line("t\($0)", $1, seed: $0) }
    _ = try draw(lines, "--out", folder.path("v.json"), "--out", folder.path("g.svg"))
    let table = try String(contentsOfFile: folder.path("f.csv"), encoding: .utf8)
    #expect(table.contains("\nseries,name,x,y,low,high,kind\n"))
    #expect(table.contains(",mean of 3 trainings,100.0,12.0,7.0317"))
    #expect(table.components(separatedBy: ",training\n").count == 4)
    let vega = try String(contentsOfFile: folder.path("v.json"), encoding: .utf8)
    #expect(vega.contains("\"filled\" : false") && vega.contains("\"kind\" : \"mean\""))
    let script = try String(contentsOfFile: folder.path("g.gp"), encoding: .utf8)
    // Hollow circles without intervals, and a full one with its interval.
    #expect(script.contains("pointtype 6 ") && script.contains("pointtype 7 "))
    #expect(script.components(separatedBy: "with yerrorbars").count == 2)
  }
}
