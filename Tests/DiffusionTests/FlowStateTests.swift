import Diffusion
import Files
import Tensors
import Testing

@Suite("State of samplers of continuous time") struct FlowStateTests {
  static let shape = [3, 4, 4]

  @Test("continues from its tensors to the same bits after any step", arguments: FlowCase.all)
  func resumes(run: FlowCase) throws {
    let sampler = try run.sampler()
    let noise = try FlowCase.noise.get()
    var state = sampler.start(try FlowCase.start.get())
    var states = [state]
    while !sampler.isFinished(state) {
      sampler.advance(&state, noise: { noise[$0] }, predict: run.network)
      states.append(state)
    }
    for (step, saved) in states.enumerated() {
      #expect(saved.step == step)
      var expected = sampler.memory(after: step, shape: Self.shape)
      expected["x"] = Self.shape
      #expect(saved.tensors.mapValues(\.shape) == expected)
      var resumed = try sampler.resume(
        step: step, tensors: saved.tensors, shape: Self.shape, source: "here")
      #expect(resumed == saved)
      while !sampler.isFinished(resumed) {
        sampler.advance(&resumed, noise: { noise[$0] }, predict: run.network)
      }
      #expect(resumed.x.values.map(\.bitPattern) == state.x.values.map(\.bitPattern))
      #expect(resumed == state)
    }
  }

  /// At every evaluation of the first three steps.
  @Test("is unchanged by a network that throws", arguments: FlowCase.all)
  func throwing(run: FlowCase) throws {
    struct Stopped: Error {}
    let sampler = try run.sampler()
    let noise = try FlowCase.noise.get()
    var state = sampler.start(try FlowCase.start.get())
    while state.step < 3, !sampler.isFinished(state) {
      let before = state
      var after = state
      var evaluations = 0
      sampler.advance(&after, noise: { noise[$0] }) { x, time in
        evaluations += 1
        return run.network(x, time)
      }
      for last in 0..<evaluations {
        var asked = 0
        #expect(throws: Stopped.self) {
          try sampler.advance(&state, noise: { noise[$0] }) { x, time in
            guard asked < last else { throw Stopped() }
            asked += 1
            return run.network(x, time)
          }
        }
        #expect(state == before)
      }
      state = after
    }
  }

  /// The time of the last stage is the end of the step, and where the next one begins.
  @Test("holds every bit of the time", arguments: FlowCase.dormandPrince)
  func clock(run: FlowCase) throws {
    let sampler = try run.sampler()
    var state = sampler.start(try FlowCase.start.get())
    var rejected = 0
    while !sampler.isFinished(state) {
      let before = state
      var asked = 0.0
      sampler.advance(&state, noise: { _ in [] }) { x, time in
        asked = time.input
        return run.network(x, time)
      }
      let parts = try #require(state.tensors["clock"]).values.map { Double($0) }
      if state.x != before.x {
        #expect(parts[0] + parts[1] + parts[2] == asked)
      } else {
        let slope = before.tensors["slope"] ?? state.tensors["slope"]
        #expect(slope == state.tensors["slope"])
        rejected += 1
      }
    }
    #expect(run.name != "dopri5-noise" || rejected == 3)
  }

  static let x = Tensor(zeros: shape)
  static let clock = Tensor(zeros: [6])

  @Test("of another sampler is refused") func refused() throws {
    let fixed = try FlowODESampler(.sit, method: .heun, points: 5)
    let adaptive = try FlowDormandPrinceSampler(.sit)
    let cases: [(any Sampler, Int, [String: Tensor], String)] = [
      (fixed, 5, ["x": Self.x], "step 5 of a sampler that has 4"),
      (
        fixed, 1, ["x": Self.x, "slope": Self.x],
        #"tensors ["slope", "x"] after step 1, expected ["x"]"#
      ),
      (
        adaptive, 0, ["x": Self.x, "slope": Self.x, "clock": Self.clock],
        #"tensors ["clock", "slope", "x"] after step 0, expected ["x"]"#
      ),
      (
        adaptive, 1, ["x": Self.x],
        #"tensors ["x"] after step 1, expected ["clock", "slope", "x"]"#
      ),
      (
        adaptive, 1, ["x": Self.x, "slope": Self.x, "clock": Self.x],
        "'clock' has shape [3, 4, 4], expected [6]"
      ),
      (
        adaptive, 9, ["x": Self.x, "slope": Self.clock, "clock": Self.clock],
        "'slope' has shape [6], expected [3, 4, 4]"
      ),
    ]
    for (sampler, step, tensors, reason) in cases {
      let failure = Failure(
        .dataRefused, .samplingState, "unit 3",
        "\(reason); delete it to sample from the beginning")
      #expect(throws: failure) {
        try sampler.resume(step: step, tensors: tensors, shape: Self.shape, source: "unit 3")
      }
    }
  }
}
