import CKernels

/// A layer of a convolutional network, which maps one image `[H, W, C]` to another.
package indirect enum PackedLayer: Sendable {
  case convolution(PackedConvolution)
  /// The largest value under the window. Padding is ignored, and the result is NaN if any value is
  /// NaN.
  case maxPool(Window)
  /// The mean under the window, where padding is not counted. If there is a bias for each channel,
  /// it is added and the sum is rectified.
  case averagePool(Window, bias: [Float]? = nil)
  /// Sequences of layers that start from the same input and whose results are concatenated along
  /// the channels. The number of channels of all but the last is a multiple of `DIS_CHANNELS`.
  case branches([[PackedLayer]])
}

/// A convolutional network for images of one size: its layers as a list of operations, each with
/// the places in one allocation that it reads and writes.
///
/// The results of branches are written directly to their position in the concatenation. A layer's
/// result overwrites that of the layer before the previous one: results of even layers are at one
/// end of the allocation, those of odd layers at the other.
package struct PackedNetwork: Sendable {
  /// The shape of the input, `[H, W, C]`.
  package let inputShape: [Int]
  /// The shape of the output, `[H, W, C]`.
  package let outputShape: [Int]

  let steps: [Step]
  private let input: Place
  private let output: Place
  /// The number of floats of scratch memory for the convolutions, located before the images.
  let scratch: Int
  let arena: Int
  let workspaces: Workspaces
  private let instructions: dis_instructions

  /// Plans the operations of a network for images of one size.
  ///
  /// - Parameters:
  ///   - layers: The layers, from the input to the output.
  ///   - input: The shape of an image, `[H, W, C]`.
  ///   - instructions: The instruction set of the kernels, by default the one in use.
  package init(
    _ layers: [PackedLayer], input: [Int],
    instructions: dis_instructions = dis_instructions_in_use()
  ) {
    precondition(input.count == 3, "PackedNetwork: \(input) is not [H, W, C]")
    inputShape = input
    self.instructions = instructions
    var planner = Planner()
    self.input = planner.place(
      Extent(height: input[0], width: input[1], channels: input[2]), stride: input[2], on: .low)
    output = planner.plan(layers, from: self.input)
    outputShape = [output.extent.height, output.extent.width, output.extent.channels]
    steps = planner.steps
    scratch = planner.scratch
    arena = planner.peak
    workspaces = Workspaces(count: scratch + arena)
  }

  /// Applies the layers to one image.
  ///
  /// - Parameter x: Shape ``inputShape``.
  /// - Returns: Shape ``outputShape``.
  package func callAsFunction(_ x: Tensor) -> Tensor { self([x])[0] }

  /// Applies the layers to several images, each layer to all of them before the next. For layers of
  /// small images, the weights are larger than the images, and this way they are read from memory
  /// once. No result depends on the other images.
  ///
  /// - Parameter images: Each of shape ``inputShape``.
  /// - Returns: Each of shape ``outputShape``, in the same order.
  package func callAsFunction(_ images: [Tensor]) -> [Tensor] {
    workspaces(images.count) { memories in
      for (x, memory) in zip(images, memories) {
        precondition(x.shape == inputShape, "PackedNetwork: \(x.shape), expected \(inputShape)")
        pixels(input, in: memory).update(from: x.values, count: x.count)
      }
      for step in steps {
        for memory in memories { run(step, in: memory, scratch: memories[0]) }
      }
      return memories.map { result(in: $0) }
    }
  }

  private func pixels(
    _ place: Place, in memory: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    memory + scratch + place.offset + (place.side == .high ? arena : 0)
  }

  func run(
    _ step: Step, in memory: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    let (from, to) = (step.from, step.to)
    let extent = from.extent
    let (source, result) = (UnsafePointer(pixels(from, in: memory)), pixels(to, in: memory))
    switch step.operation {
    case .convolution(let convolution):
      convolution.convolve(
        (result, to.stride), (source, from.stride), height: extent.height, width: extent.width,
        scratch: scratch)
    case .maxPool(let window):
      dis_max_pool_packed(
        instructions, result, to.stride, source, from.stride,
        roundedUpToChannels(extent.channels), window.over(extent.shape))
    case .averagePool(let window, let bias):
      dis_average_pool_packed(
        instructions, result, to.stride, source, from.stride, bias,
        roundedUpToChannels(extent.channels), window.over(extent.shape))
    }
  }

  private func result(in memory: UnsafeMutablePointer<Float>) -> Tensor {
    Tensor(shape: outputShape) { values in
      for pixel in 0..<outputShape[0] * outputShape[1] {
        (values + pixel * outputShape[2]).update(
          from: pixels(output, in: memory) + pixel * output.stride, count: outputShape[2])
      }
    }
  }
}

// MARK: - Plan

extension PackedNetwork {
  /// The extents of an image.
  struct Extent: Equatable {
    var height: Int
    var width: Int
    var channels: Int

    /// The shape `[C, H, W]` that ``Window`` expects.
    var shape: [Int] { [channels, height, width] }
  }

  /// The location of an image in the allocation.
  struct Place {
    enum Side { case low, high }
    let extent: Extent
    /// The number of floats from a pixel to the next.
    let stride: Int
    /// The end of the allocation that the offset is relative to. Offsets from the high end are
    /// negative.
    let side: Side
    let offset: Int

    /// Returns the place of `count` channels from `first` on.
    func channels(from first: Int, count: Int) -> Place {
      precondition(
        first % Int(DIS_CHANNELS) == 0, "branches join at channel \(first), not at a whole group")
      var extent = extent
      extent.channels = count
      return Place(extent: extent, stride: stride, side: side, offset: offset + first)
    }
  }

  /// An operation and the places that it reads and writes.
  struct Step {
    enum Operation {
      case convolution(PackedConvolution)
      case maxPool(Window)
      case averagePool(Window, bias: [Float]?)
    }
    let operation: Operation
    let from: Place
    let to: Place
  }
}

/// Lists the operations and assigns places to their results.
private struct Planner {
  typealias Extent = PackedNetwork.Extent
  typealias Place = PackedNetwork.Place
  typealias Step = PackedNetwork.Step

  var steps: [Step] = []
  /// The largest number of floats in use at once.
  var peak = 0
  /// The number of floats of scratch memory, shared by the convolutions.
  var scratch = 0
  /// The number of floats in use at each end.
  private var used = (low: 0, high: 0)

  /// Reserves memory for an image at one end.
  mutating func place(_ extent: Extent, stride: Int, on side: Place.Side) -> Place {
    let count = (extent.height * extent.width * stride + 15) / 16 * 16  // 64 bytes
    defer { peak = max(peak, used.low + used.high) }
    switch side {
    case .low:
      used.low += count
      return Place(extent: extent, stride: stride, side: side, offset: used.low - count)
    case .high:
      used.high += count
      return Place(extent: extent, stride: stride, side: side, offset: -used.high)
    }
  }

  /// Plans `layers`. The last result is placed in `target` if it is given.
  mutating func plan(_ layers: [PackedLayer], from input: Place, into target: Place? = nil) -> Place
  {
    let before = used
    var x = input
    for (index, layer) in layers.enumerated() {
      let extent = layer.result(of: x.extent)
      let to: Place
      if let target, index == layers.count - 1 {
        precondition(target.extent == extent, "branches of different sizes")
        to = target
      } else {
        let side: Place.Side = index % 2 == 0 ? .high : .low
        // Only the last result of this sequence is still needed, and it is at the other end.
        switch side {
        case .low: used.low = before.low
        case .high: used.high = before.high
        }
        to = place(extent, stride: roundedUpToChannels(extent.channels), on: side)
      }
      plan(layer, from: x, to: to)
      x = to
    }
    if target != nil { used = before }
    return x
  }

  private mutating func plan(_ layer: PackedLayer, from x: Place, to: Place) {
    func add(_ operation: Step.Operation, readsGroups: Bool = true) {
      precondition(
        !readsGroups || x.stride % Int(DIS_CHANNELS) == 0, "input of \(x.stride) channels")
      steps.append(Step(operation: operation, from: x, to: to))
    }
    switch layer {
    case .convolution(let convolution):
      precondition(x.extent.channels == convolution.inputs, "\(x.extent), \(convolution.inputs)")
      scratch = max(
        scratch,
        (convolution.scratch(height: x.extent.height, width: x.extent.width) + 15) / 16 * 16)
      add(.convolution(convolution), readsGroups: convolution.method != .direct)
    case .maxPool(let window): add(.maxPool(window))
    case .averagePool(let window, let bias):
      let channels = x.extent.channels
      precondition(bias.map { $0.count == channels } ?? true, "PackedNetwork: bias")
      let filling = [Float](repeating: 0, count: roundedUpToChannels(channels) - channels)
      add(.averagePool(window, bias: bias.map { $0 + filling }))
    case .branches(let branches):
      var first = 0
      for branch in branches {
        let channels = branch.reduce(x.extent) { $1.result(of: $0) }.channels
        _ = plan(branch, from: x, into: to.channels(from: first, count: channels))
        first += channels
      }
    }
  }
}

extension PackedLayer {
  /// Returns the extents of the result for an image of extents `x`.
  fileprivate func result(of x: PackedNetwork.Extent) -> PackedNetwork.Extent {
    func under(_ window: Window, channels: Int) -> PackedNetwork.Extent {
      let sliding = window.over(x.shape)
      return PackedNetwork.Extent(
        height: sliding.out_height, width: sliding.out_width, channels: channels)
    }
    switch self {
    case .convolution(let convolution):
      return under(convolution.window, channels: convolution.outputs)
    case .maxPool(let window), .averagePool(let window, _):
      return under(window, channels: x.channels)
    case .branches(let branches):
      let results = branches.map { $0.reduce(x) { $1.result(of: $0) } }
      var joined = results[0]
      joined.channels = results.reduce(0) { $0 + $1.channels }
      return joined
    }
  }
}
