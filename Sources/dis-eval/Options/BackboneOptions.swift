import ArgumentParser
import DisEval
import Files

extension BackboneFamily: ExpressibleByArgument {}
extension UViTObjective: ExpressibleByArgument {}
extension FlowPath: ExpressibleByArgument {}
extension FlowPrediction: ExpressibleByArgument {}

/// What a checkpoint is, as far as its content does not decide.
struct BackboneOptions: ParsableArguments {
  @Option(
    help: """
      The family of the checkpoint, where its tensors do not decide: DiT and SiT have the same. \
      repa is a SiT whose time runs the other way.
      """)
  var backbone: BackboneFamily?

  @Option(
    help: """
      The process of a U-ViT: vp in continuous time, or sd of Stable Diffusion. Needed for latents: \
      the published L is vp, H is sd. (default for pixels: vp)
      """)
  var objective: UViTObjective?

  @Option(help: "The path of a SiT. (default: that in the file, or linear)")
  var path: FlowPath?

  @Option(help: "What a SiT predicts. (default: that in the file, or velocity)")
  var flowPrediction: FlowPrediction?

  @Option(
    help: ArgumentHelp(
      "Number of attention heads. (default: 16 for width 1152, otherwise the width / 64)",
      valueName: "n"))
  var heads: Int?

  @Option(
    help: ArgumentHelp(
      "The label of a U-ViT that stands for no class, which is its last. (default: 1000 of 1001)",
      valueName: "label"))
  var nullClass: Int?

  @Flag(help: "No label of a U-ViT stands for no class, so that nothing is guided.")
  var noNullClass = false

  func validate() throws {
    if nullClass != nil, noNullClass {
      throw ValidationError(
        "--null-class and --no-null-class exclude each other; give one of them.")
    }
  }

  /// The request with these options; nil if none is given.
  var request: BackboneRequest? {
    var request = BackboneRequest()
    (request.family, request.objective) = (backbone?.rawValue, objective?.rawValue)
    (request.path, request.flowPrediction) = (path?.rawValue, flowPrediction?.rawValue)
    (request.heads, request.nullClass) = (heads, nullClass)
    if noNullClass { request.noNullClass = true }
    return request == BackboneRequest() ? nil : request
  }
}
