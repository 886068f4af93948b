import DisEval

/// The options of the command line, by the names of properties in messages of the libraries.
private let optionNames = [
  "allowsMismatch": "--allow-mismatch",
  "allowsMixed": "--allow-mixed",
  "averagesSeeds": "--average-seeds",
  "checkpoint": "--ckpt",
  "checkpointKey": "--checkpoint-key",
  "count": "--num",
  "decoder": "--decoder",
  "decoder.scale": "--latent-scale",
  "decoder.tile": "--decoder-tile",
  "dialect": "--dialect",
  "eta": "--eta",
  "family": "--family",
  "generator": "--generator",
  "generatorCount": "--generator-count",
  "generatorTimeout": "--generator-timeout",
  "guidanceInterval": "--cfg-interval",
  "guidanceScale": "--cfg-scale",
  "images": "--images",
  "isPartial": "--partial",
  "json": "--json",
  "keepsImages": "--save-images or --grid",
  "keptRows": "--keep-features",
  "kernels": "--kernels",
  "labels": "--labels",
  "noise": "--noise",
  "num": "--num",
  "only": "--only",
  "rawOut": "--raw-out",
  "recursive: false": "--no-recursive",
  "recursive: true": "--recursive",
  "reference": "--ref",
  "referenceDialect": "--ref-dialect",
  "resolution": "--image-side",
  "run": "--run",
  "saveInterval": "--save-every",
  "shard": "--shard",
  "shardCount": "--num-shards",
  "stepNoise": "--step-noise",
  "threads": "--threads",
  "unit": "--unit",
  "weights": "--weights",
  "y": "--y",
]

/// Returns a message with the options of the command line in place of the properties that it names
/// in back quotes. Other text in back quotes is left as it is.
func namingOptions(_ message: String) -> String {
  guard message.contains("`") else { return message }
  return optionNames.reduce(message) { text, name in
    text.replacing("`\(name.key)`", with: name.value)
  }
}

/// Returns why a row of a sweep failed, with the options of the command line in its texts.
func namingOptions(_ reason: SweepRow.Reason) -> SweepRow.Reason {
  var named = reason
  named.subject = namingOptions(reason.subject)
  named.detail = namingOptions(reason.detail)
  return named
}
