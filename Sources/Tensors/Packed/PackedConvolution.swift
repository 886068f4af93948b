import CKernels

#if canImport(Glibc)
  import Glibc
#endif

/// A convolution of an image `[H, W, C]` whose weights are packed once for the instruction set in
/// use.
///
/// One image is processed at a time on the calling thread.
package struct PackedConvolution: Sendable {
  /// The algorithm of a convolution.
  package enum Method: CaseIterable, Sendable {
    /// The definition. Applies to every convolution.
    case direct
    /// Minimal filtering (Winograd; Lavin & Gray, arXiv 1509.09308) with four outputs along each
    /// axis at a time, for 3 x 3, 5 x 5, 1 x 3 and 3 x 1 with stride 1.
    case winograd
    /// Minimal filtering with two outputs at a time, for 3 x 3 with stride 1. It has half the
    /// weights and more products, which is faster for images of so few tiles that reading the
    /// weights dominates.
    case winograd2
    /// Minimal filtering for 3 x 3 with weights that are stored untransformed and transformed on
    /// use. It takes a quarter of the memory and suits large images, where the transform is cheap
    /// by comparison.
    case compactWinograd
    /// Minimal filtering with three outputs along each axis at a time, for 3 x 3 with stride 2. The
    /// even pixels of an axis meet two taps, the odd ones the third.
    case halvingWinograd
    /// The discrete Fourier transform of length 20, for 1 x 7 and 7 x 1 with padding 3 and stride 1
    /// along lines of 17 pixels.
    case fourier

    fileprivate var name: dis_method {
      switch self {
      case .direct: DIS_DIRECT
      case .winograd: DIS_WINOGRAD
      case .winograd2: DIS_WINOGRAD_2
      case .compactWinograd: DIS_WINOGRAD_COMPACT
      case .halvingWinograd: DIS_WINOGRAD_HALVING
      case .fourier: DIS_FOURIER_7
      }
    }
  }

  /// The kernel, stride and padding.
  package let window: Window
  /// The number of input channels.
  package let inputs: Int
  /// The number of output channels.
  package let outputs: Int
  /// Whether negative results are set to zero. NaN is kept.
  package let relu: Bool
  /// The algorithm.
  package let method: Method
  /// The number format of the products.
  package let precision: Precision

  private let instructions: dis_instructions
  private let packed: AlignedFloats
  /// The bias, followed by zeros up to a multiple of `DIS_CHANNELS`.
  private let bias: [Float]

  /// Packs the weights `gain[o] · weight[o, c, u, v]`, computed in `Double` and rounded once.
  ///
  /// - Parameters:
  ///   - weight: Shape `[Cout, Cin, kh, kw]`.
  ///   - gain: The factor of each output channel, shape `[Cout]`, or nil for 1.
  ///   - bias: The shift of each output channel, shape `[Cout]`, or nil for 0.
  ///   - stride: The step in pixels along both axes.
  ///   - padding: The rows and columns of zeros added on each side.
  ///   - relu: Whether negative results are set to zero.
  ///   - method: An algorithm that applies to the window. The scalar code has only
  ///     ``Method/direct``, which replaces any other.
  ///   - precision: ``Precision/bfloat16`` requires ``Method/direct`` or ``Method/fourier``; the
  ///     transforms of the others would increase its rounding error tenfold.
  ///   - instructions: The instruction set for which the weights are packed, by default the one in
  ///     use.
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
      doubled: false, add: false, method: self.method.name, precision: precision.name)
    packed = AlignedFloats(count: dis_packed_count(&shape)) {
      dis_pack(
        instructions, $0, weight.values, gain ?? [Double](repeating: 1, count: outputs), &shape)
    }
  }

  /// Describes the convolution of an image `[height, width]` to the C kernels. If `doubled`, each
  /// pixel is read as 2 x 2 pixels.
  private func over(
    _ height: Int, _ width: Int, inStride: Int, outStride: Int, doubled: Bool = false,
    add: Bool = false
  ) -> dis_packed_convolution {
    let scale = doubled ? 2 : 1
    precondition(
      method != .fourier || (window.kernel.width > 1 ? width : height) == 17,
      "PackedConvolution: \(method) for an image of \(height) x \(width)")
    return dis_packed_convolution(
      window: window.over([inputs, scale * height, scale * width]), inputs: inputs,
      outputs: outputs, in_stride: inStride, out_stride: outStride, relu: relu, doubled: doubled,
      add: add, method: method.name, precision: precision.name)
  }

  /// Convolves one image.
  ///
  /// - Parameters:
  ///   - x: `[H, W, C']` with `C' >= Cin`; the first Cin channels are used. Methods other than
  ///     ``Method/direct`` read whole groups of `DIS_CHANNELS` channels.
  ///   - doubled: Whether each pixel is read as 2 x 2 pixels, which doubles the height and width,
  ///     as PyTorch's `interpolate` with `scale_factor=2, mode="nearest"` does.
  /// - Returns: `[H', W', Cout]`.
  package func callAsFunction(_ x: Tensor, doubled: Bool = false) -> Tensor {
    // Whole groups of outputs are written; the excess channels of the last group are removed
    // afterwards.
    let stride = roundedUpToChannels(outputs)
    let shape = over(x, outStride: stride, doubled: doubled)
    let (height, width) = (shape.window.out_height, shape.window.out_width)
    let y = Tensor(shape: [height, width, stride]) { convolve($0, x.values, shape) }
    guard outputs < stride else { return y }
    return Tensor(shape: [height, width, outputs]) { cut in
      y.values.withUnsafeBufferPointer { y in
        guard let y = y.baseAddress else { return }
        for pixel in 0..<height * width {
          (cut + pixel * outputs).update(from: y + pixel * stride, count: outputs)
        }
      }
    }
  }

  /// Adds the convolution of `x` to `sum`.
  ///
  /// - Parameters:
  ///   - x: `[H, W, C']` with `C' >= Cin`.
  ///   - sum: `[H', W', Cout]`, where Cout is a multiple of `DIS_CHANNELS`.
  package func add(_ x: Tensor, to sum: inout Tensor) {
    let shape = over(x, outStride: outputs, add: true)
    precondition(
      sum.shape == [shape.window.out_height, shape.window.out_width, outputs]
        && outputs == roundedUpToChannels(outputs), "PackedConvolution: add to \(sum.shape)")
    sum.values.withUnsafeMutableBufferPointer {
      guard let sum = $0.baseAddress else { return }
      convolve(sum, x.values, shape)
    }
  }

  /// Replaces an image by its convolution, with the same results as
  /// ``callAsFunction(_:doubled:)``.
  ///
  /// A large image is processed in bands of rows. Each band is copied with the rows around it, and
  /// its results are written over the image, so that no second image is needed.
  ///
  /// - Parameters:
  ///   - x: `[H, W, Cin]` on entry, `[H, W, Cout]` on return. The convolution must keep the height
  ///     and the width.
  ///   - bandFloats: The approximate size of a band.
  package func callAsFunction(inPlace x: inout Tensor, bandFloats: Int = Self.bandFloats) {
    let rows = Self.bandRows(bandFloats, inputs: inputs, outputs: outputs, width: x.shape[1])
    guard x.columns == inputs, let rows, rows < x.shape[0] else {
      x = self(x)
      return
    }
    let whole = over(x, outStride: outputs).window
    let (height, width, halo) = (x.shape[0], x.shape[1], window.padding.height)
    precondition(
      window.stride == 1 && (whole.out_height, whole.out_width) == (height, width),
      "PackedConvolution: in place for \(window)")
    let line = width * inputs
    var values: [Float] = []
    swap(&values, &x.values)
    values.withUnsafeMutableBufferPointer { image in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: (rows + 2 * halo) * line) { band in
        guard let image = image.baseAddress, let band = band.baseAddress else { return }
        band.update(repeating: 0, count: halo * line)
        for first in stride(from: 0, to: height, by: rows) {
          // The rows above were overwritten, so they are taken from the previous band.
          if first > 0 { band.update(from: band + rows * line, count: halo * line) }
          let count = min(rows, height - first)
          let read = min(count + halo, height - first)
          (band + halo * line).update(from: image + first * line, count: read * line)
          (band + (halo + read) * line).update(repeating: 0, count: (count + halo - read) * line)
          var shape = over(count + 2 * halo, width, inStride: inputs, outStride: outputs)
          shape.window.padding_height = 0
          shape.window.out_height = count
          convolve(image + first * width * outputs, band, shape)
        }
      }
    }
    values.removeLast(height * width * (inputs - outputs))
    x = Tensor(shape: [height, width, outputs], values: values)
  }

  private func over(
    _ x: Tensor, outStride: Int, doubled: Bool = false, add: Bool = false
  ) -> dis_packed_convolution {
    precondition(
      x.shape.count == 3
        && x.columns >= (method == .direct ? inputs : roundedUpToChannels(inputs)),
      "PackedConvolution: \(x.shape), expected [H, W, \(inputs)] for \(method)")
    return over(
      x.shape[0], x.shape[1], inStride: x.columns, outStride: outStride, doubled: doubled, add: add)
  }

  /// Convolves `x`, allocating the scratch memory.
  private func convolve(
    _ out: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ shape: dis_packed_convolution
  ) {
    var shape = shape
    withAlignedFloats(count: dis_packed_scratch(instructions, &shape)) {
      dis_convolve_packed(instructions, out, x, packed.pointer, bias, &shape, $0)
    }
  }

  /// Returns the number of floats of scratch memory for an image of `height` x `width` pixels.
  func scratch(height: Int, width: Int) -> Int {
    var shape = over(height, width, inStride: inputs, outStride: outputs)
    return dis_packed_scratch(instructions, &shape)
  }

  /// Convolves one image.
  ///
  /// - Parameters:
  ///   - out: The first output pixel and the number of floats from a pixel to the next. Whole
  ///     groups of `DIS_CHANNELS` channels are written.
  ///   - x: The first input pixel and its stride. Methods other than ``Method/direct`` read whole
  ///     groups.
  ///   - height: The rows of the input.
  ///   - width: The columns of the input.
  ///   - scratch: ``scratch(height:width:)`` floats, aligned to 64 bytes.
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
  /// The number of rows and columns of the smallest image that the window fits.
  fileprivate var smallestImage: [Int] {
    [max(1, kernel.height - 2 * padding.height), max(1, kernel.width - 2 * padding.width)]
  }
}

// MARK: - Memory

extension PackedConvolution {
  /// The number of channels in a group; channels are written in whole groups.
  package static let channelGroup = Int(DIS_CHANNELS)

  /// Returns a number of channels rounded up to whole groups of ``channelGroup``.
  ///
  /// - Parameter channels: The number of channels, at least 0.
  package static func wholeGroups(_ channels: Int) -> Int { roundedUpToChannels(channels) }

  /// Returns the number of floats of scratch memory that ``Method/compactWinograd`` needs for a
  /// square image with padding 1.
  ///
  /// - Parameters:
  ///   - inputs: The number of input channels, and of output channels.
  ///   - side: The height and width of the image in pixels.
  package static func scratch(inputs: Int, side: Int) -> Int {
    var shape = dis_packed_convolution(
      window: Window(3, padding: 1).over([inputs, side, side]), inputs: inputs, outputs: inputs,
      in_stride: inputs, out_stride: inputs, relu: false, doubled: false, add: false,
      method: DIS_WINOGRAD_COMPACT, precision: DIS_FLOAT32)
    return dis_packed_scratch(dis_instructions_in_use(), &shape)
  }

  /// The approximate number of floats in a band of ``callAsFunction(inPlace:bandFloats:)``: 12 MiB.
  /// In smaller bands, minimal filtering would transform its weights more often.
  package static let bandFloats = 3 << 20

  /// Returns the number of rows in a band, or nil if the results do not fit in the place of the
  /// image. The rows are whole tiles of minimal filtering, so that each tile is the same as without
  /// bands.
  private static func bandRows(
    _ bandFloats: Int, inputs: Int, outputs: Int, width: Int
  ) -> Int? {
    guard outputs <= inputs, outputs == roundedUpToChannels(outputs) else { return nil }
    return max(4, bandFloats / max(1, width * inputs) / 4 * 4)
  }

  /// Returns the number of floats that ``callAsFunction(inPlace:bandFloats:)`` needs in addition to
  /// the image and its scratch memory, for a square image and a kernel of 3 x 3.
  ///
  /// - Parameters:
  ///   - inputs: The number of input channels.
  ///   - outputs: The number of output channels.
  ///   - side: The height and width of the image in pixels.
  package static func band(inputs: Int, outputs: Int, side: Int) -> Int {
    let rows = bandRows(bandFloats, inputs: inputs, outputs: outputs, width: side)
    guard let rows, rows < side else { return roundedUpToChannels(outputs) * side * side }
    return (rows + 2) * side * inputs
  }
}

/// Returns `channels` rounded up to whole groups, as the C kernels write them.
func roundedUpToChannels(_ channels: Int) -> Int {
  (channels + Int(DIS_CHANNELS) - 1) / Int(DIS_CHANNELS) * Int(DIS_CHANNELS)
}

/// Floats aligned to 64 bytes, written only by their owner. All weights of a network are read for
/// each image, so large arrays request large pages: looking up small pages takes up to a tenth of
/// the time.
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

/// Calls `body` with `count` floats aligned to 64 bytes, with undefined content.
///
/// The alignment is not left to the allocator. For an aligned block, glibc 2.36 looks for a free
/// block that is larger by the alignment, and therefore does not find the one that the previous call
/// freed. In the first convolutions of a decode, its heap grew by 28 MB several times.
func withAlignedFloats(count: Int, _ body: (UnsafeMutablePointer<Float>?) -> Void) {
  withUnsafeTemporaryAllocation(
    byteCount: count * MemoryLayout<Float>.stride + 64, alignment: 16
  ) {
    body($0.baseAddress?.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Float.self))
  }
}
