import Files

/// The environment variables by which launchers of several workers tell each worker its number.
struct LauncherEnvironment {
  private let variables: [String: String]

  /// Creates a view of a process's environment variables. Empty variables count as unset.
  init(_ variables: [String: String]) { self.variables = variables.filter { !$0.value.isEmpty } }

  /// A launcher that numbers its workers across all hosts.
  private struct World {
    let name: String
    let index: String
    let size: String
  }

  /// From the innermost launcher to the outermost. Within a Slurm job, `mpirun` starts its daemons
  /// as a job step, so its workers have the variables of both.
  private static let worlds = [
    World(name: "torchrun", index: "RANK", size: "WORLD_SIZE"),
    World(name: "Open MPI", index: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE"),
    World(name: "PMI", index: "PMI_RANK", size: "PMI_SIZE"),
    slurmStep,
  ]
  private static let slurmStep = World(
    name: "the Slurm step", index: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS")
  private static let arrayTask = "SLURM_ARRAY_TASK_ID"
  private static let kubernetesIndex = "JOB_COMPLETION_INDEX"

  /// The variables that determine a shard, and those that help to understand where a process runs.
  static let names =
    worlds.flatMap { [$0.index, $0.size] }
    + [arrayTask] + ["MIN", "MAX", "STEP", "COUNT"].map { "SLURM_ARRAY_TASK_\($0)" }
    + [kubernetesIndex, "TORCHELASTIC_RESTART_COUNT", "SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID"]
    + ["SLURM_NTASKS", "SLURM_RESTART_COUNT"]

  /// Returns the shard that the launcher assigns to this worker, and the launcher's name.
  ///
  /// - Parameter count: The number of shards, if given.
  /// - Returns: The shard and its source, or nil if no launcher is recognised.
  /// - Throws: `Failure` (64) `InvalidShard` if a variable is not a valid number, `ShardMismatch`
  ///   if `count` contradicts the launcher, `ShardCountUnknown` if only the index is known,
  ///   `ArrayHasHoles` if the tasks of a Slurm array are not evenly spaced.
  func shard(count: Int?) throws(Failure) -> (shard: Shard, source: String)? {
    if variables[Self.arrayTask] != nil {
      guard let world = try worldOfMany(count: nil) else {
        return (try taskOfArray(count: count), "the Slurm array")
      }
      let size = world.shard.count
      if let count, count % size != 0 {
        throw .shardMismatch(
          "`shardCount`",
          "\(count), not a multiple of the \(size) workers of \(world.source) in each task")
      }
      let task = try taskOfArray(count: count.map { $0 / size })
      guard task.count <= Shard.maximumCount / size else {
        throw .invalidShard(
          "SLURM_ARRAY_TASK_COUNT", "\(task.count)",
          "at most \(Shard.maximumCount) workers in all, and \(world.source) has \(size) in each task"
        )
      }
      return (
        try Shard(index: task.index * size + world.shard.index, count: task.count * size),
        "the Slurm array with \(world.source)"
      )
    }
    if let world = try worldOfMany(count: count) {
      if let count, count != world.shard.count {
        throw .shardMismatch(
          "`shardCount`", "\(count), but \(world.source) has \(world.shard.count) workers")
      }
      return world
    }
    guard let index = try number(Self.kubernetesIndex) else { return nil }
    return (try shard(Self.kubernetesIndex, index, of: count), "the Kubernetes indexed job")
  }

  /// Returns the shard assigned by the innermost launcher that started more than one worker.
  private func worldOfMany(count: Int?) throws(Failure) -> (shard: Shard, source: String)? {
    for world in Self.worlds {
      let size = try number(world.size)
      // A batch script also has a Slurm process ID but runs alone; only a step has a number of
      // tasks.
      if size == nil, world.index == Self.slurmStep.index { continue }
      guard let index = try number(world.index) else { continue }
      let shard = try shard(world.index, index, of: size ?? count)
      if shard.count > 1 { return (shard, world.name) }
    }
    return nil
  }

  /// Returns the shard that corresponds to this task of a Slurm array.
  ///
  /// - Parameter count: The number of shards, if given. An array with a different number of tasks
  ///   was started to repeat some shards; its task IDs are then shard numbers.
  private func taskOfArray(count: Int?) throws(Failure) -> Shard {
    guard let task = try number(Self.arrayTask) else { preconditionFailure("no array") }
    guard let first = try number("SLURM_ARRAY_TASK_MIN"),
      let last = try number("SLURM_ARRAY_TASK_MAX"),
      let tasks = try number("SLURM_ARRAY_TASK_COUNT")
    else {
      return try shard(Self.arrayTask, task, of: count)
    }
    let step = try number("SLURM_ARRAY_TASK_STEP") ?? 1
    guard step > 0, first <= task, task <= last else {
      throw .invalidShard(
        Self.arrayTask, "\(task)", "a task of an array from \(first) to \(last) by \(step)")
    }
    let isEven = (last - first) / step + 1 == tasks && (task - first) % step == 0
    if let count, !isEven || count != tasks { return try shard(Self.arrayTask, task, of: count) }
    guard isEven else {
      throw Failure(
        .usage, .arrayHasHoles, Self.arrayTask,
        "task \(task) of \(tasks) from \(first) to \(last) by \(step): the tasks are not evenly "
          + "spaced; give the number of shards as `shardCount`, and task IDs are shard numbers, "
          + "from 0")
    }
    return try shard(Self.arrayTask, (task - first) / step, of: tasks)
  }

  private func shard(_ name: String, _ index: Int, of count: Int?) throws(Failure) -> Shard {
    guard let count else {
      throw Failure(
        .usage, .shardCountUnknown, name,
        "is \(index), but the number of shards is unknown; give `shardCount`, or `shard` none for "
          + "the whole run")
    }
    guard Shard.exists(index, of: count) else {
      throw .invalidShard(name, "\(index)", "a number below the number of all workers, \(count)")
    }
    return try Shard(index: index, count: count)
  }

  /// Returns the number in a variable, or nil if the variable is not set.
  private func number(_ name: String) throws(Failure) -> Int? {
    guard let text = variables[name] else { return nil }
    guard let number = decimal(text), number <= Shard.maximumCount else {
      throw .invalidShard(name, text, "a number from 0 to \(Shard.maximumCount)")
    }
    return number
  }
}
