import DisEval

/// The options of the command line, by the names of properties in messages of the libraries.
private let optionNames = [
  "allowsMismatch": "--allow-mismatch",
  "allowsMixed": "--allow-mixed",
  "averagesSeeds": "--average-seeds",
  "backbone": "--backbone",
  "checkpoint": "--ckpt",
  "checkpointKey": "--checkpoint-key",
  "clips": "--clip",
  "count": "--num",
  "crop": "--size",
  "decoder": "--decoder",
  "decoder.channels": "--latent-stats",
  "decoder.scale": "--latent-scale",
  "decoder.shift": "--latent-shift",
  "decoder.tile": "--decoder-tile",
  "dialect": "--dialect",
  "diffusion": "--diffusion",
  "eta": "--eta",
  "extractor": "--extractor",
  "family": "--family",
  "flowPrediction": "--flow-prediction",
  "generator": "--generator",
  "generatorCount": "--generator-count",
  "generatorTimeout": "--generator-timeout",
  "guidanceInterval": "--cfg-interval",
  "guidanceScale": "--cfg-scale",
  "heads": "--heads",
  "images": "--images",
  "isPartial": "--partial",
  "json": "--json",
  "keepsImages": "--save-images or --grid",
  "keptRows": "--keep-features",
  "kernels": "--kernels",
  "labels": "--labels",
  "lpipsWeights": "--lpips-weights",
  "metrics": "--metrics",
  "noNullClass": "--no-null-class",
  "noise": "--noise",
  "nullClass": "--null-class",
  "num": "--num",
  "objective": "--objective",
  "only": "--only",
  "part": "--part",
  "path": "--path",
  "plugIn": "--plug-in",
  "prediction": "--prediction",
  "rawOut": "--raw-out",
  "recursive: false": "--no-recursive",
  "recursive: true": "--recursive",
  "reference": "--ref",
  "referenceDialect": "--ref-dialect",
  "repeats": "--repeats",
  "resolution": "--image-side",
  "run": "--run",
  "sampler": "--sampler",
  "saveInterval": "--save-every",
  "shard": "--shard",
  "shardCount": "--num-shards",
  "skipsBroken": "--skip-broken",
  "stepNoise": "--step-noise",
  "threads": "--threads",
  "trainingStep": "--training-step",
  "unit": "--unit",
  "vggWeights": "--vgg-weights",
  "weights": "--weights",
  "worstCount": "--worst",
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
