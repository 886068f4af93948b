import Backbones
import Diffusion
import Foundation
import Tensors
import Testing
import _TestSupport

private let goldens = Goldens(.module)

/// DPM-Solver++(2M) against the paper's algorithm in float64, which was checked against diffusers;
/// conventions in Fixtures/MANIFEST.json.
@Suite("DPM-Solver++(2M)") struct SolverParityTests {
  /// The exact noise of data that are 0.6 or -0.6 with standard deviation 0.25.
  static func mixtureNoise(_ x: Float, alphaBar a: Double) -> Float {
    let (mean, deviation, x) = (0.6, 0.25, Double(x))
    let variance = a * deviation * deviation + 1 - a
    let side = tanh(a.squareRoot() * mean * x / variance)
    let x0 =
      a.squareRoot() * deviation * deviation / variance * x + (1 - a) / variance * mean * side
    return Float((x - a.squareRoot() * x0) / (1 - a).squareRoot())
  }

  /// Every intermediate sample of the run, the noisiest first.
  static func trace(
    _ start: Tensor, _ schedule: Schedule, predict: TimestepSampler.Predictor
  ) throws -> [Float] {
    var trace: [Float] = []
    let result = try TimestepSampler(schedule: schedule, method: .dpmSolver2M).sample(
      from: start, noise: { _ in [] }
    ) { x, time in
      trace += x.values
      return try predict(x, time)
    }
    return trace + result.values
  }

  @Test(
    "agrees with the paper's algorithm at every step",
    arguments: ["2", "10", "13", "20", "ddim25"])
  func mixture(respacing: String) throws {
    let schedule = Schedule(try Respacing(respacing))
    let expected = try goldens.tensors("dpm\(respacing).x")
    for (index, start) in try goldens.tensors("dpm.z").enumerated() {
      let trace = try Self.trace(start, schedule) { x, time in
        let timestep = Int(time.input)
        let t = try #require(schedule.timesteps.firstIndex(of: timestep))
        let noise = x.values.map { Self.mixtureNoise($0, alphaBar: schedule.alphaBar[t]) }
        return Tensor(shape: x.shape, values: noise)
      }
      let size = start.count
      let worst = worst(
        trace, expected.flatMap { $0.values[index * size..<(index + 1) * size] })
      #expect(worst.relative <= 1e-5, "image \(index): \(worst)")
    }
  }

  @Test func agreesWithTheOriginalNetwork() throws {
    let folder = try TemporaryFolder()
    let synthetic = try #require(SyntheticDiS.models["small"])
    let model = try DiSModel(synthetic.stateDict(in: folder))
    let schedule = Schedule(try Respacing("10"))
    let expected = try goldens.tensors("dpm10_small.x")
    for (index, start) in try goldens.tensors("dpm10_small.z").enumerated() {
      let trace = try Self.trace(start, schedule) {
        model($0, time: $1.input, label: nil)
      }
      let size = start.count
      let worst = worst(
        trace, expected.flatMap { $0.values[index * size..<(index + 1) * size] })
      #expect(worst.relative <= 1e-4, "image \(index): \(worst)")
    }
  }
}
