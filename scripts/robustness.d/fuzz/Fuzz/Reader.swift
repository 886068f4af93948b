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
