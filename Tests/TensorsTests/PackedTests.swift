import CKernels
import Tensors
import Testing
import _TestSupport

extension ConvolutionCase {
  /// More channels than a panel, not multiples of a vector; more pixels than a block.
  static let wide = [
    ConvolutionCase(inputs: 17, outputs: 33, height: 13, width: 15, padding: (1, 1)),
    ConvolutionCase(inputs: 5, outputs: 1, height: 7, width: 7, kernel: (5, 5), padding: (2, 2)),
    ConvolutionCase(inputs: 70, outputs: 81, kernel: (1, 1)),
    ConvolutionCase(inputs: 16, outputs: 208, height: 9, width: 9, stride: 2),
    ConvolutionCase(inputs: 3, outputs: 145, height: 3, width: 2, kernel: (1, 1)),
  ]

  /// What a packed convolution by `method` gives, and what it should, of numbers that are rounded to
  /// bfloat16 if `rounded`.
  func packed(
    _ method: PackedConvolution.Method, _ instructions: dis_instructions, relu: Bool,
    precision: Precision = .float32, rounded: Bool = false
  ) -> (got: [Float], expected: [Double]) {
    var random = SeededGenerator(seed: 6)
    let convolution = convolution(relu: relu, using: &random)
    let x = Tensor(shape: [inputs, height, width], values: random.floats(inputs * height * width))
    let packed = PackedConvolution(
      weight: convolution.weight, bias: convolution.bias.values.map(Double.init), stride: stride,
      padding: padding, relu: relu, method: method, precision: precision,
      instructions: instructions)
    // A pool of one pixel before it: methods but the direct one read whole groups of channels.
    let network = PackedNetwork(
      [.convolution(.identity(inputs, instructions)), .convolution(packed)],
      input: [height, width, inputs], instructions: instructions)
    let y = network(channelsLast(x))
    let reference =
      rounded
      ? reference(
        x.roundedToBFloat16,
        Conv2d(
          weight: convolution.weight.roundedToBFloat16, bias: convolution.bias, stride: stride,
          padding: padding, relu: relu))
      : reference(x, convolution)
    let pixels = reference.count / outputs
    return (
      y.values,
      y.values.indices.map { reference[$0 % outputs * pixels + $0 / outputs] }
    )
  }
}

extension Tensor {
  /// Each value with 8 significant bits, to nearest, ties to even.
  fileprivate var roundedToBFloat16: Tensor {
    Tensor(
      shape: shape,
      values: values.map { value in
        let ulp = value.ulp * 65536
        return (value / ulp).rounded(.toNearestOrEven) * ulp
      })
  }
}

extension PackedConvolution {
  /// Each channel to itself.
  static func identity(_ channels: Int, _ instructions: dis_instructions) -> PackedConvolution {
    PackedConvolution(
      weight: Tensor(
        shape: [channels, channels, 1, 1],
        values: (0..<channels * channels).map { $0 % (channels + 1) == 0 ? 1 : 0 }),
      instructions: instructions)
  }
}

/// The root mean square of the differences, relative to that of what is expected.
private func relativeError(_ got: [Float], _ expected: [Double]) -> Double {
  let differences = zip(got, expected).map { (Double($0) - $1) * (Double($0) - $1) }
  let scale = expected.reduce(0) { $0 + $1 * $1 }
  return (differences.reduce(0, +) / max(scale, .leastNormalMagnitude)).squareRoot()
}

@Suite struct PackedConvolutionTests {
  @Test(
    "the direct method agrees with the definition", arguments: instructionSets,
    ConvolutionCase.all + ConvolutionCase.wide)
  func direct(instructions: dis_instructions, size: ConvolutionCase) {
    for relu in [false, true] {
      let (got, expected) = size.packed(.direct, instructions, relu: relu)
      #expect(got.count == expected.count)
      #expect(worst(got, expected).relative <= 1e-6 && relativeError(got, expected) <= 1e-6)
    }
  }

  @Test(
    "minimal filtering agrees with the definition", arguments: instructionSets,
    [
      ConvolutionCase(inputs: 1, outputs: 1, height: 1, width: 1, padding: (1, 1)),
      ConvolutionCase(height: 3, width: 11), ConvolutionCase(height: 9, width: 4, padding: (2, 2)),
      ConvolutionCase(inputs: 17, outputs: 33, height: 35, width: 34, padding: (1, 1)),
      ConvolutionCase(inputs: 64, outputs: 96, height: 8, width: 8, padding: (1, 1)),
      ConvolutionCase(
        inputs: 5, outputs: 19, height: 2, width: 13, kernel: (1, 3), padding: (0, 1)),
      ConvolutionCase(
        inputs: 33, outputs: 81, height: 9, width: 8, kernel: (3, 1), padding: (1, 0)),
      ConvolutionCase(height: 5, width: 5, kernel: (5, 5)),
      ConvolutionCase(
        inputs: 18, outputs: 65, height: 13, width: 7, kernel: (5, 5), padding: (2, 2)),
    ])
  func winograd(instructions: dis_instructions, size: ConvolutionCase) {
    for relu in [false, true] {
      let (got, expected) = size.packed(.winograd, instructions, relu: relu)
      #expect(got.count == expected.count && relativeError(got, expected) <= 3e-6)
    }
    if size.kernel == (3, 3) {
      let (got, expected) = size.packed(.winograd2, instructions, relu: true)
      #expect(got.count == expected.count && relativeError(got, expected) <= 1e-6)
    }
  }

  /// Images of one tile, of whole tiles, of one output more, and of more tiles than a block.
  @Test(
    "minimal filtering with stride 2 agrees with the definition", arguments: instructionSets,
    [
      ConvolutionCase(inputs: 1, outputs: 1, height: 1, width: 1, stride: 2, padding: (1, 1)),
      ConvolutionCase(height: 3, width: 12, stride: 2),
      ConvolutionCase(inputs: 17, outputs: 33, height: 13, width: 7, stride: 2),
      ConvolutionCase(inputs: 5, outputs: 81, height: 16, width: 9, stride: 2, padding: (2, 1)),
      ConvolutionCase(inputs: 6, outputs: 18, height: 75, width: 62, stride: 2),
    ])
  func halvingWinograd(instructions: dis_instructions, size: ConvolutionCase) {
    for relu in [false, true] {
      let (got, expected) = size.packed(.halvingWinograd, instructions, relu: relu)
      #expect(got.count == expected.count && relativeError(got, expected) <= 1e-6)
    }
  }

  /// Sums and halves of these numbers are exact.
  @Test("minimal filtering of small integers is exact", arguments: instructionSets)
  func integers(instructions: dis_instructions) {
    let values = (0..<7 * 7).map { Float($0 * $0 % 11 - 5) }
    let kernel = (0..<9).map { Float($0 * 5 % 7 - 3) }
    let size = ConvolutionCase(inputs: 1, outputs: 1, height: 7, width: 7, stride: 2)
    let x = Tensor(shape: [1, 7, 7], values: values)
    let weight = Tensor(shape: [1, 1, 3, 3], values: kernel)
    let packed = PackedConvolution(
      weight: weight, bias: [4], stride: 2, method: .halvingWinograd, instructions: instructions)
    let expected = size.reference(
      x, Conv2d(weight: weight, bias: Tensor(shape: [1], values: [4]), stride: 2))
    let network = PackedNetwork(
      [.convolution(.identity(1, instructions)), .convolution(packed)], input: [7, 7, 1],
      instructions: instructions)
    #expect(network(channelsLast(x)).values.map(Double.init) == expected)
  }

  /// Rows are divided into tiles of nearly the same size, which depends on the outputs.
  @Test(
    "multiplies every number of rows, exactly if they are integers", arguments: instructionSets,
    [16, 32, 48, 64, 80])
  func rows(instructions: dis_instructions, outputs: Int) {
    let inputs = 3
    let weight = (0..<outputs * inputs).map { Float($0 * 7 % 13 - 6) }
    let packed = PackedConvolution(
      weight: Tensor(shape: [outputs, inputs, 1, 1], values: weight), instructions: instructions)
    for rows in 1...40 {
      let x = (0..<rows * inputs).map { Float($0 * 5 % 17 - 8) }
      let y = packed(Tensor(shape: [1, rows, inputs], values: x))
      let expected = (0..<rows * outputs).map { index in
        (0..<inputs).reduce(Float(0)) {
          $0 + x[index / outputs * inputs + $1] * weight[index % outputs * inputs + $1]
        }
      }
      #expect(y.values == expected, "\(rows) rows")
    }
  }

  @Test(
    "minimal filtering with compact weights agrees with the definition", arguments: instructionSets,
    [
      ConvolutionCase(inputs: 1, outputs: 1, height: 1, width: 1, padding: (1, 1)),
      ConvolutionCase(height: 3, width: 11), ConvolutionCase(height: 9, width: 4, padding: (2, 2)),
      ConvolutionCase(inputs: 17, outputs: 33, height: 75, width: 74, padding: (1, 1)),
      ConvolutionCase(inputs: 64, outputs: 96, height: 8, width: 8, padding: (1, 1)),
    ])
  func compactWinograd(instructions: dis_instructions, size: ConvolutionCase) {
    for relu in [false, true] {
      let (got, expected) = size.packed(.compactWinograd, instructions, relu: relu)
      #expect(got.count == expected.count && relativeError(got, expected) <= 3e-6)
    }
  }

  /// The sum of a pixel and its right neighbour.
  @Test("reads pixels doubled and adds to what is there", arguments: instructionSets)
  func doubledAndAdded(instructions: dis_instructions) {
    var weight = Tensor(zeros: [16, 16, 3, 3])
    for channel in 0..<16 {
      weight.values[(channel * 16 + channel) * 9 + 4] = 1
      weight.values[(channel * 16 + channel) * 9 + 5] = 1
    }
    let x = Tensor(shape: [1, 2, 16], values: (0..<32).map { $0 < 16 ? 1 : 5 })
    for method in [PackedConvolution.Method.direct, .winograd, .compactWinograd] {
      let convolution = PackedConvolution(
        weight: weight, bias: [Double](repeating: 0.5, count: 16), padding: (1, 1), method: method,
        instructions: instructions)
      let doubled = convolution(x, doubled: true)
      #expect(doubled.shape == [2, 4, 16])
      let row: [Double] = [2.5, 6.5, 10.5, 5.5].flatMap { [Double](repeating: $0, count: 16) }
      #expect(worst(doubled.values, row + row).difference <= 1e-5)
      var sum = Tensor(shape: [1, 2, 16], values: [Float](repeating: 100, count: 32))
      convolution.add(x, to: &sum)
      #expect(worst(sum.values, (0..<32).map { $0 < 16 ? 106.5 : 105.5 }).difference <= 1e-4)
    }
  }

  /// Images of one band and of several, the last of which may have a single row.
  @Test("writes over its input in bands of rows", arguments: instructionSets, [4, 8, 9, 13, 20])
  func inPlace(instructions: dis_instructions, height: Int) {
    var random = SeededGenerator(seed: 8)
    let width = 7
    for (inputs, outputs) in [(32, 32), (48, 16), (16, 32), (32, 17)] {
      for (kernel, method) in [
        (1, PackedConvolution.Method.direct), (3, .direct), (3, .winograd), (3, .winograd2),
        (3, .compactWinograd), (5, .winograd),
      ] {
        let convolution = PackedConvolution(
          weight: Tensor(
            shape: [outputs, inputs, kernel, kernel],
            values: random.floats(outputs * inputs * kernel * kernel)),
          bias: random.floats(outputs).map(Double.init), padding: (kernel / 2, kernel / 2),
          method: method, instructions: instructions)
        var x = Tensor(
          shape: [height, width, inputs], values: random.floats(height * width * inputs))
        let expected = convolution(x)
        for rows in [4, 8] {
          var replaced = x
          convolution(inPlace: &replaced, bandFloats: rows * width * inputs)
          #expect(replaced == expected, "\(method), \(kernel), \(inputs) to \(outputs)")
        }
        convolution(inPlace: &x)
        #expect(x == expected)
      }
    }
  }

  @Test(
    "the Fourier transform agrees with the definition", arguments: instructionSets,
    [
      ConvolutionCase(inputs: 1, outputs: 1, height: 1, width: 17, kernel: (1, 7), padding: (0, 3)),
      ConvolutionCase(
        inputs: 33, outputs: 81, height: 17, width: 17, kernel: (1, 7), padding: (0, 3)),
      ConvolutionCase(
        inputs: 17, outputs: 145, height: 17, width: 17, kernel: (7, 1), padding: (3, 0)),
      ConvolutionCase(
        inputs: 5, outputs: 3, height: 17, width: 50, kernel: (7, 1), padding: (3, 0)),
    ])
  func fourier(instructions: dis_instructions, size: ConvolutionCase) {
    for relu in [false, true] {
      let (got, expected) = size.packed(.fourier, instructions, relu: relu)
      #expect(got.count == expected.count && relativeError(got, expected) <= 1e-6)
    }
  }

  @Test("the gain multiplies in double", arguments: instructionSets)
  func gain(instructions: dis_instructions) {
    let packed = PackedConvolution(
      weight: Tensor(shape: [2, 1, 1, 1], values: [3, 5]), gain: [1.0 / 3, 0.2],
      bias: [1, -2], instructions: instructions)
    let network = PackedNetwork(
      [.convolution(packed)], input: [1, 2, 1], instructions: instructions)
    #expect(network(Tensor(shape: [1, 2, 1], values: [7, 0])).values == [8, 5, 1, -2])
  }

  @Test("NaN is not rectified away", arguments: instructionSets)
  func nan(instructions: dis_instructions) {
    let packed = PackedConvolution(
      weight: Tensor(shape: [1, 1, 1, 1], values: [1]), relu: true, instructions: instructions)
    let network = PackedNetwork(
      [.convolution(packed)], input: [1, 1, 1], instructions: instructions)
    #expect(network(Tensor(shape: [1, 1, 1], values: [.nan])).values[0].isNaN)
  }
}

@Suite struct BFloat16Tests {
  @Test(
    "the direct method is that of rounded numbers, in float32", arguments: instructionSets,
    ConvolutionCase.all + ConvolutionCase.wide)
  func direct(instructions: dis_instructions, size: ConvolutionCase) {
    for relu in [false, true] {
      let (got, expected) = size.packed(
        .direct, instructions, relu: relu, precision: .bfloat16, rounded: true)
      #expect(got.count == expected.count)
      #expect(worst(got, expected).relative <= 1e-6 && relativeError(got, expected) <= 1e-6)
    }
  }

  @Test(
    "the rounding is a few thousandths", arguments: instructionSets,
    [
      (
        PackedConvolution.Method.direct,
        ConvolutionCase(inputs: 96, outputs: 96, height: 9, width: 9, stride: 2)
      ),
      (.direct, ConvolutionCase(inputs: 255, outputs: 70, kernel: (1, 1))),
      (
        .fourier,
        ConvolutionCase(
          inputs: 33, outputs: 81, height: 17, width: 17, kernel: (1, 7), padding: (0, 3))
      ),
      (
        .fourier,
        ConvolutionCase(
          inputs: 160, outputs: 17, height: 17, width: 9, kernel: (7, 1), padding: (3, 0))
      ),
      (.fourier, ConvolutionCase(inputs: 1, height: 1, width: 17, kernel: (1, 7), padding: (0, 3))),
    ])
  func rounding(
    instructions: dis_instructions, method: (PackedConvolution.Method, ConvolutionCase)
  ) {
    for relu in [false, true] {
      let (got, expected) = method.1.packed(
        method.0, instructions, relu: relu, precision: .bfloat16)
      #expect(relativeError(got, expected) <= 4e-3)
    }
  }

  @Test("all instructions give the same bits", arguments: ConvolutionCase.wide)
  func sameBits(size: ConvolutionCase) {
    let results = instructionSets.map {
      size.packed(.direct, $0, relu: false, precision: .bfloat16).got
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("ties go to even, what is tiny to zero, and the weights once", arguments: instructionSets)
  func byHand(instructions: dis_instructions) {
    func product(_ weight: Float, gain: Double = 1, _ x: [Float]) -> [Float] {
      let packed = PackedConvolution(
        weight: Tensor(shape: [1, 1, 1, 1], values: [weight]), gain: [gain], precision: .bfloat16,
        instructions: instructions)
      return PackedNetwork(
        [.convolution(packed)], input: [1, x.count, 1], instructions: instructions)(
          Tensor(shape: [1, x.count, 1], values: x)
        ).values
    }
    let unit: Float = 1 / 128
    #expect(
      product(
        1, [1 + unit / 2, 1 + 3 * unit / 2, -1 - unit / 2, 255.75, .leastNormalMagnitude / 8])
        == [1, 1 + 2 * unit, -1, 256, 0])
    // Just above a tie in double, a tie in float.
    #expect(product(1 + unit / 2, gain: 1 + 1e-12, [1]) == [1 + unit])
    let special = product(1, [.infinity, -.infinity, .nan, .greatestFiniteMagnitude])
    #expect(special[0] == .infinity && special[1] == -.infinity && special[2].isNaN)
    #expect(special[3] == .infinity)
  }
}

@Suite struct PackedNetworkTests {
  @Test("pools are those of the other layout", arguments: instructionSets)
  func pools(instructions: dis_instructions) {
    var random = SeededGenerator(seed: 7)
    for (channels, height, width) in [(16, 5, 4), (48, 6, 7), (32, 3, 3)] {
      var x = Tensor(
        shape: [channels, height, width], values: random.floats(channels * height * width))
      x.values[channels] = .nan
      for window in [Window(3, stride: 2), Window(3, padding: 1), Window(2)] {
        for (layer, expected) in [
          (PackedLayer.maxPool(window), maxPool2d(x, window)),
          (.averagePool(window), averagePool2d(x, window)),
        ] {
          let network = PackedNetwork(
            [layer], input: [height, width, channels], instructions: instructions)
          let y = network(channelsLast(x)).values
          for (got, expected) in zip(y, channelsLast(expected).values) {
            #expect(abs(got - expected) <= 2e-7 || got.isNaN && expected.isNaN)
          }
        }
      }
    }
  }

  @Test("an average pool adds its bias and rectifies", arguments: instructionSets)
  func averageWithBias(instructions: dis_instructions) {
    let network = PackedNetwork(
      [
        .convolution(.identity(2, instructions)),
        .averagePool(Window(3, padding: 1), bias: [1, -3]),
      ], input: [1, 2, 2], instructions: instructions)
    #expect(
      network(Tensor(shape: [1, 2, 2], values: [1, 2, 3, 6])).values == [3, 1, 3, 1])
  }

  @Test("branches are joined in order, also nested ones", arguments: instructionSets)
  func branches(instructions: dis_instructions) {
    func times(_ factor: Float, _ inputs: Int, _ outputs: Int) -> PackedLayer {
      .convolution(
        PackedConvolution(
          weight: Tensor(
            shape: [outputs, inputs, 1, 1],
            values: (0..<outputs * inputs).map { $0 % inputs == 0 ? factor : 0 }),
          instructions: instructions))
    }
    let network = PackedNetwork(
      [
        times(1, 1, 16),
        .branches([
          [times(2, 16, 16)],
          [
            times(3, 16, 32),
            .branches([
              [times(5, 32, 16), times(7, 16, 16), times(11, 16, 48)], [.maxPool(Window(1))],
            ]),
          ],
          [times(13, 16, 3)],
        ]),
        times(1, 16 + 48 + 32 + 3, 1),
      ], input: [2, 3, 1], instructions: instructions)
    #expect(network.outputShape == [2, 3, 1])
    let x = Tensor(shape: [2, 3, 1], values: [1, 2, 3, 4, 5, 6])
    #expect(network(x).values == x.values.map { 2 * $0 })
    let joined = PackedNetwork(
      [
        times(1, 1, 16),
        .branches([[times(2, 16, 16)], [times(3, 16, 16), times(5, 16, 32)], [times(13, 16, 3)]]),
      ], input: [2, 3, 1], instructions: instructions)
    let y = joined(x)
    #expect(y.shape == [2, 3, 51])
    for pixel in 0..<6 {
      let expected = (0..<51).map { Float(pixel + 1) * ($0 < 16 ? 2 : $0 < 48 ? 15 : 13) }
      #expect(Array(y.values[pixel * 51..<(pixel + 1) * 51]) == expected)
    }
  }
}
