import Files
import Foundation
import Mustache

extension ReportPage {
  /// Returns the page as one HTML file that loads nothing, runs nothing, and is also well-formed
  /// XML.
  ///
  /// The templates escape all text, after `plain(_:)` has removed what could defeat the escaping.
  ///
  /// - Throws: The error of the template parser if a built-in template is not valid.
  public func html() throws -> [UInt8] {
    var library = MustacheLibrary()
    for (name, template) in [
      ("cell", PackageResources.cell_mustache), ("page", PackageResources.page_mustache),
      ("picture", PackageResources.picture_mustache), ("table", PackageResources.table_mustache),
    ] {
      try library.register(String(decoding: template, as: UTF8.self), named: name)
    }
    guard let html = library.render(context, withTemplate: "page") else {
      preconditionFailure("the template of the page is registered")
    }
    return Array(html.utf8)
  }
}

/// The values for a template. A name that is missing in an inner context is looked up in the outer
/// one, so every name is either always present or used at only one level.
private typealias Context = [String: Any]

extension ReportPage {
  private var context: Context {
    [
      "title": plain(title), "subtitle": plain(subtitle),
      "sections": sections.enumerated().map { index, section -> Context in
        [
          "id": "part-\(index + 1)", "heading": plain(section.title),
          "blocks": section.blocks.map(\.context),
        ]
      },
    ]
  }
}

extension ReportPage.Block {
  fileprivate var context: Context {
    func paragraph(_ words: String, _ kind: String) -> Context {
      ["paragraph": ["words": plain(words), "kind": kind]]
    }
    return switch self {
    case .text(let words): paragraph(words, "text")
    case .missing(let words): paragraph(words, "missing")
    case .verdict(let words, let mood): paragraph(words, "verdict \(mood.rawValue)")
    case .table(let table): ["table": table.context]
    case .figure(let figure):
      [
        "figure": [
          "text": plain(figure.caption), "data": Data(figure.svg).base64EncodedString(),
          "numbers": figure.table.map { [$0.context] } ?? [],
        ]
      ]
    }
  }
}

extension ReportPage.Table {
  fileprivate var context: Context {
    let columns = headings.enumerated().map { column, heading -> Context in
      let isNumber = rows.contains { column < $0.count && $0[column].isNumber }
      return ["words": plain(heading), "isNumber": isNumber]
    }
    return [
      "caption": plain(caption), "hasHeadings": !headings.isEmpty, "headings": columns,
      "rows": rows.map { row -> Context in
        ["head": row.prefix(1).map(\.context), "cells": row.dropFirst().map(\.context)]
      },
    ]
  }
}

extension ReportPage.Cell {
  fileprivate var isNumber: Bool { if case .number = self { true } else { false } }

  fileprivate var context: Context {
    let (words, pictures): (String, [ReportPage.Picture]) =
      switch self {
      case .text(let words), .number(let words), .code(let words): (words, [])
      case .pictures(let pictures): ("", pictures)
      }
    let isCode = if case .code = self { true } else { false }
    return [
      "words": plain(words), "isNumber": isNumber, "isCode": isCode,
      "hasPictures": !pictures.isEmpty, "pictures": pictures.map(\.context),
    ]
  }
}

extension ReportPage.Picture {
  /// The values for the template. Small pictures are enlarged by an integer factor, large ones
  /// reduced.
  fileprivate var context: Context {
    let (side, comfortable) = (max(width, height, 1), 64)
    let factor = max(1, comfortable / side)
    let scale = Double(factor) * min(1, 128 / Double(factor * side))
    return [
      "data": Data(png).base64EncodedString(), "text": plain(text),
      "width": max(1, Int(scale * Double(width))), "height": max(1, Int(scale * Double(height))),
      "isEnlarged": factor > 1, "hasLabel": caption != nil, "label": plain(caption ?? ""),
    ]
  }
}

/// Returns `text` with everything that the templates' escaping does not handle written as `\u{…}`:
/// control characters, marks that combine with one of HTML's special characters, and characters
/// that HTML text may not contain.
func plain(_ text: String) -> String {
  var result = ""
  for character in escaped(text) {
    var scalars = character.unicodeScalars[...]
    if let first = scalars.first, scalars.count > 1, "<>&\"'".unicodeScalars.contains(first) {
      result.unicodeScalars.append(first)
      scalars = scalars.dropFirst()
      for scalar in scalars { result += "\\u{\(String(scalar.value, radix: 16))}" }
      continue
    }
    for scalar in scalars {
      // U+FDD0 to U+FDEF and the last two code points of each plane are not characters.
      if (0xFDD0...0xFDEF).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
  return result
}
