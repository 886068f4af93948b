import Checkpoints
import Diffusion
import Files
import Tensors
import Testing
import _TestSupport

@Suite("Sampling state") struct SamplingStateTests {
  static let methods: [SamplingMethod] = [
    .ddpm, .ddim(eta: 0), .ddim(eta: 0.5), .heun, .dpmSolver2M, .dpmSolver2MSDE,
  ]
  static let shape = [2, 3, 1]

  /// A network of no meaning, not linear, with variance logits.
  static func network(_ x: Tensor, _ at: PredictionTime) -> Tensor {
    let time = Float(at.input) / 1000
    let noise = x.values.map { $0 / (1 + time + $0 * $0) }
    return Tensor(shape: [4, 3, 1], values: noise + noise.map { time - $0 })
  }

  static func noise(_ step: Int) -> [Float] {
    RandomStream(seed: 5, index: 1).normals(.stepNoise(step), count: 6)
  }

  static func sampler(_ method: SamplingMethod) throws -> Sampler {
    TimestepSampler(schedule: Schedule(try Respacing("7")), method: method)
  }

  static let first = Tensor(
    shape: shape, values: RandomStream(seed: 5, index: 1).normals(.initialNoise, count: 6))

  @Test("continues from files to the same bits after any step", arguments: methods)
  func resumesFromFiles(method: SamplingMethod) throws {
    let sampler = try Self.sampler(method)
    let expected = sampler.sample(from: Self.first, noise: Self.noise, predict: Self.network)
    let folder = try TemporaryFolder()
    for stop in 0...7 {
      var state = sampler.start(Self.first)
      while state.step < stop {
        sampler.advance(&state, noise: Self.noise, predict: Self.network)
      }
      var stored: [String: Tensor] = [:]
      for (name, tensor) in state.tensors {
        let path = folder.path("\(stop)\(name).npy")
        try NPYArray(floats: tensor.values, shape: tensor.shape).write(to: path)
        let array = try NPYArray.read(path)
        stored[name] = Tensor(shape: array.shape, values: array.floats())
      }
      var resumed = try sampler.resume(
        step: state.step, tensors: stored, shape: Self.shape, source: "here")
      #expect(resumed == state)
      while !sampler.isFinished(resumed) {
        sampler.advance(&resumed, noise: Self.noise, predict: Self.network)
      }
      #expect(resumed.x.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
      #expect(resumed.tensors.keys.sorted() == ["x"])
    }
  }

  @Test func aThrowingNetworkLeavesTheStateAsItWas() throws {
    struct Stopped: Error {}
    for method in Self.methods {
      let sampler = try Self.sampler(method)
      var state = sampler.start(Self.first)
      sampler.advance(&state, noise: Self.noise, predict: Self.network)
      let before = state
      #expect(throws: Stopped.self) {
        try sampler.advance(&state, noise: Self.noise) { _, _ in throw Stopped() }
      }
      #expect(state == before)
    }
  }

  static let x = Tensor(zeros: shape)
  static let refusals: [(SamplingMethod, Int, [String: Tensor], String)] = [
    (.ddpm, -1, ["x": x], "step -1 of a sampler that has 7"),
    (.ddpm, 8, ["x": x], "step 8 of a sampler that has 7"),
    (.ddpm, 1, [:], #"tensors [] after step 1, expected ["x"]"#),
    (.ddpm, 1, ["x": x, "x0": x], #"tensors ["x", "x0"] after step 1, expected ["x"]"#),
    (.dpmSolver2M, 1, ["x": x], #"tensors ["x"] after step 1, expected ["x", "x0"]"#),
    (.dpmSolver2MSDE, 6, ["x": x], #"tensors ["x"] after step 6, expected ["x", "x0"]"#),
    (.heun, 6, ["x": x, "x0": x], #"tensors ["x", "x0"] after step 6, expected ["x"]"#),
    (.dpmSolver2M, 0, ["x": x, "x0": x], #"tensors ["x", "x0"] after step 0, expected ["x"]"#),
    (.dpmSolver2M, 7, ["x": x, "x0": x], #"tensors ["x", "x0"] after step 7, expected ["x"]"#),
    (.dpmSolver2M, 1, ["x": x, "y": x], #"tensors ["x", "y"] after step 1, expected ["x", "x0"]"#),
    (.ddpm, 1, ["x": Tensor(zeros: [6])], "'x' has shape [6], expected [2, 3, 1]"),
    (
      .dpmSolver2M, 1, ["x": x, "x0": Tensor(zeros: [3, 2, 1])],
      "'x0' has shape [3, 2, 1], expected [2, 3, 1]"
    ),
  ]

  @Test("of another sampler is refused", arguments: refusals)
  func refused(
    method: SamplingMethod, step: Int, tensors: [String: Tensor], reason: String
  ) throws {
    let sampler = try Self.sampler(method)
    let failure = Failure(
      .dataRefused, .samplingState, "unit 3",
      "\(reason); delete it to sample from the beginning")
    #expect(throws: failure) {
      try sampler.resume(step: step, tensors: tensors, shape: Self.shape, source: "unit 3")
    }
  }
}
