import Backbones
import Diffusion
import References
import Sampling

extension Preset {
  /// All presets: those of the DiS paper, then those of the transformers that it compares itself with.
  public static let all: [Preset] = dis + dit + sit + uvit

  // MARK: DiS

  private static let dis: [Preset] = {
    let unguided = SamplingSettings()
    // sample.py and train.py of feizc/DiS at 3da562e always guide the first three channels with
    // scale 1.5.
    let guided = settings(.ddpm, "250", scale: 1.5, .first3)
    let code =
      "250 DDPM steps as in sample.py of feizc/DiS (3da562e); scored like U-ViT, whose fid_score.py "
      + "DiS has"
    let guidedCode =
      "250 DDPM steps and guidance 1.5 of the first three channels as in sample.py of feizc/DiS "
      + "(3da562e); scored by guided-diffusion's evaluator, which the field uses for ImageNet"
    func preset(
      _ name: String, _ variant: String, _ side: Int, _ channels: Int, classes: Int?,
      _ reference: String
    ) -> Preset {
      Preset(
        name: name,
        model: Model(
          family: .dis, variant: variant, side: side, channels: channels, classes: classes),
        settings: classes == nil ? unguided : guided,
        dialect: classes == nil ? .pytorchFID : .tensorFlow, reference: reference,
        source: classes == nil ? code : guidedCode)
    }
    return [
      preset("dis-s2-cifar10", "DiS-S/2", 32, 3, classes: nil, "cifar10-uvit"),
      preset("dis-s2-celeba64", "DiS-S/2", 64, 3, classes: nil, "celeba-64-uvit"),
      preset("dis-m2-imagenet64", "DiS-M/2", 64, 3, classes: 1000, "imagenet-64-adm"),
      preset("dis-h2-imagenet256", "DiS-H/2", 32, 4, classes: 1000, "imagenet-256-adm"),
      preset("dis-h2-imagenet512", "DiS-H/2", 64, 4, classes: 1000, "imagenet-512-adm"),
    ]
  }()

  // MARK: DiT and SiT

  private static let dit: [Preset] = {
    let guided = settings(.ddpm, "250", scale: 1.5, .first3)
    let code =
      "250 DDPM steps and guidance 1.5 of the first three channels as in sample_ddp.py of "
      + "facebookresearch/DiT (ed81ce2), with the decoder ft-EMA; scored by guided-diffusion's evaluator"
    func preset(
      _ name: String, _ side: Int, _ reference: String, fid: Double, score: Double
    ) -> Preset {
      Preset(
        name: name,
        model: Model(family: .dit, variant: "DiT-XL/2", side: side, channels: 4, classes: 1000),
        settings: guided, dialect: .tensorFlow, reference: reference, source: code,
        published: Published(
          fid: fid, inceptionScore: score, source: "README of facebookresearch/DiT"))
    }
    return [
      preset("dit-xl2-imagenet256", 32, "imagenet-256-adm", fid: 2.27, score: 278.24),
      preset("dit-xl2-imagenet512", 64, "imagenet-512-adm", fid: 3.04, score: 240.82),
    ]
  }()

  private static let sit: [Preset] = {
    var aligned = settings(.flowSDE, "250", scale: 1.8, .all)
    aligned.guidanceInterval = 0...0.7
    aligned.diffusion = .linear
    aligned.quantizer = .adm
    func model(_ family: BackboneFamily) -> Model {
      Model(family: family, variant: "SiT-XL/2", side: 32, channels: 4, classes: 1000)
    }
    return [
      Preset(
        name: "sit-xl2-imagenet256", model: model(.sit),
        settings: settings(.flowSDE, "250", scale: 1.5, .first3), dialect: .tensorFlow,
        reference: "imagenet-256-adm",
        source:
          "250 steps of Euler and Maruyama with the diffusion sigma, a last step of the mean over "
          + "0.04, and guidance 1.5 of the first three channels as in sample_ddp.py of willisma/SiT "
          + "(947f95b), with the decoder ft-EMA; scored by guided-diffusion's evaluator",
        published: Published(fid: 2.06, source: "README of willisma/SiT")),
      Preset(
        name: "repa-xl2-imagenet256", model: model(.repa), settings: aligned,
        dialect: .tensorFlow, reference: "imagenet-256-adm",
        source:
          "250 steps of Euler and Maruyama and guidance 1.8 of all channels for t up to 0.7 as in "
          + "the README of sihyun-yu/REPA (67f7145); scored by guided-diffusion's evaluator",
        published: Published(fid: 1.42, source: "README of sihyun-yu/REPA")),
    ]
  }()

  // MARK: U-ViT

  private static let uvit: [Preset] = {
    let pixels = settings(.vpSDE, "1000", scale: 1, .all)
    let repository = "baofff/U-ViT (ce55170)"
    let fast = "50 predictions of DPM-Solver as in train.py and train_ldm.py of \(repository)"
    let fastSD = "50 predictions of DPM-Solver++ as in train_ldm_discrete.py of \(repository)"
    let mixture =
      "; features like pytorch-fid's, compared with the statistics of guided-diffusion's TensorFlow "
      + "graph, as fid_score.py does, which is the FID of neither dialect"
    func preset(
      _ name: String, _ variant: String, _ side: Int, _ channels: Int, classes: Int?,
      objective: UViTObjective = .vp, _ settings: SamplingSettings, _ reference: String,
      source: String, fid: Double
    ) -> Preset {
      let isMixed = classes != nil
      var backbone = BackboneChoices()
      if channels == 4 { backbone.objective = objective }
      return Preset(
        name: name,
        model: Model(
          family: .uvit, variant: variant, side: side, channels: channels, classes: classes),
        settings: settings, dialect: .pytorchFID,
        referenceDialect: isMixed ? .tensorFlow : .pytorchFID, reference: reference,
        source: source + (isMixed ? mixture : ""), backbone: backbone,
        published: Published(fid: fid, source: "README of baofff/U-ViT"),
        // Of these, only the pixels of ImageNet have labels drawn otherwise.
        labels: channels == 3 && classes != nil ? .drawnByFrequency : nil)
    }
    func guided(_ sampler: SamplerName, _ scale: Double) -> SamplingSettings {
      // The original's scale is the distance from the conditional prediction, one less.
      Self.settings(sampler, "50", scale: scale, .all)
    }
    let unguided = settings(.dpmSolverFast, "50", scale: 1, .all)
    let pixelCode = "1000 steps of Euler and Maruyama as in train.py of \(repository)"
    let frequency =
      fast + ", but with uniform labels where the original draws them by the frequency of the class"
    return [
      preset(
        "uvit-s2-cifar10", "U-ViT-S/2", 32, 3, classes: nil, pixels, "cifar10-uvit",
        source: pixelCode, fid: 3.11),
      preset(
        "uvit-s4-celeba64", "U-ViT-S/4", 64, 3, classes: nil, pixels, "celeba-64-uvit",
        source: pixelCode, fid: 2.87),
      preset(
        "uvit-m4-imagenet64", "U-ViT-M/4", 64, 3, classes: 1000, unguided, "imagenet-64-adm",
        source: frequency, fid: 5.85),
      preset(
        "uvit-l4-imagenet64", "U-ViT-L/4", 64, 3, classes: 1000, unguided, "imagenet-64-adm",
        source: frequency, fid: 4.26),
      preset(
        "uvit-l2-imagenet256", "U-ViT-L/2", 32, 4, classes: 1000, guided(.dpmSolverFast, 1.4),
        "imagenet-256-adm", source: fast, fid: 3.40),
      preset(
        "uvit-l4-imagenet512", "U-ViT-L/4", 64, 4, classes: 1000, guided(.dpmSolverFast, 1.7),
        "imagenet-512-adm", source: fast, fid: 4.67),
      preset(
        "uvit-h2-imagenet256", "U-ViT-H/2", 32, 4, classes: 1000, objective: .sd,
        guided(.dpmSolverPlusPlusFast, 1.4), "imagenet-256-adm", source: fastSD, fid: 2.29),
      preset(
        "uvit-h4-imagenet512", "U-ViT-H/4", 64, 4, classes: 1000, objective: .sd,
        guided(.dpmSolverPlusPlusFast, 1.7), "imagenet-512-adm", source: fastSD, fid: 4.05),
    ]
  }()

  private static func settings(
    _ sampler: SamplerName, _ steps: String, scale: Double, _ channels: GuidedChannels
  ) -> SamplingSettings {
    var settings = SamplingSettings()
    settings.sampler = sampler
    settings.guidanceScale = scale
    settings.guidedChannels = channels
    do {
      settings.respacing = try Respacing(steps)
    } catch {
      preconditionFailure("\(steps) steps")
    }
    return settings
  }
}
