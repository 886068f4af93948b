/// A report as plain data: what it says in which order, and nothing of how it looks.
///
/// All text may come from outside; ``html()`` escapes it.
public struct ReportPage: Sendable {
  /// The heading.
  public var title: String
  /// A sentence below it.
  public var subtitle: String
  /// The parts, each with a heading and a place in the table of contents.
  public var sections: [Section]

  /// Makes a page.
  public init(title: String, subtitle: String, sections: [Section]) {
    self.title = title
    self.subtitle = subtitle
    self.sections = sections
  }

  /// A part of the page.
  public struct Section: Sendable {
    /// The heading.
    public var title: String
    /// What stands below it.
    public var blocks: [Block]

    /// Makes a section.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// A piece of a section.
  public enum Block: Sendable {
    /// A paragraph.
    case text(String)
    /// What is not on the page, and the option that adds it.
    case missing(String)
    /// What a gate says.
    case verdict(String, Mood)
    case table(Table)
    case figure(Figure)
  }

  /// Whether a verdict is good. Its words say so too: colour is never alone.
  public enum Mood: String, Sendable {
    case good, bad, unsure
  }

  /// Rows below headings; the first cell of each row is its heading.
  public struct Table: Sendable {
    /// What the rows are.
    public var caption: String
    /// The headings of the columns; empty for a list of names and values.
    public var headings: [String]
    /// As many cells as there are headings, in each row.
    public var rows: [[Cell]]

    /// Makes a table.
    public init(_ caption: String, headings: [String] = [], rows: [[Cell]]) {
      self.caption = caption
      self.headings = headings
      self.rows = rows
    }
  }

  /// What stands in a cell.
  public enum Cell: Sendable, ExpressibleByStringInterpolation {
    case text(String)
    /// Aligned with the numbers above and below it.
    case number(String)
    /// Hashes and paths, which break anywhere.
    case code(String)
    /// Beside each other.
    case pictures([Picture])

    /// Text.
    public init(stringLiteral text: String) { self = .text(text) }
  }

  /// A small picture.
  public struct Picture: Sendable {
    /// The bytes of a PNG file.
    public var png: [UInt8]
    /// Its size in pixels.
    public var width: Int, height: Int
    /// What it is, for those who do not see it.
    public var text: String
    /// Said below it, nil for nothing.
    public var caption: String?

    /// Makes a picture.
    public init(png: [UInt8], width: Int, height: Int, text: String, caption: String? = nil) {
      self.png = png
      self.width = width
      self.height = height
      self.text = text
      self.caption = caption
    }
  }

  /// A drawing, with its numbers.
  public struct Figure: Sendable {
    /// What it shows.
    public var caption: String
    /// The bytes of an SVG file. It is shown as an image: scripts in it do not run, and nothing that it
    /// refers to is loaded.
    public var svg: [UInt8]
    /// The numbers behind it, nil when they are not known.
    public var table: Table?

    /// Makes a figure.
    public init(_ caption: String, svg: [UInt8], table: Table?) {
      self.caption = caption
      self.svg = svg
      self.table = table
    }
  }
}
