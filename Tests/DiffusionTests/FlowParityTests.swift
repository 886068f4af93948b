import Checkpoints
import Diffusion
import Foundation
import Tensors
import Testing
import _TestSupport

private let goldens = Goldens(.module)

extension FlowCase: CustomTestStringConvertible {
  var testDescription: String { name }

  static let start = Result { try #require(goldens.tensors("flow.z").first) }
  static let noise = Result { try goldens.tensors("flow.noise").map(\.values) }
}

/// The root mean square of the difference, relative to that of what is expected.
func relativeRMS(_ got: [Float], _ expected: [Double]) -> Double {
  guard got.count == expected.count else { return .infinity }
  let difference = zip(got, expected).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
  return (difference / expected.reduce(0) { $0 + $1 * $1 }).squareRoot()
}

/// Against the original samplers of SiT, REPA and U-ViT in float64.
@Suite("Samplers of continuous time") struct FlowParityTests {
  @Test("agree with the originals", arguments: FlowCase.all)
  func agrees(run: FlowCase) throws {
    let sampler = try run.sampler()
    let noise = try FlowCase.noise.get()
    var (asked, drawn): ([PredictionTime], [Int]) = ([], [])
    var state = sampler.start(try FlowCase.start.get())
    while !sampler.isFinished(state) {
      sampler.advance(
        &state,
        noise: {
          drawn.append($0)
          return noise[$0]
        },
        predict: {
          asked.append($1)
          return run.network($0, $1)
        })
    }
    let golden = try NPZ.read(goldens.path("flow.npz"))
    let expected = try golden.array("\(run.name).x").doubles()
    let error = reported(
      relativeRMS(state.x.values, expected), bound: 3e-6, "sample of \(run.name)")
    #expect(error <= 3e-6)

    let times = try golden.array("\(run.name).t").doubles()
    let inputs = asked.map(\.input)
    if sampler.predictionTimes == nil {
      // Sizes of steps depend on predictions in float32.
      #expect(worst(inputs, times).difference <= 1e-3)
    } else if run.name.hasPrefix("repa") {
      // Whether guidance is on depends on the last bit.
      #expect(inputs == times)
    } else {
      // log(1 - exp(x)) near 0 has lost four digits in the original's DPM-Solver.
      let bound = run.name.hasPrefix("dpm-") ? 1e-11 : 1e-12
      #expect(inputs.count == times.count)
      for (input, time) in zip(inputs, times) {
        #expect(abs(input - time) <= bound * abs(time), "\(input), expected \(time)")
      }
    }

    #expect(sampler.predictionTimes.map { $0 == asked } ?? true)
    #expect(sampler.evaluations.map { $0 == asked.count } ?? true)
    #expect(sampler.stepCount.map { $0 == state.step } ?? true)
    #expect(drawn == Array(0..<sampler.drawCount))
    let evaluations = asked.reduce(0) { $0 + run.guidance.predictions(at: $1.process).count }
    #expect(sampler.networkEvaluations(run.guidance).map { $0 == evaluations } ?? true)
  }

  /// Without this, a second evaluation at the bound would be unguided.
  @Test func repaGuidesAStepByItsOwnTime() throws {
    let sampler = try FlowODESampler(.repa, method: .heun, intervals: 10)
    let times = try #require(sampler.predictionTimes)
    #expect(times.count == 19)
    for step in 0..<9 {
      #expect(times[2 * step].process == times[2 * step].input)
      #expect(times[2 * step + 1].process == times[2 * step].process)
      #expect(times[2 * step + 1].input == sampler.times[step + 1])
    }
    #expect(times[18] == PredictionTime(sampler.times[9]))
    // The step that begins at 0.7 is the last unguided one above the bound.
    #expect(sampler.networkEvaluations(Guidance(scale: 2, interval: 0...0.65)) == 19 + 11)
    // SiT's second evaluations are at their own time.
    let other = try FlowODESampler(.sit, method: .heun, points: 11)
    #expect(try #require(other.predictionTimes).allSatisfy { $0.input == $0.process })
  }

  /// The network's time is a multiple of the process's.
  @Test func timesOfTheProcessAreBetweenZeroAndOne() throws {
    for (sampler, scale) in [
      (try VPSampler(.sde, steps: 9) as any Sampler, 999.0),
      (try DPMSolverFast(.continuous, predictions: 9), 999),
      (try DPMSolverFast(.stableDiffusion, predictions: 9), 1000),
    ] {
      let times = try #require(sampler.predictionTimes)
      #expect(times.allSatisfy { $0.input == scale * $0.process })
      #expect(abs(times[0].process - 1) <= 1e-12)
      #expect(zip(times, times.dropFirst()).allSatisfy { $0.process > $1.process })
    }
  }
}
