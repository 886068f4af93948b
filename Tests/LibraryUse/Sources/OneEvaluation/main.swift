// Evaluates the network once: OneEvaluation CHECKPOINT
import DisEval

let generator = try Generator(checkpoint: CommandLine.arguments[1])
let noise = try generator.noise(at: 17)
let label = try generator.label(at: 17)
let prediction = try generator.prediction(noise, time: 999, label: label)
print("x_T", generator.sampleShape, "class", label.map(String.init) ?? "none")
let error = zip(noise, prediction).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
print("prediction", generator.predictionShape, "squared error", error / Float(noise.count))
