// swift-tools-version: 6.2
import PackageDescription

/// Programs that use the libraries as any other package does: only what is public, by `import DisEval`,
/// `import Reporting` or `import GenerativeMetrics` alone. `scripts/test-library` builds and runs them.
let programs = [
  "Folders", "Judging", "OneEvaluation", "OwnExtractor", "ReadResult", "Samples", "SquareRoots",
  "Statistics", "Streaming",
]

let package = Package(
  name: "LibraryUse",
  dependencies: [.package(name: "dis-eval", path: "../..")],
  targets: programs.map { name in
    .executableTarget(
      name: name,
      dependencies: ["DisEval", "GenerativeMetrics", "Reporting"].map {
        .product(name: $0, package: "dis-eval")
      },
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
      ])
  })
