// hypot and hypotf of glibc 2.35 differ from earlier ones in how they report errors, and therefore have new
// versions, which programs need if they were linked with a later glibc. Swift's Foundation calls them for
// CGFloat; dis-eval does not. These definitions take their place and call the versions of 1999.
.symver earlier_hypot, hypot@GLIBC_2.2.5
.symver earlier_hypotf, hypotf@GLIBC_2.2.5
.text
// Hidden, or the dynamic linker would take these for the earlier versions.
.globl hypot, hypotf
.hidden hypot, hypotf
.type hypot, @function
.type hypotf, @function
hypot: jmp earlier_hypot@PLT
.size hypot, . - hypot
hypotf: jmp earlier_hypotf@PLT
.size hypotf, . - hypotf
.section .note.GNU-stack, "", @progbits
