import CKernels

/// The instruction sets that have kernels, whether or not this processor supports them.
package let knownInstructionSets = (0..<UInt32(DIS_INSTRUCTION_SETS)).map { dis_instructions($0) }

extension dis_instructions {
  /// The name of the instruction set: `scalar`, `avx2`, `avx512` or `neon`.
  package var name: String { String(cString: dis_instructions_name(self)) }

  /// Whether this processor supports the instruction set.
  package var isAvailable: Bool { dis_instructions_available(self) != 0 }
}

/// The name of the instruction set that the kernels use, for provenance. A result is reproducible
/// to the bit only with the same one.
package var kernelInstructionSet: String { dis_instructions_in_use().name }

/// The name of the instruction set that multiplies in bfloat16.
package var bfloat16InstructionSet: String {
  dis_bfloat16_instructions(dis_instructions_in_use()).name
}
