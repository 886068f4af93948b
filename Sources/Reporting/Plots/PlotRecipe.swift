/// A figure of the DiS paper, or a test of what its title promises.
public enum PlotRecipe: String, CaseIterable, Sendable {
  /// Models of several sizes.
  case modelSize = "dis-model-size"
  /// Several sizes of patches.
  case patchSize = "dis-patch-size"
  /// With and without long skip connections.
  case skip = "dis-skip"
  /// Ways of telling the network the class and the time.
  case conditioning = "dis-conditioning"
  /// Several numbers of blocks.
  case depth = "dis-depth"
  /// Several widths of a token.
  case width = "dis-width"
  /// The cost of a forward pass by the number of tokens.
  case sequenceLength = "sequence-length"

  /// The setting that differs between the lines.
  public var family: Setting? {
    switch self {
    case .modelSize: .variant
    case .patchSize: .patchSize
    case .skip: .skip
    case .conditioning: .conditioning
    case .depth: .depth
    case .width: .width
    case .sequenceLength: nil
    }
  }

  /// The settings that must agree although the family allows them to differ.
  public var pinned: Set<Setting> { self == .modelSize ? [.patchSize] : [] }
}
