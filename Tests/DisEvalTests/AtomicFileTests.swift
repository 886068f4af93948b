import Files
import Foundation
import Testing
import _TestSupport

@Suite struct AtomicFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: folder.path(name), encoding: .utf8)
  }

  private func write(_ text: String, to name: String) throws {
    try AtomicFile.write(Array(text.utf8), to: folder.path(name))
  }

  private func status(_ name: String) -> stat {
    var status = stat()
    _ = lstat(folder.path(name), &status)
    return status
  }

  private func names() throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.path))
  }

  /// Expects that `name` is refused with 73, without a trace.
  private func expectRefused(_ name: String, _ reason: String) throws {
    let before = try names()
    for check in [true, false] {
      let failure = #expect(throws: Failure.self) {
        if check { try AtomicFile.check(folder.path(name)) } else { try write("new", to: name) }
      }
      #expect(failure?.status == .cannotCreate && failure?.detail.contains(reason) == true)
    }
    #expect(try names() == before)
  }

  @Test func aLinkStaysAndItsTargetIsReplaced() throws {
    try FileManager.default.createDirectory(
      atPath: folder.path("far"), withIntermediateDirectories: false)
    try write("old", to: "far/target")
    for (link, target) in [("link", "far/target"), ("second", "link"), ("dangling", "far/free")] {
      symlink(target, folder.path(link))
    }
    for name in ["link", "second", "dangling"] {
      try write(name, to: name)
      #expect(status(name).st_mode & S_IFMT == S_IFLNK)
      #expect(try text(name) == name)
    }
    #expect(try text("far/target") == "second" && text("far/free") == "dangling")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("far")).sorted()
        == ["free", "target"])
  }

  @Test func whatKilledProcessesLeftIsRemoved() throws {
    let (left, written) = (".file.dis-eval-0123456789abc.tmp", ".file.dis-eval-zyxwvutsrqpon.tmp")
    let others = [".other.dis-eval-0123456789abc.tmp", ".file.dis-eval-short.tmp", ".file.tmp"]
    try write("old", to: "file")
    for name in [left, written] + others { try write("", to: name) }
    // Another process that is about to rename its file holds a lock.
    let descriptor = open(folder.path(written), O_RDONLY)
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    defer { close(descriptor) }
    try write("new", to: "file")
    #expect(try names() == Set(["file", written] + others))
    #expect(try text("file") == "new")
  }

  @Test func whatCannotBeReplacedIsRefused() throws {
    symlink("b", folder.path("a"))
    symlink("a", folder.path("b"))
    symlink("nowhere/x", folder.path("lost"))
    mkdir(folder.path("folder"), 0o755)
    symlink("folder", folder.path("to-folder"))
    try write("mine", to: "protected")
    chmod(folder.path("protected"), 0o444)
    try expectRefused("a", "symbolic links")
    try expectRefused("lost", "No such file")
    try expectRefused("folder", "is a folder")
    try expectRefused("to-folder", "is a folder")
    try expectRefused("protected", "protected against writing")
    #expect(try text("protected") == "mine")
  }

  @Test("the mode stays, and a new file has that of the mask", arguments: [0o600, 0o640, 0o755])
  func mode(_ mode: mode_t) throws {
    try write("old", to: "file")
    let fresh = status("file").st_mode & 0o777
    chmod(folder.path("file"), mode)
    try write("new", to: "file")
    #expect(status("file").st_mode & 0o7777 == mode)
    #expect(try text("file") == "new")
    try write("new", to: "other")
    #expect(status("other").st_mode & 0o777 == fresh)
  }

  @Test("the owner stays", .enabled(if: geteuid() == 0, "only root can give files away"))
  func owner() throws {
    try write("old", to: "file")
    chown(folder.path("file"), 1234, 1235)
    try write("new", to: "file")
    let status = status("file")
    #expect(status.st_uid == 1234 && status.st_gid == 1235)
    #expect(try text("file") == "new")
  }

  @Test func aPipeIsWrittenThrough() throws {
    mkfifo(folder.path("pipe"), 0o600)
    // Nobody reads: refused at once rather than waited for.
    let failure = #expect(throws: Failure.self) { try write("new", to: "pipe") }
    #expect(failure?.detail == "no process reads this pipe")
    let reader = open(folder.path("pipe"), O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    var byte: UInt8 = 0
    // A check is nothing that a reader could take for the end.
    try AtomicFile.check(folder.path("pipe"))
    #expect(throws: Failure.self) { try AtomicFile.check(folder.path("pipe"), isReadBack: true) }
    var file = try AtomicFile(path: folder.path("pipe"))
    try file.write(Array("--ro".utf8))
    try file.overwrite(Array("th".utf8), at: 0)
    #expect(read(reader, &byte, 1) == 0, "nothing arrives before all is there")
    try file.write(Array("ugh".utf8))
    try file.commit()
    var bytes = [UInt8](repeating: 0, count: 20)
    let count = read(reader, &bytes, bytes.count)
    #expect(String(decoding: bytes[..<max(count, 0)], as: UTF8.self) == "through")
    #expect(status("pipe").st_mode & S_IFMT == S_IFIFO)
    #expect(try names() == ["pipe"])
  }

  /// As `/dev/stdout` is, redirected to a file: what stands there stays.
  @Test func aDescriptorIsContinued() throws {
    let descriptor = open(folder.path("log"), O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    _ = "before\n".withCString { Glibc.write(descriptor, $0, 7) }
    try AtomicFile.write(Array("document\n".utf8), to: "/dev/fd/\(descriptor)")
    #expect(try append(Array("line\n".utf8), to: "/proc/self/fd/\(descriptor)"))
    _ = "after\n".withCString { Glibc.write(descriptor, $0, 6) }
    #expect(try text("log") == "before\ndocument\nline\nafter\n")
    #expect(throws: Failure.self) { try AtomicFile.write([1], to: "/dev/fd/9999") }
  }

  @Test func devices() throws {
    try AtomicFile.write([1], to: "/dev/null")
    #expect(throws: Failure.self) { try AtomicFile.write([1], to: "/dev/full") }
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test("names of any length", arguments: [1, 240, 255])
  func longNames(_ length: Int) throws {
    let name = String(repeating: "n", count: length)
    try write("new", to: name)
    #expect(try names() == [name])
  }

  @Test func nothingIsLeftOfAnUnfinishedFile() throws {
    var file = try AtomicFile(path: folder.path("a"))
    try file.write(Array("new".utf8))
    _ = consume file
    #expect(try names().isEmpty)
  }

  @Test func temporaryNamesAreRecognised() throws {
    for name in ["run.json", "000064-32.safetensors", String(repeating: "é", count: 120)] {
      let found = lastComponent(AtomicFile.temporaryPath(for: folder.path(name)))
      let recognised = try #require(AtomicFile.name(ofTemporary: found))
      #expect(name.hasPrefix(recognised) && recognised.utf8.count >= min(name.utf8.count, 199))
    }
    for name in [
      "notes.tmp", "run.json.tmp", ".run.json.dis-eval-0123.tmp", "x.dis-eval-0123456789abc.tmp",
      ".x.dis-eval-0123456789ABC.tmp", ".x.dis-eval-0123456789abc.tmp~",
    ] { #expect(AtomicFile.name(ofTemporary: name) == nil, "\(name)") }
  }

  @Test func placesAreComparedByWhatTheyMean() throws {
    mkdir(folder.path("in"), 0o755)
    try write("1", to: "in/file")
    symlink("in", folder.path("way"))
    symlink("in/new", folder.path("dangling"))
    link(folder.path("in/file"), folder.path("hard"))
    func place(_ name: String) -> FilePlace { FilePlace(folder.path(name)) }
    for (one, other) in [
      ("in/file", "way/../in/./file"), ("in/file", "hard"), ("in/new", "way/new"),
      ("in/new", "dangling"), ("no/where", "no//else/../where"),
    ] { #expect(place(one).isSame(as: place(other)), "\(one) \(other)") }
    #expect(!place("in/file").isSame(as: place("in/new")))
    #expect(!place("in/new").isSame(as: place("new")))
    #expect(!FilePlace("/dev/null").isSame(as: FilePlace("/dev/null")))
    #expect(place("way/x").isInside(place("in"), directly: true))
    #expect(place("in/a/x").isInside(place("in")) && !place("in").isInside(place("in")))
    #expect(!place("in/a/x").isInside(place("in"), directly: true))
    #expect(!place("inner").isInside(place("in")))
  }
}
