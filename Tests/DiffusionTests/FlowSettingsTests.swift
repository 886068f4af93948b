import Diffusion
import Files
import Tensors
import Testing

/// Settings that are refused, with the reason.
struct RefusedSettings: Sendable, CustomTestStringConvertible {
  let code: Failure.Code
  let description: String
  let make: @Sendable () throws -> Void

  init(_ code: Failure.Code, _ description: String, _ make: @escaping @Sendable () throws -> Void) {
    (self.code, self.description, self.make) = (code, description, make)
  }

  var testDescription: String { description }
}

@Suite("Settings of samplers of continuous time") struct FlowSettingsTests {
  static let numbers = [
    RefusedSettings(.settingOutOfRange, "'`points` 1': expected 2 to 100000") {
      _ = try FlowODESampler(.sit, method: .euler, points: 1)
    },
    RefusedSettings(.settingOutOfRange, "'`points` -9223372036854775808': expected 2 to 100000") {
      _ = try FlowODESampler(.sit, method: .heun, points: .min)
    },
    RefusedSettings(.settingOutOfRange, "'`points` 9223372036854775807': expected 2 to 100000") {
      _ = try FlowODESampler(.sit, method: .heun, points: .max)
    },
    RefusedSettings(.settingOutOfRange, "'`intervals` 0': expected 1 to 100000") {
      _ = try FlowODESampler(.repa, method: .euler, intervals: 0)
    },
    RefusedSettings(
      .settingOutOfRange, "'`intervals` 9223372036854775807': expected 1 to 100000"
    ) { _ = try FlowODESampler(.repa, method: .euler, intervals: .max) },
    RefusedSettings(.settingOutOfRange, "'`points` 1': expected 2 to 100000") {
      _ = try FlowSDESampler(.sit, points: 1)
    },
    RefusedSettings(.settingOutOfRange, "'`norm` 0.0': expected a number above 0") {
      _ = try FlowSDESampler(.sit, points: 9, norm: 0)
    },
    RefusedSettings(.settingOutOfRange, "'`norm` nan': expected a number above 0") {
      _ = try FlowSDESampler(.sit, points: 9, norm: .nan)
    },
    RefusedSettings(.settingOutOfRange, "'`norm` inf': expected a number above 0") {
      _ = try FlowSDESampler(.sit, points: 9, norm: .infinity)
    },
    RefusedSettings(.settingOutOfRange, "'`lastStepSize` 0.0': expected above 0 and below 1.0") {
      _ = try FlowSDESampler(.sit, points: 9, lastStepSize: 0)
    },
    RefusedSettings(.settingOutOfRange, "'`lastStepSize` 1.0': expected above 0 and below 1.0") {
      _ = try FlowSDESampler(.repa, points: 9, lastStepSize: 1)
    },
    RefusedSettings(.settingOutOfRange, "'`lastStepSize` nan': expected above 0 and below 1.0") {
      _ = try FlowSDESampler(.sit, points: 9, lastStepSize: .nan)
    },
    RefusedSettings(
      .settingOutOfRange, "'`lastStepSize` 0.999': expected above 0 and below 0.999"
    ) {
      _ = try FlowSDESampler(
        Flow(path: .gvp, prediction: .score), points: 9, lastStepSize: 0.999)
    },
    RefusedSettings(.settingOutOfRange, "'`relativeTolerance` 0.0': expected a number above 0") {
      _ = try FlowDormandPrinceSampler(.sit, relativeTolerance: 0)
    },
    RefusedSettings(.settingOutOfRange, "'`absoluteTolerance` nan': expected a number above 0") {
      _ = try FlowDormandPrinceSampler(.sit, absoluteTolerance: .nan)
    },
    RefusedSettings(.settingOutOfRange, "'`steps` 1': expected 2 to 100000") {
      _ = try VPSampler(.sde, steps: 1)
    },
    RefusedSettings(.settingOutOfRange, "'`predictions` 0': expected 1 to 100000") {
      _ = try DPMSolverFast(.continuous, predictions: 0)
    },
    RefusedSettings(.settingOutOfRange, "'`predictions` 100001': expected 1 to 100000") {
      _ = try DPMSolverFast(.stableDiffusion, predictions: 100_001)
    },
  ]

  static let combinations =
    [FlowPath.linear, .gvp].flatMap { path in
      [
        RefusedSettings(
          .samplerSettings,
          "'sbdm': the diffusion of a velocity on the path \(path.rawValue) is 1/0 at the "
            + "beginning; expected sigma, linear or decreasing"
        ) { _ = try FlowSDESampler(Flow(path: path), points: 9, form: .sbdm) },
        RefusedSettings(
          .samplerSettings,
          "'heun without a last step': the score of a velocity on the path \(path.rawValue) is "
            + "1/0 at the end; expected a last step, or euler"
        ) {
          _ = try FlowSDESampler(Flow(path: path), method: .heun, points: 9, lastStep: .none)
        },
      ]
    } + [
      RefusedSettings(
        .samplerSettings,
        "'dopri5': a flow with data at time 0 was found; expected euler or heun, or data at time 1"
      ) { _ = try FlowDormandPrinceSampler(.repa) },
      RefusedSettings(
        .samplerSettings,
        "'vp, velocity': a flow with data at time 0 was found, for which the path is expected to "
          + "be linear or gvp (cosine) and the prediction the velocity"
      ) { _ = try Flow(path: .vp, direction: .dataAtZero) },
      RefusedSettings(
        .samplerSettings,
        "'linear, noise': a flow with data at time 0 was found, for which the path is expected to "
          + "be linear or gvp (cosine) and the prediction the velocity"
      ) { _ = try Flow(path: .linear, prediction: .noise, direction: .dataAtZero) },
    ]

  @Test("are refused", arguments: numbers + combinations)
  func refused(settings: RefusedSettings) throws {
    let failure = try #require(throws: Failure.self) { try settings.make() }
    #expect(failure.status == .usage)
    #expect(failure.description == "\(settings.code): \(settings.description)")
  }

  /// All settings that remain are finite at every time at which they are evaluated.
  @Test func whatIsNotRefusedIsFinite() throws {
    var count = 0
    for path in FlowPath.allCases {
      for prediction in FlowPrediction.allCases {
        for direction in Flow.Direction.allCases {
          guard let flow = try? Flow(path: path, prediction: prediction, direction: direction)
          else { continue }
          var samplers: [any Sampler] = []
          for method in FlowMethod.allCases {
            samplers.append(try FlowODESampler(flow, method: method, intervals: 1))
            samplers.append(try FlowODESampler(flow, method: method, points: 4))
            for form in DiffusionForm.allCases {
              for lastStep in LastStep.allCases {
                guard
                  let sampler = try? FlowSDESampler(
                    flow, method: method, points: 3, form: form, lastStep: lastStep)
                else { continue }
                samplers.append(sampler)
              }
            }
          }
          for sampler in samplers {
            let sample = sampler.sample(
              from: FlowStateTests.x, noise: { _ in [Float](repeating: 0.5, count: 48) }
            ) { x, time in FlowCase.all[0].network(x, time) }
            #expect(sample.values.allSatisfy { $0.isFinite }, "\(sampler)")
          }
          count += samplers.count
        }
      }
    }
    // Eleven flows; four samplers of the flow for each; 21 of the stochastic equation for the four
    // whose velocity is predicted on a linear or gvp path, and 32 for the others.
    #expect(count == 11 * 4 + 4 * 21 + 7 * 32)
  }
}
