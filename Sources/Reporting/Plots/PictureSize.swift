import Foundation

/// The width and the height of a drawing, such as `3.3x2.4in` for a column of a paper.
public struct PictureSize: Equatable, Sendable, CustomStringConvertible {
  /// The unit of a width and a height.
  public enum Unit: String, CaseIterable, Sendable {
    /// Inches.
    case inches = "in"
    /// Centimetres.
    case centimetres = "cm"
    /// Millimetres.
    case millimetres = "mm"
    /// Pixels, which a PDF does not have.
    case pixels = "px"

    /// The number of hundredths of an inch in one unit; a pixel counts as one of them.
    fileprivate var hundredths: Double {
      switch self {
      case .inches: 100
      case .centimetres: 100 / 2.54
      case .millimetres: 10 / 2.54
      case .pixels: 1
      }
    }
  }

  /// The width, in the unit.
  public let width: Double
  /// The height, in the unit.
  public let height: Double
  /// The unit of both.
  public let unit: Unit

  /// The possible widths and heights, in hundredths of an inch, or in pixels.
  private static let possible = 100.0...10_000

  /// Creates a size from its text: width, `x`, height, and `in`, `cm`, `mm` or `px`.
  ///
  /// - Parameter text: For example `3.3x2.4in`. Returns nil if the text has another form, or a width or
  ///   height below one inch or above 100 inches (100 to 10,000 pixels).
  public init?(_ text: String) {
    guard let match = text.wholeMatch(of: /([0-9.]{1,9})x([0-9.]{1,9})(in|cm|mm|px)/),
      let width = Double(match.1), let height = Double(match.2),
      let unit = Unit(rawValue: String(match.3))
    else { return nil }
    (self.width, self.height, self.unit) = (width, height, unit)
    guard Self.possible.contains(units.width), Self.possible.contains(units.height) else {
      return nil
    }
  }

  /// The size as it is given: `3.3x2.4in`.
  public var description: String { "\(Self.plain(width))x\(Self.plain(height))\(unit.rawValue)" }

  /// Returns a number without unnecessary decimals.
  static func plain(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : "\(value)"
  }

  /// The size in hundredths of an inch, or in pixels.
  var units: (width: Double, height: Double) {
    (width * unit.hundredths, height * unit.hundredths)
  }
}

extension PictureSize {
  /// Returns a size of this unit with another height.
  ///
  /// - Parameter units: The height in hundredths of an inch, or in pixels.
  func withHeight(_ units: Double) -> (width: Double, height: Double) {
    (width, units / unit.hundredths)
  }
}
