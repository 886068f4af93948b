import ArgumentParser
import DisEval

struct FIDCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "fid",
    abstract: "Computes Fréchet distance and classifier score of images or a checkpoint's samples.",
    discussion: """
      With the Inception-2015 graph, the metrics are called fid and is; with any other extractor, \
      they are called fd (Fréchet distance) and cs (classifier score). Tools compute different \
      numbers from the same images. --dialect names the tool to follow, and 'all' computes the \
      numbers of every dialect that fits the statistics.

      Examples:
        dis-eval fid samples/ cifar10-edm
        dis-eval fid a/ b/ --dialect all
        dis-eval fid --images samples.npz --ref imagenet-256-adm --dialect tf
        dis-eval fid --images samples/ --ref stats.npz --weights adm.pth --json
        dis-eval fid --ckpt model.pt --ref reference_stats/fashion-mnist-train.npz \\
          --num 2000 --sampler dpm-solver++ --steps 16 --cfg-scale 2 \\
          --grid samples.png
        dis-eval fid --ckpt model.pt --ref stats.npz --num 10000 --repeats 3
        dis-eval fid --ckpt latent.pt --decoder sd-vae-ft-ema.safetensors \\
          --ref imagenet-256-adm
      """)

  @OptionGroup var options: EvaluationOptions

  var running: RunOptions { options.running }

  func run() async throws {
    try await options.run(metrics: nil, optional: [.fid, .inceptionScore])
  }
}

struct EvaluateCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract:
      "Computes all metrics, and says what the images are like: fidelity, diversity, location, classes.",
    discussion: """
      Fréchet distances (FID, sFID) see the whole distribution; precision and density see fidelity; recall, \
      coverage, the Vendi score and the total variance see diversity, the last two beside the reference's own \
      value; KID and mmd_rbf (a Gaussian kernel as wide as the reference) see location. Each has an interval. \
      The classes that the extractor predicts are compared with those of the reference, and the distance is \
      divided into directions.

      More metrics are computed if --metrics names them: mind; duplicates, the percentage of images that are nearer to \
      another image than 99 % of the reference's are to theirs; class_kid, the mean kernel distance of the images of \
      each class, with the worst classes; and of a reference that is the training set authpct, \
      the percentage of images that are not copies of it, and mifid, FID divided by the distance from copies, as \
      torchmetrics computes it, or mifid_generated over generated images. The result lists the images that resemble \
      one of the reference most. With the extractor clip-vit-l-14-336.cmmd, cmmd is computed.

      Several extractors, separated by commas, read or draw the images once. --out result.json then writes a result \
      for each, such as result.inception-2015.json, and --json prints all of them. With the six extractors of FD-loss \
      and its statistics, fdr6 is added.

      A metric that cannot be computed from the inputs is left out, and the result says why. If \
      --metrics names such a metric, the command fails before it begins, or warns if only the images show it. KID, precision and recall keep the \
      features of all images in memory: 8 KiB for each image and kind of preprocessing.

      Examples:
        dis-eval evaluate samples.npz VIRTUAL_imagenet256_labeled.npz --dialect tf
        dis-eval evaluate a/ b/ --dialect torch-fidelity --metrics kid,is --json
        dis-eval evaluate samples/ train/ --metrics mind,authpct
        dis-eval evaluate samples/ train/ --extractor inception-2015,dinov2 --out result.json
      """)

  @OptionGroup var options: EvaluationOptions

  var running: RunOptions { options.running }

  @OptionGroup var metrics: MetricOptions

  func run() async throws {
    try await options.run(
      metrics: metrics.names, titles: metrics.titles, optional: MetricName.evaluated)
  }
}
