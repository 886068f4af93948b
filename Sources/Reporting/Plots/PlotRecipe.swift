/// A figure of the DiS paper, or a test of what its title promises.
public enum PlotRecipe: String, CaseIterable, Sendable {
  case modelSize = "dis-model-size"
  case patchSize = "dis-patch-size"
  case skip = "dis-skip"
  case conditioning = "dis-conditioning"
  case depth = "dis-depth"
  case width = "dis-width"
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
