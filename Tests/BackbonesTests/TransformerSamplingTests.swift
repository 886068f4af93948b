import Backbones
import Checkpoints
import Diffusion
import Tensors
import Testing
import _TestSupport

/// One run of an original sampler with an original network.
struct TransformerRun: Sendable, CustomTestStringConvertible {
  let model: String
  let name: String
  var path = FlowPath.linear
  var prediction = FlowPrediction.velocity
  var guidance = Guidance(scale: 1)
  var tolerance = 3e-6
  let sampler: @Sendable (Flow) throws -> any Sampler

  var testDescription: String { "\(model).\(name)" }
}

@Suite("Samplers of continuous time") struct TransformerSamplingTests {
  private static func sde(
    _ method: FlowMethod = .euler, _ form: DiffusionForm = .sigma, norm: Double = 1,
    _ last: LastStep = .mean
  ) -> @Sendable (Flow) throws -> any Sampler {
    { try FlowSDESampler($0, method: method, points: 25, form: form, norm: norm, lastStep: last) }
  }
  private static func ode(_ method: FlowMethod) -> @Sendable (Flow) throws -> any Sampler {
    { try FlowODESampler($0, method: method, points: 26) }
  }
  private static func fast(
    _ process: VPProcess, _ count: Int
  ) -> @Sendable (Flow) throws -> any Sampler {
    { _ in try DPMSolverFast(process, predictions: count) }
  }
  private static let sit = Guidance(scale: 1.5, channels: .first3)
  private static let repa = Guidance(scale: 1.8, interval: 0...0.7)

  static let runs = [
    TransformerRun(model: "dit_a", name: "ddpm25") { _ in
      TimestepSampler(schedule: Schedule(try Respacing("25")), method: .ddpm)
    },
    TransformerRun(model: "dit_a", name: "ddpm25cfg", guidance: sit) { _ in
      TimestepSampler(schedule: Schedule(try Respacing("25")), method: .ddpm)
    },
    TransformerRun(model: "sit_a", name: "euler25", sampler: ode(.euler)),
    TransformerRun(model: "sit_a", name: "heun25", sampler: ode(.heun)),
    TransformerRun(model: "sit_a", name: "dopri5") { try FlowDormandPrinceSampler($0) },
    TransformerRun(model: "sit_a", name: "euler25cfg", guidance: sit, sampler: ode(.euler)),
    TransformerRun(model: "sit_a", name: "euler25gvp", path: .gvp, sampler: ode(.euler)),
    TransformerRun(
      model: "sit_a", name: "heun25vpnoise", path: .vp, prediction: .noise, sampler: ode(.heun)),
    TransformerRun(model: "sit_a", name: "heun25score", prediction: .score, sampler: ode(.heun)),
    TransformerRun(model: "sit_a", name: "em25", sampler: sde()),
    TransformerRun(model: "sit_a", name: "em25cfg", guidance: sit, sampler: sde()),
    TransformerRun(model: "sit_a", name: "sdeheun25", sampler: sde(.heun)),
    TransformerRun(
      model: "sit_a", name: "em25linear_tweedie", sampler: sde(.euler, .linear, .tweedie)),
    TransformerRun(
      model: "sit_a", name: "em25decr_euler", sampler: sde(.euler, .decreasing, norm: 0.8, .euler)),
    TransformerRun(
      model: "sit_a", name: "em25none", sampler: sde(.euler, .linear, norm: 0.3, .none)),
    TransformerRun(model: "sit_a", name: "em25gvp", path: .gvp, sampler: sde()),
    TransformerRun(
      model: "sit_a", name: "em25gvpnoise_sbdm", path: .gvp, prediction: .noise,
      sampler: sde(.euler, .sbdm)),
    TransformerRun(model: "sit_a", name: "em25vp_sbdm", path: .vp, sampler: sde(.euler, .sbdm)),
    TransformerRun(
      model: "sit_a", name: "em25vpscore", path: .vp, prediction: .score, sampler: sde()),
    TransformerRun(model: "repa_a", name: "euler25") {
      try FlowODESampler($0, method: .euler, intervals: 25)
    },
    TransformerRun(model: "repa_a", name: "heun25cfg", guidance: repa) {
      try FlowODESampler($0, method: .heun, intervals: 25)
    },
    TransformerRun(model: "repa_a", name: "sde25cfg", guidance: repa, sampler: sde()),
    TransformerRun(model: "uvit_a", name: "em25") { _ in try VPSampler(.sde, steps: 25) },
    TransformerRun(model: "uvit_a", name: "ode25") { _ in try VPSampler(.ode, steps: 25) },
    TransformerRun(model: "uvit_a", name: "dpm24", sampler: fast(.continuous, 24)),
    TransformerRun(model: "uvit_a", name: "dpm25", sampler: fast(.continuous, 25)),
    TransformerRun(model: "uvit_a", name: "dpm26", sampler: fast(.continuous, 26)),
    TransformerRun(model: "uvit_a", name: "dpm50", sampler: fast(.continuous, 50)),
    TransformerRun(model: "uvit_b", name: "dpmpp24", sampler: fast(.stableDiffusion, 24)),
    TransformerRun(model: "uvit_b", name: "dpmpp25", sampler: fast(.stableDiffusion, 25)),
    TransformerRun(model: "uvit_b", name: "dpmpp26", sampler: fast(.stableDiffusion, 26)),
    TransformerRun(model: "uvit_b", name: "dpmpp50", sampler: fast(.stableDiffusion, 50)),
    TransformerRun(
      model: "uvit_b", name: "dpmpp25cfg", guidance: Guidance(scale: 1.4),
      sampler: fast(.stableDiffusion, 25)),
  ]

  /// Against the original's loop in float64, on the same noise.
  @Test("agree with the originals", arguments: runs)
  func agree(run: TransformerRun) throws {
    var choices = TransformerGoldens.choices(run.model)
    if run.model == "sit_a" { (choices.path, choices.flowPrediction) = (run.path, run.prediction) }
    let model = try TransformerGoldens.model(run.model, choices)
    let golden = try NPZ.read(TransformerGoldens.path("\(run.model).\(run.name).npz"))
    let flow = if case .flow(let flow) = model.architecture.process { flow } else { Flow.sit }
    let sampler = try run.sampler(flow)
    let starts = try golden.array("z")
    let noise = try golden.array("noise")
    let labels = try? golden.array("y").integers()
    var values: [Float] = []
    var inputs: [Double] = []
    for index in 0..<starts.shape[0] {
      let start = TransformerGoldens.part(starts, index)
      inputs = []
      values +=
        sampler.sample(
          from: start,
          noise: { draw in
            let all = TransformerGoldens.part(noise, draw)
            return Array(all.values[index * start.count..<(index + 1) * start.count])
          }
        ) { x, time in
          inputs.append(time.input)
          return run.guidance(at: time.process, imageChannels: x.shape[0]) { isConditional in
            model(
              x, time: time.input,
              label: isConditional ? labels?[index] : model.architecture.nullClass)
          }
        }.values
    }
    let expected = try golden.array("s64").doubles()
    let difference = TransformerGoldens.relativeDifference(values, expected)
    #expect(difference <= run.tolerance)
    // The original's times of its calls, of which it makes two of the same for the drift of an
    // equation with noise.
    let times = try golden.array("t64").doubles()
    // Steps that the method chooses depend on predictions in float32.
    let tolerance = sampler.stepCount == nil ? 1e-4 : 1e-9
    for (time, input) in zip(times, inputs) where times.count == inputs.count {
      #expect(abs(time - input) <= tolerance * max(1, abs(time)))
    }
  }
}
