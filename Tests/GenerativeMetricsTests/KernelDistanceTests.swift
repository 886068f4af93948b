import GenerativeMetrics
import Testing

@Suite struct KernelDistanceTests {
  // MARK: By hand

  @Test func twoNumbersAgainstTwo() throws {
    let a = try FeatureRows([1, 2], dimension: 1)
    let b = try FeatureRows([0, 3], dimension: 1)
    // k(1, 2) = 27, k(0, 3) = 1; k(1, 0) = k(2, 0) = 1, k(1, 3) = 64, k(2, 3) = 343.
    let distance = try kernelDistance(between: a, and: b, subsets: .whole)
    let expected: Double = 27 + 1 - 204.5
    #expect(distance.value == expected)
    #expect(distance.standardDeviation == nil)
    let drawn = try kernelDistance(
      between: a, and: b, subsets: .drawn(count: 3, size: 2, seed: 1))
    #expect(drawn.value == distance.value)
    #expect(drawn.standardDeviation == 0)
  }

  @Test func setsOfUnequalSizesAreWeightedByTheirPairs() throws {
    let a = try FeatureRows([0, 1, 2], dimension: 1)
    let b = try FeatureRows([1, 1], dimension: 1)
    // k(0, 1) = k(0, 2) = 1, k(1, 2) = 27: 29 / 3. k(1, 1) = 8. Across: 1, 8, 27, each twice.
    let distance = try kernelDistance(between: a, and: b, subsets: .whole)
    let expected: Double = 29 / 3 + 8 - 24
    #expect(abs(distance.value - expected) <= 1e-14)
  }

  @Test func constantFeaturesHaveTheDistanceOfTheirKernels() throws {
    let ones = try FeatureRows([Float](repeating: 1, count: 30 * 4), dimension: 4)
    let zeros = try FeatureRows([Float](repeating: 0, count: 40 * 4), dimension: 4)
    for subsets in [KernelDistance.Subsets.whole, .drawn(count: 5, size: 7, seed: 2020)] {
      let distance = try kernelDistance(between: ones, and: zeros, subsets: subsets)
      #expect(distance.value == 7)  // 8 + 1 - 2
    }
  }

  @Test func largestFloatsDoNotOverflow() throws {
    let a = try FeatureRows([.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1], dimension: 1)
    let b = try FeatureRows([.leastNonzeroMagnitude, -1, 1], dimension: 1)
    #expect(try kernelDistance(between: a, and: b, subsets: .whole).value.isFinite)
  }

  // MARK: Reference numbers

  /// Float64 against float64; the tool itself multiplies in float32 and is as far off as its own
  /// float32 result is from its float64 one.
  @Test("agrees with torch-fidelity", arguments: Golden<KernelCase>.read("kernel_distance"))
  func agreesWithTorchFidelity(golden: KernelCase) throws {
    let a = try featureRows(golden.counts[0], golden.dimension, seed: 1)
    let b = try featureRows(golden.counts[1], golden.dimension, seed: 2, scale: 1.125)
    if let sums = golden.sums {
      #expect([a, b].map { $0.values.reduce(0) { $0 + Double($1) } } == sums)
    }
    let distance = try kernelDistance(between: a, and: b, subsets: golden.drawing)
    #expect(abs(distance.value - golden.value) <= 2e-13)
    guard let deviation = golden.standardDeviation, let single = golden.float32Value else { return }
    #expect(abs((distance.standardDeviation ?? .nan) - deviation) <= 2e-13)
    #expect(abs(distance.value - single) <= 1e-5)
  }

  @Test("agrees with the definition", arguments: [(2, 3), (1023, 5), (1024, 1025), (1030, 2049)])
  func agreesWithDefinition(counts: (Int, Int)) throws {
    let a = try featureRows(counts.0, 3, seed: 11)
    let b = try featureRows(counts.1, 3, seed: 12, scale: 1.5)
    let distance = try kernelDistance(between: a, and: b, subsets: .whole)
    #expect(abs(distance.value - definition(a, b)) <= 1e-12)
  }

  // MARK: Properties

  @Test("does not tell the sets apart", arguments: [5, 40, 1025])
  func symmetric(count: Int) throws {
    let (a, b) = try (featureRows(count, 6, seed: 1), featureRows(count + 7, 6, seed: 2))
    let (ab, ba) = try (
      kernelDistance(between: a, and: b, subsets: .whole),
      kernelDistance(between: b, and: a, subsets: .whole)
    )
    #expect(abs(ab.value - ba.value) <= 1e-13)
  }

  /// The diagonal is in the third sum and not in the first two: with S the sum over pairs of different
  /// samples and T that over all pairs, 2 (S / N(N - 1) - T / N²).
  @Test("a set with itself is below 0 by its diagonal", arguments: [2, 33, 1025])
  func selfDistance(count: Int) throws {
    let rows = try featureRows(count, 4, seed: 5)
    let n = Double(count)
    let (all, pairs) = (kernels(rows, rows), kernels(rows, rows, diagonal: false))
    let distance = try kernelDistance(between: rows, and: rows, subsets: .whole)
    let expected = 2 * (pairs / (n * (n - 1)) - all / (n * n))
    #expect(abs(distance.value - expected) <= 1e-12)
    #expect(distance.value < 0)
  }

  @Test func oneSubsetOfAllSamplesIsTheWhole() throws {
    let (a, b) = try (featureRows(90, 5, seed: 1), featureRows(90, 5, seed: 2))
    let drawn = try kernelDistance(
      between: a, and: b, subsets: .drawn(count: 1, size: 90, seed: 9))
    let whole = try kernelDistance(between: a, and: b, subsets: .whole)
    #expect(abs(drawn.value - whole.value) <= 1e-13)
    #expect(drawn.standardDeviation == 0)
  }

  @Test func repeatsItsBits() throws {
    let (a, b) = try (featureRows(300, 33, seed: 1), featureRows(200, 33, seed: 2))
    for subsets in [KernelDistance.Subsets.whole, .drawn(count: 4, size: 150, seed: 1)] {
      let first = try kernelDistance(between: a, and: b, subsets: subsets)
      for _ in 0..<3 {
        #expect(try kernelDistance(between: a, and: b, subsets: subsets) == first)
      }
    }
  }

  // MARK: Rejections

  @Test func tooFewSamples() throws {
    let (few, enough) = try (featureRows(999, 2, seed: 1), featureRows(1000, 2, seed: 1))
    expectRejection("TooFewSamples", naming: "999 samples; at least 1000") {
      try kernelDistance(between: few, and: enough)
    }
    expectRejection("TooFewSamples", naming: "999") {
      try kernelDistance(between: enough, and: few)
    }
    let (one, none) = try (featureRows(1, 2, seed: 1), FeatureRows([], dimension: 2))
    for set in [one, none] {
      expectRejection("TooFewSamples", naming: "\(set.count) samples; at least 2") {
        try kernelDistance(between: enough, and: set, subsets: .whole)
      }
    }
  }

  @Test func differentDimensions() throws {
    let (a, b) = try (featureRows(10, 2, seed: 1), featureRows(10, 3, seed: 1))
    for subsets in [KernelDistance.Subsets.whole, .torchFidelity] {
      expectRejection("DimensionMismatch", naming: "2 features per sample, the other 3") {
        try kernelDistance(between: a, and: b, subsets: subsets)
      }
    }
  }

  @Test(
    "malformed rows are rejected",
    arguments: [
      ("ShapeMismatch", [1, 2, 3]), ("NonFinite", [1, 2, 3, .nan]),
      ("NonFinite", [1, 2, .infinity, 0]),
    ] as [(String, [Float])])
  func malformed(code: String, values: [Float]) {
    expectRejection(code, naming: code == "NonFinite" ? "sample 1" : "") {
      try FeatureRows(values, dimension: 2)
    }
  }
}

private func kernels(_ a: FeatureRows, _ b: FeatureRows, diagonal: Bool = true) -> Double {
  let d = a.dimension
  var sum = 0.0
  for i in 0..<a.count {
    var row = 0.0
    for j in 0..<b.count where diagonal || i != j {
      var dot = 0.0
      for c in 0..<d { dot += Double(a.values[i * d + c]) * Double(b.values[j * d + c]) }
      let base = dot / Double(d) + 1
      row += base * base * base
    }
    sum += row
  }
  return sum
}

private func definition(_ a: FeatureRows, _ b: FeatureRows) -> Double {
  let (m, n) = (Double(a.count), Double(b.count))
  return kernels(a, a, diagonal: false) / (m * (m - 1))
    + kernels(b, b, diagonal: false) / (n * (n - 1)) - 2 * kernels(a, b) / (m * n)
}

struct KernelCase: Decodable, Sendable, CustomTestStringConvertible {
  let counts: [Int]
  let dimension: Int
  let sums: [Double]?
  let subsets: Int?
  let size: Int?
  let seed: UInt32?
  let value: Double
  let standardDeviation: Double?
  let float32Value: Double?

  var drawing: KernelDistance.Subsets {
    guard let subsets, let size, let seed else { return .whole }
    return .drawn(count: subsets, size: size, seed: seed)
  }

  var testDescription: String { "\(counts) samples of \(dimension), \(drawing)" }
}
