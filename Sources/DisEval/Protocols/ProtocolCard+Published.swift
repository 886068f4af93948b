import GenerativeMetrics
import References
import Results

extension ProtocolCard {
  /// All cards: those of the presets, then those of models that cannot be sampled here.
  public static let all: [ProtocolCard] = Preset.all.map(ProtocolCard.init) + elsewhere

  /// The cards without a preset.
  public static let elsewhere: [ProtocolCard] = guidedDiffusion + edm

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
