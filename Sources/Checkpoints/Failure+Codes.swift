import Files

extension Failure.Code {
  /// An archive lacks an array.
  public static let arrayMissing = Failure.Code("ArrayMissing")
  /// A file has no state dict of that name, or several from which one must be chosen.
  public static let checkpointKeyMissing = Failure.Code("CheckpointKeyMissing")
  /// Tensors are missing, unexpected, or of the wrong shape.
  public static let checkpointMismatch = Failure.Code("CheckpointMismatch")
  /// An entry of a zip archive does not have its checksum.
  public static let crcMismatch = Failure.Code("CRCMismatch")
  /// A tensor has an element type that is not read.
  public static let dtypeUnsupported = Failure.Code("DtypeUnsupported")
  /// A zip archive has two entries of one name.
  public static let duplicateEntry = Failure.Code("DuplicateEntry")
  /// A key occurs twice.
  public static let duplicateKey = Failure.Code("DuplicateKey")
  /// A TensorFlow graph exceeds a limit.
  public static let graphLimit = Failure.Code("GraphLimit")
  /// A TensorFlow graph does not follow its format.
  public static let graphMalformed = Failure.Code("GraphMalformed")
  /// A TensorFlow graph is not the expected one.
  public static let graphMismatch = Failure.Code("GraphMismatch")
  /// A file was changed while it was read.
  public static let inputChanged = Failure.Code("InputChanged")
  /// A checkpoint is in the tar format of early PyTorch.
  public static let legacyTar = Failure.Code("LegacyTar")
  /// The two headers of a zip entry contradict each other.
  public static let localHeaderMismatch = Failure.Code("LocalHeaderMismatch")
  /// Some tensors of a state dict have the prefix of a wrapper and others do not.
  public static let modulePrefix = Failure.Code("ModulePrefix")
  /// Weights are NaN or infinite.
  public static let nonFiniteWeights = Failure.Code("NonFiniteWeights")
  /// A file is not in a format that checkpoints have.
  public static let notACheckpoint = Failure.Code("NotACheckpoint")
  /// A file is not a pickle.
  public static let notAPickle = Failure.Code("NotAPickle")
  /// A value of a checkpoint is not a state dict.
  public static let notAStateDict = Failure.Code("NotAStateDict")
  /// A value of a state dict is not a tensor.
  public static let notATensor = Failure.Code("NotATensor")
  /// An array that must hold integers holds other numbers.
  public static let notIntegral = Failure.Code("NotIntegral")
  /// A `.npy` file exceeds a limit.
  public static let npyLimit = Failure.Code("NpyLimit")
  /// A `.npy` file does not follow its format.
  public static let npyMalformed = Failure.Code("NpyMalformed")
  /// A `.npy` file has elements that are not read.
  public static let npyUnsupported = Failure.Code("NpyUnsupported")
  /// A pickle refers to storage in an unknown way.
  public static let persistentId = Failure.Code("PersistentId")
  /// A pickled value contains itself.
  public static let pickleCycle = Failure.Code("PickleCycle")
  /// A pickle calls something that a state dict does not need.
  public static let pickleForbidden = Failure.Code("PickleForbidden")
  /// A pickle exceeds a limit.
  public static let pickleLimit = Failure.Code("PickleLimit")
  /// A pickle does not follow its format.
  public static let pickleMalformed = Failure.Code("PickleMalformed")
  /// Bytes follow the end of a pickle.
  public static let pickleTrailing = Failure.Code("PickleTrailing")
  /// A safetensors file exceeds a limit.
  public static let safetensorsLimit = Failure.Code("SafetensorsLimit")
  /// A safetensors file does not follow its format.
  public static let safetensorsMalformed = Failure.Code("SafetensorsMalformed")
  /// A tensor or array does not have the expected shape.
  public static let shapeMismatch = Failure.Code("ShapeMismatch")
  /// Two tensors read one storage as different types.
  public static let storageDtypeConflict = Failure.Code("StorageDtypeConflict")
  /// A tensor reaches beyond its storage, or its description contradicts itself.
  public static let tensorInvalid = Failure.Code("TensorInvalid")
  /// A state dict lacks a tensor.
  public static let tensorMissing = Failure.Code("TensorMissing")
  /// A file has bytes that no tensor and no header accounts for.
  public static let unaccountedBytes = Failure.Code("UnaccountedBytes")
  /// A file is in no format that is recognized.
  public static let unknownContainer = Failure.Code("UnknownContainer")
  /// A file has a version that is not read.
  public static let versionUnsupported = Failure.Code("VersionUnsupported")
  /// A zip entry announces 64-bit sizes and does not give them.
  public static let zip64Missing = Failure.Code("Zip64Missing")
  /// An entry of a zip archive is encrypted.
  public static let zipEncrypted = Failure.Code("ZipEncrypted")
  /// A zip archive exceeds a limit.
  public static let zipLimit = Failure.Code("ZipLimit")
  /// A zip archive does not follow its format.
  public static let zipMalformed = Failure.Code("ZipMalformed")
  /// An entry of a zip archive is compressed by a method that is not read.
  public static let zipMethodUnsupported = Failure.Code("ZipMethodUnsupported")
  /// An entry of a zip archive has a name that is not accepted.
  public static let zipName = Failure.Code("ZipName")
  /// Entries of a zip archive overlap.
  public static let zipOverlap = Failure.Code("ZipOverlap")
  /// The entries of a PyTorch archive are not in one folder.
  public static let zipRoot = Failure.Code("ZipRoot")
  /// A zip archive is incomplete.
  public static let zipTruncated = Failure.Code("ZipTruncated")
}
