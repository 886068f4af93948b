import Files
import Tensors

/// The state of a sampler between two steps. Together with the noise of the remaining steps, it
/// determines the rest of the sample. A sample may therefore stop after any step, be stored in a
/// file of float32 tensors, and continue to the same bits.
package struct SamplingState: Equatable, Sendable {
  /// The number of completed steps.
  package internal(set) var step: Int
  /// x_t, `[C, H, W]`, which is the sample after all steps.
  package internal(set) var x: Tensor
  /// What a method remembers of the previous steps, by name, such as the predicted x0.
  package internal(set) var memory: [String: Tensor] = [:]

  /// The tensors by the names under which they are stored.
  package var tensors: [String: Tensor] { memory.merging(["x": x]) { $1 } }
}

extension Sampler {
  /// Returns the state before the first step.
  ///
  /// - Parameter x: x_T, `[C, H, W]`.
  package func start(_ x: Tensor) -> SamplingState { SamplingState(step: 0, x: x) }

  /// Returns a state that was stored.
  ///
  /// - Parameters:
  ///   - step: The number of completed steps, from 0 to the number of steps of this sampler.
  ///   - tensors: The tensors by name, as in ``SamplingState/tensors``; each `[C, H, W]`.
  ///   - shape: The shape of a sample, `[C, H, W]`.
  ///   - source: Where the state was stored, for messages.
  /// - Throws: ``Failure`` `SamplingState` (65) if this sampler has no such step, or if it has
  ///   different tensors or shapes after that step.
  package func resume(
    step: Int, tensors: [String: Tensor], shape: [Int], source: String
  ) throws(Failure) -> SamplingState {
    func refusal(_ detail: String) -> Failure {
      Failure(
        .dataRefused, .samplingState, source, "\(detail); delete it to sample from the beginning")
    }
    guard step >= 0, step <= stepCount ?? Int.max else {
      throw refusal("step \(step) of a sampler that has \(stepCount ?? 0)")
    }
    var expected = memory(after: step, shape: shape)
    expected["x"] = shape
    guard tensors.keys.sorted() == expected.keys.sorted(), let x = tensors["x"] else {
      throw refusal(
        "tensors \(tensors.keys.sorted()) after step \(step), expected \(expected.keys.sorted())")
    }
    for (name, shape) in expected.sorted(by: { $0.key < $1.key }) {
      guard let found = tensors[name]?.shape, found == shape else {
        throw refusal("'\(name)' has shape \(tensors[name]?.shape ?? []), expected \(shape)")
      }
    }
    var state = SamplingState(step: step, x: x, memory: tensors)
    state.memory["x"] = nil
    return state
  }
}
