import Files
import Tensors

/// Provides the weights of a network, and collects all mismatches so that a single message reports
/// them.
package struct WeightReader {
  private let state: StateDict?
  private var asked: Set<[UInt8]> = []
  private var missing: [String] = []
  private var misshaped: [String] = []
  private var firstFailure: Failure?
  /// Placeholders by their number of elements, shared between the layers of a network.
  private var zeros: [Int: [Float]] = [:]

  /// Creates a reader of `state`.
  package init(_ state: StateDict) { self.init(state: state) }

  private init(state: StateDict?) { self.state = state }

  /// Returns a reader that makes up weights of every requested name and shape, for measuring the
  /// speed of a network without a file: ones for vectors, otherwise uniform values of variance 1 /
  /// fan-in.
  package static func madeUp() -> WeightReader { WeightReader(state: nil) }

  /// Returns the tensor that a made-up reader provides for a shape.
  ///
  /// - Parameter shape: The extents, outermost first: `[D]` for a vector of ones, otherwise
  ///   `[Cout, …]`, where the product of all extents but the first is the fan-in.
  package static func madeUp(_ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    guard shape.count > 1 else {
      return Tensor(shape: shape, values: [Float](repeating: 1, count: count))
    }
    let fanIn = max(1, shape.dropFirst().reduce(1, *))
    let scale = (3 / Float(fanIn)).squareRoot()
    var state: UInt64 = 1
    let values = (0..<count).map { _ -> Float in
      // The multiplier and increment of a linear congruential generator by Knuth (MMIX).
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return scale * (Float(state >> 40) * 0x1p-23 - 1)
    }
    return Tensor(shape: shape, values: values)
  }

  /// Returns the tensor with that name and shape. If it is missing or has a different shape,
  /// returns a placeholder, which ``finish(ignoring:)`` reports.
  ///
  /// - Parameters:
  ///   - name: The name of the tensor.
  ///   - shape: The expected extents, outermost first.
  /// - Returns: A tensor of shape `shape`; if that is absurdly large, an empty placeholder.
  package mutating func tensor(_ name: String, _ shape: [Int]) -> Tensor {
    guard let state else { return Self.madeUp(shape) }
    asked.insert(Array(name.utf8))
    do {
      return try state.tensor(name, shape: shape)
    } catch {
      switch error.code {
      case .tensorMissing: missing.append("\(name) \(shape)")
      case .shapeMismatch:
        let found = state.info(name).map { "\($0.shape)" } ?? ""
        misshaped.append("\(name) \(found), expected \(shape)")
      default: firstFailure = firstFailure ?? error
      }
    }
    // A shape derived from the file may be absurd; nothing is allocated for it.
    guard let count = elementCount(shape), count <= 1 << 24 else {
      return Tensor(zeros: shape.map { _ in 0 })
    }
    let values = zeros[count] ?? [Float](repeating: 0, count: count)
    zeros[count] = values
    return Tensor(shape: shape, values: values)
  }

  /// Ends the reading. Every tensor of the file must have been requested, unless `ignoring` returns
  /// true for its name or it is a number beside the network, such as a count of steps.
  ///
  /// - Parameter ignoring: Returns whether a tensor may be left unread.
  /// - Throws: ``Failure`` (65) `CheckpointMismatch` with the missing, unexpected and misshaped
  ///   tensors, at most 20 of each kind; or the first failure of reading a tensor.
  package mutating func finish(ignoring: (String) -> Bool = { _ in false }) throws(Failure) {
    guard let state else { return }
    if let firstFailure { throw firstFailure }
    let beside = Set(state.namesBeside)
    let unexpected = state.names.filter {
      !asked.contains(Array($0.utf8)) && !ignoring($0) && !beside.contains($0)
    }
    let problems = [
      ("missing", missing), ("unexpected", unexpected), ("of a different shape", misshaped),
    ]
    .filter { !$0.1.isEmpty }
    guard problems.isEmpty else {
      throw .refused(
        .checkpointMismatch, state.path,
        problems.map { kind, names in
          let shown = names.prefix(20).joined(separator: ", ")
          return "\(names.count) \(kind): \(shown)\(names.count > 20 ? ", ..." : "")"
        }.joined(separator: "; "))
    }
  }
}
