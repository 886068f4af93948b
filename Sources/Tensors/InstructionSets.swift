import CKernels

/// The instruction sets that kernels are written for, on whatever processor.
package let knownInstructionSets = (0..<UInt32(DIS_INSTRUCTION_SETS)).map { dis_instructions($0) }

extension dis_instructions {
  /// What it is called: `scalar`, `avx2`, `avx512`, `neon`.
  package var name: String { String(cString: dis_instructions_name(self)) }

  /// Whether this processor has it.
  package var isAvailable: Bool { dis_instructions_available(self) != 0 }
}

/// The instruction set that the kernels run on, for provenance: a result is reproducible to the
/// bit only on the same one.
package var kernelInstructionSet: String { dis_instructions_in_use().name }

/// The instruction set that multiplies in bfloat16.
package var bfloat16InstructionSet: String {
  dis_bfloat16_instructions(dis_instructions_in_use()).name
}
