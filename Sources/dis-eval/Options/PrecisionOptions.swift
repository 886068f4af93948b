import ArgumentParser
import Tensors

extension Precision: ExpressibleByArgument {}

/// The number format of the networks' matrix products.
struct PrecisionOptions: ParsableArguments {
  @Option(
    help: """
      Number format of products in Inception and DiS. bf16 changes the results, which record it.
      """)
  var precision = Precision.float32
}
