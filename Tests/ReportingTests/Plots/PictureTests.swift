import Files
import Foundation
import Reporting
import Testing
import _TestSupport

/// Pictures in the sizes of papers.
@Suite("Sizes of pictures") struct PictureTests {
  /// A plot of a number of series over some decades.
  private func plot(_ names: [String], decades: Double = 2, size: String?) -> Plot {
    let series = names.enumerated().map { index, name in
      Plot.Series(
        name,
        points: (0...4).map { place in
          let x = 1000 * pow(10, decades * Double(place) / 4)
          return Plot.Point("p", x: x, y: 300 * pow(x, -0.3) * (1 + 0.2 * Double(index)))
        })
    }
    var plot = Plot(
      "A title", x: Plot.Axis("Training steps", isLogarithmic: true),
      y: Plot.Axis("FID-10K", isLogarithmic: true), series: series, notes: ["A note."])
    plot.size = size.flatMap(PictureSize.init)
    return plot
  }

  private func picture(_ plot: Plot, _ format: PictureFormat) throws -> [UInt8] {
    try #require(plot.picture(format, at: "f.\(format.rawValue)").last).bytes
  }

  /// The texts of an SVG, with their places.
  private func texts(_ plot: Plot) throws -> [(text: String, x: Double, y: Double)] {
    let svg = String(decoding: try picture(plot, .svg), as: UTF8.self)
    let pattern = /translate\(([0-9.-]+),([0-9.-]+)\)[^>]*>\s*<text>(?:<tspan[^>]*>)?([^<]*)</
    return svg.matches(of: pattern).map { match in
      (
        match.3.trimmingCharacters(in: .whitespaces), Double(match.1) ?? .nan,
        Double(match.2) ?? .nan
      )
    }
  }

  @Test(arguments: [
    ("3.3x2.4in", 3.3, 2.4, PictureSize.Unit.inches), ("84x60mm", 84, 60, .millimetres),
    ("8.4x6cm", 8.4, 6, .centimetres), ("640x480px", 640, 480, .pixels),
  ])
  func sizes(text: String, width: Double, height: Double, unit: PictureSize.Unit) throws {
    let size = try #require(PictureSize(text))
    #expect(size.width == width && size.height == height && size.unit == unit)
    #expect(size.description == text)
  }

  @Test(arguments: [
    "", "3x2", "3x2pt", "x2in", "-3x2in", "0.5x2in", "nanxnanin", "3 x 2in", "3x2IN",
  ])
  func otherSizes(text: String) { #expect(PictureSize(text) == nil) }

  /// The pages of a PDF are counted in points, 72 for an inch.
  @Test func sizeOfAPDF() throws {
    var plot = plot(["a"], size: "3.3x2.4in")
    plot.caption = .none
    let text = String(decoding: try picture(plot, .pdf), as: UTF8.self)
    let box = try #require(text.firstMatch(of: /MediaBox \[ *0 0 ([0-9.]+) ([0-9.]+)/))
    #expect(abs((Double(box.1) ?? 0) - 237.6) < 1 && abs((Double(box.2) ?? 0) - 172.8) < 1)
  }

  @Test func sizeInPixels() throws {
    var plot = plot(["a"], size: "400x300px")
    plot.caption = .none
    let png = try picture(plot, .png)
    #expect(png[16..<24].elementsEqual([0, 0, 1, 144, 0, 0, 1, 44]))
    let svg = String(decoding: try picture(plot, .svg).prefix(200), as: UTF8.self)
    #expect(svg.contains("width=\"400\" height=\"300\""))
    #expect { try picture(plot, .pdf) } throws: { ($0 as? Failure)?.code == .pictureSize }
  }

  @Test func captions() throws {
    var plot = plot(["a"], size: "3.3x2.4in")
    #expect(try texts(plot).map(\.text).filter { $0.hasPrefix("A ") } == ["A title", "A note."])
    plot.caption = .title
    #expect(try texts(plot).map(\.text).filter { $0.hasPrefix("A ") } == ["A title"])
    plot.caption = .none
    #expect(try texts(plot).map(\.text).filter { $0.hasPrefix("A ") }.isEmpty)
    #expect(plot.csv.contains("# A note."))
  }

  /// Ticks have space, whatever the size and the range are.
  @Test(arguments: ["2.5x2in", "3.3x2.4in", "6.8x2.6in", nil], [0.2, 1, 2, 4, 7])
  func ticksDoNotOverlap(size: String?, decades: Double) throws {
    let found = try texts(plot(["a"], decades: decades, size: size))
    let rows = Dictionary(grouping: found.filter { tick($0.text) }, by: \.y).values
    let across = try #require(rows.max { $0.count < $1.count }).sorted { $0.x < $1.x }
    #expect(across.count >= 2)
    // 8 points are 11 units, and a digit is a little wider than half of that.
    let letter = size == nil ? 8.0 : 6
    for (left, right) in zip(across, across.dropFirst()) {
      let room = right.x - left.x
      #expect(room > letter * Double(left.text.count + right.text.count) / 2, "\(left) \(right)")
    }
  }

  private func tick(_ text: String) -> Bool {
    text.wholeMatch(of: /[0-9.]+[kM]?|.*10[⁰-⁹⁻]+/) != nil
  }

  /// Names are at the right if there is space, and otherwise in a legend above, within the picture.
  @Test(arguments: ["3.3x2.4in", "6.8x2.6in", nil])
  func names(size: String?) throws {
    let short = ["one", "two", "three"]
    let right = try texts(plot(short, size: size)).filter { short.contains($0.text) }
    #expect(right.count == 3 && right.allSatisfy { $0.x > 200 })
    let long = (1...7).map { "a name of some length, number \($0)" }
    var plot = plot(long, size: size)
    plot.caption = .none
    let above = try texts(plot).filter { long.contains($0.text) }
    #expect(above.count == 7)
    if size == "3.3x2.4in" { #expect(above.allSatisfy { $0.x < 200 && $0.y < 150 }) }
    #expect(Set(above.map { "\($0.x) \($0.y)" }).count == 7)
  }

  /// A given size that is too small is refused, and the default grows.
  @Test func manySeries() throws {
    let names = (1...60).map { "series number \($0) with a long name" }
    #expect { try picture(plot(names, size: "3.3x2.4in"), .svg) } throws: {
      ($0 as? Failure)?.code == .pictureSize
    }
    #expect(try texts(plot(names, size: nil)).count { names.contains($0.text) } == 60)
  }
}
