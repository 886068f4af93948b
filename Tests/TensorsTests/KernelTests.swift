import CKernels
import Foundation
import Testing

import Tensors
import _TestSupport

/// The instruction sets that this processor has. One that it lacks is not run, and its test in the
/// suite "Instruction sets" is counted as skipped.
let instructionSets = knownInstructionSets.filter(\.isAvailable)

/// Lengths around a vector and a block of tokens.
let awkwardSizes: [(tokens: Int, channels: Int)] = [
  (1, 1), (2, 7), (3, 8), (5, 15), (47, 16), (48, 17), (49, 33), (97, 66),
]

/// What the system says that the processor has: the flags of `/proc/cpuinfo`, or its features on ARM.
/// Empty where there is no such file.
private let listedFeatures: Set<Substring> = {
  let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
  let line = text.split(separator: "\n").first {
    $0.hasPrefix("flags") || $0.hasPrefix("Features")
  }
  return Set((line ?? "").split { $0.isWhitespace || $0 == ":" })
}()

extension dis_instructions {
  /// Whether the system lists all that the kernels for these instructions need.
  fileprivate var isListed: Bool {
    switch self {
    case DIS_SCALAR: true
    case DIS_AVX2: listedFeatures.isSuperset(of: ["avx2", "fma"])
    case DIS_AVX512:
      listedFeatures.isSuperset(of: ["avx512f", "avx512dq", "avx512vl", "avx512bw"])
    case DIS_NEON: listedFeatures.contains("asimd")
    default: false
    }
  }
}

@Suite("Instruction sets") struct InstructionSetTests {
  @Test func theScalarTwinIsAlwaysThere() {
    #expect(instructionSets.contains(DIS_SCALAR))
  }

  @Test(
    "are available if the system lists them, and only then",
    .enabled(if: !listedFeatures.isEmpty, "there is no /proc/cpuinfo"),
    arguments: knownInstructionSets)
  func availability(instructions: dis_instructions) {
    #expect(instructions.isAvailable == instructions.isListed, "\(instructions.name)")
  }

  // The condition is what the system says, and the expectation is what the library found out.

  @Test(.enabled(if: DIS_AVX2.isListed, "the processor has no AVX2"))
  func avx2IsTested() { #expect(instructionSets.contains(DIS_AVX2)) }

  @Test(.enabled(if: DIS_AVX512.isListed, "the processor has no AVX-512"))
  func avx512IsTested() { #expect(instructionSets.contains(DIS_AVX512)) }

  @Test(.enabled(if: DIS_NEON.isListed, "the processor has no NEON"))
  func neonIsTested() { #expect(instructionSets.contains(DIS_NEON)) }

  @Test func theOneInUseIsAvailable() {
    #expect(dis_instructions_in_use().isAvailable)
    #expect(instructionSets.map(\.name).contains(kernelInstructionSet))
  }

  @Test func theyHaveNames() {
    #expect(knownInstructionSets.map(\.name) == ["scalar", "avx2", "avx512", "neon"])
  }
}

@Suite("Causal convolution") struct CausalConvolutionTests {
  /// The definition in double.
  static func reference(
    _ x: Tensor, weight: Tensor, bias: Tensor, direction: ScanDirection
  ) -> [Double] {
    let (tokens, channels) = (x.rows, bias.count)
    var result: [Double] = []
    for l in 0..<tokens {
      for c in 0..<channels {
        var sum = Double(bias.values[c])
        for k in 0..<4 {
          let source = direction == .forward ? l - 3 + k : l + 3 - k
          guard (0..<tokens).contains(source) else { continue }
          sum +=
            Double(weight.values[k * channels + c]) * Double(x.values[source * x.columns + c])
        }
        result.append(sum / (1 + exp(-sum)))
      }
    }
    return result
  }

  @Test("agrees with the definition", arguments: instructionSets, awkwardSizes)
  func matchesDefinition(
    instructions: dis_instructions, size: (tokens: Int, channels: Int)
  ) {
    var random = SeededGenerator(seed: 1)
    let x = Tensor(
      shape: [size.tokens, 2 * size.channels],
      values: random.floats(2 * size.tokens * size.channels, scale: 3))
    let weight = Tensor(shape: [4, size.channels], values: random.floats(4 * size.channels))
    let bias = Tensor(shape: [size.channels], values: random.floats(size.channels))
    for direction in [ScanDirection.forward, .backward] {
      let got = causalConvolutionSiLU(
        x, weight: weight, bias: bias, direction: direction, instructions: instructions)
      let expected = Self.reference(x, weight: weight, bias: bias, direction: direction)
      let worst = worst(got.values, expected)
      #expect(worst.difference <= 1e-6 * max(worst.scale, 1), "\(direction): \(worst)")
    }
  }

  @Test func anImpulseGivesTheTapsInReverse() {
    let x = Tensor(shape: [5, 1], values: [1, 0, 0, 0, 0])
    let weight = Tensor(shape: [4, 1], values: [4, 3, 2, 1])
    let y = causalConvolutionSiLU(
      x, weight: weight, bias: Tensor(zeros: [1]), direction: .forward)
    let expected = [1.0, 2, 3, 4, 0].map { $0 / (1 + exp(-$0)) }
    #expect(worst(y.values, expected).difference <= 1e-6)
  }
}

@Suite("Selective scan") struct SelectiveScanTests {
  struct Problem {
    var y: Tensor, u: Tensor, deltaRaw: Tensor, scaledA: Tensor, projections: Tensor
    var skip: Tensor, deltaBias: Tensor

    init(tokens: Int, channels: Int, rank: Int = 3, seed: UInt64 = 2) {
      var random = SeededGenerator(seed: seed)
      func tensor(_ shape: [Int], _ scale: Float) -> Tensor {
        Tensor(shape: shape, values: random.floats(shape.reduce(1, *), scale: scale))
      }
      y = tensor([tokens, channels], 1)
      u = tensor([tokens, channels], 2)
      deltaRaw = tensor([tokens, channels], 3)
      scaledA = tensor([16, channels], 8)
      for index in scaledA.values.indices { scaledA.values[index] = -abs(scaledA.values[index]) }
      projections = tensor([tokens, rank + 32], 1)
      skip = tensor([channels], 1)
      deltaBias = tensor([channels], 2)
      deltaBias.values[0] = 21  // above the threshold of softplus
    }

    /// The recurrence in double.
    func reference(_ direction: ScanDirection) -> [Double] {
      let (tokens, channels, stride) = (u.rows, u.columns, projections.columns)
      let rank = stride - 32
      var result = y.values.map(Double.init)
      for c in 0..<channels {
        var h = [Double](repeating: 0, count: 16)
        for step in 0..<tokens {
          let l = direction == .forward ? step : tokens - 1 - step
          let raw = Double(deltaRaw.values[l * channels + c] + deltaBias.values[c])
          let delta = raw > 20 ? raw : log1p(exp(raw))
          let input = Double(u.values[l * channels + c])
          var sum = Double(skip.values[c]) * input
          for n in 0..<16 {
            h[n] =
              exp2(delta * Double(scaledA.values[n * channels + c])) * h[n]
              + delta * input * Double(projections.values[l * stride + rank + n])
            sum += Double(projections.values[l * stride + rank + 16 + n]) * h[n]
          }
          result[l * channels + c] += sum
        }
      }
      return result
    }

    func scan(_ direction: ScanDirection, _ instructions: dis_instructions) -> Tensor {
      var (result, states) = (y, Tensor(zeros: scaledA.shape))
      addSelectiveScan(
        to: &result, states: &states, u: u, deltaRaw: deltaRaw, scaledA: scaledA,
        projections: projections,
        skip: skip, deltaBias: deltaBias, direction: direction, instructions: instructions)
      return result
    }
  }

  @Test("agrees with the recurrence in double", arguments: instructionSets, awkwardSizes)
  func matchesDefinition(
    instructions: dis_instructions, size: (tokens: Int, channels: Int)
  ) {
    let problem = Problem(tokens: size.tokens, channels: size.channels)
    for direction in [ScanDirection.forward, .backward] {
      let worst = worst(
        problem.scan(direction, instructions).values, problem.reference(direction))
      #expect(worst.relative <= 3e-6, "\(direction): \(worst)")
    }
  }

  @Test("a NaN is not swallowed", arguments: instructionSets)
  func notANumber(instructions: dis_instructions) {
    var problem = Problem(tokens: 3, channels: 20)
    problem.deltaRaw.values[5] = .nan
    let y = problem.scan(.forward, instructions)
    #expect(y.values[5].isNaN && y.values[20 + 5].isNaN && y.values[4].isFinite)
  }

  @Test func oneTokenByHand() {
    // delta = softplus(0) = ln 2; h = ln 2 * u * B; y = C h + D u.
    let columns = [Float](repeating: 0.5, count: 16) + [Float](repeating: 2, count: 16)
    var y = Tensor(shape: [1, 1], values: [10])
    var states = Tensor(zeros: [16, 1])
    addSelectiveScan(
      to: &y, states: &states, u: Tensor(shape: [1, 1], values: [3]),
      deltaRaw: Tensor(zeros: [1, 1]),
      scaledA: Tensor(zeros: [16, 1]), projections: Tensor(shape: [1, 32], values: columns),
      skip: Tensor(shape: [1], values: [4]), deltaBias: Tensor(zeros: [1]), direction: .forward)
    #expect(abs(Double(y.values[0]) - (10 + 12 + 16 * 2 * log(2.0) * 3 * 0.5)) <= 1e-5)
  }
}

@Suite("SiLU gate") struct SiLUGateTests {
  @Test("agrees with the definition over the whole range", arguments: instructionSets)
  func matchesDefinition(instructions: dis_instructions) {
    let z = stride(from: -120.0, through: 120, by: 0.37).map { Float($0) }
    var y = Tensor(shape: [1, z.count], values: z.map { _ in 1 })
    applySiLUGate(
      to: &y, z: Tensor(shape: [1, z.count], values: z), instructions: instructions)
    for (value, x) in zip(y.values, z) {
      let expected = Double(x) / (1 + exp(-Double(x)))
      #expect(abs(Double(value) - expected) <= 4e-7 * abs(expected) + 1e-35, "x = \(x)")
    }
  }

  @Test func theLastColumnsAreTheGate() {
    var y = Tensor(shape: [2, 1], values: [1, 1])
    applySiLUGate(to: &y, z: Tensor(shape: [2, 2], values: [9, 0, 9, 0]))
    #expect(y.values == [0, 0])
  }
}
