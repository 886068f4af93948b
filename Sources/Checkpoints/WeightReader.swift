import Files
import Tensors

/// Hands out the weights of a network and collects everything that does not fit, so that one message
/// can say it all.
package struct WeightReader {
  private let state: StateDict?
  private var asked: Set<[UInt8]> = []
  private var missing: [String] = []
  private var misshaped: [String] = []
  private var firstFailure: Failure?
  /// Placeholders by count, shared between the layers of a network.
  private var zeros: [Int: [Float]] = [:]

  /// Reads from `state`.
  package init(_ state: StateDict) { self.init(state: state) }

  private init(state: StateDict?) { self.state = state }

  /// Makes up weights of every name and shape asked for, to measure the speed of a network without
  /// a file: ones in vectors, otherwise uniform values of variance 1 / fan-in.
  package static func madeUp() -> WeightReader { WeightReader(state: nil) }

  /// What a made-up reader hands out for a tensor of this shape.
  package static func madeUp(_ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    guard shape.count > 1 else {
      return Tensor(shape: shape, values: [Float](repeating: 1, count: count))
    }
    let fanIn = max(1, shape.dropFirst().reduce(1, *))
    let scale = (3 / Float(fanIn)).squareRoot()
    var state: UInt64 = 1
    let values = (0..<count).map { _ -> Float in
      // Knuth's multiplier and increment for a linear congruential generator (MMIX).
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return scale * (Float(state >> 40) * 0x1p-23 - 1)
    }
    return Tensor(shape: shape, values: values)
  }

  /// The tensor of that name; a placeholder if it is missing or has another shape, which
  /// ``finish(ignoring:)`` then reports.
  package mutating func tensor(_ name: String, _ shape: [Int]) -> Tensor {
    guard let state else { return Self.madeUp(shape) }
    asked.insert(Array(name.utf8))
    do {
      return try state.tensor(name, shape: shape)
    } catch {
      switch error.code {
      case "TensorMissing": missing.append("\(name) \(shape)")
      case "ShapeMismatch":
        let found = state.info(name).map { "\($0.shape)" } ?? ""
        misshaped.append("\(name) \(found), expected \(shape)")
      default: firstFailure = firstFailure ?? error
      }
    }
    // A shape that was derived from the file may be absurd; nothing is allocated for it.
    guard let count = elementCount(shape), count <= 1 << 24 else {
      return Tensor(zeros: shape.map { _ in 0 })
    }
    let values = zeros[count] ?? [Float](repeating: 0, count: count)
    zeros[count] = values
    return Tensor(shape: shape, values: values)
  }

  /// Ends the reading. Every tensor of the file must have been asked for, unless `ignoring` says so.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` with all names that do not fit, at most 20 of a kind
  ///   spelled out, or the first failure to read a tensor.
  package mutating func finish(ignoring: (String) -> Bool = { _ in false }) throws(Failure) {
    guard let state else { return }
    if let firstFailure { throw firstFailure }
    let unexpected = state.names.filter { !asked.contains(Array($0.utf8)) && !ignoring($0) }
    let problems = [
      ("missing", missing), ("unexpected", unexpected), ("of another shape", misshaped),
    ]
    .filter { !$0.1.isEmpty }
    guard problems.isEmpty else {
      throw .refused(
        "CheckpointMismatch", state.path,
        problems.map { kind, names in
          let shown = names.prefix(20).joined(separator: ", ")
          return "\(names.count) \(kind): \(shown)\(names.count > 20 ? ", ..." : "")"
        }.joined(separator: "; "))
    }
  }
}
