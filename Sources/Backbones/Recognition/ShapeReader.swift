import Checkpoints
import Files

/// Reads the shapes from which a configuration follows.
package struct ShapeReader {
  /// The tensors.
  package let state: StateDict
  /// The family for messages.
  let family: String

  /// Creates a reader.
  ///
  /// - Parameters:
  ///   - state: The tensors.
  ///   - family: The family for messages.
  package init(_ state: StateDict, family: String) {
    (self.state, self.family) = (state, family)
  }

  /// The largest possible extent, so that products of three of them do not overflow.
  private static let largestExtent = 1 << 20

  /// Returns the extents of a tensor.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) if there is no such tensor, or it has another
  ///   rank, or an extent of 0 or an absurd one.
  package func callAsFunction(_ name: String, rank: Int) throws(Failure) -> [Int] {
    guard let info = try state.checkedInfo(name) else {
      throw refusal("there is no tensor '\(name)'")
    }
    guard info.shape.count == rank,
      info.shape.allSatisfy({ (1...Self.largestExtent).contains($0) })
    else {
      throw refusal(
        "'\(name)' has shape \(info.shape), expected \(rank) extents from 1 to "
          + "\(Self.largestExtent)")
    }
    return info.shape
  }

  /// Returns the side of a square of patches.
  ///
  /// - Parameters:
  ///   - patches: The number of patches.
  ///   - tokens: The number of tokens of `pos_embed`, for the message.
  func side(patches: Int, of tokens: Int) throws(Failure) -> Int {
    let side = Int(Double(max(patches, 0)).squareRoot().rounded())
    guard patches > 0, side * side == patches else {
      throw refusal("'pos_embed' has \(tokens) tokens, which do not make a square of patches")
    }
    return side
  }

  /// Returns the number of tensors with consecutive numbers from 0.
  package func count(_ name: (Int) -> String) -> Int {
    var count = 0
    while state.info(name(count)) != nil { count += 1 }
    return count
  }

  /// Returns the failure of a state dict that is not of the family.
  ///
  /// - Parameter reason: What is wrong.
  package func refusal(_ reason: String) -> Failure {
    Failure(.dataRefused, .checkpointMismatch, state.path, "as \(family): \(reason)")
  }
}
