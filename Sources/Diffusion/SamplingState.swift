import Files
import Tensors

/// Where a sampler stands between two steps. Together with the noise of the steps to come it is all
/// that the rest of the sample depends on, so a sample may stop after any step, go through a file
/// of float32 tensors, and continue to the same bits.
package struct SamplingState: Equatable, Sendable {
  /// Steps done.
  package internal(set) var step: Int
  /// x_t, `[C, H, W]`: the sample once all steps are done.
  package internal(set) var x: Tensor
  /// The x0 predicted in the step before, `[C, H, W]`, where a multistep method still needs it.
  package internal(set) var earlierImage: Tensor?

  /// The tensors by the names under which they are stored.
  package var tensors: [String: Tensor] {
    var result = ["x": x]
    result["x0"] = earlierImage
    return result
  }
}

extension Sampler {
  /// Before the first step.
  ///
  /// - Parameter x: x_T, `[C, H, W]`.
  package func start(_ x: Tensor) -> SamplingState { SamplingState(step: 0, x: x) }

  /// A state that was stored.
  ///
  /// - Parameters:
  ///   - step: ``SamplingState/step``.
  ///   - tensors: ``SamplingState/tensors``.
  ///   - shape: `[C, H, W]` of a sample.
  ///   - source: Where it was stored, for messages.
  /// - Throws: ``Failure`` `SamplingState` when this sampler has no such step, or other tensors
  ///   after it.
  package func resume(
    step: Int, tensors: [String: Tensor], shape: [Int], source: String
  ) throws(Failure) -> SamplingState {
    func refusal(_ detail: String) -> Failure {
      Failure(
        .dataRefused, "SamplingState", source, "\(detail); delete it to sample from the beginning")
    }
    guard (0...schedule.count).contains(step) else {
      throw refusal("step \(step) of a sampler that has \(schedule.count)")
    }
    let names = remembersImage(after: step) ? ["x", "x0"] : ["x"]
    guard tensors.keys.sorted() == names, let x = tensors["x"] else {
      throw refusal("tensors \(tensors.keys.sorted()) after step \(step), expected \(names)")
    }
    for name in names {
      guard let found = tensors[name]?.shape, found == shape else {
        throw refusal("'\(name)' has shape \(tensors[name]?.shape ?? []), expected \(shape)")
      }
    }
    return SamplingState(step: step, x: x, earlierImage: tensors["x0"])
  }

  /// Whether all steps are done.
  package func isFinished(_ state: SamplingState) -> Bool { state.step == schedule.count }

  /// Whether the state after `step` steps holds an ``SamplingState/earlierImage``.
  func remembersImage(after step: Int) -> Bool {
    method.isMultistep && step > 0 && step < schedule.count
  }
}
