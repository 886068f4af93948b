import ArgumentParser
import DisEval
import Files
import Results

struct SampleCommand: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Draws samples from a checkpoint or a generator.",
    discussion: """
      Examples:
        dis-eval sample --ckpt model.pt --num 100 --steps 50 --out samples/
        dis-eval sample --ckpt latent.pt --decoder sd-vae-ft-ema.safetensors \\
          --out samples/
        dis-eval sample --ckpt model.pt --noise z.npy --step-noise e.npy \\
          --labels y.npy --respacing 25 --cfg-scale 1.5 --cfg-channels first3 \\
          --raw-out s.npy
      """)

  @Option(help: ArgumentHelp("The DiS checkpoint to sample.", valueName: "file"))
  var ckpt: String?

  @OptionGroup var generator: GeneratorOptions

  @Option(
    help: ArgumentHelp(
      "Number of samples. (default: 16, or as many as --noise is for)", valueName: "n"))
  var num: Int?

  @OptionGroup var arithmetic: PrecisionOptions

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Decoding") var decoding: DecoderOptions
  @OptionGroup(title: "Running") var running: RunOptions

  @Option(
    help: ArgumentHelp("Start from this noise, [N, C, H, W], an .npy file.", valueName: "file"))
  var noise: String?

  @Option(
    help: ArgumentHelp(
      "Noise of every step, [steps, N, C, H, W], starting with the noisiest; an .npy file.",
      valueName: "file"))
  var stepNoise: String?

  @Option(
    help: ArgumentHelp(
      "Write the images: as PNG files to a new folder or to a .zip file in EDM's layout, or to an "
        + ".npz file in ADM's layout, in which grey becomes RGB.", valueName: "path"))
  var out: String?

  @Option(help: ArgumentHelp("Write a contact sheet to this PNG file.", valueName: "file"))
  var grid: String?

  @Option(
    help: ArgumentHelp(
      "Write the samples as floats before quantisation, [N, C, H, W], to this .npy file; for "
        + "latent models, the latents.", valueName: "file"))
  var rawOut: String?

  @Flag(help: "Print the paths, the number of samples and the SHA-256 of the images as JSON.")
  var json = false

  func validate() throws {
    guard (ckpt == nil) != (generator.generator == nil) else {
      throw ValidationError("Give either --ckpt or --generator.")
    }
    guard generator.generator == nil || (noise == nil && rawOut == nil) else {
      throw ValidationError("--noise and --raw-out need --ckpt.")
    }
    if generator.generator != nil { try sampling.checkGenerator() }
    guard out != nil || grid != nil || rawOut != nil else {
      throw ValidationError("Give at least one of --out, --grid and --raw-out.")
    }
    if decoding.decoder != nil, out == nil, grid == nil {
      throw ValidationError("--decoder needs --out or --grid; --raw-out writes latents.")
    }
    if stepNoise != nil, noise == nil {
      throw ValidationError("--step-noise needs --noise.")
    }
    try checkNum(num, atLeast: 1)
    var files = CommandFiles()
    for (option, path) in [
      ("--ckpt", ckpt), ("--noise", noise), ("--step-noise", stepNoise),
      ("--decoder", decoding.decoder), ("--latent-stats", decoding.latentStats),
    ] { files.reads(option, path) }
    if sampling.labels.hasSuffix(".npy") { files.reads("--labels", sampling.labels) }
    files.writesImages("--out", out)
    files.writes("--grid", grid)
    files.writes("--raw-out", rawOut)
    try files.check(json: json)
  }

  func run() async throws {
    if let grid { try AtomicFile.check(grid) }
    let given = try noise.map { try GivenNoise(start: $0, steps: stepNoise, first: num) }
    let count = num ?? given?.count ?? 16
    let source = try source(given)
    let images = try out.map { try ImageOutput(path: $0, count: count) }
    let run = SampleRun(source: source, count: count, workload: running.workload)
    var sheet = SampleGrid(classCount: source.classCount)
    let wantsImages = out != nil || grid != nil
    let hash = try await run.run(
      rawPath: rawOut, reporter: running.reporter,
      sink: wantsImages
        ? { image, label in
          sheet.append(image, label: label)
          try images?.append(image, label: label)
        } : nil)
    try images?.finish()
    if let grid { try sheet.write(to: grid) }
    if json {
      return try Terminal.result(
        encodedJSON(
          Document(out: out, grid: grid, rawOut: rawOut, num: count, samplesSha256: hash)))
    }
    for path in [out, grid, rawOut].compactMap(\.self) { try Terminal.result(path) }
    if let hash, !running.quiet { Terminal.note("images sha256 \(hash)") }
  }

  /// Opens the checkpoint, or starts the generator.
  private func source(_ given: GivenNoise?) throws -> SampleSource {
    if let ckpt {
      return .checkpoint(
        try Generator(
          CheckpointRequest(
            path: ckpt, key: sampling.checkpointKey, backbone: sampling.backbone.request,
            decoder: try decoding.request(), sampling: sampling.request),
          precision: arithmetic.precision,
          given: given))
    }
    var request = GeneratorRequest(
      command: try generator.words() ?? [], seed: sampling.seed, labels: sampling.labels,
      decoder: try decoding.request(), quantizer: (sampling.givenQuantizer ?? .dit).rawValue)
    request.settings = sampling.settings(hasDecoder: decoding.decoder != nil, preset: nil)
    return .program(
      try GeneratorProgram(
        request, processes: generator.running.generatorCount,
        timeout: .seconds(generator.running.generatorTimeout), reporter: running.reporter))
  }

  /// What was written.
  private struct Document: Encodable {
    let out: String?
    let grid: String?
    let rawOut: String?
    let num: Int
    let samplesSha256: String?
  }
}
