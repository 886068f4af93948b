/// What is known of the training of a checkpoint.
public struct TrainingFacts: Codable, Equatable, Sendable {
  /// Optimiser steps.
  public var step: Int?
  /// Where the step is from: `list`, `file name`, or `checkpoint` and a key.
  public var stepFrom: String?
  /// Images of one step.
  public var batch: Int?
  /// Images seen.
  public var images: Int?
  /// Billions of operations, three forward passes for each image: a backward pass takes two.
  public var gflops: Double?
  /// What it was trained on.
  public var data: String?

  /// Notes what is known.
  public init(
    step: Int? = nil, stepFrom: String? = nil, batch: Int? = nil, images: Int? = nil,
    data: String? = nil
  ) {
    (self.step, self.stepFrom, self.batch, self.images) = (step, stepFrom, batch, images)
    self.data = data
  }

  /// With what follows from the rest.
  package func completed(forwardGflops: Double?) -> TrainingFacts {
    var facts = self
    if facts.images == nil, let step, let batch {
      let (product, overflow) = step.multipliedReportingOverflow(by: batch)
      facts.images = overflow ? nil : product
    }
    if let images = facts.images, let forwardGflops {
      facts.gflops = 3 * forwardGflops * Double(images)
    }
    return facts
  }
}
