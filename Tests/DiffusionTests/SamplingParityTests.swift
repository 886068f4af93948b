import Checkpoints
import Backbones
import Diffusion
import Files
import Foundation
import Tensors
import Testing
import _TestSupport

private let goldens = Goldens(.module)

/// One sampling run of the original code on given noise.
struct SamplingCase: Sendable, CustomTestStringConvertible {
  let name: String
  let model: String
  let respacing: String
  var method = SamplingMethod.ddpm
  var clips = false
  var guidanceScale: Float = 1

  var testDescription: String { name }
}

@Suite("Sampling") struct SamplingParityTests {
  static let cases = [
    SamplingCase(name: "ddpm25", model: "small", respacing: "25"),
    SamplingCase(name: "ddpm13", model: "small", respacing: "13"),
    SamplingCase(name: "sections", model: "small", respacing: "10,5,5"),
    SamplingCase(name: "ddpm20clip", model: "small", respacing: "20", clips: true),
    SamplingCase(name: "ddpm12nosigma", model: "no_sigma", respacing: "12"),
    SamplingCase(
      name: "ddim25", model: "small", respacing: "ddim25", method: .ddim(eta: 0)),
    SamplingCase(
      name: "ddim10eta", model: "small", respacing: "10", method: .ddim(eta: 0.5), clips: true),
    SamplingCase(name: "cfgdouble", model: "width50", respacing: "25", guidanceScale: 1.5),
    SamplingCase(name: "s2_ddpm25", model: "s2_px32", respacing: "25"),
  ]

  /// Against the original's loop in float64 on the same noise.
  @Test("agrees with the original", arguments: cases)
  func agreesWithTheOriginal(run: SamplingCase) throws {
    let folder = try TemporaryFolder()
    let synthetic = try #require(SyntheticDiS.models[run.model])
    let model = try DiSModel(synthetic.stateDict(in: folder))
    let configuration = model.configuration
    let sampler = TimestepSampler(
      schedule: Schedule(try Respacing(run.respacing)), method: run.method, clips: run.clips)
    let starts = try goldens.tensors("\(run.name).z")
    let noise = try goldens.tensors("\(run.name).noise")  // one [N', C, H, W] per step
    let labels = run.guidanceScale == 1 ? nil : try goldens.array("\(run.name).y").integers()
    for (index, expected) in try goldens.tensors("\(run.name).s64").enumerated() {
      let size = starts[index].count
      let sample = sampler.sample(
        from: starts[index],
        noise: { Array(noise[$0].values[index * size..<(index + 1) * size]) }
      ) { x, time in
        let timestep = Int(time.input)
        let conditional = model(x, time: Double(timestep), label: labels?[index])
        guard run.guidanceScale != 1 else { return conditional }
        return guided(
          conditional: conditional,
          unconditional: model(x, time: Double(timestep), label: configuration.nullClass),
          scale: run.guidanceScale,
          guidedChannels: GuidedChannels.first3.count(
            channels: configuration.channels, outputChannels: configuration.outputChannels))
      }
      let worst = worst(sample.values, expected.values)
      #expect(worst.relative <= 1e-4, "image \(index): \(worst)")
    }
  }

  /// The original accepts a single step and then fails in its tables; here it is refused at once.
  @Test func respacingsAgreeWithTheOriginal() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: goldens.path("respace.json")))
    let table = try #require(jsonObject(data) as? [String: Any])
    #expect(table.count >= 40)
    for (text, expected) in table where !text.contains(":") {
      if let expected = expected as? [Int], expected.count >= 2 {
        #expect(try Respacing(text).timesteps == expected, "\(text)")
      } else {
        #expect(throws: Failure.self, "\(text)") { try Respacing(text) }
      }
    }
  }

  @Test("tables agree with the original", arguments: ["2", "3", "13", "50", "ddim50", "1000"])
  func tables(respacing: String) throws {
    let schedule = Schedule(try Respacing(respacing))
    let name = respacing == "1000" ? "full" : respacing
    let rows = try goldens.array("schedule.\(name)").doubles()
    let count = schedule.count
    for (row, values) in [
      (0, schedule.betas), (1, schedule.alphaBar), (2, schedule.alphaBarPrevious),
      (5, schedule.posteriorVariance),
    ] {
      for t in 0..<count {
        let expected = rows[row * count + t]
        #expect(abs(values[t] - expected) <= 1e-13 * abs(expected), "row \(row), t \(t)")
      }
    }
  }
}
