import Files

/// What reads one kind of untrusted bytes.
struct Reader: Sendable {
  let name: String
  /// The end of the name of the file.
  var suffix = ""
  /// Reads an input as dis-eval does, with everything in it.
  let read: @Sendable (Input) throws -> Void

  static let all = checkpoints + arrays + images + documents + runs

  /// The number of tensors, arrays, entries or images of one file that are read.
  static let manyEnough = 64
  /// The number of elements of one tensor above which it is not read: hostile files may hold many
  /// large views of few bytes, which take long and are limited one by one.
  static let largeEnough = 1 << 20
}

/// Ends the process, which is a finding, unless a condition holds.
func expect(_ condition: Bool, _ what: String) {
  if !condition { fatalError(what) }
}

/// Ends the process unless an error is the refusal of an input, with a text for one line.
func checkRefusal(_ error: any Error) {
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
