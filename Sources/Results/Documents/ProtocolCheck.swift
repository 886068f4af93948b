/// A number that was published for a protocol.
public struct PublishedMetric: Codable, Equatable, Sendable {
  /// The name of the metric in results, such as `fid`.
  public var metric: String
  /// The published value.
  public var value: Double
  /// Where it was published.
  public var source: String

  /// Creates the record of a published number.
  package init(metric: String, value: Double, source: String) {
    (self.metric, self.value, self.source) = (metric, value, source)
  }
}

/// What of a published protocol an evaluation of existing images follows, what it departs from, and
/// what the images cannot show.
///
/// A number that is compared with a published one needs all three: images say how many and how large
/// they are, but not how they were sampled.
public struct ProtocolCheck: Codable, Equatable, Sendable {
  /// The settings that were checked and are those of the protocol.
  public var agrees: [Setting]
  /// The settings that were checked and differ from the protocol.
  public var departures: [Setting]
  /// The settings of the protocol that could not be checked.
  public var notChecked: [Setting]
  /// The published numbers.
  public var published: [PublishedMetric]

  /// A setting of a protocol.
  public struct Setting: Codable, Equatable, Sendable, CustomStringConvertible {
    /// The name of the setting, such as `number` or `guidance`.
    public var name: String
    /// What the protocol demands.
    public var expected: String
    /// What was found; nil if it was not checked.
    public var found: String?
    /// Why it was not checked; nil if it was.
    public var reason: String?

    /// Creates the record of a setting.
    package init(_ name: String, expected: String, found: String? = nil, reason: String? = nil) {
      (self.name, self.expected, self.found, self.reason) = (name, expected, found, reason)
    }

    /// The setting in one line, for users.
    public var description: String {
      if let found, found != expected { return "\(name): \(found), expected \(expected)" }
      return "\(name): \(expected)" + (reason.map { " (\($0))" } ?? "")
    }
  }

  /// Creates a check of no settings.
  ///
  /// - Parameter published: The published numbers.
  package init(published: [PublishedMetric] = []) {
    (agrees, departures, notChecked) = ([], [], [])
    self.published = published
  }

  /// Adds a setting that was checked.
  ///
  /// - Parameter agrees: Whether what was found is what the protocol demands.
  package mutating func add(_ name: String, expected: String, found: String, agrees isEqual: Bool) {
    let setting = Setting(name, expected: expected, found: found)
    if isEqual { agrees.append(setting) } else { departures.append(setting) }
  }

  /// Adds a setting that could not be checked.
  ///
  /// - Parameter reason: Why it could not be checked.
  package mutating func add(_ name: String, expected: String, notCheckedBecause reason: String) {
    notChecked.append(Setting(name, expected: expected, reason: reason))
  }
}
