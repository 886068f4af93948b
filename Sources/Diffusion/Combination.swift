import Tensors

/// Returns a sum of tensors with weights, `sum_k weight_k tensor_k`, in the order of the terms.
///
/// Every weight is rounded to `Float` once.
/// - Parameter terms: At least one; all tensors have as many values as the first, whose shape the
///   result has.
func combination(_ terms: (weight: Double, tensor: Tensor)...) -> Tensor {
  let shape = terms[0].tensor.shape
  var sum = [Float](repeating: 0, count: terms[0].tensor.count)
  for (weight, tensor) in terms {
    precondition(tensor.count == sum.count, "\(tensor.count) values for \(sum.count)")
    let (weight, values) = (Float(weight), tensor.values)
    for i in sum.indices { sum[i] += weight * values[i] }
  }
  return Tensor(shape: shape, values: sum)
}
