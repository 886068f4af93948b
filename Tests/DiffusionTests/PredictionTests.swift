import Diffusion
import Tensors
import Testing
import _TestSupport

@Suite("Prediction") struct PredictionTests {
  static let methods = SamplingStateTests.methods

  /// Changes the noise in the leading channels of an output into what stands for the same x0.
  static func converted(
    _ output: Tensor, of x: Tensor, to prediction: Prediction, alphaBar: Double
  ) -> Tensor {
    let (alpha, sigma) = (alphaBar.squareRoot(), (1 - alphaBar).squareRoot())
    var result = output
    for i in x.values.indices {
      let (noise, x) = (Double(output.values[i]), Double(x.values[i]))
      let image = (x - sigma * noise) / alpha
      result.values[i] =
        switch prediction {
        case .epsilon: output.values[i]
        case .x0: Float(image)
        case .v: Float(alpha * noise - sigma * image)
        }
    }
    return result
  }

  @Test(
    "of the image or the velocity gives the samples of the noise", arguments: methods,
    Prediction.allCases)
  func agrees(method: SamplingMethod, prediction: Prediction) throws {
    for (clips, respacing) in [(false, "7"), (true, "7"), (false, "dpm50")] {
      let schedule = Schedule(try Respacing(respacing))
      func sample(_ prediction: Prediction) throws -> [Float] {
        try TimestepSampler(
          schedule: schedule, method: method, prediction: prediction, clips: clips
        )
        .sample(from: SamplingStateTests.first, noise: SamplingStateTests.noise) { x, time in
          let timestep = Int(time.input)
          let t = try #require(schedule.timesteps.firstIndex(of: timestep))
          return Self.converted(
            SamplingStateTests.network(x, time), of: x, to: prediction,
            alphaBar: schedule.alphaBar[t])
        }.values
      }
      let worst = worst(try sample(prediction), try sample(.epsilon))
      #expect(worst.relative <= 1e-5, "\(respacing), clips \(clips): \(worst)")
    }
  }

  /// With x0 = output and nothing else to do, the last step returns the output itself.
  @Test func aPredictedImageIsTakenAsItIs() throws {
    let image = Tensor(shape: [2], values: [0.1, -0.7])
    for method in Self.methods {
      let sampler = TimestepSampler(
        schedule: Schedule(try Respacing("5")), method: method, prediction: .x0)
      let result = sampler.sample(
        from: Tensor(shape: [2], values: [3, -1]), noise: { _ in [0.5, 0.25] }
      ) { _, _ in Tensor(shape: [4], values: image.values + [0, 0]) }
      #expect(worst(result.values, image.values).difference <= 1e-6, "\(method)")
    }
  }
}
