import DisEval

/// The library on one page: samples from a checkpoint, scores the samples, and prints the scores.
///
///     swift run -c release score-samples model.pt stats.npz
@main
enum ScoreSamples {
  static func main() async throws {
    let paths = CommandLine.arguments.dropFirst()
    guard let checkpoint = paths.first, let reference = paths.last, paths.count == 2 else {
      return print("usage: score-samples CHECKPOINT STATISTICS")
    }
    var settings = SamplingSettings()
    (settings.sampler, settings.respacing, settings.guidanceScale) = (.dpmSolver, "dpm16", 2)
    var request = EvaluationRequest(sampling: checkpoint, settings, reference: reference)
    request.num = 64
    let execution = Execution(workload: Workload(threads: 2, batch: 2))
    let result = try await request.prepare(execution, reporter: .silent).run()
    for (name, metric) in result.metrics.sorted(by: { $0.key < $1.key }) {
      print(name, metric.value)
    }
  }
}
