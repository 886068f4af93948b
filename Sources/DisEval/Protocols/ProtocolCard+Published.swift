import GenerativeMetrics
import References
import Results

extension ProtocolCard {
  /// All cards: those of the presets, then those of models that cannot be sampled here.
  public static let all: [ProtocolCard] = Preset.all.map(ProtocolCard.init) + elsewhere

  /// The cards without a preset.
  public static let elsewhere: [ProtocolCard] =
    guidedDiffusion + edm + edm2 + mar + visualAutoregressive + lightningDiT + rae

  // MARK: guided-diffusion (ADM)

  private static let guidedDiffusion: [ProtocolCard] = {
    let readme = "evaluations/README.md of openai/guided-diffusion"
    let thread = "https://github.com/openai/guided-diffusion/issues/75"
    let evaluator = "scored by its evaluator"
    return [
      ProtocolCard(
        name: "adm-imagenet64", side: 64, classes: 1000, labels: .drawn,
        reference: "imagenet-64-adm", dialect: .tensorFlow,
        published: [.init(.fid, 2.6141597041162186, thread)],
        source:
          "the samples admnet_imagenet64.npz of openai/guided-diffusion (22e0df8); \(evaluator)",
        unseen: [("samples", "admnet_imagenet64.npz of guided-diffusion")]),
      ProtocolCard(
        name: "adm-g-u-imagenet256", side: 256, classes: 1000, labels: .drawn,
        reference: "imagenet-256-adm", dialect: .tensorFlow,
        published: [
          .init(.fid, 3.9425574129223264, readme), .init(.sfid, 6.140433703346162, readme),
          .init(.inceptionScore, 215.8370361328125, readme), .init(.precision, 0.8265, readme),
          .init(.recall, 0.5309, readme),
        ],
        source: "the samples admnet_guided_upsampled_imagenet256.npz of openai/guided-diffusion "
          + "(22e0df8); \(evaluator)",
        unseen: [("samples", "admnet_guided_upsampled_imagenet256.npz of guided-diffusion")]),
    ]
  }()

  // MARK: EDM

  private static let edm: [ProtocolCard] = {
    func card(
      _ name: String, _ side: Int, classes: Int?, _ reference: String, fid: Double
    ) -> ProtocolCard {
      ProtocolCard(
        name: name, side: side, classes: classes, labels: classes == nil ? .none : .drawn,
        reference: reference, dialect: .edm,
        published: [.init(.fid, fid, "README of NVlabs/edm, the lowest of three sets of images")],
        source: "fid.py of NVlabs/edm (008a4e5)",
        unseen: [
          ("model", "EDM's for this data set, with the sampler of its README"),
          (
            "seeds",
            "0 to 49999, 50000 to 99999 and 100000 to 149999; the lowest of the three distances is published"
          ),
        ])
    }
    return [
      card("edm-cifar10", 32, classes: 10, "cifar10-edm", fid: 1.79),
      card("edm-cifar10-uncond", 32, classes: nil, "cifar10-edm", fid: 1.97),
      card("edm-imagenet64", 64, classes: 1000, "imagenet-64-edm", fid: 1.36),
    ]
  }()

  // MARK: EDM2

  private static let edm2: [ProtocolCard] = {
    let code = "generate_images.py of NVlabs/edm2 (4bf8162)"
    /// `original` is the original's name of the settings, whose comment there has the distance.
    func card(
      _ name: String, _ original: String, _ side: Int, hasClasses: Bool = true,
      guidance: String = "none", length: String, fid: Double
    ) -> ProtocolCard {
      ProtocolCard(
        name: "\(name)-imagenet\(side)", side: side, classes: hasClasses ? 1000 : nil,
        labels: hasClasses ? .drawn : .none, reference: "imagenet-\(side)-edm2", dialect: .edm,
        published: [
          .init(.fid, fid, "\(code), at \(original), the lowest of several sets of images")
        ],
        source: "\(code), and calculate_metrics.py, whose FID is that of NVlabs/edm",
        unseen: [
          ("model", original), ("guidance", guidance), ("sampler", "EDM's of Heun, 32 steps"),
          ("weights", "averaged during training (EMA), of length \(length)"),
          ("seeds", "several sets of 50000; the lowest of their distances is published"),
        ])
    }
    func unguided(_ size: String, _ side: Int, _ length: String, fid: Double) -> ProtocolCard {
      card("edm2-\(size)", "edm2-img\(side)-\(size)-fid", side, length: length, fid: fid)
    }
    func guided(_ size: String, _ scale: String, _ length: String, fid: Double) -> ProtocolCard {
      card(
        "edm2-\(size)-guided", "edm2-img512-\(size)-guid-fid", 512,
        guidance: "\(scale), by the XS-sized model without classes", length: length, fid: fid)
    }
    func autoguided(
      _ size: String, _ side: Int, hasClasses: Bool = true, _ guidance: String, _ length: String,
      fid: Double
    ) -> ProtocolCard {
      let model = size + (hasClasses ? "" : "-uncond")
      return card(
        "edm2-\(model)-autoguided", "edm2-img\(side)-\(model)-autog-fid", side,
        hasClasses: hasClasses, guidance: guidance, length: length, fid: fid)
    }
    return [
      unguided("xs", 512, "0.135", fid: 3.53),
      unguided("s", 512, "0.130", fid: 2.56),
      unguided("m", 512, "0.100", fid: 2.25),
      unguided("l", 512, "0.085", fid: 2.06),
      unguided("xl", 512, "0.085", fid: 1.96),
      unguided("xxl", 512, "0.070", fid: 1.91),
      guided("xs", "1.4", "0.045", fid: 2.91),
      guided("s", "1.4", "0.025", fid: 2.23),
      guided("m", "1.2", "0.030", fid: 2.01),
      guided("l", "1.2", "0.015", fid: 1.88),
      guided("xl", "1.2", "0.020", fid: 1.85),
      guided("xxl", "1.2", "0.015", fid: 1.81),
      autoguided("s", 512, "2.1, by edm2-img512-xs-0134217-0.125", "0.070", fid: 1.34),
      autoguided("xxl", 512, "2.05, by edm2-img512-m-0268435-0.155", "0.075", fid: 1.25),
      autoguided(
        "s", 512, hasClasses: false, "2.85, by edm2-img512-xs-uncond-0134217-0.110", "0.070",
        fid: 3.86),
      unguided("s", 64, "0.075", fid: 1.58),
      unguided("m", 64, "0.060", fid: 1.43),
      unguided("l", 64, "0.040", fid: 1.33),
      unguided("xl", 64, "0.040", fid: 1.33),
      autoguided("s", 64, "1.7, by edm2-img64-xs-0134217-0.110", "0.045", fid: 1.01),
    ]
  }()

  // MARK: MAR

  private static let mar: [ProtocolCard] = {
    let readme = "README of LTH14/mar (fe470ac)"
    func card(_ size: String, scale: String, fid: Double, score: Double) -> ProtocolCard {
      ProtocolCard(
        name: "mar-\(size)-imagenet256", side: 256, classes: 1000, labels: .balanced,
        reference: "imagenet-256-adm", dialect: .torchFidelity, referenceDialect: .tensorFlow,
        published: [.init(.fid, fid, readme), .init(.inceptionScore, score, readme)],
        source: "engine_mar.py of LTH14/mar (fe470ac): features of LTH14/torch-fidelity (bfe72b9), "
          + "compared with the statistics of guided-diffusion's TensorFlow graph, of which its "
          + "adm_in256_stats.npz is a copy (https://github.com/LTH14/mar/issues/8)",
        unseen: [
          ("model", "MAR-\(size.uppercased()), 800 epochs"),
          ("guidance", "\(scale), growing linearly from 1 with the tokens that are known"),
          ("sampler", "256 iterations with 100 diffusion steps, temperature 1"),
          ("weights", "averaged during training (EMA)"),
        ])
    }
    return [
      card("b", scale: "2.9", fid: 2.31, score: 281.7),
      card("l", scale: "3.0", fid: 1.78, score: 296),
      card("h", scale: "3.2", fid: 1.55, score: 303.7),
    ]
  }()

  // MARK: VAR

  private static let visualAutoregressive: [ProtocolCard] = {
    let readme = "README of FoundationVision/VAR (78b9539)"
    func card(_ depth: Int, _ side: Int = 256, fid: Double) -> ProtocolCard {
      ProtocolCard(
        name: "var-d\(depth)-imagenet\(side)", side: side, classes: 1000, labels: .balanced,
        reference: "imagenet-\(side)-adm", dialect: .tensorFlow,
        published: [.init(.fid, fid, readme)],
        source: "\(readme), without a script for sampling; scored by guided-diffusion's evaluator",
        unseen: [
          ("model", "VAR-d\(depth)"),
          (
            "guidance",
            "1.5 beyond the logits of the class, growing linearly from 0; the paper is quoted with 2.0 "
              + "(https://github.com/FoundationVision/VAR/issues/86)"
          ),
          ("sampler", "top_p 0.96, top_k 900, without more_smooth and without rejection"),
        ])
    }
    return [
      card(16, fid: 3.55), card(20, fid: 2.95), card(24, fid: 2.33), card(30, fid: 1.97),
      card(36, 512, fid: 2.63),
    ]
  }()

  // MARK: LightningDiT

  private static let lightningDiT: [ProtocolCard] = {
    let repository = "hustvl/LightningDiT (2725fed)"
    /// The numbers are the Fréchet distance, that of spatial features, the Inception Score,
    /// precision and recall.
    func card(
      _ name: String, epochs: Int, _ numbers: [Double], guidance: (scale: String, start: String)?
    ) -> ProtocolCard {
      let titles: [MetricTitle] = [.fid, .sfid, .inceptionScore, .precision, .recall]
      let table = "images/results.png of \(repository)"
      return ProtocolCard(
        name: name, side: 256, classes: 1000, labels: .drawn, reference: "imagenet-256-adm",
        dialect: .tensorFlow,
        published: zip(titles, numbers).map { PublishedMetric($0, $1, table) },
        source: "inference.py and README of \(repository); scored by guided-diffusion's evaluator, "
          + "not by inference.py, whose FID is only for orientation",
        unseen: [
          ("model", "LightningDiT-XL/1, \(epochs) epochs, with VA-VAE"),
          (
            "guidance",
            guidance.map { "\($0.scale) of the first three channels, for t from \($0.start)" }
              ?? "none"
          ),
          (
            "sampler",
            guidance == nil
              ? "not stated; that of the guided images is Euler's, num_sampling_steps 250, shift 0.3"
              : "Euler's, num_sampling_steps 250, timestep_shift 0.3"
          ),
          ("weights", "averaged during training (EMA)"),
        ])
    }
    return [
      card(
        "lightningdit-xl1-imagenet256", epochs: 800, [2.17, 4.36, 205.6, 0.77, 0.65], guidance: nil
      ),
      card(
        "lightningdit-xl1-guided-imagenet256", epochs: 800, [1.35, 4.15, 295.3, 0.79, 0.65],
        guidance: ("6.7", "0.125")),
      card(
        "lightningdit-xl1-64ep-imagenet256", epochs: 64, [5.14, 4.22, 130.2, 0.76, 0.62],
        guidance: nil),
      card(
        "lightningdit-xl1-64ep-guided-imagenet256", epochs: 64, [2.11, 4.16, 252.3, 0.81, 0.58],
        guidance: ("10", "0.1")),
    ]
  }()

  // MARK: RAE

  private static let rae: [ProtocolCard] = {
    let repository = "bytetriper/RAE (a4d18c4)"
    func card(_ name: String, _ side: Int, guidance: String, fid: Double) -> ProtocolCard {
      ProtocolCard(
        name: "\(name)-imagenet\(side)", side: side, classes: 1000, labels: .balanced,
        reference: "imagenet-\(side)-adm", dialect: .tensorFlow,
        published: [.init(.fid, fid, "abstract of https://arxiv.org/abs/2510.11690")],
        source: "sample_ddp.py, configs/stage2/sampling and README of \(repository); scored by "
          + "guided-diffusion's evaluator",
        unseen: [
          ("model", "DiTDH-XL with the RAE of DINOv2-B"), ("guidance", guidance),
          ("sampler", "Euler's, num_steps 50, times shifted by the size of the latents"),
        ])
    }
    let small = "by the smaller DiTDH-S"
    return [
      card("rae-ditdh-xl", 256, guidance: "none", fid: 1.51),
      card("rae-ditdh-xl-autoguided", 256, guidance: "1.42, \(small), 14 epochs", fid: 1.13),
      card("rae-ditdh-xl-autoguided", 512, guidance: "1.5, \(small), 20 epochs", fid: 1.13),
    ]
  }()
}

extension PublishedMetric {
  init(_ title: MetricTitle, _ value: Double, _ source: String) {
    self.init(metric: title.rawValue, value: value, source: source)
  }
}

extension Preset.Published {
  /// The published numbers by their names in results.
  var metrics: [PublishedMetric] {
    [PublishedMetric(.fid, fid, source)]
      + (inceptionScore.map { [PublishedMetric(.inceptionScore, $0, source)] } ?? [])
  }
}
