/// A report as plain data: the content and its order, without its appearance.
///
/// All text may be untrusted; ``html()`` escapes it.
public struct ReportPage: Sendable {
  /// The heading.
  public var title: String
  /// A sentence below the heading.
  public var subtitle: String
  /// The sections, each with a heading and an entry in the table of contents.
  public var sections: [Section]

  /// Creates a page from its heading and sections.
  ///
  /// - Parameters:
  ///   - title: The heading.
  ///   - subtitle: A sentence below the heading.
  ///   - sections: The sections, in their order on the page.
  public init(title: String, subtitle: String, sections: [Section]) {
    self.title = title
    self.subtitle = subtitle
    self.sections = sections
  }

  /// A section of the page.
  public struct Section: Sendable {
    /// The heading.
    public var title: String
    /// The content below the heading.
    public var blocks: [Block]

    /// Creates a section, with an entry in the table of contents.
    ///
    /// - Parameters:
    ///   - title: The heading.
    ///   - blocks: The content below the heading, in order.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// A paragraph, table, drawing or other part of a section.
  public enum Block: Sendable {
    /// A paragraph.
    case text(String)
    /// A note on something missing from the page, with the option that adds it.
    case missing(String)
    /// The verdict of a gate.
    case verdict(String, Mood)
    /// A table.
    case table(Table)
    /// Pictures with a caption.
    case figure(Figure)
  }

  /// Whether a verdict is good. The verdict's words also convey this; colour is never the only
  /// indication.
  public enum Mood: String, Sendable {
    /// Every check is met.
    case good
    /// A check is not met.
    case bad
    /// A check is undecided.
    case unsure
  }

  /// A table. The first cell of each row is the heading of the row.
  public struct Table: Sendable {
    /// A description of the rows.
    public var caption: String
    /// The headings of the columns; empty for a list of names and values.
    public var headings: [String]
    /// The rows, each with as many cells as there are headings.
    public var rows: [[Cell]]

    /// Creates a table from its rows.
    ///
    /// - Parameters:
    ///   - caption: A description of the rows.
    ///   - headings: The headings of the columns; empty for a list of names and values.
    ///   - rows: The rows, each with as many cells as there are headings, or two without headings.
    public init(_ caption: String, headings: [String] = [], rows: [[Cell]]) {
      self.caption = caption
      self.headings = headings
      self.rows = rows
    }
  }

  /// The content of a cell.
  public enum Cell: Sendable, ExpressibleByStringInterpolation {
    /// Words.
    case text(String)
    /// A number, aligned with the numbers above and below it.
    case number(String)
    /// A hash or a path, which may be broken anywhere.
    case code(String)
    /// Pictures next to each other.
    case pictures([Picture])

    /// Creates a cell with text.
    public init(stringLiteral text: String) { self = .text(text) }
  }

  /// A small picture.
  public struct Picture: Sendable {
    /// The bytes of a PNG file.
    public var png: [UInt8]
    /// The size in pixels.
    public var width: Int, height: Int
    /// A description of the picture, for those who cannot see it.
    public var text: String
    /// The text below the picture; nil for none.
    public var caption: String?

    /// Creates a picture from a PNG file.
    ///
    /// - Parameters:
    ///   - png: The bytes of the file.
    ///   - width: The width in pixels.
    ///   - height: The height in pixels.
    ///   - text: A description of the picture, for those who cannot see it.
    ///   - caption: The text below the picture; nil for none.
    public init(png: [UInt8], width: Int, height: Int, text: String, caption: String? = nil) {
      self.png = png
      self.width = width
      self.height = height
      self.text = text
      self.caption = caption
    }
  }

  /// A drawing with its numbers.
  public struct Figure: Sendable {
    /// A description of the drawing.
    public var caption: String
    /// The bytes of an SVG file. It is shown as an image: scripts in it do not run, and nothing
    /// that it refers to is loaded.
    public var svg: [UInt8]
    /// The numbers in the drawing; nil if unknown.
    public var table: Table?

    /// Creates a figure from an SVG file.
    ///
    /// - Parameters:
    ///   - caption: A description of the drawing.
    ///   - svg: The bytes of the file.
    ///   - table: The numbers in the drawing; nil if unknown.
    public init(_ caption: String, svg: [UInt8], table: Table?) {
      self.caption = caption
      self.svg = svg
      self.table = table
    }
  }
}
