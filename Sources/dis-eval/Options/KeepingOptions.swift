import ArgumentParser
import DisEval

/// Where samples are kept while they are made, and which of them this process makes.
struct KeepingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep features in this folder as they are made: an interrupted run continues with the same "
        + "command, and several processes share the work.", valueName: "folder"))
  var run: String?

  @OptionGroup var sharding: ShardOptions

  @Option(help: "Samples of a unit of work, when a run is begun. (default: 1 to 64, 5 minutes)")
  var unit: Int?

  @Option(
    help: ArgumentHelp(
      "Seconds after which an unfinished unit is saved with the state of its sampler. (default: 120)",
      valueName: "seconds"))
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
    if let unit, !(1...RunRecord.maximumUnit).contains(unit) {
      throw ValidationError("--unit \(unit): expected 1 to \(RunRecord.maximumUnit).")
    }
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
