import Tensors

/// The state of a sample when it was saved.
package struct StoredSampling {
  /// The number of steps done.
  package let step: Int
  /// The tensors of the sampler's state, by name.
  package let tensors: [String: Tensor]

  /// Creates a stored state from its properties.
  ///
  /// - Parameters:
  ///   - step: The number of steps done, from 0.
  ///   - tensors: The tensors of the sampler's state by name, each `[C, H, W]`.
  package init(step: Int, tensors: [String: Tensor]) { (self.step, self.tensors) = (step, tensors) }
}
