import ArgumentParser
import Tensors

extension Precision: ExpressibleByArgument {}

/// What networks multiply.
struct PrecisionOptions: ParsableArguments {
  @Option(
    help: """
      What Inception and DiS multiply. bf16 changes results by about as much as PyTorch's autocast does, \
      and the result records it.
      """)
  var precision = Precision.float32
}
