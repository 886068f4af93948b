import Diffusion
import DisEval
import FeatureExtractors
import Features
import Files
import Foundation
import Images
import Results
import Sampling
import Testing
import Work
import _TestSupport

@Suite("Run directories") struct RunDirectoryTests {
  private let run: SmallRun

  init() throws { run = try SmallRun() }

  @Test func aRunIsBegunAndGrows() async throws {
    let begun = try await run.open(7)
    #expect(begun.record.unit == 3 && begun.record.counts == [7])
    #expect(begun.record.units(count: 7).map(\.name) == ["000000-3", "000003-3", "000006-1"])
    let same = try await run.open(7, unit: 5)
    #expect(same.record.unit == 3, "the size of units is that of the beginning")
    let grown = try await run.open(11)
    #expect(grown.record.counts == [7, 11])
    #expect(
      grown.record.units(count: 11).map(\.name)
        == ["000000-3", "000003-3", "000006-1", "000007-3", "000010-1"])
    let fewer = try await run.open(5)
    #expect(fewer.record.counts == [7, 11])
    #expect(fewer.record.units(count: 5).map(\.name) == ["000000-3", "000003-3"])
  }

  @Test func anotherConfigurationIsRefused() async throws {
    _ = try await run.open(4)
    let seed = await #expect(throws: Failure.self) { _ = try await run.open(4, seed: 1) }
    #expect(seed?.code == .otherConfiguration && seed?.status == .cannotCreate)
    #expect(seed?.detail.contains("seed is 0 there, 1 is asked for") == true)
    let kernels = await #expect(throws: Failure.self) {
      _ = try await run.open(4, kernels: "others")
    }
    #expect(kernels?.code == .kernelMismatch && kernels?.status == .cannotCreate)
  }

  @Test func aFolderOfSomethingElseIsRefused() async throws {
    try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
    try Data("x".utf8).write(to: URL(fileURLWithPath: "\(run.path)/notes.txt"))
    let failure = await #expect(throws: Failure.self) { _ = try await run.open(4) }
    #expect(failure?.code == .notEmpty)
    #expect(throws: Failure.self) { _ = try RunDirectory(path: run.path) }
  }

  @Test func unitsAreTheSameWhateverMadeThem() async throws {
    try await run.make(run.open(7), count: 7)
    let expected = try run.units()
    #expect(expected.count == 3)
    for (threads, unit) in [(1, 3), (3, 3)] {
      let other = try SmallRun()
      try await other.make(other.open(7, unit: unit), count: 7, threads: threads)
      let units = try other.units()
      #expect(units == expected)
    }
  }

  @Test func aUnitIsReadBack() async throws {
    let directory = try await run.open(4)
    try await run.make(directory, count: 4)
    let content = try directory.read(directory.record.units(count: 4)[0])
    #expect(content.count == 3)
    for offset in 0..<3 {
      let image = try run.generator.image(run.generator.sample(offset), index: offset)
      #expect(content.image(at: offset)?.pixels == image.pixels)
      #expect(content.label(at: offset) == run.generator.label(offset))
      let features = content.scoredImage(at: offset).features[.pytorch]
      #expect(features?.features == image.pixels.prefix(2).map { Float($0) })
    }
  }

  @Test func damagedAndForeignUnitsAreMadeAgain() async throws {
    let directory = try await run.open(7)
    try await run.make(directory, count: 7)
    let expected = try run.units()
    let units = directory.record.units(count: 7)
    for (name, bytes) in expected where !name.hasPrefix("000006") {
      var broken = bytes
      broken[broken.count - 1] ^= 1
      try broken.write(to: URL(fileURLWithPath: "\(run.path)/units/\(name)"))
    }
    let missing = try directory.missing(units, reporter: .silent)
    #expect(missing == Array(units.prefix(2)))
    try await run.make(directory, count: 7)
    let again = try run.units()
    #expect(again == expected)
  }

  @Test func twoProcessesMustAgree() async throws {
    let directory = try await run.open(3)
    try await run.make(directory, count: 3)
    let unit = directory.record.units(count: 3)[0]
    let content = try directory.read(unit)
    try directory.commit(content, as: unit)
    var other = UnitContent(first: 0, kept: directory.record.configuration.kept)
    let image = try #require(content.image(at: 0))
    for _ in 0..<3 {
      other.append(image, label: 0, try ScoredImage(image, run.extractor, [.pytorch]))
    }
    let failure = #expect(throws: Failure.self) { try directory.commit(other, as: unit) }
    #expect(failure?.code == .unitDiffers && failure?.status == .internalError)
  }

  @Test func whatIsSavedIsContinued() async throws {
    let directory = try await run.open(3)
    let unit = directory.record.units(count: 3)[0]
    #expect(directory.saved(unit) == nil)
    // One sample is whole, the next one has taken a step.
    var content = UnitContent(first: 0, kept: directory.record.configuration.kept)
    let image = try run.generator.image(run.generator.sample(0), index: 0)
    content.append(
      image, label: run.generator.label(0), try ScoredImage(image, run.extractor, [.pytorch]))
    var state = run.generator.start(1)
    run.generator.advance(&state, 1)
    try directory.save(content, state, as: unit)
    let saved = try #require(directory.saved(unit))
    #expect(saved.content.count == 1 && saved.sampling?.step == state.step)
    try await run.make(directory, count: 3)
    let continued = try run.units()
    let whole = try SmallRun()
    try await whole.make(whole.open(3), count: 3)
    let expected = try whole.units()
    #expect(continued == expected, "and the saved state is gone")
  }

  @Test func onlyTemporaryFilesOfOursAreRemoved() async throws {
    let directory = try await run.open(3)
    try await run.make(directory, count: 3)
    let expected = try run.units()
    let mine = "\(run.path)/units/notes.tmp"
    try Data("x".utf8).write(to: URL(fileURLWithPath: mine))
    try directory.sweep()
    #expect(FileManager.default.fileExists(atPath: mine))
    RunDirectory.remove(run.path)
    let left = try run.units()
    #expect(left.keys.sorted() == ["notes.tmp"] && expected.count == 1)
  }

  @Test func aStoppedRunWritesNoMore() async throws {
    let directory = try await run.open(3)
    let units = directory.record.units(count: 3)
    let runner = UnitRunner(
      directory, source: .checkpoint(run.generator), extractor: run.extractor,
      saveInterval: .seconds(60),
      reporter: .silent)
    try runner.stop()
    await #expect(throws: (any Error).self) {
      try await runner.make(units, of: units, threads: 1)
    }
    let files = try run.units()
    #expect(files.isEmpty)
  }
}
