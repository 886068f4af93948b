#ifndef DIS_MEMORY_H
#define DIS_MEMORY_H

/// Makes the process keep freed blocks of up to 32 MiB, 256 MiB in total, if the C library supports
/// it.
///
/// Intermediate results are megabytes that are allocated and freed all the time. If they are
/// returned to the system and requested again each time, the system clears them page by page. This
/// takes 7 % of the time of a forward pass of DiS, and a fifth of it with 4,097 tokens.
void dis_keep_freed_memory(void);

#endif
