import Foundation
import Reporting
import Testing

@Suite("HTML page") struct ReportPageTests {
  /// A page with every kind of block, all of its text `text`.
  private func page(_ text: String) -> ReportPage {
    let picture = ReportPage.Picture(
      png: [1, 2, 3], width: 28, height: 28, text: text, caption: text)
    let table = ReportPage.Table(
      text, headings: [text, text, text, text],
      rows: [[.text(text), .number(text), .code(text), .pictures([picture, picture])]])
    return ReportPage(
      title: text, subtitle: text,
      sections: [
        ReportPage.Section(
          text,
          [
            .text(text), .missing(text), .verdict(text, .good), .verdict(text, .unsure),
            .table(table), .table(ReportPage.Table(text, rows: [[.text(text), .code(text)]])),
            .figure(ReportPage.Figure(text, svg: Array("<svg/>".utf8), table: table)),
          ])
      ])
  }

  @Test func loadsAndRunsNothing() throws {
    let html = try page("text").html()
    let structure = PageStructure(html)
    #expect(structure.isWellFormed)
    #expect(
      structure.values(of: "content").contains(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"))
    #expect(structure.values(of: "src").allSatisfy { $0.hasPrefix("data:image/") })
    #expect(structure.values(of: "href").allSatisfy { $0.hasPrefix("#") })
    #expect(!structure.elements.contains { $0.hasPrefix("script") || $0.hasPrefix("link") })
    let text = String(decoding: html, as: UTF8.self)
    #expect(!text.contains("http:") && !text.contains("https:") && !text.contains("url("))
  }

  @Test func isAccessible() throws {
    let structure = PageStructure(try page("text").html())
    let images = structure.elements.filter { $0.hasPrefix("img") }
    #expect(images.count == 5 && images.allSatisfy { $0.contains("alt") })
    #expect(structure.elements.contains("html lang"))
    for landmark in ["header", "nav aria-label", "main id tabindex", "footer"] {
      #expect(structure.elements.contains(landmark))
    }
    let ids = structure.values(of: "id")
    #expect(Set(ids).count == ids.count)
    #expect(structure.values(of: "aria-labelledby").allSatisfy(ids.contains))
    #expect(structure.values(of: "href").allSatisfy { ids.contains(String($0.dropFirst())) })
  }

  /// Whatever the text is, the elements and attributes of the page are the same, and the text comes out
  /// as it went in, but for what no text may hold.
  @Test(arguments: [
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("\" onerror=\"alert(1)", "\" onerror=\"alert(1)"),
    ("' x='", "' x='"),
    ("&lt;b&gt; & &amp;", "&lt;b&gt; & &amp;"),
    ("</td></table></body>", "</td></table></body>"),
    ("]]> <!-- --> <![CDATA[", "]]> <!-- --> <![CDATA["),
    ("{{title}} {{{data}}} {{#sections}}", "{{title}} {{{data}}} {{#sections}}"),
    ("a\u{0}b\u{1B}[31m\nc\u{202E}d", "a\\u{0}b\\u{1b}[31m\\u{a}c\\u{202e}d"),
    // A mark makes another character of a quote, which a table of characters does not find.
    ("\"\u{301} onload=\"\u{301}x", "\"\\u{301} onload=\"\\u{301}x"),
    ("<\u{338}b>\u{FE0F}", "<\\u{338}b>\\u{fe0f}"),
    (
      String(decoding: [0xFFFF, 0xFDD0, 0xD83F, 0xDFFE], as: UTF16.self),
      "\\u{ffff}\\u{fdd0}\\u{1fffe}"
    ),
    ("näht e\u{301} 🧵", "näht e\u{301} 🧵"),
  ])
  func textStaysText(_ text: String, _ shown: String) throws {
    let structure = PageStructure(try page(text).html())
    #expect(structure.isWellFormed)
    #expect(structure.elements == PageStructure(try page("text").html()).elements)
    #expect(structure.text.contains(shown))
    #expect(structure.values(of: "alt").allSatisfy { $0 == shown })
  }

  @Test func picturesAreEnlargedByWholeFactorsAndReduced() throws {
    func widths(_ width: Int, _ height: Int) throws -> [String] {
      let picture = ReportPage.Picture(png: [], width: width, height: height, text: "")
      let table = ReportPage.Table("", rows: [["", .pictures([picture])]])
      let page = ReportPage(
        title: "", subtitle: "", sections: [ReportPage.Section("", [.table(table)])])
      let structure = PageStructure(try page.html())
      return structure.values(of: "width") + structure.values(of: "height")
    }
    #expect(try widths(28, 28) == ["56", "56"])
    #expect(try widths(32, 16) == ["64", "32"])
    #expect(try widths(100, 90) == ["100", "90"])
    #expect(try widths(256, 128) == ["128", "64"])
    #expect(try widths(1, 60_000) == ["1", "128"])
  }
}
