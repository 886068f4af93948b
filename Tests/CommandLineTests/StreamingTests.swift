import Checkpoints
import DisEval
import Foundation
import Images
import References
import Results
import Testing
import Work
import _TestSupport

/// The library's accumulator beside `dis-eval fid --images` of the same images.
@Suite("Streaming", .blocking) struct StreamingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Fills accumulators of consecutive parts on tasks of their own, and merges them in order.
  private func accumulated(
    _ source: ImageSource, tasks: Int, _ empty: ImageAccumulator
  ) async throws -> ImageAccumulator {
    let size = (source.count + tasks - 1) / tasks
    let parts = try await withThrowingTaskGroup(of: (Int, ImageAccumulator).self) { group in
      for task in 0..<tasks {
        group.addTask {
          var part = empty
          for index in (task * size..<min((task + 1) * size, source.count)) {
            try part.append(source.image(at: index))
          }
          return (task, part)
        }
      }
      var parts = [ImageAccumulator?](repeating: nil, count: tasks)
      for try await (task, part) in group { parts[task] = part }
      return parts.compactMap(\.self)
    }
    var merged = empty
    for part in parts { try merged.merge(part) }
    return merged
  }

  private func check(
    _ run: DisEvalProcess, is result: EvaluationResult, _ comment: String
  ) throws {
    #expect(run.status == 0, "\(run.errors)")
    let printed = try run.json()
    let own = try #require(
      jsonObject(Data(result.json())) as? [String: Any])
    #expect(own["dialects"] == nil && printed["dialects"] == nil)
    for key in ["metrics", "skipped", "provenance", "samples_sha256"] {
      #expect(try canonical(own[key]) == canonical(printed[key]), "\(comment): \(key)")
    }
  }

  /// The demo's extractor, whose statistics have rows, floor and labels.
  @Test("the demo's statistics", arguments: [1, 2, 3]) func demo(tasks: Int) async throws {
    let images = folder.path("samples.npz")
    let sampled = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "172", "--steps", "2", "--sampler",
      "dpm-solver++", "--out", images)
    #expect(sampled.status == 0, "\(sampled.errors)")
    let run = try DisEvalProcess(
      "evaluate", "--images", images, "--ref", DisEvalProcess.statistics, "--json")
    let reference = try ReferenceStatistics(path: DisEvalProcess.statistics)
    let empty = try ImageAccumulator(
      for: reference, metrics: MetricName.evaluated, name: "samples.npz",
      workload: Workload(threads: tasks, batch: 8))
    let merged = try await accumulated(ImageSource(path: images), tasks: tasks, empty)
    try check(
      run, is: await merged.result(against: .statistics(reference)), "\(tasks) tasks")
  }

  /// Inception with synthetic weights, in dialects of three preparations.
  @Test("dialects", arguments: ["pytorch-fid", "tf", "clean"])
  func dialects(name: String) async throws {
    let fixtures = "Tests/FeatureExtractorsTests/Fixtures/"
    let statistics = try NPYArray.read(DisEvalProcess.file(fixtures + "inception_bn.npy"))
    let weights = folder.path("inception.safetensors")
    try writeSafetensors(
      SyntheticInception.tensors(statistics: statistics.floats()),
      to: URL(fileURLWithPath: weights))
    let photos = try NPYArray.read(DisEvalProcess.file(fixtures + "photos_64.npy"))
    let size = photos.bytes.count / 2
    let paths = try [0, 1].map { half in
      let path = folder.path("\(half).npy")
      let bytes = Array(photos.bytes[half * size..<(half + 1) * size])
      try Data(NPYArray(bytes: bytes, shape: [8, 64, 64, 3]).serialized())
        .write(to: URL(fileURLWithPath: path))
      return path
    }
    let run = try DisEvalProcess(
      "fid", "--images", paths[0], "--ref", paths[1], "--weights", weights, "--dialect", name,
      "--json")
    let dialect = try #require(Dialect(rawValue: name))
    let extractor = try LoadedExtractor(path: weights)
    let sides = try await [0, 1].asyncMap { half in
      let empty = try ImageAccumulator(
        extractor: extractor, dialect: .one(dialect), name: "\(half).npy",
        workload: Workload(threads: 2, batch: 4))
      return try await accumulated(ImageSource(path: paths[half]), tasks: 2, empty)
    }
    try check(run, is: await sides[0].result(against: .images(sides[1])), name)
  }
}

extension Array {
  fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async throws
    -> [Result]
  {
    var results: [Result] = []
    for element in self { results.append(try await body(element)) }
    return results
  }
}
