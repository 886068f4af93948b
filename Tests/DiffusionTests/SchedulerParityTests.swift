import Checkpoints
import Backbones
import Diffusion
import Tensors
import Testing
import _TestSupport

private let goldens = Goldens(.module)

/// A method, the scheduler of diffusers that does the same, and how it spaces N steps.
struct SchedulerCase: Sendable, CustomTestStringConvertible {
  let name: String
  let method: SamplingMethod
  let respacing: String

  func respacing(_ count: Int) throws -> Respacing { try Respacing("\(respacing)\(count)") }

  var testDescription: String { name }
}

/// Against diffusers on the same noise and denoiser; conventions in Fixtures/MANIFEST.json.
@Suite("Schedulers of diffusers") struct SchedulerParityTests {
  static let cases = [
    SchedulerCase(name: "heun", method: .heun, respacing: ""),
    SchedulerCase(name: "dpm-solver++", method: .dpmSolver2M, respacing: "dpm"),
    SchedulerCase(name: "dpm-solver++-sde", method: .dpmSolver2MSDE, respacing: "dpm"),
    SchedulerCase(name: "ddim", method: .ddim(eta: 0), respacing: "ddim"),
    SchedulerCase(name: "ddim-eta", method: .ddim(eta: 0.5), respacing: "ddim"),
  ]

  @Test("are agreed with at every step", arguments: cases, [5, 10, 25, 50, 1000])
  func mixture(run: SchedulerCase, count: Int) throws {
    let schedule = Schedule(try run.respacing(count))
    let sampler = TimestepSampler(schedule: schedule, method: run.method)
    let start = try #require(goldens.tensors("schedulers.z").first).reshaped([1, 4, 4])
    let noise = try goldens.tensors("schedulers.noise")
    let golden = try NPZ.read(goldens.path("schedulers.\(run.name).npz"))

    var asked: [Int] = []
    var state = sampler.start(start)
    var trace = start.values
    while !sampler.isFinished(state) {
      try sampler.advance(&state, noise: { noise[$0 % noise.count].values }) { x, time in
        let timestep = Int(time.input)
        asked.append(timestep)
        let t = try #require(schedule.timesteps.firstIndex(of: timestep))
        let values = x.values.map {
          SolverParityTests.mixtureNoise($0, alphaBar: schedule.alphaBar[t])
        }
        return Tensor(shape: x.shape, values: values)
      }
      if count < 1000 || state.step % 100 == 0 || sampler.isFinished(state) {
        trace += state.x.values
      }
    }
    #expect(asked == (try golden.array("t\(count)").integers()))
    #expect(asked.count == sampler.evaluations)
    let worst = worst(trace, try golden.array("x\(count)").floats())
    #expect(worst.relative <= 1e-5, "\(worst)")
  }

  @Test("are agreed with on a network", arguments: [cases[0], cases[2]])
  func network(run: SchedulerCase) throws {
    let folder = try TemporaryFolder()
    let synthetic = try #require(SyntheticDiS.models["small"])
    let model = try DiSModel(synthetic.stateDict(in: folder))
    let sampler = TimestepSampler(schedule: Schedule(try run.respacing(5)), method: run.method)
    let noise = try goldens.tensors("schedulers_small.noise")  // [images, C, H, W] per step
    let expected = try goldens.tensors("schedulers_small.\(run.name)")
    for (index, start) in try goldens.tensors("schedulers_small.z").enumerated() {
      let size = start.count
      let sample = sampler.sample(
        from: start, noise: { Array(noise[$0].values[index * size..<(index + 1) * size]) }
      ) { model($0, time: $1.input, label: nil) }
      let worst = worst(sample.values, expected[index].values)
      #expect(worst.relative <= 1e-4, "image \(index): \(worst)")
    }
  }

  @Test func linspaceAgreesForEveryNumberOfSteps() throws {
    let sums = try goldens.array("schedulers.linspace").integers()
    for count in 2...1000 {
      let timesteps = try Respacing("dpm\(count)").timesteps
      let row = [
        timesteps.count, timesteps.reduce(0, +),
        timesteps.enumerated().reduce(0) { $0 + $1.offset * $1.element },
      ]
      #expect(row == Array(sums[(count - 2) * 3..<(count - 1) * 3]), "\(count)")
    }
  }
}
