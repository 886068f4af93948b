import Diffusion
import DisEval
import FeatureExtractors
import Features
import Files
import Foundation
import Results
import Sampling
import _TestSupport

/// A run of a small random network whose features are the first two bytes of each sample.
struct SmallRun {
  let folder: TemporaryFolder
  let generator: Generator
  let extractor = FakeExtractor()

  init() throws {
    folder = try TemporaryFolder()
    let model = SyntheticDiS(
      seed: 21, embedDim: 16, depth: 2, patch: 2, channels: 1, side: 4, classes: 3)
    let path = folder.path("model.safetensors")
    try model.write(to: URL(fileURLWithPath: path))
    var settings = SamplingSettings()
    settings.respacing = try Respacing("3")
    generator = try Generator(checkpoint: path, key: nil, settings: settings)
  }

  var path: String { folder.path("run") }

  /// What `run.json` is to say.
  func record(_ count: Int, seed: UInt64 = 0, kernels: String = "k") -> RunRecord {
    var configuration = RunConfiguration(
      tool: "test", kernels: kernels, source: .checkpoint(generator),
      extractor: ExtractorProvenance(name: "fake", sha256: "aa", dimension: 2),
      kept: KeptArrays(
        [FeatureDemand(preparation: .pytorch)], extractor: extractor, labels: true, images: true,
        extents: generator.imageExtents))
    configuration.sampler?.seed = seed
    return RunRecord(
      configuration: configuration, unit: 1, counts: [count],
      scoring: RunRecord.Scoring(
        EvaluationRequest(subject: .images(""), reference: "r"), reference: "r", sha256: "bb"))
  }

  func open(
    _ count: Int, unit: Int = 3, seed: UInt64 = 0, kernels: String = "k"
  ) async throws -> RunDirectory {
    try await RunDirectory.open(path, asked: record(count, seed: seed, kernels: kernels)) { unit }
  }

  func make(_ directory: RunDirectory, count: Int, threads: Int = 2) async throws {
    let units = directory.record.units(count: count)
    let runner = UnitRunner(
      directory, source: .checkpoint(generator), extractor: extractor, saveInterval: .seconds(60),
      reporter: .silent)
    try await runner.make(
      directory.missing(units, reporter: .silent), of: units, threads: threads)
  }

  /// The files of units, with their bytes.
  func units() throws -> [String: Data] {
    let folder = URL(fileURLWithPath: "\(path)/units")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return Dictionary(
      uniqueKeysWithValues: try names.map {
        ($0, try Data(contentsOf: folder.appendingPathComponent($0)))
      })
  }
}
