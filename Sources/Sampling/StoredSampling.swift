import Tensors

/// How far a sample was when it was saved.
package struct StoredSampling {
  /// Steps that were done.
  package let step: Int
  /// The state of the sampler, by name.
  package let tensors: [String: Tensor]

  package init(step: Int, tensors: [String: Tensor]) { (self.step, self.tensors) = (step, tensors) }
}
