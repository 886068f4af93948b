import Files

/// The part of a run that one worker computes: number `index`, from 0, of `count`.
///
/// Nothing depends on how a run is cut: a worker may die, be started twice, or come back with
/// another count, and the merged result is the same.
public struct Shard: Equatable, Sendable, Codable, CustomStringConvertible {
  /// Which part, from 0.
  public let index: Int
  /// How many parts there are.
  public let count: Int

  /// The largest ``count``.
  public static let maximumCount = 1_000_000_000

  /// Part `index` of `count`.
  public init(index: Int, count: Int) {
    precondition(Self.exists(index, of: count), "there is no shard \(index) of \(count)")
    self.index = index
    self.count = count
  }

  /// Decodes a shard, refusing one that cannot be.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    index = try values.decode(Int.self, forKey: .index)
    count = try values.decode(Int.self, forKey: .count)
    guard Self.exists(index, of: count) else {
      throw DecodingError.dataCorruptedError(
        forKey: .index, in: values, debugDescription: "there is no shard \(index) of \(count)")
    }
  }

  /// `index/count`, as `--shard` takes it.
  public var description: String { "\(index)/\(count)" }

  static func exists(_ index: Int, of count: Int) -> Bool {
    (1...maximumCount).contains(count) && (0..<count).contains(index)
  }
}

// MARK: - Which shard a process is

extension Shard {
  /// Finds out which part of a run this process was started for.
  ///
  /// What is given explicitly wins, then torchrun, Open MPI, PMI (MPICH, Intel MPI), a Slurm step, a
  /// Slurm array, and a Kubernetes indexed job. Inside a Slurm array the workers of any of the first
  /// four are counted through all its tasks. One worker alone is no launcher's shard, save in an
  /// array, which is made for the purpose.
  ///
  /// - Parameters:
  ///   - explicit: The value of `--shard`: `i/n`, or `none` for the whole run whatever the
  ///     environment says.
  ///   - count: The value of `--num-shards`, for launchers that do not say how many workers there
  ///     are. An array of another number of tasks than that was made to do some shards again: its
  ///     task IDs are the numbers of shards.
  ///   - environment: The variables of the process.
  /// - Returns: The shard, nil for the whole run, and for people what was seen and what won.
  /// - Throws: `Failure` (64) `InvalidShard` for a value that is none, `ShardMismatch` when two
  ///   sources disagree, `ShardCountUnknown` and `ShardIndexUnknown` when only half is known, and
  ///   `ArrayHasHoles` when the tasks of an array are not evenly spaced.
  public static func find(
    explicit: String?, count: Int?, environment: [String: String]
  ) throws(Failure) -> (shard: Shard?, explanation: [String]) {
    let seen = variablesSeen(in: environment)
    let launcher = LauncherEnvironment(environment)
    if let count, !(1...maximumCount).contains(count) {
      throw .invalidShard("--num-shards", "\(count)", "a number from 1 to \(maximumCount)")
    }
    if explicit == "none" {
      if let count {
        throw .shardMismatch("--num-shards", "\(count), and --shard none; leave one of them out")
      }
      return (nil, seen + ["the whole run, as --shard none says"])
    }
    if let explicit {
      let shard = try parse(explicit)
      try checkAgreement(shard, count, launcher)
      return (shard, seen + ["shard \(shard), as --shard says"])
    }
    if let (shard, source) = try launcher.shard(count: count) {
      return (shard, seen + ["shard \(shard), as \(source) says"])
    }
    if let count {
      throw Failure(
        .usage, "ShardIndexUnknown", "--num-shards",
        "\(count) shards, but nothing in the environment says which of them this is; give "
          + "--shard i/\(count)")
    }
    return (nil, seen + ["the whole run: nothing says otherwise"])
  }

  /// The variables of launchers that are set, a line for each.
  public static func variablesSeen(in environment: [String: String]) -> [String] {
    LauncherEnvironment.names.compactMap { name in
      environment[name].map { "saw \(name)=\(escaped(String($0.prefix(100))))" }
    }
  }

  /// Parses `i/n`.
  private static func parse(_ text: String) throws(Failure) -> Shard {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(decimal)
    guard parts.count == 2, let index = parts[0], let count = parts[1], exists(index, of: count)
    else {
      throw .invalidShard("--shard", text, "i/n with i from 0 to n - 1, such as 0/4, or none")
    }
    return Shard(index: index, count: count)
  }

  /// Refuses an explicit shard that contradicts `--num-shards` or the environment. What the
  /// environment leaves open, such as the holes of an array, contradicts nothing.
  private static func checkAgreement(
    _ shard: Shard, _ count: Int?, _ launcher: LauncherEnvironment
  ) throws(Failure) {
    if let count, count != shard.count {
      throw .shardMismatch(
        "--shard", "\(shard), and --num-shards \(count); leave one of them out")
    }
    let found: (shard: Shard, source: String)?
    do throws(Failure) {
      found = try launcher.shard(count: nil)
    } catch {
      guard ["ArrayHasHoles", "ShardCountUnknown"].contains(error.code) else { throw error }
      return
    }
    guard let found, found.shard != shard else { return }
    // A few tasks of an array are done again under their old numbers.
    if let again = try? launcher.shard(count: shard.count), again.shard == shard { return }
    throw .shardMismatch(
      "--shard",
      "\(shard), but \(found.source) says \(found.shard); leave out --shard, or unset its variables"
    )
  }
}

/// The number that `text` is: one to ten decimal digits.
func decimal(_ text: some StringProtocol) -> Int? {
  let digits = text.utf8
  guard (1...10).contains(digits.count),
    digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
  else { return nil }
  return digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
}

extension Failure {
  static func invalidShard(_ name: String, _ value: String, _ expected: String) -> Failure {
    Failure(.usage, "InvalidShard", name, "'\(value.prefix(100))', expected \(expected)")
  }

  static func shardMismatch(_ name: String, _ detail: String) -> Failure {
    Failure(.usage, "ShardMismatch", name, detail)
  }
}
