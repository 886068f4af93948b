import Files

extension Failure.Code {
  /// All samples of a unit are of one colour.
  public static let constantImage = Failure.Code("ConstantImage")
  /// The work was stopped; what is done is kept.
  public static let interrupted = Failure.Code("Interrupted")
  /// A run was begun with different instructions.
  public static let kernelMismatch = Failure.Code("KernelMismatch")
  /// A folder does not hold a run.
  public static let notARun = Failure.Code("NotARun")
  /// A folder holds a run with different settings.
  public static let otherConfiguration = Failure.Code("OtherConfiguration")
  /// The record of a run is damaged.
  public static let runDamaged = Failure.Code("RunDamaged")
  /// The disk has too little free space for the work.
  public static let tooLittleDisk = Failure.Code("TooLittleDisk")
  /// The machine has too little memory for the work.
  public static let tooLittleMemory = Failure.Code("TooLittleMemory")
  /// A unit of a run is damaged.
  public static let unitDamaged = Failure.Code("UnitDamaged")
  /// Two processes computed different bytes for the same samples.
  public static let unitDiffers = Failure.Code("UnitDiffers")
}
