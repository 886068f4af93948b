import Files

/// The part of a run that one worker computes: number `index`, counted from 0, of `count`.
///
/// The result does not depend on how a run is divided. A worker may die, be started twice, or
/// return with a different count, and the merged result stays the same.
public struct Shard: Equatable, Sendable, Codable, CustomStringConvertible {
  /// The number of this part, from 0.
  public let index: Int
  /// The number of parts.
  public let count: Int

  /// The largest ``count``.
  public static let maximumCount = 1_000_000_000

  /// Creates a shard from its number and the number of parts.
  ///
  /// - Parameters:
  ///   - index: The number of this part, `0..<count`.
  ///   - count: The number of parts, `1...maximumCount`.
  /// - Throws: `Failure` `InvalidShard` (64) if there is no such part.
  public init(index: Int, count: Int) throws(Failure) {
    guard Self.exists(index, of: count) else {
      throw .invalidShard(
        "`shard`", "\(index)/\(count)",
        "a part from 0 to below the number of parts, which is at "
          + "least 1 and at most \(Self.maximumCount)")
    }
    self.index = index
    self.count = count
  }

  /// Decodes a shard from its ``index`` and ``count``, which must fit.
  ///
  /// - Throws: `DecodingError.dataCorrupted` if ``index`` is not below ``count`` or ``count``
  ///   exceeds ``maximumCount``; other cases of `DecodingError` if a key is missing or not an
  ///   integer.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    index = try values.decode(Int.self, forKey: .index)
    count = try values.decode(Int.self, forKey: .count)
    guard Self.exists(index, of: count) else {
      throw DecodingError.dataCorruptedError(
        forKey: .index, in: values, debugDescription: "there is no shard \(index) of \(count)")
    }
  }

  /// The shard as `index/count`, the syntax of `--shard`.
  public var description: String { "\(index)/\(count)" }

  static func exists(_ index: Int, of count: Int) -> Bool {
    (1...maximumCount).contains(count) && (0..<count).contains(index)
  }
}

// MARK: - Which shard a process is

extension Shard {
  /// Determines which part of a run this process was started for.
  ///
  /// An explicit shard takes precedence, followed by torchrun, Open MPI, PMI (MPICH, Intel MPI), a
  /// Slurm step, a Slurm array, and a Kubernetes indexed job. Within a Slurm array, the workers of
  /// any of the first four are counted across all tasks of the array. A launcher with a single
  /// worker does not define a shard, except for an array, which exists for that purpose.
  ///
  /// - Parameters:
  ///   - explicit: The value of `--shard`: `i/n`, or `none` for the whole run regardless of the
  ///     environment.
  ///   - count: The value of `--num-shards`, `1...maximumCount`, for launchers that do not provide
  ///     the number of workers; nil if it was not given. An array with a different number of tasks
  ///     was started to repeat some shards; its task IDs are then shard numbers.
  ///   - environment: The environment variables of the process.
  /// - Returns: The shard, or nil for the whole run; and an explanation for people of which
  ///   variables were found and which source was used.
  /// - Throws: `Failure` (64) `InvalidShard` if a value is not a valid shard, `ShardMismatch` if
  ///   two sources disagree, `ShardCountUnknown` or `ShardIndexUnknown` if only one half is known,
  ///   `ArrayHasHoles` if the tasks of a Slurm array are not evenly spaced.
  public static func find(
    explicit: String?, count: Int?, environment: [String: String]
  ) throws(Failure) -> (shard: Shard?, explanation: [String]) {
    let seen = variablesSeen(in: environment)
    let launcher = LauncherEnvironment(environment)
    if let count, !(1...maximumCount).contains(count) {
      throw .invalidShard("`shardCount`", "\(count)", "a number from 1 to \(maximumCount)")
    }
    if explicit == "none" {
      if let count {
        throw .shardMismatch("`shardCount`", "\(count), and `shard` none; leave one of them out")
      }
      return (nil, seen + ["the whole run, as `shard` none says"])
    }
    if let explicit {
      let shard = try parse(explicit)
      try checkAgreement(shard, count, launcher)
      return (shard, seen + ["shard \(shard), as `shard` says"])
    }
    if let (shard, source) = try launcher.shard(count: count) {
      return (shard, seen + ["shard \(shard), as \(source) says"])
    }
    if let count {
      throw Failure(
        .usage, .shardIndexUnknown, "`shardCount`",
        "\(count) shards, but nothing in the environment says which of them this is; give "
          + "`shard` i/\(count)")
    }
    return (nil, seen + ["the whole run: nothing says otherwise"])
  }

  /// Returns a line for each launcher variable that is set.
  ///
  /// - Parameter environment: The environment variables of the process, by name.
  public static func variablesSeen(in environment: [String: String]) -> [String] {
    LauncherEnvironment.names.compactMap { name in
      environment[name].map { "saw \(name)=\(escaped(String($0.prefix(100))))" }
    }
  }

  /// Parses `i/n`.
  ///
  /// - Throws: `Failure` `InvalidShard` (64) if `text` has a different form or names no existing
  ///   shard.
  private static func parse(_ text: String) throws(Failure) -> Shard {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(decimal)
    guard parts.count == 2, let index = parts[0], let count = parts[1], exists(index, of: count)
    else {
      throw .invalidShard("`shard`", text, "i/n with i from 0 to n - 1, such as 0/4, or none")
    }
    return try Shard(index: index, count: count)
  }

  /// Checks an explicit shard against `--num-shards` and the environment. What the environment
  /// leaves open, such as gaps in an array, is not a contradiction.
  ///
  /// - Throws: `Failure` (64) `ShardMismatch` if they contradict each other, `InvalidShard` if a
  ///   variable is not a valid number.
  private static func checkAgreement(
    _ shard: Shard, _ count: Int?, _ launcher: LauncherEnvironment
  ) throws(Failure) {
    if let count, count != shard.count {
      throw .shardMismatch(
        "`shard`", "\(shard), and `shardCount` \(count); leave one of them out")
    }
    let found: (shard: Shard, source: String)?
    do throws(Failure) {
      found = try launcher.shard(count: nil)
    } catch {
      guard [.arrayHasHoles, .shardCountUnknown].contains(error.code) else { throw error }
      return
    }
    guard let found, found.shard != shard else { return }
    // Tasks of an array that are repeated keep their old numbers.
    if let again = try? launcher.shard(count: shard.count), again.shard == shard { return }
    throw .shardMismatch(
      "`shard`",
      "\(shard), but \(found.source) says \(found.shard); leave out `shard`, or unset its variables"
    )
  }
}

/// Returns the value of one to ten decimal digits, or nil for any other text.
func decimal(_ text: some StringProtocol) -> Int? {
  let digits = text.utf8
  guard (1...10).contains(digits.count),
    digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
  else { return nil }
  return digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
}

extension Failure {
  static func invalidShard(_ name: String, _ value: String, _ expected: String) -> Failure {
    Failure(.usage, .invalidShard, name, "'\(value.prefix(100))', expected \(expected)")
  }

  static func shardMismatch(_ name: String, _ detail: String) -> Failure {
    Failure(.usage, .shardMismatch, name, detail)
  }
}
