#ifndef DIS_MAMBA_H
#define DIS_MAMBA_H
#include <stddef.h>
#endif
