// Scores samples while they are drawn: Samples CHECKPOINT STATISTICS
import DisEval

var settings = SamplingSettings()
settings.sampler = .dpmSolver
settings.respacing = try settings.sampler.respacing(steps: 2)
let generator = try Generator(checkpoint: CommandLine.arguments[1], settings: settings)
let reference = try ReferenceStatistics(path: CommandLine.arguments[2])
let images = try await ImageAccumulator(for: reference).accumulating(generator.images(0..<50))
print(try await images.result(against: .statistics(reference)).metrics[.fid]?.value ?? .nan)
print("sample 17 alone:", try generator.image(at: 17).pixels.prefix(4))
