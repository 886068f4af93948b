/// One dialect, or all of them.
public enum DialectChoice: Equatable, Sendable {
  /// One dialect.
  case one(Dialect)
  /// Every dialect.
  case all

  /// The choice of that name: a dialect's, or `all`. Nil for any other text.
  public init?(name: String) {
    if name == "all" {
      self = .all
    } else if let dialect = Dialect(rawValue: name) {
      self = .one(dialect)
    } else {
      return nil
    }
  }

  /// The dialect's name, or `all`.
  public var name: String {
    switch self {
    case .one(let dialect): dialect.rawValue
    case .all: "all"
    }
  }
}
