import Backbones
import DisEval
import Diffusion
import Files
import Foundation
import Images
import Sampling
import Tensors
import Testing
import Work
import _TestSupport

@Suite("Generators") struct GeneratorTests {
  private let run: SmallRun

  init() throws { run = try SmallRun() }

  private var generator: Generator { run.generator }

  private func generator(_ change: (inout SamplingSettings) throws -> Void) throws -> Generator {
    var settings = SamplingSettings()
    settings.respacing = try Respacing("3")
    try change(&settings)
    return try Generator(
      checkpoint: run.folder.path("model.safetensors"), settings: settings)
  }

  // MARK: Samples

  @Test func aSampleAloneIsThatOfTheRange() async throws {
    var pixels: [[UInt8]] = []
    for try await image in try generator.images(0..<9, workload: Workload(threads: 2, batch: 4)) {
      #expect((image.width, image.height, image.channels) == (4, 4, 1))
      pixels.append(image.pixels)
    }
    #expect(pixels.count == 9 && Set(pixels).count > 1)
    for index in [0, 3, 8] {
      #expect(try generator.image(at: index).pixels == pixels[index])
      let sample = try generator.sample(index)
      #expect(try generator.image(sample, index: index).pixels == pixels[index])
    }
    #expect(try await pixelsOfRange(4..<7, threads: 1) == Array(pixels[4..<7]))
    #expect(try await pixelsOfRange(5..<5, threads: 2).isEmpty)
  }

  private func pixelsOfRange(_ range: Range<Int>, threads: Int) async throws -> [[UInt8]] {
    var pixels: [[UInt8]] = []
    let workload = Workload(threads: threads, batch: threads)
    for try await image in try generator.images(range, workload: workload) {
      pixels.append(image.pixels)
    }
    return pixels
  }

  @Test func drawingStopsWhenTheTaskIsCancelled() async throws {
    let samples = try generator.images(0..<1_000_000, workload: Workload(threads: 2, batch: 4))
    let task = Task {
      var count = 0
      for try await _ in samples {
        count += 1
        if count == 10 { withUnsafeCurrentTask { $0?.cancel() } }
      }
      return count
    }
    let result = await task.result
    #expect(throws: CancellationError.self) { try result.get() }
  }

  // MARK: Parts

  @Test func theFirstStepBeginsWithTheNoise() throws {
    let noise = try generator.noise(at: 5)
    #expect(generator.sampleShape == [1, 4, 4] && noise.count == 16)
    #expect(noise == generator.start(5).x.values)
    #expect(try generator.noise(at: 6) != noise)
    #expect(try generator.label(at: 5).map { (0..<3).contains($0) } == true)
    #expect(try self.generator { $0.labels = .fixed(3) }.label(at: 0) == 3)
    #expect(try self.generator { $0.labels = .balanced }.label(at: 7) == 1)
  }

  /// The network by itself, with a class and without one.
  @Test func thePredictionIsTheNetworks() throws {
    let noise = try generator.noise(at: 0)
    #expect(generator.predictionShape[0] == generator.model.architecture.outputChannels)
    for (label, own) in [(1, 1), (3, 3), (nil, 3)] as [(Int?, Int)] {
      let found = try generator.prediction(noise, time: 500, label: label)
      let expected = generator.model(
        Tensor(shape: generator.sampleShape, values: noise), time: 500, label: own)
      #expect(found == expected.values)
      #expect(found.count == generator.predictionShape.reduce(1, *))
    }
  }

  // MARK: Rejections

  @Test func impossibleIndicesAreRefused() throws {
    for index in [-1, .min, .max] {
      for body in [
        { _ = try generator.image(at: index) }, { _ = try generator.label(at: index) },
        { _ = try generator.noise(at: index) },
      ] {
        let failure = #expect(throws: Failure.self) { try body() }
        #expect(failure?.code == .indexOutOfRange && failure?.status == .usage)
      }
    }
    #expect(throws: Failure.self) { _ = try generator.images(-3..<2) }
    let labels = try generator { $0.labels = .file(path: "y.npy", labels: [0, 1, 2]) }
    #expect(try labels.label(at: 2) == 2)
    for body in [
      { _ = try labels.label(at: 3) }, { _ = try labels.image(at: 3) },
      { _ = try labels.images(0..<4) },
    ] {
      let failure = #expect(throws: Failure.self) { try body() }
      #expect(failure?.code == .tooFewLabels && failure?.status == .dataRefused)
    }
  }

  /// A model without a label for "no class" must be given a class.
  @Test func aClassIsNeededIfNoLabelStandsForNone() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../BackbonesTests/Fixtures/transformers/uvit_b.safetensors").path
    var backbone = BackboneChoices()
    (backbone.heads, backbone.objective) = (3, .sd)
    backbone.nullClass = BackboneChoices.NullClass.none
    var settings = SamplingSettings()
    (settings.sampler, settings.respacing) = (.dpmSolverPlusPlusFast, try Respacing("5"))
    let generator = try Generator(checkpoint: path, backbone: backbone, settings: settings)
    let noise = try generator.noise(at: 0)
    let failure = #expect(throws: Failure.self) {
      _ = try generator.prediction(noise, time: 500)
    }
    #expect(failure?.code == .unconditionalModel && failure?.status == .usage)
    #expect(try generator.prediction(noise, time: 500, label: 5).count == noise.count)
    #expect(throws: Failure.self) { _ = try generator.prediction(noise, time: 500, label: 6) }
    #expect(throws: Failure.self) { _ = try generator.prediction(noise, time: 0, label: 5) }
  }

  @Test func impossiblePredictionsAreRefused() throws {
    let noise = try generator.noise(at: 0)
    for (x, timestep, label, code) in [
      ([], 0, nil, .noiseShape), (noise + [0], 0, nil, .noiseShape),
      (noise, -1, nil, .settingOutOfRange), (noise, 1000, nil, .settingOutOfRange),
      (noise, 0, 4, .labelOutOfRange), (noise, 0, -1, .labelOutOfRange),
      ([Float](repeating: .infinity, count: 16), 0, nil, .notFinite),
    ] as [([Float], Double, Int?, Failure.Code)] {
      let failure = #expect(throws: Failure.self) {
        _ = try generator.prediction(x, time: timestep, label: label)
      }
      #expect(failure?.code == code, "\(failure?.description ?? "")")
    }
  }

  @Test func impossibleSettingsAreRefused() throws {
    let changes: [(String, (inout SamplingSettings) throws -> Void)] = [
      ("`eta` -3", { $0.eta = -3 }), ("`eta` nan", { $0.eta = .nan }),
      ("`guidanceScale` -1", { $0.guidanceScale = -1 }),
      ("`guidanceScale` inf", { $0.guidanceScale = .infinity }),
      ("`guidanceInterval` 0,1000", { $0.guidanceInterval = 0...1000 }),
      ("`guidanceInterval` -1,5", { $0.guidanceInterval = -1...5 }),
    ]
    for (subject, change) in changes {
      let failure = #expect(throws: Failure.self) { _ = try generator(change) }
      #expect(failure?.code == .settingOutOfRange && failure?.status == .usage)
      #expect(failure?.subject.hasPrefix(subject) == true, "\(failure?.subject ?? "")")
    }
  }

  @Test func stepsAreThoseOfTheSampler() throws {
    #expect(try SamplerName.dpmSolver.respacing(steps: 16) == Respacing("dpm16"))
    #expect(try SamplerName.ddim.respacing(steps: 1) == Respacing("dpm1"))
    #expect(Respacing.default == (try Respacing("250")))
    for (sampler, steps) in [(SamplerName.ddim, 1001), (.dpmSolver, 0), (.ddpm, -4)] {
      let failure = #expect(throws: Failure.self) { _ = try sampler.respacing(steps: steps) }
      #expect(failure?.code == .invalidRespacing)
    }
  }
}
