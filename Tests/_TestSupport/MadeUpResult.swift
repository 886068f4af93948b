/// A made-up result as JSON, whole but for what a test changes in it.
package struct MadeUpResult {
  /// The metrics by name, each as JSON.
  package var metrics: [String: String]
  package var seed: UInt64 = 0
  package var schema = "dis-eval-result/1"
  /// Texts of the provenance and what they are replaced with.
  package var changes: [(old: String, new: String)] = []

  package init(_ metrics: [String: String], seed: UInt64 = 0) {
    (self.metrics, self.seed) = (metrics, seed)
  }

  /// The document.
  package var json: String {
    let list = metrics.sorted { $0.key < $1.key }.map { "\"\($0)\": \($1)" }
    var provenance = Self.provenance.replacing("SEED", with: "\(seed)")
    for (old, new) in changes { provenance = provenance.replacing(old, with: new) }
    return """
      {"schema": "\(schema)", "metrics": {\(list.joined(separator: ", "))},
       "skipped": {"kid": "no rows"}, "provenance": \(provenance), "samples_sha256": null,
       "run": {"arguments": ["fid", "--ckpt", "it's"], "threads": 1, "batch": 1, "seconds": 2.5,
               "started": "2026-01-02T03:04:05Z", "host": "h"}}
      """
  }

  private static let provenance = """
    {"dialect": "tf", "num": 50000, "tool": "dis-eval 0", "kernels": "k", "warnings": ["careful"],
     "checkpoint": {"file": "c.pt", "sha256": "ck", "format": "torch",
       "model": {"variant": "custom", "embed_dim": 8, "depth": 2, "patch_size": 2, "channels": 3,
                 "image_side": 8, "learn_sigma": false, "skip": true, "gflops": 0.25}},
     "extractor": {"name": "inception-2015", "file": "a.pth", "sha256": "e1", "dimension": 2048},
     "reference": {"file": "r.npz", "sha256": "r1", "count": 9, "dialect": "tf"},
     "sampler": {"name": "ddim", "prediction": "epsilon", "respacing": "50", "steps": 50,
                 "evaluations": 50, "eta": 0, "cfg_interval": null, "cfg_scale": 1.5,
                 "cfg_channels": "all", "clip": false, "seed": SEED, "stream": "s1",
                 "labels": "uniform", "quantizer": "dit"}}
    """
}
