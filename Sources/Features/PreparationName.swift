import FeatureExtractors

extension Preparation {
  private static let names: [(name: String, preparation: Preparation)] = [
    ("pytorch", .pytorch), ("tensorflow", .tensorFlow), ("clean", .clean),
    ("torchmetrics", .torchmetrics),
  ]

  /// The short name in files of a preparation that a dialect uses.
  package var name: String {
    guard let name = Self.names.first(where: { $0.preparation == self })?.name else {
      preconditionFailure("no dialect prepares images like this: \(description)")
    }
    return name
  }

  /// Creates the preparation with that name in files; nil if there is none.
  package init?(name: String) {
    guard let known = Self.names.first(where: { $0.name == name }) else { return nil }
    self = known.preparation
  }
}
