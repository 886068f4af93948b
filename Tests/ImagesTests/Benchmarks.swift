import Foundation
import Images
import Testing

/// Reads all images of `DIS_EVAL_IMAGES` in order on two workers, as the pipeline does, and prints
/// times and the peak of memory; asserts nothing. Runs alone:
/// `DIS_EVAL_IMAGES=samples.npz swift test -c release --filter ImageSourceBenchmark`
@Suite(.enabled(if: ProcessInfo.processInfo.environment["DIS_EVAL_IMAGES"] != nil))
struct ImageSourceBenchmark {
  @Test func allImages() async throws {
    let path = ProcessInfo.processInfo.environment["DIS_EVAL_IMAGES"] ?? ""
    let start = Date()
    let source = try ImageSource(path: path, recursive: true)
    report("opened \(source), \(source.labels?.count ?? 0) labels", since: start)
    let reading = Date()
    let sums = try await withThrowingTaskGroup(of: Int.self) { group in
      let workers = 2
      for worker in 0..<workers {
        group.addTask {
          var sum = 0
          for index in stride(from: worker, to: source.count, by: workers) {
            sum += Int(try source.image(at: index).pixels.last ?? 0)
          }
          return sum
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    report("read \(source.count) images, checksum \(sums.reduce(0, +))", since: reading)
  }

  private func report(_ what: String, since start: Date) {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    let seconds = Date().timeIntervalSince(start)
    print(what, String(format: "in %.1f s, peak %d MB", seconds, usage.ru_maxrss >> 10))
  }
}
