import Foundation
import FoundationXML

/// A page read as XML: its elements with the names of their attributes, and its text.
final class PageStructure: NSObject, XMLParserDelegate {
  private(set) var elements: [String] = []
  private(set) var attributes: [(name: String, value: String)] = []
  private(set) var text = ""
  private(set) var isWellFormed = false

  init(_ html: [UInt8]) {
    super.init()
    let parser = XMLParser(data: Data(html))
    parser.delegate = self
    isWellFormed = parser.parse()
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements.append(([name] + attributes.keys.sorted()).joined(separator: " "))
    self.attributes += attributes.map { ($0.key, $0.value) }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

  func values(of name: String) -> [String] {
    attributes.filter { $0.name == name }.map(\.value)
  }
}
