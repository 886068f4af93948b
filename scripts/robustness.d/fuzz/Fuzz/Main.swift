import CLibFuzzer
import Files
import Foundation

/// Runs libFuzzer on one reader of untrusted bytes.
///
///     fuzz-readers [libFuzzer's options] [FILE or FOLDER ...] -ignore_remaining_args=1 READER
///     fuzz-readers --list
///     fuzz-readers --contents < PATHS
///
/// The name of the reader comes last, where libFuzzer does not look at it but passes it on to the
/// processes that it starts.
@main
enum Main {
  static func main() throws {
    if CommandLine.arguments.dropFirst() == ["--list"] {
      for reader in Reader.all { print(reader.name) }
      return
    }
    if CommandLine.arguments.dropFirst() == ["--contents"] {
      try Contents.printAll()
      return
    }
    guard let name = CommandLine.arguments.last, reader != nil else {
      fatalError("'\(CommandLine.arguments.last ?? "")' is not a reader; --list prints them")
    }
    print("reader: \(name)")
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments, test))
  }
}

/// Whether refusals are printed, to see why an input does not get far.
private let isVerbose = ProcessInfo.processInfo.environment["FUZZ_VERBOSE"] != nil

private let reader = Reader.all.first { $0.name == CommandLine.arguments.last }

/// Reads one input, which libFuzzer calls for each. A crash is a finding, as are a sanitizer's report
/// and too much time or memory.
private func test(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  do {
    try reader?.read(Input(bytes: bytes, suffix: reader?.suffix ?? ""))
  } catch {
    checkRefusal(error)
    if isVerbose { print(error) }
  }
  return 0
}
