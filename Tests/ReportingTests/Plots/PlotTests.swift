import Files
import Foundation
import FoundationXML
import Reporting
import Testing
import _TestSupport

@Suite("Plots") struct PlotTests {
  static let evil =
    "q\" ' `touch evil` $HOME \\n \\101 {a_b^2} #x @m; system 'touch evil' <b>&amp; %s é"

  func plot(_ name: String = "a", title: String = "title") throws -> Plot {
    let points = [(1.0, 9.0), (3, 5), (10, 2.5), (40, 1.2)]
    let law = try PowerLaw(points.map { (x: $0.0, y: $0.1) })
    return Plot(
      title, x: Plot.Axis("Steps", isLogarithmic: true), y: Plot.Axis("fd", isLogarithmic: true),
      series: [
        Plot.Series(
          name,
          points: points.map {
            Plot.Point(name, x: $0.0, y: $0.1, interval: $0.1 * 0.9...$0.1 * 1.1)
          },
          law: law),
        Plot.Series("other", points: [Plot.Point("p", x: 2, y: 4), Plot.Point("q", x: 1, y: 3)]),
      ], notes: ["a note \(name)"])
  }

  @Test func pointsAreInOrder() throws {
    #expect(try plot().series[1].points.map(\.name) == ["q", "p"])
  }

  /// The lines are read again as they were written.
  @Test func csv() throws {
    let text = try plot("a,\"b\"").csv
    #expect(
      text.hasPrefix(
        """
        # title
        # x: Steps
        # y: fd
        # a note a,"b"
        series,name,x,y,low,high,kind
        "a,""b""\","a,""b""\",1.0,9.0,8.1,9.9,evaluation
        """.replacing("\\\"", with: "\"")), "\(text)")
    #expect(text.hasSuffix("other,q,1.0,3.0,,,evaluation\nother,p,2.0,4.0,,,evaluation\n"))
  }

  /// For Swift, a quote and its mark are one character, as are the two scalars that end a line.
  @Test func csvOfAQuoteWithAMark() throws {
    let bytes = Array(try plot("a\"\u{301}\r\n").csv.utf8)
    #expect(bytes.firstRange(of: Array("\n# a note a\"\u{301}  \nseries".utf8)) != nil)
    #expect(bytes.firstRange(of: Array("\n\"a\"\"\u{301}\r\n\",\"a".utf8)) != nil)
    #expect(try plot("a\nb").csv.contains("\"a\nb\",\"a\nb\",1.0"))
  }

  /// A drawing leaves out what its axes cannot show.
  @Test(
    arguments: [[1e308, -1e308, 1], [5e-324, 1e308, 1], [1e300, 1e300, 1e300]], [true, false])
  func numbersBeyondEveryAxis(values: [Double], isLogarithmic: Bool) throws {
    let points = values.map { Plot.Point("p", x: abs($0), y: $0) }
    let axis = Plot.Axis("axis", isLogarithmic: isLogarithmic)
    let plot = Plot("title", x: axis, y: axis, series: [Plot.Series("s", points: points)])
    let script = try plot.picture(.svg, at: "plot.svg").first { $0.path == "plot.gp" }
    let text = String(decoding: try #require(script).bytes, as: UTF8.self)
    #expect(text.contains("set xrange [") && !text.contains("inf") && !text.contains("nan"))
    _ = try plot.vegaLite()
  }

  @Test func vegaLiteHasEveryPoint() throws {
    let document = try jsonObject(Data(try plot(Self.evil).vegaLite()))
    let layers = try #require((document as? [String: Any])?["layer"] as? [[String: Any]])
    let marks = layers.compactMap { ($0["mark"] as? [String: Any])?["type"] as? String }
    #expect(marks == ["area", "line", "line", "rule", "point"])
    let values = ((layers.last?["data"] as? [String: Any])?["values"] as? [[String: Any]]) ?? []
    #expect(values.count == 6)
    #expect(values[0]["series"] as? String == Self.evil && values[0]["y"] as? Double == 9)
  }

  @Test func json() throws {
    let text = String(decoding: try plot().json(), as: UTF8.self)
    #expect(
      text.contains("\"schema\" : \"dis-eval-plot/1\"") && text.contains("\"exponent_interval\""))
  }

  /// gnuplot reads and writes its standard streams; the files beside a picture draw the same one.
  @Test func theScriptDrawsThePicture() throws {
    let folder = try TemporaryFolder()
    try plot(Self.evil, title: Self.evil).draw(.svg, to: folder.path("fig.svg"))
    let drawn = try Data(contentsOf: URL(filePath: folder.path("fig.svg")))
    try FileManager.default.removeItem(atPath: folder.path("fig.svg"))
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["LC_ALL=C.UTF-8", "gnuplot", "-d", "fig.gp"]
    process.currentDirectoryURL = folder.url
    try process.run()
    process.waitUntilExit()
    #expect(try Data(contentsOf: URL(filePath: folder.path("fig.svg"))) == drawn)
  }

  /// Every text is drawn as it is, nothing is run, and twice the same bytes come out.
  @Test func textsAreNoCode() throws {
    let folder = try TemporaryFolder()
    let plot = try plot(Self.evil, title: Self.evil + "\nsecond\tline\u{0}")
    for round in ["a", "b"] {
      try plot.draw(.svg, to: folder.path("\(round)/fig.svg", creating: true))
    }
    let svg = try Data(contentsOf: folder.url.appendingPathComponent("a/fig.svg"))
    #expect(try svg == Data(contentsOf: folder.url.appendingPathComponent("b/fig.svg")))
    let texts = try XMLDocument(data: svg).nodes(forXPath: "//*[local-name()='text']")
      .compactMap { $0.stringValue?.trimmingCharacters(in: .whitespaces) }
    #expect(texts.contains(Self.evil), "\(texts)")
    // The title is divided into lines between words.
    #expect(texts.joined(separator: " ").contains(Self.evil + " second line"), "\(texts)")
    let files = FileManager.default.enumerator(atPath: folder.url.path)?.compactMap {
      $0 as? String
    }
    #expect(
      Set(files ?? []) == [
        "a", "a/fig.dat", "a/fig.gp", "a/fig.svg", "b", "b/fig.dat", "b/fig.gp", "b/fig.svg",
      ])
    let script = try String(
      contentsOf: folder.url.appendingPathComponent("a/fig.gp"), encoding: .utf8)
    #expect(!script.contains("evil") && !script.replacing(" notitle", with: "").contains("title"))
  }

  /// Names of several kinds of awkwardness, one after another.
  @Test(arguments: [
    "\"quoted\"", "\\", "'", "\n", "#", " ", "\u{202E}x", "a\\\"b", "{/Bold x}", "𝛼",
  ])
  func awkwardNames(name: String) throws {
    let folder = try TemporaryFolder()
    try plot(name, title: name).draw(.svg, to: folder.path("f.svg"))
    let svg = try Data(contentsOf: folder.url.appendingPathComponent("f.svg"))
    let texts = try XMLDocument(data: svg).nodes(forXPath: "//*[local-name()='text']")
      .compactMap { $0.stringValue?.trimmingCharacters(in: .whitespaces.union(["\u{200B}"])) }
    #expect(texts.contains(name.trimmingCharacters(in: .whitespacesAndNewlines)), "\(texts)")
  }

  @Test(arguments: [
    (PictureFormat.png, [0x89, 0x50, 0x4E, 0x47]), (.pdf, [0x25, 0x50, 0x44, 0x46]),
  ])
  func pictures(format: PictureFormat, magic: [UInt8]) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("fig.\(format.rawValue)")
    try plot().draw(format, to: path)
    let first = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(first.starts(with: magic) && first.count > 5000)
    // The second in which it is drawn is not in it.
    Thread.sleep(forTimeInterval: format == .pdf ? 1.1 : 0)
    try plot().draw(format, to: path)
    let second = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(isSamePicture(first, second))
  }

  @Test(arguments: ["a'b.svg", "-x.svg", "a b.svg", "é.svg", ".svg"])
  func namesOfFiles(name: String) throws {
    let folder = try TemporaryFolder()
    let plot = try plot()
    #expect {
      try plot.draw(.svg, to: folder.path(name))
    } throws: { ($0 as? Failure)?.code == .fileName }
  }

  /// Points on one place, one point, values below 0, no points at all.
  @Test func degenerateData() throws {
    let folder = try TemporaryFolder()
    for (index, points) in [[(5.0, 5.0)], [(5, 5), (5, 5)], [(5, -3), (6, 0)], [], [(0, 0)]]
      .enumerated()
    {
      let plot = Plot(
        "few", x: Plot.Axis("x", isLogarithmic: false), y: Plot.Axis("y", isLogarithmic: false),
        series: [Plot.Series("s", points: points.map { Plot.Point("p", x: $0.0, y: $0.1) })])
      try plot.draw(.svg, to: folder.path("p\(index).svg"))
      _ = try plot.vegaLite()
    }
  }
}

extension TemporaryFolder {
  fileprivate func path(_ name: String, creating: Bool) throws -> String {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    return file.path
  }
}

extension Plot {
  /// Writes a picture with what belongs beside it.
  fileprivate func draw(_ format: PictureFormat, to path: String) throws {
    for file in try picture(format, at: path) { try AtomicFile.write(file.bytes, to: file.path) }
  }
}
