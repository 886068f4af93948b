import ArgumentParser
import DisEval
import Generators

/// How a generator runs.
struct GeneratorRunOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Number of processes of the generator, for example one for each GPU.", valueName: "n"))
  var generatorCount = 1

  @Option(
    help: ArgumentHelp(
      "The longest time until the generator answers, in seconds.", valueName: "seconds"))
  var generatorTimeout = 3600.0

  func validate() throws {
    guard (1...1024).contains(generatorCount) else {
      throw ValidationError("--generator-count \(generatorCount): expected 1 to 1024.")
    }
    guard (0.1...1e6).contains(generatorTimeout) else {
      throw ValidationError(
        "--generator-timeout \(generatorTimeout): expected 0.1 to 1000000 seconds.")
    }
  }

  /// Whether all options have their defaults.
  var isUntouched: Bool { generatorCount == 1 && generatorTimeout == 3600 }

  /// Adds these options to the way in which an evaluation is carried out.
  func apply(to execution: inout Execution) {
    execution.generatorCount = generatorCount
    execution.generatorTimeout = .seconds(generatorTimeout)
  }
}

/// A program that makes the samples.
struct GeneratorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A program that makes the samples, with its arguments: it is started and asked for them. See "
        + "docs/generators.md.", valueName: "command"))
  var generator: String?

  @OptionGroup var running: GeneratorRunOptions

  func validate() throws {
    guard generator != nil || running.isUntouched else {
      throw ValidationError("--generator-count and --generator-timeout need --generator.")
    }
  }

  /// The words of the command; nil if there is none.
  ///
  /// - Throws: `Failure` `InvalidCommand` (64) if the command cannot be split into words.
  func words() throws -> [String]? { try generator.map { try commandWords($0) } }
}
