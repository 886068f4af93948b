import Files

extension Failure.Code {
  /// The tasks of a Slurm array are not numbered without gaps.
  public static let arrayHasHoles = Failure.Code("ArrayHasHoles")
  /// A text or number does not describe a shard.
  public static let invalidShard = Failure.Code("InvalidShard")
  /// The processor lacks the instructions that were asked for.
  public static let kernelsUnavailable = Failure.Code("KernelsUnavailable")
  /// A launcher does not say how many shards there are.
  public static let shardCountUnknown = Failure.Code("ShardCountUnknown")
  /// A launcher does not say which shard this is.
  public static let shardIndexUnknown = Failure.Code("ShardIndexUnknown")
  /// Two sources disagree about the shard.
  public static let shardMismatch = Failure.Code("ShardMismatch")
  /// There are no kernels of that name.
  public static let unknownKernels = Failure.Code("UnknownKernels")
}
