import CKernels

#if canImport(Glibc)
  import Glibc
#endif

/// A convolution of an image `[H, W, C]`, its weights packed once for the instructions in use.
///
/// The same convolution as ``Conv2d``, on the other layout and several times as fast. One image at a
/// time on the calling thread.
package struct PackedConvolution: Sendable {
  /// How it is computed.
  package enum Method: CaseIterable, Sendable {
    /// As defined. Takes every convolution.
    case direct
    /// Minimal filtering, four outputs along each axis at a time: 3 x 3, 5 x 5, 1 x 3 and 3 x 1 with
    /// stride 1.
    case winograd
    /// The same with two outputs at a time: 3 x 3 with stride 1. Half the weights and more products:
    /// for images of so few tiles that the weights take the time.
    case winograd2
    /// The discrete Fourier transform of length 20: 1 x 7 and 7 x 1 with padding 3 and stride 1, along
    /// lines of 17 pixels.
    case fourier

    fileprivate var name: dis_method {
      switch self {
      case .direct: DIS_DIRECT
      case .winograd: DIS_WINOGRAD
      case .winograd2: DIS_WINOGRAD_2
      case .fourier: DIS_FOURIER_7
      }
    }
  }

  /// Kernel, stride and padding.
  package let window: Window
  /// Channels read.
  package let inputs: Int
  /// Channels written.
  package let outputs: Int
  /// Whether negative results become zero. NaN stays NaN.
  package let relu: Bool
  /// How it is computed.
  package let method: Method
  /// What is multiplied.
  package let precision: Precision

  private let instructions: dis_instructions
  private let packed: AlignedFloats
  /// Zeros follow the outputs up to a multiple of `DIS_CHANNELS`.
  private let bias: [Float]

  /// Packs `gain[o] · weight[o, c, u, v]`, computed in `Double` and rounded once.
  ///
  /// - Parameters:
  ///   - weight: Shape `[Cout, Cin, kh, kw]`.
  ///   - gain: Count `Cout`; nil is 1 for all.
  ///   - bias: Count `Cout`; nil is 0 for all.
  ///   - method: A method that applies to the window. Scalar code has ``Method/direct`` alone, which
  ///     takes its place.
  ///   - precision: ``Precision/bfloat16`` is for ``Method/direct`` and ``Method/fourier``; the others'
  ///     transforms would enlarge its rounding tenfold.
  package init(
    weight: Tensor, gain: [Double]? = nil, bias: [Double]? = nil, stride: Int = 1,
    padding: (height: Int, width: Int) = (height: 0, width: 0), relu: Bool = false,
    method: Method = .direct, precision: Precision = .float32,
    instructions: dis_instructions = dis_instructions_in_use()
  ) {
    precondition(weight.shape.count == 4, "PackedConvolution: weight \(weight.shape)")
    precondition(
      precision == .float32 || method == .direct || method == .fourier,
      "PackedConvolution: \(method) in \(precision)")
    let outputs = weight.shape[0]
    precondition(gain.map { $0.count == outputs } ?? true, "PackedConvolution: gain")
    precondition(bias.map { $0.count == outputs } ?? true, "PackedConvolution: bias")
    self.outputs = outputs
    self.inputs = weight.shape[1]
    self.window = Window(
      kernel: (height: weight.shape[2], width: weight.shape[3]), stride: stride, padding: padding)
    self.relu = relu
    self.precision = precision
    let instructions =
      precision == .bfloat16 ? dis_bfloat16_instructions(instructions) : instructions
    self.instructions = instructions
    let kernel = window.over([inputs] + window.smallestImage)
    let applies = dis_method_applies(instructions, method.name, kernel)
    precondition(
      applies || instructions == DIS_SCALAR, "PackedConvolution: \(method) for \(weight.shape)")
    self.method = applies ? method : .direct
    let padded = roundedUpToChannels(outputs)
    self.bias =
      (bias ?? []).map(Float.init)
      + [Float](repeating: 0, count: padded - (bias?.count ?? 0))
    var shape = dis_packed_convolution(
      window: kernel, inputs: inputs, outputs: outputs, in_stride: 0, out_stride: 0, relu: relu,
      method: self.method.name, precision: precision.name)
    packed = AlignedFloats(count: dis_packed_count(&shape)) {
      dis_pack(
        instructions, $0, weight.values, gain ?? [Double](repeating: 1, count: outputs), &shape)
    }
  }

  /// The convolution of an image of `[height, width]`, for the C kernels.
  private func over(
    _ height: Int, _ width: Int, inStride: Int, outStride: Int
  ) -> dis_packed_convolution {
    precondition(
      method != .fourier || (window.kernel.width > 1 ? width : height) == 17,
      "PackedConvolution: \(method) for an image of \(height) x \(width)")
    return dis_packed_convolution(
      window: window.over([inputs, height, width]), inputs: inputs, outputs: outputs,
      in_stride: inStride, out_stride: outStride, relu: relu, method: method.name,
      precision: precision.name)
  }

  /// Floats of scratch for an image of `height` x `width` pixels.
  func scratch(height: Int, width: Int) -> Int {
    var shape = over(height, width, inStride: inputs, outStride: outputs)
    return dis_packed_scratch(instructions, &shape)
  }

  /// Convolves one image.
  ///
  /// - Parameters:
  ///   - out: The first of the pixels, `out.stride` apart; all groups of `DIS_CHANNELS` channels are
  ///     written.
  ///   - x: The same of the input. Methods other than ``Method/direct`` read all groups.
  ///   - scratch: ``scratch(height:width:)`` floats at a multiple of 64 bytes.
  func convolve(
    _ out: (pixels: UnsafeMutablePointer<Float>, stride: Int),
    _ x: (pixels: UnsafePointer<Float>, stride: Int), height: Int, width: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    var shape = over(height, width, inStride: x.stride, outStride: out.stride)
    dis_convolve_packed(
      instructions, out.pixels, x.pixels, packed.pointer, bias, &shape, scratch)
  }
}

extension Window {
  /// Rows and columns of the smallest image that the window fits.
  fileprivate var smallestImage: [Int] {
    [max(1, kernel.height - 2 * padding.height), max(1, kernel.width - 2 * padding.width)]
  }
}

/// `channels` and those that fill their last group, as the C kernels write them.
func roundedUpToChannels(_ channels: Int) -> Int {
  (channels + Int(DIS_CHANNELS) - 1) / Int(DIS_CHANNELS) * Int(DIS_CHANNELS)
}

/// Floats at a multiple of 64 bytes, which their owner writes alone. All weights of a network pass by
/// for each image, so large ones ask for large pages: up to a tenth of the time is that of looking up
/// small ones.
final class AlignedFloats: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>

  init(count: Int, _ initialize: (UnsafeMutablePointer<Float>) -> Void) {
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let page = 2 << 20
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: bytes < page ? 64 : page)
    #if canImport(Glibc)
      if bytes >= page { madvise(memory, bytes, MADV_HUGEPAGE) }
    #endif
    pointer = memory.bindMemory(to: Float.self, capacity: count)
    initialize(pointer)
  }

  deinit { pointer.deallocate() }
}
