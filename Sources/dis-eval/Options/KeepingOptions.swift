import ArgumentParser
import DisEval

/// Where the progress of a run is saved, and which part of the run this process computes.
struct KeepingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Save features in this folder as they are computed. The same command continues an "
        + "interrupted run, and several processes share the work.", valueName: "folder"))
  var run: String?

  @OptionGroup var sharding: ShardOptions

  @Option(
    help: ArgumentHelp(
      "Number of samples in a unit of a new run. (default: 1 to 64, for at most 5 minutes)",
      valueName: "n"))
  var unit: Int?

  @Option(
    help: ArgumentHelp(
      "Seconds after which an unfinished unit is saved, with the state of its sampler. "
        + "(default: 120)", valueName: "seconds"))
  var saveEvery: Double?

  func validate() throws {
    guard
      run != nil
        || (sharding.shard == nil && sharding.numShards == nil && unit == nil && saveEvery == nil)
    else {
      throw ValidationError("--shard, --num-shards, --unit and --save-every need --run.")
    }
    if let saveEvery, !(0...300).contains(saveEvery) {
      throw ValidationError("--save-every \(saveEvery): expected 0 to 300 seconds.")
    }
    if run == "" { throw ValidationError("--run: expected the path of a folder.") }
  }

  func settings() throws -> RunSettings? {
    guard let run else { return nil }
    var settings = RunSettings(path: run)
    settings.unit = unit
    settings.shard = try sharding.find().shard
    settings.saveInterval = saveEvery.map { .seconds($0) } ?? settings.saveInterval
    settings.stop = StopRequest()
    return settings
  }
}
