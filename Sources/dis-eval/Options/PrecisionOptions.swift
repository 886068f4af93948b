import ArgumentParser
import Tensors

extension Precision: ExpressibleByArgument {}

/// What networks multiply.
struct PrecisionOptions: ParsableArguments {
  @Option(
    help: """
      What Inception and DiS multiply. With bf16 numbers are others, by about what PyTorch's autocast \
      makes of them, and the result says so.
      """)
  var precision = Precision.float32
}
