/// What is known about the training of a checkpoint.
public struct TrainingFacts: Codable, Equatable, Sendable {
  /// The number of optimiser steps.
  public var step: Int?
  /// The source of the step: `list`, `file name`, or `checkpoint` and a key.
  public var stepFrom: String?
  /// The number of images per step.
  public var batch: Int?
  /// The number of images seen.
  public var images: Int?
  /// Billions of operations, counted as three forward passes per image because a backward pass
  /// takes two.
  public var gflops: Double?
  /// The name of the training data.
  public var data: String?

  /// Creates a record of what is known; nil for what is not.
  ///
  /// - Parameters:
  ///   - step: The number of optimiser steps.
  ///   - stepFrom: The source of the step: `list`, `file name`, or `checkpoint` and a key.
  ///   - batch: The number of images per step.
  ///   - images: The number of images seen.
  ///   - data: The name of the training data.
  public init(
    step: Int? = nil, stepFrom: String? = nil, batch: Int? = nil, images: Int? = nil,
    data: String? = nil
  ) {
    (self.step, self.stepFrom, self.batch, self.images) = (step, stepFrom, batch, images)
    self.data = data
  }

  /// Returns the facts, completed with those that follow from them.
  ///
  /// - Parameter forwardGflops: Billions of operations of one forward pass of one image; nil if
  ///   unknown.
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
