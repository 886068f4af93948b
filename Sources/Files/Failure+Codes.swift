extension Failure.Code {
  /// A file is in use.
  public static let busy = Failure.Code("Busy")
  /// A file or folder cannot be created.
  public static let cannotCreate = Failure.Code("CannotCreate")
  /// The disk is full, or a limit on file sizes was reached.
  public static let diskFull = Failure.Code("DiskFull")
  /// Reading or writing failed.
  public static let inputOutput = Failure.Code("InputOutput")
  /// A file is a pointer of Git LFS instead of the content.
  public static let lfsPointer = Failure.Code("LFSPointer")
  /// Something is not a folder.
  public static let notAFolder = Failure.Code("NotAFolder")
  /// Something is not a regular file.
  public static let notARegularFile = Failure.Code("NotARegularFile")
  /// A folder is not empty.
  public static let notEmpty = Failure.Code("NotEmpty")
  /// A file or folder is not there.
  public static let notFound = Failure.Code("NotFound")
  /// The system refused memory, or the work would exceed it.
  public static let outOfMemory = Failure.Code("OutOfMemory")
  /// The system denied access.
  public static let permissionDenied = Failure.Code("PermissionDenied")
  /// A number of a request or a task is outside its range.
  public static let settingOutOfRange = Failure.Code("SettingOutOfRange")
  /// A file ends too early.
  public static let truncated = Failure.Code("Truncated")
}
