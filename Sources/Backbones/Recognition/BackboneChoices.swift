import Diffusion

/// What a user says about a checkpoint whose content does not decide it. Everything is nil if nothing is
/// said.
public struct BackboneChoices: Equatable, Sendable {
  /// The family.
  public var family: BackboneFamily?
  /// The process of a U-ViT.
  public var objective: UViTObjective?
  /// The path of a flow.
  public var path: FlowPath?
  /// What the network of a flow predicts.
  public var flowPrediction: FlowPrediction?
  /// The number of attention heads.
  public var heads: Int?
  /// The label that stands for no class.
  public var nullClass: NullClass?

  /// The label that stands for no class.
  public enum NullClass: Equatable, Sendable {
    /// This label.
    case label(Int)
    /// There is none.
    case none
  }

  /// Creates choices of which none is made.
  public init() {}
}

/// The processes that U-ViTs are trained for.
public enum UViTObjective: String, CaseIterable, Sendable {
  /// The variance-preserving process in continuous time.
  case vp
  /// The process of Stable Diffusion.
  case sd
}

/// What decided a property of a backbone that is not a matter of shapes.
package enum BackboneEvidence: String, Sendable {
  /// The user said so.
  case option
  /// The arguments of training in the file.
  case arguments
  /// The names and shapes of the tensors.
  case tensors
  /// The rule for files that do not say otherwise.
  case rule
}
