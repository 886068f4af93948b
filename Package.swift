// swift-tools-version: 6.2
import PackageDescription

/// Settings shared by every Swift target. None of them is an unsafe flag, so the libraries stay
/// usable as a versioned dependency.
let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "dis-eval",
  products: [
    .library(name: "DisEval", targets: ["DisEval"]),
    .library(name: "GenerativeMetrics", targets: ["GenerativeMetrics"]),
    .library(name: "Reporting", targets: ["Reporting"]),
    .executable(name: "dis-eval", targets: ["dis-eval"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "3.12.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.30.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    // MARK: Row 0 - system libraries and C
    .systemLibrary(
      name: "CLAPACK", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
    .systemLibrary(
      name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),
    .target(name: "CImageCodecs", dependencies: ["CDeflate", "CJPEG", "CPNG"]),

    // MARK: Row 1 - files and tensors
    .target(
      name: "Files", dependencies: [.product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: swiftSettings),
    .target(name: "Tensors", dependencies: ["CKernels", "CLAPACK"], swiftSettings: swiftSettings),

    // MARK: Row 2 - untrusted bytes, and how work is done
    .target(
      name: "Checkpoints",
      dependencies: [
        "CZlib", "Files", "Tensors",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["TensorFlow/graph.proto"], swiftSettings: swiftSettings),
    .target(
      name: "Work", dependencies: ["CKernels", "CLAPACK", "Files", "Tensors"],
      swiftSettings: swiftSettings),

    // MARK: Row 3 - images, networks, samplers, metrics
    .target(
      name: "Images",
      dependencies: ["CImageCodecs", "CWebP", "CZlib", "Checkpoints", "Files", "Tensors"],
      swiftSettings: swiftSettings),
    .target(
      name: "Backbones", dependencies: ["Checkpoints", "Diffusion", "Files", "Tensors"],
      swiftSettings: swiftSettings),
    .target(
      name: "Autoencoder", dependencies: ["Checkpoints", "Files", "Tensors"],
      swiftSettings: swiftSettings),
    .target(name: "Diffusion", dependencies: ["Files", "Tensors"], swiftSettings: swiftSettings),
    .target(name: "GenerativeMetrics", dependencies: ["Tensors"], swiftSettings: swiftSettings),

    // MARK: Row 4 - features, and the documents that are written and read back
    .target(
      name: "FeatureExtractors",
      dependencies: ["Backbones", "Checkpoints", "Files", "Images", "Tensors"],
      swiftSettings: swiftSettings),
    .target(
      name: "Results",
      dependencies: [
        "Checkpoints", "Files", "GenerativeMetrics", "Tensors",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: [
        .embedInCode("Schemas/baseline.schema.json"), .embedInCode("Schemas/benchmark.schema.json"),
        .embedInCode("Schemas/comparison.schema.json"),
        .embedInCode("Schemas/extractors.schema.json"), .embedInCode("Schemas/gate.schema.json"),
        .embedInCode("Schemas/generator.schema.json"),
        .embedInCode("Schemas/ledger.schema.json"), .embedInCode("Schemas/plot.schema.json"),
        .embedInCode("Schemas/policy.schema.json"),
        .embedInCode("Schemas/recipe-comparison.schema.json"),
        .embedInCode("Schemas/reconstruction.schema.json"),
        .embedInCode("Schemas/repeats.schema.json"),
        .embedInCode("Schemas/rerun.schema.json"), .embedInCode("Schemas/result.schema.json"),
        .embedInCode("Schemas/sweep.schema.json"),
      ], swiftSettings: swiftSettings),

    // MARK: Row 5 - what is judged, and what it is compared with
    .target(
      name: "Sampling",
      dependencies: [
        "Autoencoder", "Backbones", "Checkpoints", "Diffusion", "Files", "Images", "Results",
        "Tensors", "Work", .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: swiftSettings),
    .target(
      name: "References",
      dependencies: [
        "Checkpoints", "FeatureExtractors", "Files", "GenerativeMetrics", "Images", "Results",
        "Tensors", "Work", .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: [.embedInCode("Resources/registry.json")], swiftSettings: swiftSettings),

    // MARK: Row 6 - programs that make samples, and the features of images
    .target(
      name: "Generators",
      dependencies: [
        "Checkpoints", "Diffusion", "Files", "Images", "Results", "Sampling", "Tensors", "Work",
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: swiftSettings),
    .target(
      name: "Features",
      dependencies: [
        "Checkpoints", "FeatureExtractors", "Files", "GenerativeMetrics", "Images", "References",
        "Results", "Tensors", "Work", .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: swiftSettings),

    // MARK: Row 7 - samples that are kept, so that work can stop and be shared
    .target(
      name: "Runs",
      dependencies: [
        "Checkpoints", "Diffusion", "FeatureExtractors", "Features", "Files", "Generators",
        "Images", "References", "Results", "Sampling", "Tensors", "Work",
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: swiftSettings),

    // MARK: Row 8 - evaluations, and what is said of their results
    .target(
      name: "DisEval",
      dependencies: [
        "Autoencoder", "Backbones", "CKernels", "Checkpoints", "Diffusion", "FeatureExtractors",
        "Features", "Files", "GenerativeMetrics", "Generators", "Images", "References", "Results",
        "Runs", "Sampling", "Tensors", "Work", .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: swiftSettings),
    .target(
      name: "Reporting",
      dependencies: [
        "Files", "GenerativeMetrics", "Results", "Tensors",
        .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "Yams", package: "Yams"),
      ],
      resources: [
        .embedInCode("Page/Templates/cell.mustache"), .embedInCode("Page/Templates/page.mustache"),
        .embedInCode("Page/Templates/picture.mustache"),
        .embedInCode("Page/Templates/table.mustache"),
      ], swiftSettings: swiftSettings),

    // MARK: Row 9 - the command line
    .executableTarget(
      name: "dis-eval",
      dependencies: [
        "Checkpoints", "DisEval", "Files", "GenerativeMetrics", "Generators", "Images",
        "References",
        "Reporting", "Results", "Sampling", "Tensors", "Work",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),

    // MARK: Programs of scripts
    .executableTarget(
      name: "simulations", dependencies: ["Checkpoints", "GenerativeMetrics"],
      path: "scripts/simulations.d", exclude: ["command.py", "damage.py", "demo"],
      swiftSettings: swiftSettings),

    // MARK: Tests
    .target(
      name: "_TestSupport",
      dependencies: ["Checkpoints", "Files", "GenerativeMetrics", "Results", "Tensors"],
      path: "Tests/_TestSupport", swiftSettings: swiftSettings),
    .testTarget(
      name: "TensorsTests", dependencies: ["CKernels", "Tensors", "_TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CheckpointsTests",
      dependencies: ["CZlib", "Checkpoints", "Files", "Tensors", "_TestSupport"],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "ImagesTests",
      dependencies: [
        "CImageCodecs", "CZlib", "Checkpoints", "Files", "Images", "Tensors", "_TestSupport",
      ],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "FeatureExtractorsTests",
      dependencies: [
        "Checkpoints", "FeatureExtractors", "Files", "Images", "Tensors", "_TestSupport",
      ],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "BackbonesTests",
      dependencies: ["Backbones", "Checkpoints", "Diffusion", "Files", "Tensors", "_TestSupport"],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "AutoencoderTests",
      dependencies: ["Autoencoder", "Checkpoints", "Files", "Tensors", "_TestSupport"],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "DiffusionTests",
      dependencies: ["Backbones", "Checkpoints", "Diffusion", "Files", "Tensors", "_TestSupport"],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "GenerativeMetricsTests",
      dependencies: ["GenerativeMetrics", "Checkpoints", "Tensors", "_TestSupport"],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "GeneratorsTests",
      dependencies: [
        "Diffusion", "Files", "Generators", "Results", "Sampling", "_TestSupport",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "DisEvalTests",
      dependencies: [
        "Backbones", "Checkpoints", "Diffusion", "DisEval", "FeatureExtractors", "Features",
        "Files", "GenerativeMetrics", "Generators", "Images", "References", "Results", "Runs",
        "Sampling",
        "Tensors", "Work", "_TestSupport", .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "ReportingTests",
      dependencies: ["Files", "GenerativeMetrics", "Reporting", "Results", "_TestSupport"],
      resources: [.copy("Fixtures")],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "dis-eval", "Autoencoder", "Checkpoints", "DisEval", "FeatureExtractors",
        "Files", "GenerativeMetrics", "Generators", "Images", "References", "Reporting", "Results",
        "Sampling", "Tensors", "Work", "_TestSupport", .product(name: "Yams", package: "Yams"),
      ],
      exclude: ["Fixtures"],
      // Without optimisation it compiles in half the time, and it mostly waits for programs.
      swiftSettings: swiftSettings + [.unsafeFlags(["-Onone"])]),
    .testTarget(
      name: "FuzzReadersTests",
      dependencies: [
        "Checkpoints", "DisEval", "FeatureExtractors", "Features", "Files", "Generators", "Images",
        "References", "Reporting", "Results", "Runs", "Sampling", "Tensors", "Work",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      path: "scripts/robustness.d/fuzz/Fuzz", exclude: ["Main.swift"],
      swiftSettings: swiftSettings),
  ]
)
