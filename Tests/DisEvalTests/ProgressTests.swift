import Testing
import Work

/// What people are told of long work.
@Suite("Progress") struct ProgressTests {
  private let start = ContinuousClock.now

  private func progress(_ done: Int, of total: Int = 100, before: Int = 0) -> WorkProgress {
    WorkProgress(activity: "sampling", done: done, total: total, doneBefore: before)
  }

  @Test func rateAndTimeLeft() {
    let line = ProgressLine(progress(25), seconds: 50)
    #expect(line.text == "25/100  0.50/s  ETA 2:30")
    #expect(ProgressLine(progress(100), seconds: 3725).text == "100/100  0.03/s  in 1:02:05")
    // What an earlier run did says nothing of the rate.
    #expect(ProgressLine(progress(60, before: 50), seconds: 10).text == "60/100  1.00/s  ETA 0:40")
    let bytes = WorkProgress(
      activity: "downloading", done: 1_500_000, total: 3_000_000, unit: .bytes)
    #expect(ProgressLine(bytes, seconds: 1).text == "1.5/3.0 MB  1.5 MB/s  ETA 0:01")
  }

  @Test func nothingIsKnownBeforeTheFirstImage() {
    for (done, before) in [(0, 0), (50, 50)] {
      let text = ProgressLine(progress(done, before: before), seconds: 20).text
      #expect(text == "\(done)/100  ETA unknown")
    }
    #expect(ProgressLine(progress(100, before: 100), seconds: 0).text == "100/100")
  }

  @Test(arguments: 1...120) func aBarFitsTheWidth(columns: Int) {
    for done in [0, 1, 50, 99, 100] {
      let bar = ProgressLine(progress(done), seconds: 7).bar(columns: columns)
      #expect(bar.count <= columns)
      #expect(bar.contains("[") == (columns >= 50) || (30..<50).contains(columns), "\(bar)")
    }
  }

  @Test func aBarIsFilledByWhatIsDone() {
    let bar = ProgressLine(progress(50), seconds: 10).bar(columns: 100)
    #expect(
      bar == "sampling [" + String(repeating: "=", count: 14) + String(repeating: " ", count: 14)
        + "] 50/100  5.00/s  ETA 0:10")
  }

  @Test func linesComeOncePerInterval() {
    var meter = ProgressMeter(now: start)
    func isSaid(_ done: Int, at seconds: Double) -> Bool {
      meter.line(
        progress(done), every: .seconds(60), saysBeginning: false, now: start + .seconds(seconds)
      ) != nil
    }
    #expect(!isSaid(1, at: 1) && !isSaid(2, at: 59.9))
    #expect(isSaid(3, at: 60) && !isSaid(4, at: 61) && isSaid(5, at: 120))
    // The end is always said.
    #expect(isSaid(100, at: 121))
  }

  @Test func aNewActivityBeginsItsOwnTime() throws {
    var meter = ProgressMeter(now: start)
    _ = meter.line(progress(1), every: .zero, saysBeginning: true, now: start + .seconds(100))
    func interval(_ done: Int, at seconds: Double) -> String? {
      meter.line(
        WorkProgress(activity: "interval", done: done, total: 20), every: .zero,
        saysBeginning: true, now: start + .seconds(seconds))?.text
    }
    #expect(interval(0, at: 100) == "0/20  ETA unknown")
    #expect(interval(10, at: 105) == "10/20  2.00/s  ETA 0:05")
  }
}
