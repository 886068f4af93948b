import CKernels

/// The time that operations of one kind take in a network.
package struct OperationTimes: Equatable, Sendable {
  /// What they compute, such as `3 x 3, 64 to 96, of 35 x 35`.
  package let name: String
  /// How, such as `winograd`; `pool` for pools.
  package let method: String
  /// How many there are.
  package var count = 1
  /// The seconds that all of them take for one image.
  package var seconds: Double
  /// The operations of the convolutions by their definition, a multiply-add as two; 0 for pools.
  package var operations: Double

  /// Returns the times with those of equal operations added, the longest first.
  package static func summed(_ times: [OperationTimes]) -> [OperationTimes] {
    var sums: [String: OperationTimes] = [:]
    for time in times {
      let key = "\(time.name) \(time.method)"
      guard var sum = sums[key] else {
        sums[key] = time
        continue
      }
      sum.count += time.count
      sum.seconds += time.seconds
      sum.operations += time.operations
      sums[key] = sum
    }
    return sums.values.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
  }
}

extension PackedNetwork {
  /// Measures every operation on the calling thread.
  ///
  /// - Parameters:
  ///   - images: The number of images that are processed together, at least 1.
  ///   - rounds: How often; the least time of each operation counts.
  /// - Returns: The time of each operation, in their order.
  package func operationTimes(images: Int, rounds: Int) -> [OperationTimes] {
    workspaces(images) { memories in
      for memory in memories { memory.initialize(repeating: 0.5, count: scratch + arena) }
      var least = [Double](repeating: .infinity, count: steps.count)
      for _ in 0..<rounds {
        for (index, step) in steps.enumerated() {
          let start = ContinuousClock.now
          for memory in memories { run(step, in: memory, scratch: memories[0]) }
          let seconds = (ContinuousClock.now - start) / .seconds(1)
          least[index] = min(least[index], seconds / Double(images))
        }
      }
      return zip(steps, least).map { OperationTimes($0, seconds: $1) }
    }
  }
}

extension OperationTimes {
  fileprivate init(_ step: PackedNetwork.Step, seconds: Double) {
    let extent = step.from.extent
    let place = "of \(extent.height) x \(extent.width)"
    func named(_ window: Window, _ channels: String) -> String {
      let stride = window.stride == 1 ? "" : " / \(window.stride)"
      return "\(window.kernel.height) x \(window.kernel.width)\(stride), \(channels), \(place)"
    }
    switch step.operation {
    case .convolution(let convolution):
      let window = convolution.window.over(extent.shape)
      let taps = convolution.window.kernel.height * convolution.window.kernel.width
      self.init(
        name: named(convolution.window, "\(convolution.inputs) to \(convolution.outputs)"),
        method: "\(convolution.method)", seconds: seconds,
        operations: 2
          * Double(window.out_height * window.out_width * taps)
          * Double(convolution.inputs * convolution.outputs))
    case .maxPool(let window), .averagePool(let window, _):
      self.init(
        name: named(window, "\(extent.channels)"), method: "pool", seconds: seconds, operations: 0)
    }
  }
}
