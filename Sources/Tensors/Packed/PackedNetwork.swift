import CKernels

/// A step of a convolutional network, from an image `[H, W, C]` to another.
package indirect enum PackedLayer: Sendable {
  case convolution(PackedConvolution)
  /// The largest value under the window. Padding never is, NaN always.
  case maxPool(Window)
  /// The mean under the window, padding not counted; with a bias for each channel, that is added and
  /// the sum rectified.
  case averagePool(Window, bias: [Float]? = nil)
  /// Sequences of steps from the same input, their results joined along the channels. The channels
  /// of all but the last are multiples of `DIS_CHANNELS`.
  case branches([[PackedLayer]])
}

/// A convolutional network for images of one size: its layers as a list of operations, each with the
/// places in one allocation that it reads and writes.
///
/// Results of branches are written where they are joined. A layer's result takes the place of the
/// second to last one's: one end of the allocation for even layers, the other for odd ones.
package struct PackedNetwork: Sendable {
  /// `[H, W, C]`.
  package let inputShape: [Int]
  /// `[H, W, C]`.
  package let outputShape: [Int]

  private let steps: [Step]
  private let input: Place
  private let output: Place
  /// Floats before the images, for the convolutions to work in.
  private let scratch: Int
  private let arena: Int
  private let workspaces: Workspaces
  private let instructions: dis_instructions

  /// Plans `layers` for images of shape `input`, `[H, W, C]`.
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

  /// Applies the layers to images, each layer to all of them before the next: the weights of layers
  /// of small images are larger than those images, and come from memory once. No result depends on
  /// the other images.
  ///
  /// - Parameter images: Of shape ``inputShape``.
  /// - Returns: Of shape ``outputShape``, in the same order.
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

  private func run(
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

/// The size of an image.
private struct Extent: Equatable {
  var height: Int
  var width: Int
  var channels: Int

  /// `[C, H, W]`, as ``Window`` has it.
  var shape: [Int] { [channels, height, width] }
}

/// Where an image lies.
private struct Place {
  enum Side { case low, high }
  let extent: Extent
  /// Floats from a pixel to the next.
  let stride: Int
  /// The end of the allocation that the offset counts from, negative from the high one.
  let side: Side
  let offset: Int

  /// The channels from `first` on.
  func channels(from first: Int, count: Int) -> Place {
    precondition(
      first % Int(DIS_CHANNELS) == 0, "branches join at channel \(first), not at a whole group")
    var extent = extent
    extent.channels = count
    return Place(extent: extent, stride: stride, side: side, offset: offset + first)
  }
}

/// An operation with the places it reads and writes.
private struct Step {
  enum Operation {
    case convolution(PackedConvolution)
    case maxPool(Window)
    case averagePool(Window, bias: [Float]?)
  }
  let operation: Operation
  let from: Place
  let to: Place
}

/// Lists operations and finds places for their results.
private struct Planner {
  var steps: [Step] = []
  /// Most floats in use at once.
  var peak = 0
  /// Floats that the convolutions work in, each at its time.
  var scratch = 0
  /// Floats in use at both ends.
  private var used = (low: 0, high: 0)

  /// Takes the memory for an image at one end.
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

  /// Plans `layers`, the last result in `target` if that is given, and elsewhere otherwise.
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
        // Of this sequence's results, only the last one is needed, at the other end.
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
  /// The size of the result for an image of this size.
  fileprivate func result(of x: Extent) -> Extent {
    func under(_ window: Window, channels: Int) -> Extent {
      let sliding = window.over(x.shape)
      return Extent(height: sliding.out_height, width: sliding.out_width, channels: channels)
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
