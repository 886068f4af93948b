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
    check(error)
    if isVerbose { print(error) }
  }
  return 0
}

/// Ends the process unless an error is the refusal of an input, with a text for one line.
private func check(_ error: any Error) {
  guard let failure = error as? Failure else {
    fatalError("an error that is not a Failure: \(error)")
  }
  let refusals: [ExitStatus] = [.usage, .dataRefused, .inputMissing, .invalidConfiguration]
  precondition(
    refusals.contains(failure.status) || failure.code.rawValue == "OtherConfiguration",
    "a refusal with status \(failure.status): \(failure)")
  let controls = "\(failure)".unicodeScalars.filter { $0.properties.generalCategory == .control }
  precondition(controls.isEmpty, "a refusal with control characters")
}
