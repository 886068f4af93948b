import CKernels

/// The direction in which a causal operation walks over the tokens.
package enum ScanDirection: Sendable {
  case forward, backward
}

/// States per channel of every DiS model, `N`.
package let statesPerChannel = Int(DIS_STATES)

/// Taps of the causal convolution of every DiS model.
package let convolutionTaps = Int(DIS_TAPS)

/// A depthwise causal convolution followed by SiLU.
///
/// ```
/// y[l, c] = silu(bias[c] + sum_k weight[k, c] * x[l - 3 + k, c])
/// ```
/// Zero before the first token; backward, "before" means after the last one.
///
/// - Parameters:
///   - x: `[L, D']` with `D' >= D`; the first `D` columns are used.
///   - weight: `[4, D]`, PyTorch's `[D, 1, 4]` transposed.
///   - bias: `[D]`.
///   - tokens: Those to compute, nil for all.
/// - Returns: A row for each of `tokens`, `[L, D]` for all.
package func causalConvolutionSiLU(
  _ x: Tensor, weight: Tensor, bias: Tensor, direction: ScanDirection, tokens: Range<Int>? = nil,
  instructions: dis_instructions = dis_instructions_in_use()
) -> Tensor {
  let channels = bias.count
  precondition(
    weight.shape == [convolutionTaps, channels] && x.columns >= channels,
    "causalConvolutionSiLU: weight \(weight.shape), bias \(bias.shape), input \(x.shape)")
  let tokens = tokens ?? 0..<x.rows
  let history = direction == .forward ? tokens.lowerBound : x.rows - tokens.upperBound
  return Tensor(shape: [tokens.count, channels]) { out in
    x.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      dis_causal_conv1d_silu(
        instructions, out, base + tokens.lowerBound * x.columns, x.columns, weight.values,
        bias.values, tokens.count, channels, history, direction == .backward ? 1 : 0)
    }
  }
}

/// The selective scan of one direction, all of it or a part, added to `y`.
///
/// ```
/// delta = softplus(deltaRaw[l, c] + deltaBias[c])
/// h[n]  = exp(delta * A[n, c]) * h[n] + delta * u[l, c] * B[l, n]
/// y    += sum_n C[l, n] * h[n] + skip[c] * u[l, c]
/// ```
///
/// - Parameters:
///   - y: `[L', D]`, of which the rows from `firstToken` are added to.
///   - states: `h` before the first token, zeros at the beginning of a sequence, and after the last
///     one, `[N, D]`.
///   - u: Input `[L, D]`.
///   - deltaRaw: Step sizes before bias and softplus, `[L, D]`.
///   - scaledA: `-exp(A_log) * log2(e)`, transposed to `[N, D]`.
///   - projections: `[L, R + 2N]`: `R` columns that are not used here, then `B`, then `C`.
///   - skip: `[D]`, called `D` in the paper.
///   - deltaBias: `[D]`.
/// - SeeAlso: Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
///   arXiv 2312.00752, Algorithm 2.
package func addSelectiveScan(
  to y: inout Tensor, firstToken: Int = 0, states: inout Tensor, u: Tensor, deltaRaw: Tensor,
  scaledA: Tensor, projections: Tensor, skip: Tensor, deltaBias: Tensor, direction: ScanDirection,
  instructions: dis_instructions = dis_instructions_in_use()
) {
  let (tokens, channels, stride) = (u.rows, u.columns, projections.columns)
  let rank = stride - 2 * statesPerChannel
  precondition(
    y.columns == channels && firstToken + tokens <= y.rows && deltaRaw.shape == u.shape
      && rank >= 0 && projections.rows == tokens && states.shape == scaledA.shape
      && scaledA.shape == [statesPerChannel, channels] && skip.count == channels
      && deltaBias.count == channels,
    "addSelectiveScan: shapes do not fit \(u.shape)")
  projections.values.withUnsafeBufferPointer { projections in
    y.values.withUnsafeMutableBufferPointer { y in
      guard let base = projections.baseAddress, let sums = y.baseAddress else { return }
      dis_selective_scan(
        instructions, sums + firstToken * channels, u.values, deltaRaw.values, scaledA.values,
        base + rank, base + rank + statesPerChannel, stride, skip.values, deltaBias.values,
        &states.values, tokens, channels, direction == .backward ? 1 : 0, 1)
    }
  }
}

/// Multiplies `y` by `silu(z)`.
///
/// - Parameters:
///   - y: `[L, D]`.
///   - z: `[L, D']` with `D' >= D`; its last `D` columns are used.
package func applySiLUGate(
  to y: inout Tensor, z: Tensor, instructions: dis_instructions = dis_instructions_in_use()
) {
  let (rows, columns) = (y.rows, y.columns)
  precondition(z.rows == rows && z.columns >= columns, "applySiLUGate: \(z.shape), \(y.shape)")
  z.values.withUnsafeBufferPointer { values in
    guard let base = values.baseAddress else { return }
    dis_silu_gate(
      instructions, &y.values, base + z.columns - columns, z.columns, rows, columns)
  }
}
