/// Figures of the DiS paper, and what its title promises.
public enum PlotRecipe: String, CaseIterable, Sendable {
  case modelSize = "dis-model-size"
  case patchSize = "dis-patch-size"
  case skip = "dis-skip"
  case conditioning = "dis-conditioning"
  case depth = "dis-depth"
  case width = "dis-width"
  case sequenceLength = "sequence-length"

  /// What the lines differ by.
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

  /// Settings that have to agree although the family frees them.
  public var pinned: Set<Setting> { self == .modelSize ? [.patchSize] : [] }
}
