import CKernels

/// The direction in which a causal operation processes the tokens.
package enum ScanDirection: Sendable {
  case forward, backward
}

/// The number of states per channel, `N`, of every DiS model.
package let statesPerChannel = Int(DIS_STATES)

/// The number of taps of the causal convolution of every DiS model.
package let convolutionTaps = Int(DIS_TAPS)

/// Applies a depthwise causal convolution followed by SiLU.
///
/// ```
/// y[l, d] = silu(bias[d] + sum_k weight[k, d] * x[l - 3 + k, d])
/// ```
/// `x` is zero before the first token. In the backward direction, the order of the tokens is
/// reversed.
///
/// - Parameters:
///   - x: `[L, D']` with `D' >= D`; the first D columns are used.
///   - weight: `[4, D]`, the transpose of PyTorch's `[D, 1, 4]`.
///   - bias: `[D]`.
///   - direction: The order in which the tokens are processed.
///   - tokens: The indices of the tokens to compute, within `0..<L`; nil for all.
///   - instructions: The instruction set of the kernel, by default the one in use.
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

/// Adds the selective scan of one direction, over all tokens or some of them, to `y`.
///
/// ```
/// delta = softplus(deltaRaw[l, d] + deltaBias[d])
/// h[n]  = exp(delta * A[n, d]) * h[n] + delta * u[l, d] * B[l, n]
/// y    += sum_n C[l, n] * h[n] + skip[d] * u[l, d]
/// ```
///
/// - Parameters:
///   - y: `[L', D]`; the scan is added to the L rows from `firstToken` on.
///   - firstToken: The index of the first row of `y` that is added to, from 0.
///   - states: h, `[N, D]`. On entry, the states before the first token, which are zero at the
///     beginning of a sequence; on return, those after the last one.
///   - u: The input, `[L, D]`.
///   - deltaRaw: The step sizes before bias and softplus, `[L, D]`.
///   - scaledA: `-exp(A_log) * log2(e)`, transposed to `[N, D]`.
///   - projections: `[L, R + 2N]`: R columns that are not used here, then B, then C.
///   - skip: `[D]`, called D in the paper.
///   - deltaBias: `[D]`.
///   - direction: The order in which the tokens are processed.
///   - instructions: The instruction set of the kernel, by default the one in use.
/// - SeeAlso: Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv
///   2312.00752, Algorithm 2.
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
///   - z: `[L, D']` with `D' >= D`; the last D columns are used.
///   - instructions: The instruction set of the kernel, by default the one in use.
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
