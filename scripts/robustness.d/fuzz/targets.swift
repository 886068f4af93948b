// MARK: - Fuzzing

// scripts/fuzz appends this file to the manifest of the repository and builds the result in a folder
// of its own. Its flags are unsafe, so that no package could depend on one that has them.

/// What the compiler adds to the code of a target: the branches taken, for libFuzzer, and checks of
/// memory. Of several flags the compiler takes the last alone.
let instrumentation = ["-sanitize=fuzzer,address"]

// The command line, the simulations and the tests have no readers of their own.
package.products = []
package.targets.removeAll { target in
  target.type == .test || ["dis-eval", "simulations", "_TestSupport"].contains(target.name)
}
for target in package.targets where target.type == .regular {
  if ["CKernels", "CImageCodecs"].contains(target.name) {
    target.cSettings = [
      .unsafeFlags([
        "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=undefined",
      ])
    ]
  } else {
    target.swiftSettings = swiftSettings + [.unsafeFlags(instrumentation)]
  }
}
package.targets += [
  .target(name: "CLibFuzzer", path: "Fuzzing/CLibFuzzer"),
  .executableTarget(
    name: "fuzz-readers",
    dependencies: [
      "CLibFuzzer", "Checkpoints", "DisEval", "FeatureExtractors", "Features", "Files",
      "Generators", "Images", "References", "Reporting", "Results", "Runs", "Sampling", "Tensors",
      "Work",
    ],
    path: "Fuzzing/Fuzz", exclude: ["SeedTests.swift"],
    swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"] + instrumentation)],
    linkerSettings: [.unsafeFlags(instrumentation + ["-use-ld=lld"])]),
]
